"""A private PostgreSQL and a private Redis for `make run` and `make test`; production imports none of it.

Both are real servers. They listen on free ports of 127.0.0.1 only. Their passwords are generated once and stored beside
their data.
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
    """URLs of the servers, including user and password."""

    database_url: str
    redis_url: str


@contextmanager
def servers(directory: Path, *, durable: bool = True, database_url: str = "", redis_url: str = "") -> Iterator[Servers]:
    """Run both servers with their data and logs below `directory`, and stop them at the end.

    A server whose URL is given is used instead of starting one. A server that a killed run left behind in the same
    directory is stopped first. With `durable=False` the data may be lost when the machine crashes, which is faster, for
    tests. On Linux the servers also end when the calling thread dies. Raise `DevstackError` if a server fails to start.
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
    """Lock `directory` for this process; servers in an unlocked directory are treated as left behind by a killed run.

    The kernel releases the lock when the process ends, even if it is killed.
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
