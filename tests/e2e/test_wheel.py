"""The wheel holds all that production needs: installed elsewhere, it migrates, serves and works."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import EXAMPLES, ROOT
from tests.live_site import Installation, started

# What `python -m build` reads of a checkout.
SOURCES = ("precast_app", "migrations", "setup.py", "setup.cfg", "pyproject.toml", "README.md")


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """Return the commands of the wheel, installed without a checkout, with the dependencies of this interpreter."""
    source = tmp_path / "source"
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        source.mkdir(exist_ok=True)
        copy(ROOT / name, source / name)
    run = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(source)]
    subprocess.run(run, check=True, stdout=subprocess.DEVNULL)
    (wheel,) = tmp_path.glob("*.whl")
    packages = tmp_path / "packages"
    run = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(packages), str(wheel)]
    subprocess.run(run, check=True)
    shutil.rmtree(source)
    programs = packages / "bin"
    settings = (("PYTHONPATH", str(packages)),)
    return Installation(
        "precast db upgrade", "precast-web", "precast-worker", str(programs / "precast"), tmp_path, programs, settings
    )


def test_an_installed_wheel_migrates_serves_and_works(
    installation: Installation, empty_database: dict[str, str]
) -> None:
    with started(empty_database, installation) as site:
        project = site.project("Green Meadows")
        job = site.upload(f"/api/project/{project}/import/excel", EXAMPLES / "element_types.xlsx")
        assert site.follow(job["job_id"])[-1]["result"] == "Successfully processed 120 elements"
        assert "sign in" in site.session.get(f"{site.address}/login", timeout=30).text.lower()
        german = site.session.get(f"{site.address}/login", headers={"Accept-Language": "de"}, timeout=30).text
        assert "Tastenkürzel" in german
        assert site.session.get(f"{site.address}/static/js/page.js", timeout=30).ok
