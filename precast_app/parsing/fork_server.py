"""Fork server: a small single-threaded process that has the parsers loaded and forks children to read files.

A web process has threads, so forking it is unsafe, and a fresh interpreter needs a second to import the parsers. The
web process starts this process (`fork_server_client`), sends it file descriptors over a socket, and then talks to the
child directly.

A child reads the files of one user only. It is kept for a while after a file that was cheap to read, because forking a
new one costs as much processor time as reading such a file.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import traceback
from typing import IO

from precast_app.parsing import tasks
from precast_app.parsing.child_process import DESCRIPTOR_COUNT, IDLE, serve
from precast_app.parsing.fork_server_client import OWNER_DIGEST_BYTES

# Children that are kept, each for the next file of its owner.
_MAX_KEPT_CHILDREN = 4


def main() -> None:
    """Dispatch each request to a child until the web process has ended."""
    control = socket.socket(fileno=int(sys.argv[1]))
    # The kernel reaps the children; their exit status is not used.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    sample = tasks.sample_workbook()
    tasks.warm_up(sample)
    # A garbage collection in a child would write to, and so copy, every page that it shares with this process.
    gc.collect()
    gc.freeze()
    children = _ChildPool(control, sample)
    while True:
        children.ensure_spare()
        owner, descriptors, _, _ = socket.recv_fds(control, OWNER_DIGEST_BYTES, DESCRIPTOR_COUNT)
        if not owner:
            break
        children.dispatch(owner, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
    # The web process has ended. This process leads a process group of its own: end it with all children.
    os.killpg(os.getpgrp(), signal.SIGKILL)


class _ChildPool:
    """A spare child that has no owner yet, and the children that are kept for their owners."""

    def __init__(self, control: socket.socket, sample: IO[bytes]) -> None:
        self._control = control
        self._sample = sample
        self._spare: socket.socket | None = None
        self._by_owner: dict[bytes, socket.socket] = {}

    def ensure_spare(self) -> None:
        """Fork the spare child if there is none, so that a request need not wait for the fork."""
        self._spare = self._spare or self._fork()

    def dispatch(self, owner: bytes, descriptors: list[int]) -> None:
        """Send a request to a child; if none can be forked, the web process sees its connection closed."""
        child = self._by_owner.pop(owner, None)
        if child is not None and not (_is_idle(child) and _send(child, owner, descriptors)):
            # A busy child exits when it has finished and finds its connection closed.
            child.close()
            child = None
        while child is None:
            child, self._spare = self._spare or self._fork(), None
            if child is None:
                return
            if not _send(child, owner, descriptors):
                child.close()
                child = None
        self._by_owner[owner] = child
        if len(self._by_owner) > _MAX_KEPT_CHILDREN:
            self._by_owner.pop(next(iter(self._by_owner))).close()

    def _fork(self) -> socket.socket | None:
        """Return a connection to a new child, or None if the system can't fork one."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                child = os.fork()
            except OSError:
                traceback.print_exc()
                ours.close()
                return None
            if child == 0:
                # The other children would not see the fork server close their connections if this one kept them open.
                for each in (self._control, ours, *self._by_owner.values()):
                    each.close()
                serve(theirs, self._sample)
        return ours


def _is_idle(child: socket.socket) -> bool:
    try:
        return child.recv(1, socket.MSG_DONTWAIT) == IDLE
    except OSError:
        return False


def _send(child: socket.socket, owner: bytes, descriptors: list[int]) -> bool:
    """Return whether the request was sent; a child that was killed can't receive it."""
    try:
        socket.send_fds(child, [owner], descriptors)
    except OSError:
        return False
    return True
