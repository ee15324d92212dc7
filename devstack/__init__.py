"""A private PostgreSQL and a private Redis, for `make run` and `make test`; nothing in production imports this.

The servers are real ones. They listen on 127.0.0.1 only, on ports that are free at the time, behind passwords that are
made once and kept beside their data.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from devstack import postgres, redis
from devstack.process import DevstackError

__all__ = ["DevstackError", "Servers", "lock_directory", "servers"]


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the servers are: URLs that hold user and password."""

    database_url: str
    redis_url: str


@contextmanager
def servers(directory: Path, *, durable: bool = True, database_url: str = "", redis_url: str = "") -> Iterator[Servers]:
    """Start both servers with their data and logs below `directory`; stop them at the end.

    A URL that is given stands for a server that is there already: that one is not started.

    A server that an earlier, killed run left behind in the same directory is stopped first. `durable=False` lets the
    data go with a crash of the machine, which is faster: for tests. Raises `DevstackError`. On Linux the servers also
    end when the thread that called this dies, however it dies.
    """
    with ExitStack() as stack:
        stack.enter_context(lock_directory(directory))
        if not database_url:
            database_url = stack.enter_context(postgres.serve(directory, durable=durable))
        if not redis_url:
            redis_url = stack.enter_context(redis.serve(directory, durable=durable))
        yield Servers(database_url=database_url, redis_url=redis_url)


@contextmanager
def lock_directory(directory: Path) -> Iterator[None]:
    """Hold `directory` for this process, since whatever runs in a directory that nobody holds counts as left behind.

    The system lets go of the lock when the process ends, also when it is killed.
    """
    directory.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(descriptor, 20).decode().strip() or "unknown"
            raise DevstackError(
                f"{directory} is in use by another run (process {holder}). Stop that one first."
            ) from error
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)
