"""Operations of the web process on uploaded files, each run in a child of the fork server."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from threading import BoundedSemaphore
from typing import IO, Any

from flask import Flask, current_app

from precast_app.config import Settings
from precast_app.errors import Conflict, JobFailed, ServerBusy
from precast_app.extensions import settings_of
from precast_app.importing import reference_data
from precast_app.importing.corrections import Corrections, to_json
from precast_app.importing.reference_data import ReferenceData
from precast_app.message_catalogue import SOURCE_LANGUAGE, translate
from precast_app.messages import Message, load_messages, restore
from precast_app.models import Issue
from precast_app.parsing.fork_server_client import ChildExited, ForkServerClient
from precast_app.parsing.owner_semaphore import OwnerSemaphore
from precast_app.spreadsheets import Limits, UnreadableFile

log = logging.getLogger(__name__)

# Issue codes of files that are rejected because reading them costs too much, not because of their content.
RESOURCE_LIMIT_CODES = frozenset({"takes_too_long", "takes_too_much_memory", "reading_interrupted"})

_EXTENSION = "precast.parsing"
_RETRY_SECONDS = 5
_DOWNLOAD_WAIT_SECONDS = 0.25
# Generated downloads occupy at most a quarter of the threads, as request bodies do (`api.body_limits`).
_THREADS_PER_DOWNLOAD = 4
_COPY_VALUES_ADVICE = Message(
    "Copy the data into a new workbook, as values, and upload that; split it if it is very large."
)

# The id of an import profile and its JSON.
StoredProfile = tuple[int, dict[str, Any]]

# One per process, shared by all applications that the process creates.
_FORK_SERVER = ForkServerClient()


def init_app(app: Flask) -> None:
    """Attach a `ParsingService` to an application; no process is started yet."""
    app.extensions[_EXTENSION] = ParsingService(settings_of(app))


def get_service() -> ParsingService:
    """Return the current application's `ParsingService`."""
    found: ParsingService = current_app.extensions[_EXTENSION]
    return found


def start_fork_server() -> None:
    """Start the fork server, so that the first upload need not wait for it to load the parsers."""
    _FORK_SERVER.start()


def spreadsheet_limits(settings: Settings) -> Limits:
    """Return the limits on spreadsheets that the settings set."""
    return Limits(
        unpacked_bytes=settings.max_unpacked_bytes, rows=settings.max_sheet_rows, columns=settings.max_sheet_columns
    )


@dataclass(frozen=True, slots=True)
class RowCount:
    """The data rows of a file, and the id of the import profile by which it is read; None: by the project's headings.

    `problem` says why the headings are not understood; there are no rows then. `seconds` is the processor time taken.
    """

    rows: int
    profile_id: int | None = None
    problem: str | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class ComparisonWindow:
    """The part of a comparison to return: its kind of change, None for any but unchanged rows, and the page."""

    change: str | None
    limit: int
    offset: int


