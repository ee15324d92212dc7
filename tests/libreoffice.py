"""Conversion of files by LibreOffice, where it is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from flask import has_app_context

from precast_app.extensions import db

SOFFICE = shutil.which("soffice")


def convert(path: Path, extension: str) -> Path:
    """Convert a file with LibreOffice to the format of another extension, and return the new file's path."""
    folder = path.parent / f"as_{extension}"
    command = [str(SOFFICE), f"-env:UserInstallation={(path.parent / 'profile').as_uri()}", "--headless",
               "--convert-to", extension, "--outdir", str(folder), str(path)]  # fmt: skip
    if has_app_context():
        # A conversion takes seconds, and PostgreSQL ends a session that keeps a transaction open for too long.
        db.session.rollback()
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return folder / f"{path.stem}.{extension}"
