"""A PgBouncer in transaction mode in front of the tests' PostgreSQL."""

from __future__ import annotations

import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest

from devstack import process
from devstack.os_user import server_user
from precast_app.config import libpq_url
from precast_app.jobs import lifecycle

# Debian installs it in a directory that only root has in its PATH.
PGBOUNCER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")

needs_pgbouncer = pytest.mark.skipif(
    PGBOUNCER is None, reason="PgBouncer is not installed: there is no `pgbouncer` to run"
)

_ADVISORY_LOCKS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s"
# As docs/operating.md says, and with few sessions, so that each is given to many clients in turn.
_SETTINGS = """
[databases]
* = host={host} port={port}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = plain
auth_file = {directory}/users.txt
pool_mode = transaction
default_pool_size = {sessions}
max_client_conn = 200
log_connections = 0
log_disconnections = 0
"""


@contextmanager
def run_pgbouncer(database_url: str, directory: Path, sessions: int = 12) -> Iterator[str]:
    """Run PgBouncer with a pool of so many sessions, and yield the address of the database behind it."""
    address = urlsplit(database_url)
    os_user = server_user(directory, Path(str(PGBOUNCER)).parent)
    own_port = process.free_port()
    settings = directory / "pgbouncer.ini"
    settings.write_text(
        _SETTINGS.format(
            host=address.hostname, port=address.port, own_port=own_port, directory=directory, sessions=sessions
        )
    )
    (directory / "users.txt").write_text(f'"{address.username}" "{address.password}"\n')
    if os_user is not None:
        for path in (directory, *directory.iterdir()):
            os_user.own(path)
    log = directory / "pgbouncer.log"
    server = process.start([str(PGBOUNCER), str(settings)], log, directory=Path("/"), os_user=os_user)
    there = f"{address.username}:{address.password}@127.0.0.1:{own_port}"
    url = urlunsplit(address._replace(netloc=there, query=""))
    try:
        process.wait_until(lambda: _accepts_connections(url), server, log, name="PgBouncer", seconds=20)
        yield url
    finally:
        process.stop(server, first=signal.SIGINT, seconds=10, name="PgBouncer")


def _accepts_connections(url: str) -> bool:
    try:
        psycopg2.connect(url, connect_timeout=2).close()
    except psycopg2.OperationalError:
        return False
    return True


def environment_behind(environment: dict[str, str], url: str) -> dict[str, str]:
    """Return the environment of processes behind PgBouncer, as docs/operating.md says."""
    return {**environment, "DATABASE_URL": url, "DATABASE_SESSION_SETTINGS": "false"}


def advisory_locks(environment: dict[str, str]) -> int:
    """Return how many of the application's advisory locks are held, by any session."""
    with closing(psycopg2.connect(libpq_url(environment["DATABASE_URL"]))) as direct, direct.cursor() as cursor:
        cursor.execute(_ADVISORY_LOCKS, (lifecycle.ADVISORY_LOCK_CLASS,))
        (count,) = cursor.fetchone() or (0,)
    return int(count)


@contextmanager
def other_clients_busy(url: str) -> Iterator[None]:
    """Use sessions all the time, so that successive transactions of a client get different ones."""
    done = threading.Event()

    def use_sessions() -> None:
        with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
            while not done.is_set():
                cursor.execute("SELECT pg_sleep(random() * 0.01)")
                connection.rollback()

    threads = [threading.Thread(target=use_sessions) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()
