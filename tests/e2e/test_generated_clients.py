"""Clients that are generated from the API's description, and import a file with a running system."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from flask import Flask

from tests.conftest import EXAMPLES, ROOT, emptied
from tests.live_site import Site, serving

CLIENTS = ROOT / "examples" / "api_clients"
BAD_CELL = "C17"
OLDEST_NODE = 20
NPM_OPTIONS = ("--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")


@pytest.fixture(scope="module")
def site(_application: Flask, environment: dict[str, str]) -> Iterator[Site]:
    """Yield the system on empty tables, for all tests of the module; each uses a project of its own."""
    with emptied(_application), serving(environment) as found:
        yield found


@pytest.fixture(scope="module")
def folder(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the example programs, the description, and the sample with one bad cell."""
    path = tmp_path_factory.mktemp("clients")
    shutil.copytree(CLIENTS, path, dirs_exist_ok=True)
    shutil.copy(ROOT / "redocly.yaml", path)
    (path / "openapi.json").write_text(json.dumps(site.get("/api/openapi.json")), encoding="utf-8")
    book = openpyxl.load_workbook(EXAMPLES / "element_types.xlsx")
    book["Element Types"][BAD_CELL] = "tall"
    book.save(path / "element_types.xlsx")
    return path


@pytest.fixture(scope="module")
def node_folder(folder: Path) -> Path:
    """Return the same folder with the packages of `package.json`; skip the test where they can't be installed."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("Node.js or npm is not installed (Debian, Ubuntu: apt install nodejs npm)")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.lstrip("v").split(".")[0]) < OLDEST_NODE:
        pytest.skip(f"Node.js {version} is older than {OLDEST_NODE}")
    done = subprocess.run([npm, "ci", *NPM_OPTIONS], cwd=folder, capture_output=True, text=True, timeout=300)
    if done.returncode and "NPM_REQUIRED" not in os.environ:
        pytest.skip("npm can't install the packages; is its registry reachable?")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def run(folder: Path, *command: str, **variables: str) -> str:
    """Run a command and return what it printed."""
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **variables}, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def import_and_check(site: Site, folder: Path, *command: str) -> None:
    """Run a program in a new project; assert that it has imported the file and printed its result and its error."""
    project_id = site.project(f"Client {command[0]}")
    printed = run(
        folder,
        *command,
        PRECAST_URL=site.address,
        PRECAST_TOKEN=str(site.session.headers["Authorization"]).removeprefix("Bearer "),
        PRECAST_PROJECT=str(project_id),
        PRECAST_FILE="element_types.xlsx",
        NO_PROXY="127.0.0.1",
        no_proxy="127.0.0.1",
    )
    job = site.get(f"/api/project/{project_id}/jobs?limit=1")["jobs"][0]
    assert (job["status"], job["created_count"], job["rejected_count"]) == ("completed", 119, 1)
    (issue,) = site.get(f"/api/jobs/{job['id']}/issues?severity=error")["issues"]
    assert printed == f"{job['result']}\n{issue['cell']}: {issue['message']}\n"
    assert issue["cell"].endswith(BAD_CELL)


def test_a_python_client_imports_a_file(site: Site, folder: Path) -> None:
    printed = run(
        folder,
        *(sys.executable, "-m", "openapi_python_client", "generate", "--path", "openapi.json", "--meta", "none"),
        *("--output-path", "precast_api", "--config", "openapi-python-client.yaml"),
    )
    assert "WARNING" not in printed
    import_and_check(site, folder, sys.executable, "import_elements.py")


def test_a_typescript_client_imports_a_file(site: Site, node_folder: Path) -> None:
    for script in ("generate", "build"):
        run(node_folder, "npm", "run", "--silent", script)
    import_and_check(site, node_folder, "node", "build/import_elements.js")


def test_the_description_passes_redocly(node_folder: Path) -> None:
    printed = run(node_folder, "npm", "run", "--silent", "lint", "--", "--format", "json")
    assert json.loads(printed)["problems"] == []
