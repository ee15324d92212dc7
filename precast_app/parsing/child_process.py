"""Child of the fork server: runs tasks on the files of one user, each within its own limits of memory and time."""

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
from precast_app.messages import dump_messages, stored_parts
from precast_app.parsing import tasks
from precast_app.parsing.fork_server_client import OWNER_DIGEST_BYTES
from precast_app.spreadsheets import PositionedFile, UnreadableFile

# A child sends this first, so that the web process knows that it has started. JSON allows a space before a value.
STARTED = b" "
# A child sends this to the fork server when it is ready for another file.
IDLE = b"."
# File descriptors of a request: the connection to the web process, the upload, and the file to write.
DESCRIPTOR_COUNT = 3

# A child that has used this much processor time for one file lowers its priority below the threads that answer
# requests. A process can't raise it again, so the child takes no other file.
_NICE_AFTER_CPU_SECONDS = 1
_NICENESS = 10
# A child that has grown by this much (Linux reports KiB) or has read this many files takes no other file either.
_MAX_GROWTH_KIB = 32 * 1024
_MAX_FILES = 100
_IDLE_SECONDS = 30


def serve(server: socket.socket, sample: IO[bytes]) -> None:
    """Run requests until this child should take no more, then exit the process."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        process_limits.disable_core_dumps()
        tasks.prefault_memory(sample)
        for _ in range(_MAX_FILES):
            message, descriptors, _, _ = socket.recv_fds(server, OWNER_DIGEST_BYTES, DESCRIPTOR_COUNT)
            signal.setitimer(signal.ITIMER_REAL, 0)
            if not message or not _serve_one(descriptors):
                break
            signal.setitimer(signal.ITIMER_REAL, _IDLE_SECONDS)
            server.sendall(IDLE)
    except BrokenPipeError:
        pass  # the fork server has dropped this child
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def _serve_one(descriptors: list[int]) -> bool:
    """Run one request and return whether this process may take another file."""
    began, size = time.process_time(), _peak_memory()
    with socket.socket(fileno=descriptors[0]) as connection:
        connection.sendall(STARTED)
        with connection.makefile("rb") as received:
            request: dict[str, Any] = json.load(received)
        _apply_limits(request)
        response = _run_task(request, descriptors[1], descriptors[2])
        for timer in (signal.ITIMER_REAL, signal.ITIMER_PROF):
            signal.setitimer(timer, 0)
        process_limits.lift_memory_limit()
        connection.sendall(json.dumps(response).encode())
        # Without this the web process would wait until the kernel has freed this process's memory.
        connection.shutdown(socket.SHUT_WR)
    os.close(descriptors[1])
    is_cheap = time.process_time() - began < _NICE_AFTER_CPU_SECONDS and _peak_memory() - size < _MAX_GROWTH_KIB
    return is_cheap and "value" in response


def _peak_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _apply_limits(request: dict[str, Any]) -> None:
    process_limits.limit_memory(request["memory_bytes"])
    process_limits.limit_cpu(int(time.process_time() + request["seconds"]) + 1)
    # SIGALRM has no handler, so the kernel ends the process, whatever code it runs.
    signal.setitimer(signal.ITIMER_REAL, request["seconds"])
    signal.signal(signal.SIGPROF, lambda *_: os.nice(_NICENESS))
    signal.setitimer(signal.ITIMER_PROF, _NICE_AFTER_CPU_SECONDS)
    tempfile.tempdir = request["scratch"]


def _run_task(request: dict[str, Any], upload: int, target: int) -> dict[str, Any]:
    """Run the task and return its result or its exception as JSON values."""
    try:
        # The web process shares the descriptor's own offset.
        with (
            open(upload, "rb", buffering=0, closefd=False) as shared,
            io.BufferedReader(PositionedFile(shared)) as file,
            os.fdopen(target, "r+b") as out,
        ):
            return {"value": dump_messages(tasks.TASKS[request["task"]](file, out, **request["arguments"]))}
    except UnreadableFile as error:
        return {"unreadable": [error.code, str(error), stored_parts(error.message)]}
    except (Conflict, JobFailed) as error:
        return {"failed" if isinstance(error, JobFailed) else "conflict": [str(error), stored_parts(error.message)]}
    except (MemoryError, SystemError) as error:
        process_limits.lift_memory_limit()
        # Some parts of the interpreter report a failed allocation as a SystemError.
        if isinstance(error, SystemError) and not isinstance(error.__cause__, MemoryError):
            return {"traceback": traceback.format_exc()}
        return {"out_of_memory": True}
    except Exception:
        return {"traceback": traceback.format_exc()}
