"""Every process as a deployment starts it: the lines of the Procfile, and a client that only knows HTTP."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask

from precast_app.embedded import process
from tests.conftest import EXAMPLES, REFERENCE_DATA, ROOT, kill
from tests.integration.test_import import TOTALS

Json = dict[str, Any]


def procfile() -> dict[str, str]:
    lines = (ROOT / "Procfile").read_text().splitlines()
    return {name: command.strip() for name, _, command in (line.partition(":") for line in lines)}


class Site:
    """The running system, as the bearer of an administrator's token sees it."""

    def __init__(self, address: str, token: str) -> None:
        self.address = address
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str) -> Json:
        answer = self.session.get(f"{self.address}{path}", timeout=30)
        answer.raise_for_status()
        found: Json = answer.json()
        return found

    def post(self, path: str, **body: Any) -> Json:
        answer = self.session.post(f"{self.address}{path}", timeout=60, **body)
        answer.raise_for_status()
        found: Json = answer.json()
        return found

    def upload(self, path: str, file: Path) -> Json:
        with file.open("rb") as content:
            return self.post(path, files={"file": content})

    def follow(self, job_id: int) -> list[Json]:
        """What one sees who asks again and again until the job has ended."""
        seen = []
        for _ in range(600):
            job = self.get(f"/api/jobs/{job_id}")["job"]
            seen.append(job)
            if job["status"] in ("completed", "failed"):
                return seen
            time.sleep(0.05)
        raise AssertionError(f"the job does not end: {seen[-1]}")


@pytest.fixture
def site(app: Flask, environment: dict[str, str]) -> Iterator[Site]:
    """Release, web and worker by the lines of the Procfile."""
    port = process.free_port(21_000)
    path = f"{ROOT / '.venv' / 'bin'}:{environment['PATH']}"
    given = {**environment, "PORT": str(port), "PATH": path, "WEB_CONCURRENCY": "1"}
    lines = procfile()

    def flask(*words: str, stdin: str = "") -> str:
        return subprocess.run(
            ["flask", *words], cwd=ROOT, env=given, input=stdin, text=True, check=True, capture_output=True
        ).stdout.strip()

    subprocess.run(lines["release"], shell=True, cwd=ROOT, env=given, check=True)  # as a host runs it
    flask("user", "create", "ada", "--admin", "--password-stdin", stdin="correct horse\n")
    running = [
        subprocess.Popen(lines[name], shell=True, cwd=ROOT, env=given)  # as a host runs it
        for name in ("web", "worker")
    ]
    try:
        found = Site(f"http://127.0.0.1:{port}", flask("token", "create", "ada"))
        for _ in range(300):
            try:
                if found.session.get(f"{found.address}/readyz", timeout=5).ok:
                    break
            except requests.RequestException:
                pass
            time.sleep(0.1)
        yield found
    finally:
        for each in running:
            kill(each)


def test_a_workbook_from_upload_to_totals(site: Site) -> None:
    """What `make run` does, and what the contract's example script does."""
    project = site.post("/api/project", json={"name": "Green Meadows"})["project"]["id"]
    for job_type, name in REFERENCE_DATA.items():
        created = site.upload(f"/api/project/{project}/jobs?job_type={job_type}", EXAMPLES / name)
        assert site.follow(created["job_id"])[-1]["status"] == "completed"

    first = site.upload(f"/api/project/{project}/import/excel", EXAMPLES / "element_types.xlsx")
    assert (first["total_elements"], first["status"]) == (120, "pending")
    seen = site.follow(first["job_id"])
    assert seen[-1]["result"] == "Successfully processed 120 elements"
    percent = [job["progress"] for job in seen]
    assert percent == sorted(percent)
    assert [job["progress"] == 100 for job in seen] == [job["status"] == "completed" for job in seen]

    second = site.upload(f"/api/project/{project}/import_csv_element_type", EXAMPLES / "element_types.csv")
    again = site.follow(second["job_id"])[-1]
    assert (again["status"], again["unchanged_count"], again["created_count"]) == ("completed", 120, 0)

    summary = site.get(f"/api/project/{project}/summary")["summary"]
    assert {name: summary[name] for name in TOTALS} == TOTALS
    assert site.get(f"/api/project/{project}/jobs")["count"] == 6
