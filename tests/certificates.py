"""A certificate of localhost that no authority has signed, for servers of tests."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


def write_certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate and its key into the folder, and return their paths.

    A process trusts it if `SSL_CERT_FILE` names it.
    """
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *subject, *files],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key
