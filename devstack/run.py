"""`make run`: the whole system on one machine, with a demo project, until Ctrl-C.

All data is below `var/`, which git ignores. Environment variables: `DATABASE_URL` and `REDIS_URL` (servers to use
instead of private ones), `POSTGRES_BIN` (the programs of another PostgreSQL), `SECRET_KEY`, `PORT` (default 8000, or
the next free port) and `WEB_HOST` (default 127.0.0.1; 0.0.0.0 accepts other machines, which a container with a
published port needs).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

import requests

from devstack import Servers, demo, process, servers
from devstack.process import DevstackError

ROOT = Path(__file__).resolve().parents[1]
VAR = ROOT / "var"
LOGS = VAR / "log"

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# A request or an import that takes longer is interrupted; the worker of the next run continues the import.
_STOP_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Child:
    """Process that serves until it is stopped."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def check(self) -> None:
        """Raise `DevstackError` if it has ended by itself."""
        status = self.process.poll()
        if status is not None:
            raise DevstackError(
                f"{self.name} stopped (exit status {status}). "
                f"The end of {_relative_path(self.log)}:\n{process.tail(self.log)}"
            )


class StopRequested(Exception):
    """Request to stop: Ctrl-C, SIGTERM, or the terminal was closed."""


def main() -> int:
    """Run everything; return 0 if it was stopped on request, 1 if a process failed."""
    for chosen in _SIGNALS:
        signal.signal(chosen, _stop)
    try:
        _serve()
    except StopRequested:
        _print("Stopped.")
        return 0
    except DevstackError as error:
        print(f"\n{error}", file=sys.stderr, flush=True)
        return 1


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    # Ignore a second Ctrl-C, which would leave the servers running that the first one is about to stop.
    for chosen in _SIGNALS:
        signal.signal(chosen, signal.SIG_IGN)
    _print("\nStopping …")
    raise StopRequested


def _serve() -> NoReturn:
    given = [name for name in ("DATABASE_URL", "REDIS_URL") if os.environ.get(name)]
    _print(f"Using {' and '.join(given)} …" if len(given) == 2 else "Starting PostgreSQL and Redis …")
    with ExitStack() as stack:
        dev_servers = stack.enter_context(
            servers(
                VAR,
                database_url=os.environ.get("DATABASE_URL", ""),
                redis_url=os.environ.get("REDIS_URL", ""),
            )
        )
        environment = _environment(dev_servers)
        _migrate(environment)

        # Stopped in reverse order: first the web server, then the worker, then the servers that they use.
        worker = stack.enter_context(
            _child("The worker", [sys.executable, "worker.py"], LOGS / "worker.log", environment)
        )
        host, port = os.environ.get("WEB_HOST") or "127.0.0.1", _port()
        web = stack.enter_context(_child("The web server", _gunicorn(host, port), LOGS / "web.log", environment))
        children = (web, worker)
        address = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"
        process.wait_until(lambda: _is_alive(address), web.process, web.log, name="The web server", seconds=60)

        access = demo.set_up(
            address,
            environment,
            _password_file(),
            check=lambda: _check(children),
        )
        _announce(address, access)
        while True:
            _check(children)
            time.sleep(0.3)


def _environment(dev_servers: Servers) -> dict[str, str]:
    environment = {
        **os.environ,
        "DATABASE_URL": dev_servers.database_url,
        "REDIS_URL": dev_servers.redis_url,
        "SECRET_KEY": os.environ.get("SECRET_KEY") or process.read_or_create_secret(VAR / "secret_key"),
        # Output is written to the log at once.
        "PYTHONUNBUFFERED": "1",
    }
    environment.pop("FLASK_APP", None)
    return environment


def _migrate(environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "flask", "db", "upgrade"]
    with _child("`flask db upgrade`", command, LOGS / "migrate.log", environment) as child:
        if child.process.wait() != 0:
            child.check()


def _gunicorn(host: str, port: int) -> list[str]:
    return [sys.executable, "-m", "gunicorn", "--bind", f"{host}:{port}", "wsgi:app"]


def _port() -> int:
    text = os.environ.get("PORT") or "8000"
    if not text.isdecimal() or not 0 < int(text) < 65_536:
        raise DevstackError(f"PORT is {text!r}. Set it to a number from 1 to 65535.")
    port = process.free_port(int(text))
    if port != int(text):
        _print(f"Port {text} is in use; using {port} instead.")
    return port


@contextmanager
def _child(name: str, command: list[str], log: Path, environment: dict[str, str]) -> Iterator[Child]:
    started = process.start(command, log, environment=environment, directory=ROOT)
    try:
        yield Child(name, started, log)
    finally:
        process.stop(started, first=signal.SIGTERM, seconds=_STOP_SECONDS, name=name)


def _check(children: tuple[Child, ...]) -> None:
    for child in children:
        child.check()


def _is_alive(address: str) -> bool:
    with requests.Session() as session:
        session.trust_env = False
        try:
            return session.get(f"{address}/healthz", timeout=5).status_code == 200
        except requests.RequestException:
            return False


def _password_file() -> Path:
    """Return the file with the demo user's password; each external database has its own."""
    external = os.environ.get("DATABASE_URL", "")
    return VAR / (f"demo_password.{demo.fingerprint(external)}" if external else "demo_password")


def _announce(address: str, access: demo.Access) -> None:
    password = access.password or "(set elsewhere and not stored here)"
    curl = f"curl -H 'Authorization: Bearer {access.token}' {address}/api/project"
    if access.project_id is not None:
        curl += f"/{access.project_id}/summary"
    _print(
        f"\n"
        f"  Address   {address}\n"
        f"  Login     {demo.USER}\n"
        f"  Password  {password}\n"
        f"  Token     {access.token}\n"
        f"  Try       {curl}\n"
        f"  Logs      {_relative_path(LOGS)}/*.log\n"
        f"\n"
        f"Ctrl-C stops everything."
    )


def _relative_path(path: Path) -> Path:
    return path.relative_to(ROOT)


def _print(text: str) -> None:
    # The terminal may be closed; shutting down must continue nevertheless.
    with suppress(OSError):
        print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
