"""What the web process asks of a person's file, each answered by a child of the fork server."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from threading import BoundedSemaphore
from typing import IO, Any

from flask import Flask, current_app

from precast_app.config import Settings
from precast_app.errors import Conflict, JobFailed, ServerBusy
from precast_app.extensions import settings_of
from precast_app.models import Issue
from precast_app.parsing.fork_server import Ended, ForkServer
from precast_app.parsing.turns import Turns
from precast_app.spreadsheets import Limits, UnreadableFile

log = logging.getLogger(__name__)

# The codes of refusals for what a file costs, not for what it is.
CODES = frozenset({"takes_too_long", "takes_too_much_memory", "reading_interrupted"})

_EXTENSION = "precast.parsing"
_RETRY_SECONDS = 5
_WAIT_SECONDS = 0.25
# A download leaves the threads for others that bodies of requests leave (`api.body_slots`).
_THREADS_PER_DOWNLOAD = 4
_INSTEAD = "Copy the data into a new workbook, as values, and upload that; split it if it is very large."

# One for the process, whatever applications it makes.
_SERVER = ForkServer()


def init_app(app: Flask) -> None:
    """Let an application open files; no process is started yet."""
    app.extensions[_EXTENSION] = Parsing(settings_of(app))


def get() -> Parsing:
    """Return what opens files for the application at hand."""
    found: Parsing = current_app.extensions[_EXTENSION]
    return found


def start_early() -> None:
    """Start the fork server before the first file comes, so that nobody waits for it to load the parsers."""
    _SERVER.start()


def limits(settings: Settings) -> Limits:
    """Return how much of a file this installation reads."""
    return Limits(
        unpacked_bytes=settings.max_unpacked_bytes, rows=settings.max_sheet_rows, columns=settings.max_sheet_columns
    )


class Parsing:
    """Opens files for one application.

    Every method takes the name of the person who asks as `owner`, and raises `UnreadableFile` for a file that can't be
    read or costs too much, `JobFailed` for one that lacks what an import needs, `Conflict` for one that can't be
    written again, and `ServerBusy` if too many are being read.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._turns = Turns(settings.parse_processes, settings.parse_wait_seconds)
        self._downloads = BoundedSemaphore(max(1, settings.web_threads // _THREADS_PER_DOWNLOAD))

    def count_rows(self, upload: IO[bytes], job_type: str, owner: str) -> int:
        """Return the number of data rows in a file for a job of this type."""
        with tempfile.TemporaryFile() as unused:
            count: int = self._ask("count_rows", upload, unused, owner, job_type=job_type)
        return count

    def annotate(self, upload: IO[bytes], issues: Iterable[Issue], owner: str) -> tuple[IO[bytes], str]:
        """Return the upload with its issues as comments, and its kind: xlsx, xlsm or ods."""
        told = [[each.severity, each.code, each.message, each.row, each.column, each.sheet] for each in issues]
        # Half of the time for the upload's own format, the other half for a plain copy where that is not enough.
        return self._written("annotate", upload, owner, issues=told, seconds=self._settings.parse_seconds / 2)

    def rejected(self, upload: IO[bytes], reasons: Mapping[int, str], owner: str, *, is_catalogue: bool) -> IO[bytes]:
        """Return a workbook of the rows that have a reason."""
        told = [[row, reason] for row, reason in reasons.items()]
        return self._written("write_rejected", upload, owner, reasons=told, is_catalogue=is_catalogue)[0]

    def _written(self, task: str, upload: IO[bytes], owner: str, **arguments: Any) -> tuple[IO[bytes], Any]:
        out = tempfile.TemporaryFile()  # noqa: SIM115 # the caller closes it
        try:
            with self._download():
                value = self._ask(task, upload, out, owner, **arguments)
        except BaseException:
            out.close()
            raise
        out.seek(0)
        return out, value

    @contextmanager
    def _download(self) -> Iterator[None]:
        if not self._downloads.acquire(timeout=_WAIT_SECONDS):
            raise ServerBusy(
                "The server is making as many files as it can at once. Try again in a moment.", _RETRY_SECONDS
            )
        try:
            yield
        finally:
            self._downloads.release()

    def _ask(self, task: str, upload: IO[bytes], out: IO[bytes], owner: str, **arguments: Any) -> Any:
        settings = self._settings
        request = {
            "task": task,
            "arguments": {**arguments, "limits": asdict(limits(settings))},
            "memory_bytes": settings.parse_memory_bytes,
        }
        upload.flush()
        with self._turns.turn(owner):
            try:
                answer = _SERVER.run(request, [upload.fileno(), out.fileno()], owner, settings.parse_seconds)
            except Ended as ended:
                raise self._refusal(by_deadline=ended.by_deadline) from ended
        return self._value(task, answer)

    def _refusal(self, *, by_deadline: bool) -> UnreadableFile:
        if by_deadline:
            return UnreadableFile(
                "takes_too_long",
                f"Reading the file took longer than {self._settings.parse_seconds:g} seconds and was stopped. "
                + _INSTEAD,
            )
        return UnreadableFile(
            "reading_interrupted",
            "Reading the file was stopped before it was done, most likely for want of memory. Try again. If it happens "
            f"again: {_INSTEAD}",
        )

    def _value(self, task: str, answer: dict[str, Any]) -> Any:
        if "value" in answer:
            return answer["value"]
        if "refused" in answer:
            code, message = answer["refused"]
            raise UnreadableFile(code, message)
        if "out_of_memory" in answer:
            most = self._settings.parse_memory_bytes / 1e6
            raise UnreadableFile(
                "takes_too_much_memory", f"Reading the file takes more than {most:.0f} MB of memory. {_INSTEAD}"
            )
        if "failed" in answer:
            raise JobFailed(answer["failed"])
        if "conflict" in answer:
            raise Conflict(answer["conflict"])
        raise RuntimeError(f"The task {task} failed in its process:\n{answer['bug']}")
