"""The logs of all processes contain no secrets and nothing from uploaded files."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from flask import Flask

from devstack import process
from precast_app.auth import tokens, users
from precast_app.extensions import db
from tests.conftest import EXAMPLES, ROOT, kill
from tests.live_site import checkout

PASSWORD = "correct cement battery staple"
WRONG = "incorrect-cement-battery-staple"
MARK = "XyzzyMarker"

BROKEN = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'unforeseen' USING ERRCODE = 'XX000'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON stages EXECUTE FUNCTION refuse()
"""
DROP_TRIGGER = "DROP FUNCTION refuse CASCADE"


@dataclass(frozen=True, slots=True)
class Run:
    """A running system: its URL, an administrator's token, and the log file of all its processes."""

    address: str
    token: str
    log: Path


@pytest.fixture
def run(app: Flask, environment: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Run]:
    """Run the commands of the Procfile with their output in a file; the parameter is `LOG_FORMAT`."""
    port = process.free_port()
    path = f"{ROOT / '.venv' / 'bin'}:{environment['PATH']}"
    given = {**environment, "PORT": str(port), "PATH": path, "WEB_CONCURRENCY": "1"}
    given["LOG_FORMAT"] = getattr(request, "param", "text")

    token = tokens.create(users.create("ada", PASSWORD, is_admin=True), days=1)
    log = tmp_path / "log"
    with log.open("wb") as output:
        running = [
            subprocess.Popen(command, shell=True, cwd=ROOT, env=given, stdout=output, stderr=output)  # as a host
            for command in (checkout().web, checkout().worker)
        ]
        try:
            found = Run(f"http://127.0.0.1:{port}", token, log)
            wait_until_ready(found)
            yield found
        finally:
            for each in running:
                kill(each)


def wait_until_ready(run: Run) -> None:
    for _ in range(300):
        try:
            if requests.get(f"{run.address}/readyz", timeout=5, proxies={"http": ""}).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.1)
    raise AssertionError(run.log.read_text(errors="replace"))


def test_the_logs_contain_no_secrets_and_no_file_contents(app: Flask, run: Run, tmp_path: Path) -> None:
    program, browser = requests.Session(), requests.Session()
    program.trust_env = browser.trust_env = False
    program.headers["Authorization"] = f"Bearer {run.token}"

    # Sign in and out by the form, then with a wrong password, then with an invalid token.
    assert browser.post(f"{run.address}/login", data={"name": "ada", "password": WRONG}, timeout=30).status_code == 401
    login = {"name": "ada", "password": PASSWORD}
    entered = browser.post(f"{run.address}/login", data=login, allow_redirects=False, timeout=30)
    assert entered.status_code == 302
    cookie = browser.cookies["precast_session"]
    assert browser.get(f"{run.address}/api/project", timeout=30).status_code == 200
    stolen = {"Authorization": "Bearer not-a-token-of-ours-0123456789"}
    assert (
        requests.get(f"{run.address}/api/project", headers=stolen, timeout=30, proxies={"http": ""}).status_code == 401
    )

    # Files that contain the mark: one is imported, one has rejected rows, one is not a spreadsheet.
    project = program.post(f"{run.address}/api/project", json={"name": "Logs"}, timeout=30).json()["project"]["id"]
    stages = tmp_path / "stages.csv"
    stages.write_text(f"name\n{MARK} curing\n", encoding="utf-8")
    assert ended(program, run, upload(program, run, f"{project}/jobs?job_type=stage_import", stages)) == "completed"
    lines = (EXAMPLES / "element_types.csv").read_text(encoding="utf-8").splitlines()
    heading = ",".join(lines[0].split(",")[:10])
    bad = tmp_path / "bad.csv"
    bad.write_text(f"{heading}\n" + f"{MARK},{MARK} A,{MARK}\n" * 3, encoding="utf-8")
    failed = upload(program, run, f"{project}/import_csv_element_type", bad)
    assert ended(program, run, failed) == "failed"
    assert MARK in program.get(f"{run.address}/api/jobs/{failed}/issues", timeout=30).text
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + MARK.encode())
    with picture.open("rb") as file:
        path = f"{run.address}/api/project/{project}/import/excel"
        assert program.post(path, files={"file": file}, timeout=30).status_code == 415

    # An unexpected error of the database, in the web process and in the worker.
    db.session.execute(db.text(BROKEN))
    db.session.commit()
    try:
        path = f"{run.address}/api/project/{project}/stages"
        broken = program.post(path, json={"name": f"{MARK} striking"}, timeout=30)
        assert broken.status_code == 500
        stages.write_text(f"name\n{MARK} lifting\n", encoding="utf-8")
        lost = upload(program, run, f"{project}/jobs?job_type=stage_import", stages)
        assert ended(program, run, lost) == "failed"
    finally:
        db.session.execute(db.text(DROP_TRIGGER))
        db.session.commit()
    assert browser.post(f"{run.address}/logout", allow_redirects=False, timeout=30).status_code == 302

    log = run.log.read_text(encoding="utf-8", errors="replace")
    # The log has the output of both processes, the id of the error, and its traceback.
    assert broken.json()["errors"]["request_id"] in log
    access = f'gunicorn.access [request {broken.headers["X-Request-Id"]}, user 1]: 127.0.0.1 "POST '
    assert access in log
    assert f"[job {lost}]: Job {lost} failed." in log
    assert '"POST /login' in log
    assert log.count("INSERT INTO stages") >= 2
    assert f"job {lost}" in log.lower()
    secrets = {
        "token": run.token, "password": PASSWORD, "its encoded form": PASSWORD.replace(" ", "+"),
        "wrong password": WRONG, "cookie": cookie, "unknown token": "not-a-token-of-ours",
        "cell of a file": MARK, "secret key": "only for tests",
    }  # fmt: skip
    assert [name for name, secret in secrets.items() if secret in log] == []


