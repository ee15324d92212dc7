"""The web process's end of the fork server: starts it, sends it files, and waits for the child's answer."""

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

# Of the digest by which the fork server knows a person.
OWNER_BYTES = 8
_MODULE = "precast_app.parsing"
# To load the parsers on a busy machine, and to fork. A server that needs longer hangs, and is replaced.
_START_SECONDS = 30
# The kernel ends a child at its deadline; this is for its answer to arrive.
_GRACE_SECONDS = 2
_STOP_SECONDS = 1
_RETRY_SECONDS = 5
# All that the fork server gets of the environment; the rest may be secret.
_PASSED = ("HOME", "LANG", "PATH", "TMPDIR", "TZ")
_PASSED_PREFIXES = ("LC_", "LD_", "DYLD_", "PYTHON")


class Ended(Exception):
    """The child ended without an answer; `by_deadline` tells whether its time was over."""

    def __init__(self, *, by_deadline: bool) -> None:
        super().__init__()
        self.by_deadline = by_deadline


class _NotStarted(Exception):
    """The fork server has made no child."""


class ForkServer:
    """A fork server that is started when it is first needed, and again when it has ended. Safe to use from threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def start(self) -> None:
        """Start the process if it does not run; return before it is ready."""
        with self._lock:
            self._ensure()

    def close(self) -> None:
        """End the process and its children."""
        with self._lock:
            if self._control is not None and self._process is not None:
                self._control.close()
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(_STOP_SECONDS)
            self._stop()

    def run(self, request: dict[str, Any], descriptors: Sequence[int], owner: str, seconds: float) -> dict[str, Any]:
        """Let a child of the owner answer the request within so many seconds, and return its answer.

        Raises `Ended` if the child ends without an answer, `ServerBusy` if none can be started.
        """
        # Libraries leave temporary files behind when they are killed; so they have a folder that goes.
        with tempfile.TemporaryDirectory(prefix="parsing-", ignore_cleanup_errors=True) as scratch:
            sent = json.dumps({**request, "seconds": seconds, "scratch": scratch}).encode()
            for _ in range(2):
                try:
                    return self._ask(sent, descriptors, owner, seconds)
                except _NotStarted as error:
                    log.warning("The fork server made no child: %s", error.__cause__ or error)
        raise ServerBusy("The server can't read files at the moment. Try again in a moment.", _RETRY_SECONDS)

    def _ask(self, sent: bytes, descriptors: Sequence[int], owner: str, seconds: float) -> dict[str, Any]:
        with self._connect(descriptors, owner) as connection:
            try:
                connection.settimeout(_START_SECONDS)
                is_started = connection.recv(1)
            except TimeoutError as error:
                self.close()
                raise _NotStarted from error
            except OSError as error:
                raise _NotStarted from error
            if not is_started:
                raise _NotStarted("it closed the connection")
            began = time.monotonic()
            connection.settimeout(seconds + _GRACE_SECONDS)
            try:
                connection.sendall(sent)
                connection.shutdown(socket.SHUT_WR)
                with connection.makefile("rb") as received:
                    answer = received.read()
            except OSError:
                answer = b""
            if not answer:
                raise Ended(by_deadline=time.monotonic() - began >= seconds)
            found: dict[str, Any] = json.loads(answer)
            return found

    def _connect(self, descriptors: Sequence[int], owner: str) -> socket.socket:
        """Return this end of a connection whose other end a child has."""
        digest = hashlib.blake2b(owner.encode("utf-8", "surrogatepass"), digest_size=OWNER_BYTES).digest()
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            try:
                socket.send_fds(self._ensure(), [digest], [theirs.fileno(), *descriptors])
            except OSError as error:
                ours.close()
                self._stop()
                raise _NotStarted from error
        return ours

    def _ensure(self) -> socket.socket:
        if self._control is not None and self._process is not None and self._process.poll() is None:
            return self._control
        self._stop()
        ours, theirs = socket.socketpair()
        ours.settimeout(_START_SECONDS)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", _MODULE, str(theirs.fileno())],
                env=_environment(),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                # Ctrl-C in a terminal reaches the web process, which then closes the connection.
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


def _environment() -> dict[str, str]:
    passed = {name: value for name, value in os.environ.items() if name in _PASSED or name.startswith(_PASSED_PREFIXES)}
    root = str(Path(__file__).resolve().parents[2])
    return {**passed, "PYTHONPATH": os.pathsep.join(filter(None, [root, passed.get("PYTHONPATH")]))}
