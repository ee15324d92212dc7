"""A child process that does a part of the work on a file, and sends what it finds."""

from __future__ import annotations

import multiprocessing
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

_FIRST_DESCRIPTOR_AFTER_STDERR = 3
# A child inherits the open file and needs neither the modules nor the arguments again.
_FORK = multiprocessing.get_context("fork")


def has_second_processor() -> bool:
    """Return whether a child process can work at the same time as this one."""
    return (os.cpu_count() or 1) > 1


@contextmanager
def running(send: Callable[[Connection], None]) -> Iterator[Connection]:
    """Run `send` in a child process, and yield the end of the pipe at which its messages arrive.

    An exception in the child arrives as a message. If the child is killed, receiving raises `EOFError` or `OSError`.
    The child ends with the block. Raise `OSError` if it can't start.
    """
    receiver, sender = _FORK.Pipe(duplex=False)
    child = _FORK.Process(target=_run_child, args=(send, receiver, sender), daemon=True)
    child.start()
    sender.close()
    try:
        yield receiver
    finally:
        receiver.close()
        child.kill()
        child.join()
        child.close()


def _run_child(send: Callable[[Connection], None], receiver: Connection, sender: Connection) -> None:
    # With the only other end closed, a child whose parent was killed ends with its next message.
    receiver.close()
    _close_sockets(keep=sender.fileno())
    try:
        send(sender)
    except BrokenPipeError:
        pass  # the parent needs no more messages
    except Exception as error:
        sender.send(error)


def _close_sockets(keep: int) -> None:
    """Close the inherited connections, so that the database notices when the parent is killed."""
    for descriptor in [int(each.name) for each in Path("/dev/fd").iterdir()]:
        if descriptor >= _FIRST_DESCRIPTOR_AFTER_STDERR and descriptor != keep and _is_socket(descriptor):
            os.close(descriptor)


def _is_socket(descriptor: int) -> bool:
    try:
        return stat.S_ISSOCK(os.fstat(descriptor).st_mode)
    except OSError:  # the descriptor by which the list was read
        return False
