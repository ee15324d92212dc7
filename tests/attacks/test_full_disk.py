"""`/readyz` reports a database whose disk is full, which can be read but not written."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from devstack import postgres
from precast_app import create_app
from precast_app.extensions import db
from tests.conftest import ROOT
from tests.faults.scene import until

DISK_BYTES = 160 * 1024**2


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a small file system in memory."""
    mounted = tmp_path / "disk"
    mounted.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", mounted], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"file systems can't be mounted here: {done.stderr.strip()}")
    try:
        yield mounted
    finally:
        subprocess.run(["umount", mounted], check=True)


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Fill the disk for the duration of the block."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(os.urandom(4096))
        except OSError:
            pass  # the disk is full
    yield
    ballast.unlink()


def test_readyz_reports_a_full_disk(app: Flask, environment: dict[str, str], disk: Path) -> None:
    with postgres.serve(disk, durable=False) as address:
        subprocess.run(
            [sys.executable, "-m", "flask", "db", "upgrade"],
            cwd=ROOT,
            env={**environment, "DATABASE_URL": address},
            check=True,
        )
        other = create_app(replace(app.config["PRECAST"], database_url=address, health_timeout_seconds=10))

        def is_ready() -> bool:
            found: bool = other.test_client().get("/readyz").get_json()["checks"]["database"]
            return found

        with other.app_context():
            assert is_ready()
            with filled(disk):
                assert not is_ready()
            until(is_ready, 10, "the disk has free space again")
            db.engine.dispose()
