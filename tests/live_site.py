"""The running system as a deployment starts it, by the lines of the Procfile; and what asks it over HTTP."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from rq import Worker
from rq.worker import WorkerStatus

from devstack import process
from precast_app.jobs import broker
from tests.auth_headers import PASSWORD, user_headers
from tests.conftest import EXAMPLES, REFERENCE_DATA, ROOT, kill
from tests.database_rows import empty_tables_with_retry

Json = dict[str, Any]
ADMIN = "ada"
_IDLE_SECONDS = 60
_JOB_SECONDS = 120
_POLL_SECONDS = 0.05
_MAX_POLL_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Installation:
    """The commands of an installation, the folder that they run in, and where their programs are."""

    release: str
    web: str
    worker: str
    flask: str
    folder: Path
    programs: Path
    settings: tuple[tuple[str, str], ...] = ()


def checkout() -> Installation:
    """Return the installation that the Procfile describes."""
    lines = (ROOT / "Procfile").read_text().splitlines()
    commands = {name: command.strip() for name, _, command in (line.partition(":") for line in lines)}
    return Installation(
        release=commands["release"],
        web=commands["web"],
        worker=commands["worker"],
        flask="flask",
        folder=ROOT,
        programs=ROOT / ".venv" / "bin",
    )


class Site:
    """The running system, as the bearer of an administrator's token sees it."""

    def __init__(self, address: str, token: str) -> None:
        self.address = address
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Bearer {token}"

    def reset(self) -> Site:
        """Delete all rows and all of Redis but the workers' registration, and return the site of a new administrator.

        Needs an application context, and no user: the jobs that were left behind are waited for.
        """
        redis = broker.redis_connection()
        end = time.monotonic() + _IDLE_SECONDS
        while any(each.get_state() == WorkerStatus.BUSY for each in Worker.all(connection=redis)):
            assert time.monotonic() < end, "a job of the previous tests does not end"
            time.sleep(0.1)
        empty_tables_with_retry()
        for key in redis.scan_iter():
            if not key.startswith(b"rq:worker"):
                redis.delete(key)
        return Site(self.address, _admin_token())

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

    def project(self, name: str, *, reference: bool = True) -> int:
        """Create a project and return its id; import the sample's reference data unless `reference` is false."""
        number: int = self.post("/api/project", json={"name": name})["project"]["id"]
        for job_type, file in REFERENCE_DATA.items() if reference else ():
            # The hierarchy's file names its project.
            content = re.sub(rb"(?m)^(\d+),1,", rb"\g<1>,%d," % number, (EXAMPLES / file).read_bytes())
            created = self.post(f"/api/project/{number}/jobs?job_type={job_type}", files={"file": (file, content)})
            assert self.follow(created["job_id"])[-1]["status"] == "completed"
        return number

    def member(self, project_id: int, name: str, role: str) -> None:
        """Create a user with a role in the project; the password is `PASSWORD`."""
        self.post("/api/users", json={"name": name, "password": PASSWORD})
        answer = self.session.put(f"{self.address}/api/project/{project_id}/members/{name}", json={"role": role})
        answer.raise_for_status()

    def follow(self, job_id: int) -> list[Json]:
        """Ask for the job until it has ended and return all that was shown."""
        seen: list[Json] = []
        end = time.monotonic() + _JOB_SECONDS
        while time.monotonic() < end:
            job = self.get(f"/api/jobs/{job_id}")["job"]
            seen.append(job)
            if job["status"] in ("completed", "failed"):
                return seen
            # Less and less often: a request can take as much processor time as the import does meanwhile.
            time.sleep(min(_POLL_SECONDS * len(seen), _MAX_POLL_SECONDS))
        raise AssertionError(f"the job does not end: {seen[-1]}")


def _settings(environment: Mapping[str, str], installed: Installation) -> dict[str, str]:
    """Return the environment of an installation's processes, with a free port."""
    path = f"{installed.programs}:{environment['PATH']}"
    port = str(process.free_port())
    return {**environment, "PORT": port, "PATH": path, "WEB_CONCURRENCY": "1", **dict(installed.settings)}


@contextmanager
def started(environment: Mapping[str, str], installation: Installation | None = None) -> Iterator[Site]:
    """Run release, web and worker of an installation, by default the checkout's, with one administrator."""
    installed = installation or checkout()
    given = _settings(environment, installed)

    def flask(*words: str, stdin: str = "") -> str:
        return subprocess.run(
            [installed.flask, *words],
            cwd=installed.folder, env=given, input=stdin, text=True, check=True, capture_output=True,
        ).stdout.strip()  # fmt: skip

    subprocess.run(installed.release, shell=True, cwd=installed.folder, env=given, check=True)  # as a host runs it
    flask("user", "create", ADMIN, "--admin", "--password-stdin", stdin=f"{PASSWORD}\n")
    with _serving(installed, given, flask("token", "create", ADMIN)) as found:
        yield found


@contextmanager
def serving(environment: Mapping[str, str]) -> Iterator[Site]:
    """Run web and worker of the checkout on the migrated database, with one administrator.

    Needs an application context. Unlike `started`, it runs no commands, which take some seconds.
    """
    installed = checkout()
    with _serving(installed, _settings(environment, installed), _admin_token()) as found:
        yield found


def _admin_token() -> str:
    return user_headers(ADMIN, is_admin=True)["Authorization"].removeprefix("Bearer ")


@contextmanager
def _serving(installed: Installation, given: Mapping[str, str], token: str) -> Iterator[Site]:
    running = [
        subprocess.Popen(command, shell=True, cwd=installed.folder, env=given)  # as a host runs it
        for command in (installed.web, installed.worker)
    ]
    try:
        found = Site(f"http://127.0.0.1:{given['PORT']}", token)
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
