"""The demo project of `make run`, created with the command line and the HTTP API as a user would."""

from __future__ import annotations

import csv
import hashlib
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import requests

from devstack import process
from devstack.process import DevstackError

USER = "demo"
PROJECT = "Green Meadows"

_ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = _ROOT / "examples" / "green_meadows"

# Imported in this order, before the element types, which refer to all of them.
REFERENCE_DATA = {
    "hierarchy_import": "hierarchy.csv",
    "stage_import": "stages.csv",
    "drawing_type_import": "drawing_types.csv",
    "bom_product_import": "bom_products.csv",
}
_ELEMENT_TYPES = "element_types.xlsx"
_ELEMENT_TYPE_JOB = "element_type_import"
# How far the pieces are.
_PIECE_STATUSES = "piece_status.csv"
_PIECE_STATUS_JOB = "piece_status_import"

_SUMMARY = {
    "element_types": "element types",
    "drawings": "drawings",
    "quantities": "quantities at nodes",
    "stages": "stages of element types",
    "bom_lines": "BOM lines",
    "pieces": "pieces",
}

_POLL_SECONDS = 0.2

_FLOOR = re.compile(r"\AFloor ([0-9]+)\Z")
# This floor is due now, the ones above it later.
_FLOORS_DUE = 3

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Access:
    """Credentials of the demo user. `password` is None if it is unknown, `project_id` if there is no demo project."""

    password: str | None
    token: str
    project_id: int | None


@dataclass(frozen=True, slots=True)
class Api:
    """Client of the HTTP API at an address, with a token."""

    address: str
    token: str
    session: requests.Session = field(default_factory=requests.Session)

    def get(self, path: str) -> Json:
        """Return the body of a GET request; raise `DevstackError` with the server's message if it fails."""
        return self._send("GET", path)

    def post(self, path: str, *, json: Json | None = None, file: Path | None = None) -> Json:
        """POST an object or a file and return the response's body; raise `DevstackError` if it fails."""
        if file is None:
            return self._send("POST", path, json=json)
        with file.open("rb") as content:
            return self._send("POST", path, files={"file": (file.name, content)})

    def patch(self, path: str, json: Json) -> Json:
        """PATCH an object and return the response's body; raise `DevstackError` if it fails."""
        return self._send("PATCH", path, json=json)

    def _send(self, method: str, path: str, **body: Any) -> Json:
        # Ignore the machine's proxy settings.
        self.session.trust_env = False
        headers = {"Authorization": f"Bearer {self.token}"}
        try:
            response = self.session.request(method, f"{self.address}{path}", headers=headers, timeout=60, **body)
            content: Json = response.json()
        except requests.RequestException as error:
            raise DevstackError(f"{method} {path} failed: {error}") from error
        if not response.ok:
            raise DevstackError(
                f"{method} {path} failed with status {response.status_code}: {content.get('message')} "
                f"{content.get('errors') or ''}".rstrip()
            )
        return content


def set_up(address: str, environment: Mapping[str, str], password_file: Path, *, check: Callable[[], None]) -> Access:
    """Create what is missing of the demo (user, project, reference data, element types, statuses) and print its totals.

    `check` is called while waiting and raises if the web server or the worker has ended. If the demo can't be imported,
    print the error and return, so that `make run` serves without it.
    """
    password, token = _ensure_user(environment, password_file)
    api = Api(address, token)
    project_id: int | None = None
    try:
        project_id = _ensure_project(api)
        _load(api, project_id, check)
        _report(api, project_id)
    except DevstackError as error:
        # If a process has died, report that instead.
        check()
        print(f"\nThe demo project is not complete. {error}", file=sys.stderr, flush=True)
    return Access(password, token, project_id)


def fingerprint(database_url: str) -> str:
    """Return a short name for a database that does not reveal its URL."""
    return hashlib.sha256(database_url.encode()).hexdigest()[:12]


def _ensure_user(environment: Mapping[str, str], password_file: Path) -> tuple[str | None, str]:
    """Return the demo user's password and a new token; None if the user exists with a password not stored here."""
    is_stored = password_file.exists()
    password: str | None = process.read_or_create_secret(password_file)
    creation_error: DevstackError | None = None
    try:
        _flask(["user", "create", USER, "--admin", "--password-stdin"], environment, f"{password}\n")
    except DevstackError as error:
        # The user probably exists; creating the token shows whether that is so.
        creation_error = error
        if not is_stored:
            password_file.unlink()
            password = None
    try:
        return password, _flask(["token", "create", USER], environment)
    except DevstackError as error:
        raise creation_error or error from error


