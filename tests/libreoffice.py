"""Conversion of files by LibreOffice, where it is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

SOFFICE = shutil.which("soffice")


def convert(path: Path, extension: str) -> Path:
    """Convert a file with LibreOffice to the format of another extension, and return the new file's path."""
    folder = path.parent / f"as_{extension}"
    command = [str(SOFFICE), f"-env:UserInstallation={(path.parent / 'profile').as_uri()}", "--headless",
               "--convert-to", extension, "--outdir", str(folder), str(path)]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return folder / f"{path.stem}.{extension}"
