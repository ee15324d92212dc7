"""The fork server: a small single-threaded process that has the parsers loaded and forks a child for each file.

A web process has threads, so forking it is unsafe, and a fresh interpreter needs a second to import the parsers. The
web process starts this one (`fork_server`), sends it file descriptors over a socket, and talks to the child directly.
"""

from __future__ import annotations

import gc
import io
import json
import os
import signal
import socket
import sys
import tempfile
import traceback
from typing import IO, Any

from precast_app import process_limits
from precast_app.errors import Conflict, JobFailed
from precast_app.parsing import tasks
from precast_app.spreadsheets import FileRefused

# What a child sends first, so that the web process knows that it is there. JSON allows it before a value.
STARTED = b" "
# The descriptors that come with a request: the connection to the web process, the upload, and the file to write.
DESCRIPTORS = 3
# A child that has used so many seconds of processor time leaves the processor to the threads that answer requests.
_POLITE_AFTER_SECONDS = 1
_NICENESS = 10


def main() -> None:
    """Give each request to a child of its own until the web process is gone."""
    control = socket.socket(fileno=int(sys.argv[1]))
    # The kernel reaps children; nobody asks for their exit status.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    sample = tasks.sample()
    tasks.warm_up(sample)
    # The collector of cycles would touch, and so copy, every page that is shared with the children.
    gc.collect()
    gc.freeze()
    child = None
    while True:
        # One child is always ready, so that a request need not wait for the fork.
        child = child or _fork(control, sample)
        message, descriptors, _, _ = socket.recv_fds(control, 1, DESCRIPTORS)
        if not message:
            break
        child = _hand_over(descriptors, child) or _hand_over(descriptors, _fork(control, sample))
        for descriptor in descriptors:
            os.close(descriptor)
        if child is not None:
            child.close()
            child = None
    # The web process is gone. This process leads a group of its own, and the children in it end with it.
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _fork(control: socket.socket, sample: IO[bytes]) -> socket.socket | None:
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
            control.close()
            ours.close()
            _serve(theirs, sample)
    return ours


def _hand_over(descriptors: list[int], child: socket.socket | None) -> socket.socket | None:
    """Return the child if it has taken the descriptors; one that was killed has not."""
    if child is not None:
        try:
            socket.send_fds(child, [b"+"], descriptors)
            return child
        except OSError:
            child.close()
    return None


def _serve(server: socket.socket, sample: IO[bytes]) -> None:
    """Be a child: answer one request and end."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        process_limits.forbid_core_dumps()
        tasks.touch_memory(sample)
        message, descriptors, _, _ = socket.recv_fds(server, 1, DESCRIPTORS)
        if not message:
            return
        connection = socket.socket(fileno=descriptors[0])
        connection.sendall(STARTED)
        with connection.makefile("rb") as received:
            request: dict[str, Any] = json.load(received)
        _bound(request)
        answer = _answer(request, descriptors[1], descriptors[2])
        process_limits.lift_memory_limit()
        connection.sendall(json.dumps(answer).encode())
        # The web process need not wait until the kernel has taken this one apart.
        connection.shutdown(socket.SHUT_WR)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def _bound(request: dict[str, Any]) -> None:
    process_limits.limit_memory(request["memory_bytes"])
    process_limits.limit_cpu(int(request["seconds"]) + 1)
    # The kernel ends the process, whatever code it is in. Nothing here handles the signal.
    signal.setitimer(signal.ITIMER_REAL, request["seconds"])
    signal.signal(signal.SIGPROF, lambda *_: os.nice(_NICENESS))
    signal.setitimer(signal.ITIMER_PROF, _POLITE_AFTER_SECONDS)
    tempfile.tempdir = request["scratch"]


def _answer(request: dict[str, Any], upload: int, target: int) -> dict[str, Any]:
    """Return what the task returns or raises, as JSON values."""
    try:
        with io.BufferedReader(_Positioned(upload)) as file, _target(target) as out:
            return {"value": tasks.TASKS[request["task"]](file, out, **request["arguments"])}
    except FileRefused as refused:
        return {"refused": [refused.code, refused.message]}
    except (Conflict, JobFailed) as error:
        return {"failed" if isinstance(error, JobFailed) else "conflict": str(error)}
    except (MemoryError, SystemError) as error:
        process_limits.lift_memory_limit()
        # Some parts of the interpreter say in this way that they have no memory.
        if isinstance(error, SystemError) and not isinstance(error.__cause__, MemoryError):
            return {"bug": traceback.format_exc()}
        return {"out_of_memory": True}
    except Exception:
        return {"bug": traceback.format_exc()}


def _target(descriptor: int) -> IO[bytes]:
    return os.fdopen(descriptor, "r+b")


class _Positioned(io.RawIOBase):
    """A file that is read by position, since its offset is shared with the web process."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._position = 0

    def readable(self) -> bool:
        """See `io.IOBase`."""
        return True

    def seekable(self) -> bool:
        """See `io.IOBase`."""
        return True

    def readinto(self, buffer: Any) -> int:
        """See `io.RawIOBase`."""
        data = os.pread(self._descriptor, len(buffer), self._position)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """See `io.IOBase`."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position}.get(whence)
        if start is None:
            start = os.fstat(self._descriptor).st_size
        if start + offset < 0:
            raise ValueError("the position would be before the start of the file")
        self._position = start + offset
        return self._position