def _flask(words: list[str], environment: Mapping[str, str], text: str = "") -> str:
    """Run a `flask` command and return its output; raise `DevstackError` with its message if it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "flask", *words],
        input=text,
        capture_output=True,
        text=True,
        env=dict(environment),
        cwd=_ROOT,
        start_new_session=True,
        check=False,
    )
    if done.returncode:
        raise DevstackError(f"`flask {' '.join(words)}` failed:\n{done.stderr.strip()}")
    return done.stdout.strip()


def _ensure_project(api: Api) -> int:
    for project in api.get("/api/project")["projects"]:
        if project["name"] == PROJECT:
            return int(project["id"])
    return int(api.post("/api/project", json={"name": PROJECT})["project"]["id"])


def _load(api: Api, project_id: int, check: Callable[[], None]) -> None:
    """Import the files that have not been imported, and follow jobs that an interrupted run has left running."""
    for job_type, name in REFERENCE_DATA.items():
        path = f"/api/project/{project_id}/jobs?job_type={job_type}"
        _import(api, project_id, job_type, path, EXAMPLES / name, check)
    path = f"/api/project/{project_id}/import/excel"
    _import(api, project_id, _ELEMENT_TYPE_JOB, path, EXAMPLES / _ELEMENT_TYPES, check)
    plan_floors(api, project_id, datetime.now(UTC).date())
    with tempfile.TemporaryDirectory() as folder:
        file = recent_copy(EXAMPLES / _PIECE_STATUSES, Path(folder), datetime.now(UTC).date())
        path = f"/api/project/{project_id}/jobs?job_type={_PIECE_STATUS_JOB}"
        _import(api, project_id, _PIECE_STATUS_JOB, path, file, check)


def plan_floors(api: Api, project_id: int, today: date) -> None:
    """Give each floor the date until which it should be produced, two weeks a floor, unless one has a date already."""
    path = f"/api/project/{project_id}/hierarchy"
    nodes = api.get(path)["hierarchy"]
    if any(node["planned_date"] for node in nodes):
        return
    for node in nodes:
        level = _FLOOR.search(node["name"])
        if level:
            planned = today + timedelta(weeks=2 * (int(level[1]) - _FLOORS_DUE))
            api.patch(f"{path}/{node['id']}", {"planned_date": planned.isoformat()})


def recent_copy(file: Path, folder: Path, today: date) -> Path:
    """Write the list of pieces with its dates moved by whole weeks, so that the newest is in the last week.

    The project is then in the middle of its life whenever the demo starts. Return the path of the copy.
    """
    header, *rows = csv.reader(file.read_text(encoding="utf-8").splitlines())
    column = header.index("Date")
    newest = max(date.fromisoformat(row[column]) for row in rows)
    weeks = timedelta(days=(today - newest).days // 7 * 7)
    for row in rows:
        row[column] = (date.fromisoformat(row[column]) + weeks).isoformat()
    copy = folder / file.name
    with copy.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([header, *rows])
    return copy


def _import(api: Api, project_id: int, job_type: str, path: str, file: Path, check: Callable[[], None]) -> None:
    jobs = api.get(f"/api/project/{project_id}/jobs?job_type={job_type}")["jobs"]
    if any(job["status"] == "completed" for job in jobs):
        return
    unfinished = [job["id"] for job in jobs if job["status"] in ("pending", "processing")]
    job_id = unfinished[0] if unfinished else api.post(path, file=file)["job_id"]
    job = _follow(api, int(job_id), f"Importing {file.name}", check)
    if job["status"] == "failed":
        raise DevstackError(f"The import of {file.name} failed: {job['error']}")


def _follow(api: Api, job_id: int, label: str, check: Callable[[], None]) -> Json:
    """Show a job's progress until it has finished: a bar in a terminal, otherwise a line at the start and the end."""
    if not sys.stdout.isatty():
        print(f"{label} …", flush=True)
    with click.progressbar(length=100, label=label, hidden=not sys.stdout.isatty()) as bar:
        while True:
            job: Json = api.get(f"/api/jobs/{job_id}")["job"]
            bar.update(job["progress"] - bar.pos)
            if job["status"] in ("completed", "failed"):
                break
            check()
            time.sleep(_POLL_SECONDS)
    if job["status"] == "completed":
        print(f"  {job['result']}", flush=True)
    return job


def _report(api: Api, project_id: int) -> None:
    summary = api.get(f"/api/project/{project_id}/summary")["summary"]
    print(f"\nThe project {PROJECT} holds", flush=True)
    for name, words in _SUMMARY.items():
        print(f"  {summary[name]:>6} {words}", flush=True)
