"""The code blocks of docs/api-clients.md, run as a reader would run them, against a running system."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from flask import Flask

from tests.conftest import EXAMPLES, ROOT, emptied
from tests.live_site import ADMIN, Json, Site, serving

PAGE = ROOT / "docs" / "api-clients.md"
BAD_CELL = "C17"


@pytest.fixture(scope="module")
def site(_application: Flask, environment: dict[str, str]) -> Iterator[Site]:
    """Yield the system on empty tables, for all tests of the module; each uses a project of its own."""
    with emptied(_application), serving(environment) as found:
        yield found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the files that the blocks read: the sample with one bad cell, and the stages."""
    book = openpyxl.load_workbook(EXAMPLES / "element_types.xlsx")
    book["Element Types"][BAD_CELL] = "tall"
    book.save(tmp_path / "element_types.xlsx")
    shutil.copy(EXAMPLES / "stages.csv", tmp_path)
    return tmp_path


def script(language: str) -> str:
    """Return all blocks of a language, in the order of the page."""
    blocks: list[str] = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    assert len(blocks) > 5, language
    return "\n".join(blocks)


def run(site: Site, folder: Path, command: list[str], name: str, content: str) -> tuple[str, list[Json]]:
    """Run a script in a new project; return what it printed and the project's jobs, oldest first."""
    project_id = site.project(f"Client {name}")
    before = site.get(f"/api/project/{project_id}/jobs")["count"]
    (folder / name).write_text(content, encoding="utf-8")
    done = subprocess.run(
        [*command, name],
        cwd=folder,
        env={
            **os.environ,
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
            "PRECAST_URL": site.address,
            "PRECAST_TOKEN": str(site.session.headers["Authorization"]).removeprefix("Bearer "),
            "PRECAST_PROJECT": str(project_id),
            "PRECAST_FILE": "element_types.xlsx",
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    jobs = site.get(f"/api/project/{project_id}/jobs")["jobs"][::-1]
    return done.stdout, jobs[before:]


def check(printed: str, jobs: list[Json], folder: Path) -> None:
    """Assert that the script did all that the page says."""
    assert f"Element Types!{BAD_CELL}: " in printed
    assert f'"name":"{ADMIN}"' in printed or printed.startswith(f"{ADMIN}\n")
    dry_run, imported, undo, cancelled = jobs[:4]
    assert (dry_run["dry_run"], dry_run["status"], dry_run["rejected_count"]) == (True, "completed", 1)
    assert dry_run["result"] in printed
    assert (imported["status"], imported["created_count"]) == ("completed", 119)
    assert imported["result"] in printed
    assert imported["undone_by_job_id"] == undo["id"]
    assert (undo["job_type"], undo["status"]) == ("element_type_undo", "completed")
    assert undo["result"] in printed
    assert cancelled["error"] == f"Cancelled by {ADMIN}; nothing was changed"
    assert openpyxl.load_workbook(folder / "export.xlsx").sheetnames == ["Summary", "Element Types"]
    (annotated,) = folder.glob("*annotated.xlsx")
    assert openpyxl.load_workbook(annotated)["Element Types"][BAD_CELL].comment is not None


def check_list(printed: str, jobs: list[Json]) -> None:
    """Assert that the list of another office was imported as the page says."""
    (job,) = jobs
    assert (job["status"], job["created_count"], job["pieces_added"]) == ("completed", 1, 3)
    assert (job["profile"]["name"], job["result"] in printed) == ("Our office", True)
    assert "E Length [m]" in printed


def test_curl(site: Site, folder: Path) -> None:
    missing = [name for name in ("bash", "curl", "jq") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} is not installed (Debian, Ubuntu: apt install curl jq)")
    printed, jobs = run(site, folder, ["bash", "-euo", "pipefail"], "client.sh", script("bash"))
    check(printed, jobs, folder)
    assert [(job["job_type"], job["status"]) for job in jobs[4:5]] == [("stage_import", "completed")]
    check_list(printed, jobs[5:])


def test_python(site: Site, folder: Path) -> None:
    printed, jobs = run(site, folder, [sys.executable], "client.py", script("python"))
    check(printed, jobs, folder)
    check_list(printed, jobs[4:])


def test_javascript(site: Site, folder: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed (Debian, Ubuntu: apt install nodejs)")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.lstrip("v").split(".")[0]) < 20:
        pytest.skip(f"Node.js {version.strip()} is older than 20")
    printed, jobs = run(site, folder, [node], "client.mjs", script("javascript"))
    check(printed, jobs, folder)
    assert len(jobs) == 4
