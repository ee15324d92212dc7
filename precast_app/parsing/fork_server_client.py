"""Client of the fork server, used by the web process: starts it, sends it files, and waits for the child's response."""

from __future__ import annotations

import atexit
import hashlib
import json
import logging
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from precast_app.errors import ServerBusy

log = logging.getLogger(__name__)

# Length of the digest by which the fork server distinguishes users.
OWNER_DIGEST_BYTES = 8
_SERVER_MODULE = "precast_app.parsing"
# Time to load the parsers on a busy machine and to fork. A server that needs longer hangs and is replaced.
_START_SECONDS = 30
# The kernel ends a child at its deadline; a response sent just before needs this long to arrive.
_GRACE_SECONDS = 2
_STOP_SECONDS = 1
_RETRY_SECONDS = 5
# Environment variables that the fork server inherits; the others may hold secrets.
_ENVIRONMENT_NAMES = ("HOME", "LANG", "PATH", "TMPDIR", "TZ")
_ENVIRONMENT_PREFIXES = ("LC_", "LD_", "DYLD_", "PYTHON")


class ChildExited(Exception):
    """A child that exited without a response; `by_deadline` says whether its time was over."""

    def __init__(self, *, by_deadline: bool) -> None:
        super().__init__()
        self.by_deadline = by_deadline


class _ChildNotStarted(Exception):
    """A fork server that did not fork a child."""


class ForkServerClient:
    """Fork server that is started on first use and restarted after it has ended. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def start(self) -> None:
        """Start the process if it is not running; return before it is ready."""
        with self._lock:
            self._ensure_running()

    def close(self) -> None:
        """End the process and its children."""
        with self._lock:
            if self._control is not None and self._process is not None:
                self._control.close()
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(_STOP_SECONDS)
            self._stop()

    def run(self, request: dict[str, Any], descriptors: Sequence[int], owner: str, seconds: float) -> dict[str, Any]:
        """Let a child of the owner run the request, for at most `seconds`, and return its response.

        Raise `ChildExited` if the child exits without a response, `ServerBusy` if no child can be started.
        """
        # A killed library leaves its temporary files behind, so they go to a folder that is deleted afterwards.
        with tempfile.TemporaryDirectory(prefix="parsing-", ignore_cleanup_errors=True) as scratch:
            payload = json.dumps({**request, "seconds": seconds, "scratch": scratch}).encode()
            for _ in range(2):
                try:
                    return self._exchange(payload, descriptors, owner, seconds)
                except _ChildNotStarted as error:
                    log.warning("The fork server started no child: %s", error.__cause__ or error)
        raise ServerBusy("The server can't read files at the moment. Try again in a moment.", _RETRY_SECONDS)

    def _exchange(self, payload: bytes, descriptors: Sequence[int], owner: str, seconds: float) -> dict[str, Any]:
        with self._connect(descriptors, owner) as connection:
            try:
                connection.settimeout(_START_SECONDS)
                is_started = connection.recv(1)
            except TimeoutError as error:
                self.close()
                raise _ChildNotStarted from error
            except OSError as error:
                raise _ChildNotStarted from error
            if not is_started:
                raise _ChildNotStarted("it closed the connection")
            began = time.monotonic()
            connection.settimeout(seconds + _GRACE_SECONDS)
            try:
                connection.sendall(payload)
                connection.shutdown(socket.SHUT_WR)
                with connection.makefile("rb") as received:
                    response = received.read()
            except OSError:
                response = b""
            if not response:
                raise ChildExited(by_deadline=time.monotonic() - began >= seconds)
            found: dict[str, Any] = json.loads(response)
            return found

    def _connect(self, descriptors: Sequence[int], owner: str) -> socket.socket:
        """Return our end of a new connection to a child."""
        digest = hashlib.blake2b(owner.encode("utf-8", "surrogatepass"), digest_size=OWNER_DIGEST_BYTES).digest()
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            try:
                socket.send_fds(self._ensure_running(), [digest], [theirs.fileno(), *descriptors])
            except OSError as error:
                ours.close()
                self._stop()
                raise _ChildNotStarted from error
        return ours

    def _ensure_running(self) -> socket.socket:
        if self._control is not None and self._process is not None and self._process.poll() is None:
            return self._control
        self._stop()
        ours, theirs = socket.socketpair()
        ours.settimeout(_START_SECONDS)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", _SERVER_MODULE, str(theirs.fileno())],
                env=_server_environment(),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                # Keeps Ctrl-C in a terminal from reaching it: the web process closes the connection instead.
                process_group=0,
            )
        self._control = ours
        atexit.register(self.close)
        return ours

    def _stop(self) -> None:
        atexit.unregister(self.close)
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._control = self._process = None


def _server_environment() -> dict[str, str]:
    passed = {
        name: value
        for name, value in os.environ.items()
        if name in _ENVIRONMENT_NAMES or name.startswith(_ENVIRONMENT_PREFIXES)
    }
    root = str(Path(__file__).resolve().parents[2])
    return {**passed, "PYTHONPATH": os.pathsep.join(filter(None, [root, passed.get("PYTHONPATH")]))}
