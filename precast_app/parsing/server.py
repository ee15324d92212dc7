"""The fork server: a small single-threaded process that has the parsers loaded and forks children to read files.

A web process has threads, so forking it is unsafe, and a fresh interpreter needs a second to import the parsers. The
web process starts this one (`fork_server`), sends it file descriptors over a socket, and talks to the child directly.

A child reads files of one person only. It is kept for a moment after a file that was cheap to read, since a new one
costs as much processor time as the file itself.
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
from precast_app.parsing.child import DESCRIPTORS, IDLE, serve
from precast_app.parsing.fork_server import OWNER_BYTES

# Children that are kept, each for its owner's next file.
_MOST_KEPT = 4


def main() -> None:
    """Give each request to a child until the web process is gone."""
    control = socket.socket(fileno=int(sys.argv[1]))
    # The kernel reaps children; nobody asks for their exit status.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    sample = tasks.sample()
    tasks.warm_up(sample)
    # The collector of cycles would touch, and so copy, every page that is shared with the children.
    gc.collect()
    gc.freeze()
    children = _Children(control, sample)
    while True:
        children.prepare()
        owner, descriptors, _, _ = socket.recv_fds(control, OWNER_BYTES, DESCRIPTORS)
        if not owner:
            break
        children.give(owner, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
    # The web process is gone. This process leads a group of its own, and the children in it end with it.
    os.killpg(os.getpgrp(), signal.SIGKILL)


class _Children:
    """One child that is ready for anyone, and those that are kept for their owners."""

    def __init__(self, control: socket.socket, sample: IO[bytes]) -> None:
        self._control = control
        self._sample = sample
        self._ready: socket.socket | None = None
        self._kept: dict[bytes, socket.socket] = {}

    def prepare(self) -> None:
        """Fork the child that is ready, so that a request need not wait for the fork."""
        self._ready = self._ready or self._fork()

    def give(self, owner: bytes, descriptors: list[int]) -> None:
        """Send a request to a child. If there is none, the web process sees that its connection is closed."""
        child = self._kept.pop(owner, None)
        if child is not None and not (_is_idle(child) and _hand_over(child, owner, descriptors)):
            # It ends when it is done.
            child.close()
            child = None
        while child is None:
            child, self._ready = self._ready or self._fork(), None
            if child is None:
                return
            if not _hand_over(child, owner, descriptors):
                child.close()
                child = None
        self._kept[owner] = child
        if len(self._kept) > _MOST_KEPT:
            self._kept.pop(next(iter(self._kept))).close()

    def _fork(self) -> socket.socket | None:
        """Return a connection to a new child; None if the system has no room for one."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                child = os.fork()
            except OSError:
                traceback.print_exc()
                ours.close()
                return None
            if child == 0:
                # The others see when the fork server closes their connections.
                for each in (self._control, ours, *self._kept.values()):
                    each.close()
                serve(theirs, self._sample)
        return ours


def _is_idle(child: socket.socket) -> bool:
    try:
        return child.recv(1, socket.MSG_DONTWAIT) == IDLE
    except OSError:
        return False


def _hand_over(child: socket.socket, owner: bytes, descriptors: list[int]) -> bool:
    """Return whether the child has been sent the request; one that was killed has not."""
    try:
        socket.send_fds(child, [owner], descriptors)
    except OSError:
        return False
    return True
