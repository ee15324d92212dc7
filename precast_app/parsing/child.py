"""A child of the fork server: it answers requests about the files of one person, each under its own bounds."""

from __future__ import annotations

import io
import json
import os
import resource
import signal
import socket
import tempfile
import time
import traceback
from typing import IO, Any

from precast_app import process_limits
from precast_app.errors import Conflict, JobFailed
from precast_app.parsing import tasks
from precast_app.parsing.fork_server import OWNER_BYTES
from precast_app.spreadsheets import UnreadableFile

# What a child sends first, so that the web process knows that it is there. JSON allows it before a value.
STARTED = b" "
# What it sends to the fork server when it can take another file.
IDLE = b"."
# What comes with a request: the connection to the web process, the upload, and the file to write.
DESCRIPTORS = 3

# A child that has used so many seconds of processor time for a file leaves the processor to the threads that answer
# requests, and takes no other file.
_POLITE_AFTER_SECONDS = 1
_NICENESS = 10
# Nor does one that has grown by so much, in KiB as Linux counts it, or has read so many files.
_MOST_GROWTH = 32 * 1024
_FILES = 100
_IDLE_SECONDS = 30


def serve(server: socket.socket, sample: IO[bytes]) -> None:
    """Answer requests, and end the process."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        process_limits.forbid_core_dumps()
        tasks.touch_memory(sample)
        for _ in range(_FILES):
            message, descriptors, _, _ = socket.recv_fds(server, OWNER_BYTES, DESCRIPTORS)
            signal.setitimer(signal.ITIMER_REAL, 0)
            if not message or not _serve_one(descriptors):
                break
            signal.setitimer(signal.ITIMER_REAL, _IDLE_SECONDS)
            server.sendall(IDLE)
    except BrokenPipeError:
        pass  # the fork server has no more for this child
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def _serve_one(descriptors: list[int]) -> bool:
    """Answer one request, and return whether this process is as good as new."""
    began, size = time.process_time(), _peak_memory()
    with socket.socket(fileno=descriptors[0]) as connection:
        connection.sendall(STARTED)
        with connection.makefile("rb") as received:
            request: dict[str, Any] = json.load(received)
        _bound(request)
        answer = _answer(request, descriptors[1], descriptors[2])
        for timer in (signal.ITIMER_REAL, signal.ITIMER_PROF):
            signal.setitimer(timer, 0)
        process_limits.lift_memory_limit()
        connection.sendall(json.dumps(answer).encode())
        # The web process need not wait until the kernel has taken this one apart.
        connection.shutdown(socket.SHUT_WR)
    os.close(descriptors[1])
    is_cheap = time.process_time() - began < _POLITE_AFTER_SECONDS and _peak_memory() - size < _MOST_GROWTH
    return is_cheap and "value" in answer


def _peak_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _bound(request: dict[str, Any]) -> None:
    process_limits.limit_memory(request["memory_bytes"])
    process_limits.limit_cpu(int(time.process_time() + request["seconds"]) + 1)
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
    except UnreadableFile as refused:
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