@pytest.mark.parametrize("run", ["json"], indirect=True)
def test_json_links_requests_to_jobs_and_names_failed_jobs(app: Flask, run: Run, tmp_path: Path) -> None:
    program = requests.Session()
    program.trust_env = False
    program.headers["Authorization"] = f"Bearer {run.token}"
    project = program.post(f"{run.address}/api/project", json={"name": "Logs"}, timeout=30).json()["project"]["id"]
    bad = tmp_path / "bad.csv"
    heading = (EXAMPLES / "element_types.csv").read_text(encoding="utf-8").splitlines()[0].split(",")[:10]
    bad.write_text(",".join(heading) + "\nE 1,E 1,high\n", encoding="utf-8")
    program.headers["X-Request-Id"] = "the-upload"
    job_id = upload(program, run, f"{project}/import_csv_element_type", bad)
    del program.headers["X-Request-Id"]
    assert ended(program, run, job_id) == "failed"

    def lines() -> list[dict[str, object]]:
        written = run.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return [json.loads(line) for line in written if line.startswith("{") and line.endswith("}")]

    def found(words: str, logger: str) -> dict[str, object]:
        for _ in range(200):
            for line in lines():
                if words in str(line["message"]) and line["logger"] == logger:
                    return line
            time.sleep(0.05)
        raise AssertionError(f"no line of {logger} has {words!r}")

    access = found("import_csv_element_type", "gunicorn.access")
    assert (access["request_id"], access["user_id"]) == ("the-upload", 1)
    enqueued = found(f"Job {job_id} is enqueued.", "precast_app.jobs.dispatch")
    assert (enqueued["request_id"], enqueued["user_id"], enqueued["job_id"]) == ("the-upload", 1, job_id)
    assert found(f"import job {job_id}", "rq.worker")["job_id"] == job_id
    assert found("Successfully completed", "rq.worker")["job_id"] == job_id
    assert found(f"Job {job_id} has status failed, reason rejected.", "precast_app.jobs.failures")["job_id"] == job_id


def upload(program: requests.Session, run: Run, route: str, path: Path) -> int:
    with path.open("rb") as file:
        answer = program.post(f"{run.address}/api/project/{route}", files={"file": file}, timeout=30)
    assert answer.ok, answer.text
    return int(answer.json()["job_id"])


def ended(program: requests.Session, run: Run, job_id: int) -> str:
    for _ in range(600):
        job = program.get(f"{run.address}/api/jobs/{job_id}", timeout=30).json()["job"]
        if job["status"] in ("completed", "failed"):
            return str(job["status"])
        time.sleep(0.05)
    raise AssertionError(f"the job does not end: {job}")