class ParsingService:
    """Reader of uploaded files for one application.

    Every method takes the user's name as `owner`. It raises `UnreadableFile` if the file can't be read or costs too
    much, `JobFailed` if it lacks what an import needs, `Conflict` if no copy of it can be written, and `ServerBusy` if
    too many files are being read.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._reads = OwnerSemaphore(settings.parse_processes, settings.parse_wait_seconds)
        self._downloads = BoundedSemaphore(max(1, settings.web_threads // _THREADS_PER_DOWNLOAD))

    def count_rows(
        self,
        upload: IO[bytes],
        job_type: str,
        owner: str,
        profiles: Sequence[StoredProfile] = (),
        *,
        is_chosen: bool = False,
        parameters: dict[str, Any] | None = None,
    ) -> RowCount:
        """Return the number of data rows that a job of this type would read from the file, and how it would read them.

        `profiles` are the import profiles that the file may need; with `is_chosen` the first one is used. `parameters`
        are those of the job.
        """
        arguments = {
            "job_type": job_type, "profiles": profiles, "is_chosen": is_chosen, "parameters": parameters or {},
        }  # fmt: skip
        with tempfile.TemporaryFile() as unused:
            return RowCount(*self._run("count_rows", upload, unused, owner, **arguments))

    def describe_columns(
        self,
        upload: IO[bytes],
        reference: ReferenceData,
        profiles: Sequence[StoredProfile],
        draft: dict[str, Any] | None,
        owner: str,
    ) -> dict[str, Any]:
        """Return what the columns mean: as the draft of a profile says or, without one, as a profile or proposal."""
        arguments = {
            "project_id": reference.project_id,
            "reference": reference_data.to_json(reference),
            "profiles": profiles,
            "draft": draft,
        }
        with tempfile.TemporaryFile() as unused:
            described: dict[str, Any] = self._run("describe_columns", upload, unused, owner, **arguments)
        return described

    def detect_job_types(self, upload: IO[bytes], owner: str, profiles: Sequence[StoredProfile] = ()) -> list[str]:
        """Return the job types that the file may be meant for, by its headings; `profiles` are for lists of pieces."""
        with tempfile.TemporaryFile() as unused:
            job_types: list[str] = self._run("detect_job_types", upload, unused, owner, profiles=profiles)
        return job_types

    def annotate(
        self,
        upload: IO[bytes],
        issues: Iterable[Issue],
        owner: str,
        profile: dict[str, Any] | None = None,
        corrections: Corrections | None = None,
        language: str = SOURCE_LANGUAGE,
    ) -> tuple[IO[bytes], str]:
        """Return a copy of the upload with its issues as comments in a language, and its kind.

        The kind is that of the upload if it is xlsx, xlsm, xltx, xltm or ods, otherwise xlsx. `profile` is the JSON
        of the import profile by which the file was read; cells have the contents that they are corrected to.
        """
        rows = [
            [each.severity, each.code, translate(each.text, language), each.row, each.column, each.sheet]
            for each in issues
        ]
        # If a copy in the upload's own format takes more than half of the time, the other half is for a plain copy.
        seconds = self._settings.parse_seconds / 2
        arguments = {"issues": rows, "seconds": seconds, "profile": profile, "corrections": _as_json(corrections)}
        return self._run_download("annotate", upload, owner, **arguments)

    def correct(
        self, upload: IO[bytes], corrections: Corrections, owner: str, profile: dict[str, Any] | None = None
    ) -> tuple[IO[bytes], str]:
        """Return a copy of the upload with its corrections, and its kind as `annotate` does."""
        arguments = {"corrections": to_json(corrections), "seconds": self._settings.parse_seconds / 2}
        return self._run_download("correct", upload, owner, profile=profile, **arguments)

    def export_rejected_rows(
        self,
        upload: IO[bytes],
        reasons: Mapping[int, str],
        owner: str,
        *,
        is_catalogue: bool,
        profile: dict[str, Any] | None = None,
        corrections: Corrections | None = None,
        language: str = SOURCE_LANGUAGE,
    ) -> IO[bytes]:
        """Return a workbook with the rows whose numbers are in `reasons`, each with its reason, in the same language.

        `profile` is the JSON of the import profile by which the file was read; cells have the contents that they are
        corrected to.
        """
        rows = [[row, reason] for row, reason in reasons.items()]
        arguments = {
            "reasons": rows,
            "is_catalogue": is_catalogue,
            "profile": profile,
            "corrections": _as_json(corrections),
            "language": language,
        }
        return self._run_download("export_rejected_rows", upload, owner, **arguments)[0]

    def compare(
        self,
        uploads: Sequence[IO[bytes]],
        profiles: Sequence[dict[str, Any] | None],
        corrections: Sequence[Corrections | None],
        reference: ReferenceData,
        owner: str,
        window: ComparisonWindow,
    ) -> dict[str, Any]:
        """Return what differs between two files: `rows` of the window, their `count`, `counts` and `fields`.

        `profiles` are the import profiles by which they are read, `corrections` those of their cells.
        """
        arguments = _comparison_arguments(uploads, profiles, corrections, reference)
        with _joined(uploads) as joined, tempfile.TemporaryFile() as unused:
            found: dict[str, Any] = self._run(
                "compare_uploads", joined, unused, owner, **arguments, window=asdict(window)
            )
        return found

    def export_comparison(
        self,
        uploads: Sequence[IO[bytes]],
        profiles: Sequence[dict[str, Any] | None],
        corrections: Sequence[Corrections | None],
        reference: ReferenceData,
        owner: str,
    ) -> IO[bytes]:
        """Return what differs between two files as a workbook."""
        arguments = _comparison_arguments(uploads, profiles, corrections, reference)
        with _joined(uploads) as joined:
            return self._run_download("compare_uploads", joined, owner, **arguments, window=None)[0]

    def _run_download(self, task: str, upload: IO[bytes], owner: str, **arguments: Any) -> tuple[IO[bytes], Any]:
        out = tempfile.TemporaryFile()  # noqa: SIM115 # the caller closes it
        try:
            with self._download_slot():
                value = self._run(task, upload, out, owner, **arguments)
        except BaseException:
            out.close()
            raise
        out.seek(0)
        return out, value

    @contextmanager
    def _download_slot(self) -> Iterator[None]:
        if not self._downloads.acquire(timeout=_DOWNLOAD_WAIT_SECONDS):
            raise ServerBusy(
                "The server is writing as many files as it can at once. Try again in a moment.", _RETRY_SECONDS
            )
        try:
            yield
        finally:
            self._downloads.release()

    def _run(self, task: str, upload: IO[bytes], out: IO[bytes], owner: str, **arguments: Any) -> Any:
        settings = self._settings
        request = {
            "task": task,
            "arguments": {**arguments, "limits": asdict(spreadsheet_limits(settings))},
            "memory_bytes": settings.parse_memory_bytes,
        }
        upload.flush()
        with self._reads.hold(owner):
            try:
                response = _FORK_SERVER.run(request, [upload.fileno(), out.fileno()], owner, settings.parse_seconds)
            except ChildExited as ended:
                raise self._exit_error(by_deadline=ended.by_deadline) from ended
        return self._result(task, response)

    def _exit_error(self, *, by_deadline: bool) -> UnreadableFile:
        if by_deadline:
            return UnreadableFile(
                "takes_too_long",
                Message(
                    "Reading the file took longer than %(seconds)s seconds and was stopped. %(advice)s",
                    seconds=f"{self._settings.parse_seconds:g}",
                    advice=_COPY_VALUES_ADVICE,
                ),
            )
        return UnreadableFile(
            "reading_interrupted",
            Message(
                "Reading the file was interrupted, most likely because the server ran out of memory. Try again. "
                "If it happens again: %(advice)s",
                advice=_COPY_VALUES_ADVICE,
            ),
        )

    def _result(self, task: str, response: dict[str, Any]) -> Any:
        if "value" in response:
            return load_messages(response["value"])
        if "unreadable" in response:
            code, *message = response["unreadable"]
            raise UnreadableFile(code, restore(*message))
        if "out_of_memory" in response:
            most = self._settings.parse_memory_bytes / 1e6
            raise UnreadableFile(
                "takes_too_much_memory",
                Message(
                    "Reading the file takes more than %(megabytes)s MB of memory. %(advice)s",
                    megabytes=f"{most:.0f}",
                    advice=_COPY_VALUES_ADVICE,
                ),
            )
        if "failed" in response:
            raise JobFailed(restore(*response["failed"]))
        if "conflict" in response:
            raise Conflict(restore(*response["conflict"]))
        raise RuntimeError(f"The task {task} failed in its child process:\n{response['traceback']}")


def _as_json(corrections: Corrections | None) -> dict[str, Any] | None:
    return None if corrections is None else to_json(corrections)


def _comparison_arguments(
    uploads: Sequence[IO[bytes]],
    profiles: Sequence[dict[str, Any] | None],
    corrections: Sequence[Corrections | None],
    reference: ReferenceData,
) -> dict[str, Any]:
    return {
        "first_bytes": uploads[0].seek(0, 2),
        "profiles": profiles,
        "corrections": [None if each is None else to_json(each) for each in corrections],
        "project_id": reference.project_id,
        "reference": reference_data.to_json(reference),
    }


def _joined(uploads: Sequence[IO[bytes]]) -> IO[bytes]:
    """Return the files one after the other, since a child is given one file to read."""
    joined = tempfile.TemporaryFile()  # noqa: SIM115 # the caller closes it
    for upload in uploads:
        upload.seek(0)
        shutil.copyfileobj(upload, joined)
    return joined
