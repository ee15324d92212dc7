"""Uploaded files: checked, stored in the database in chunks, and read from there."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePath
from typing import IO, Any, cast

from sqlalchemy import exists, insert, select, text

from precast_app import parsing
from precast_app.config import Settings
from precast_app.errors import JobFailed, NotASpreadsheet, NotFound, RequestError, TooLarge
from precast_app.extensions import current_settings, db
from precast_app.importing.corrections import CorrectedBook, Corrections
from precast_app.importing.profiles.profile import ImportProfile
from precast_app.importing.reference_data import ReferenceData
from precast_app.messages import Message
from precast_app.models import FileChunk, ImportJob
from precast_app.parsing import RowCount, StoredProfile
from precast_app.spreadsheets import BackgroundBook, Book, UnreadableFile, open_book

_MAX_NAME_LENGTH = 255
_COPY = text("""
    INSERT INTO import_file_chunks (job_id, number, data)
    SELECT :new, number, data FROM import_file_chunks WHERE job_id = :old
""")


@dataclass(frozen=True, slots=True)
class Upload:
    """An uploaded file: a seekable stream of its bytes, and its name on the sender's machine."""

    stream: IO[bytes]
    name: str


def check_size(upload: Upload) -> None:
    """Raise `TooLarge` if the file has more than `max_upload_bytes`."""
    size = upload.stream.seek(0, 2)
    limit = current_settings().max_upload_bytes
    if size > limit:
        raise TooLarge(
            Message(
                "The file has %(size)s MB; the limit is %(limit)s MB. Split it, and upload the parts.",
                size=f"{size / 1000000.0:.1f}",
                limit=f"{limit / 1000000.0:.1f}",
            )
        )


def count_rows(
    upload: Upload,
    job_type: str,
    owner: str,
    profiles: Sequence[StoredProfile] = (),
    *,
    is_chosen: bool = False,
    parameters: dict[str, Any] | None = None,
) -> RowCount:
    """Return the number of data rows and the import profile that is used; raise `RequestError` for an unusable file.

    `profiles` are those that the file may need; with `is_chosen` the first one is used. `parameters` are the job's.
    This can take as long as parsing may: call it without a database connection.
    """
    with _as_request_errors(upload):
        service = parsing.get_service()
        return service.count_rows(upload.stream, job_type, owner, profiles, is_chosen=is_chosen, parameters=parameters)


def describe_columns(
    upload: Upload,
    reference: ReferenceData,
    profiles: Sequence[StoredProfile],
    draft: dict[str, Any] | None,
    owner: str,
) -> dict[str, Any]:
    """Return what the columns of the file mean; raise `RequestError` if it can't be read.

    This can take as long as parsing may: call it without a database connection.
    """
    with _as_request_errors(upload):
        return parsing.get_service().describe_columns(upload.stream, reference, profiles, draft, owner)


def detect_job_types(upload: Upload, owner: str, profiles: Sequence[StoredProfile] = ()) -> list[str]:
    """Return the job types that the file may be meant for, by its headings; raise `RequestError` if it can't be read.

    `profiles` are those for lists of pieces. This can take as long as parsing may: call it without a database
    connection.
    """
    with _as_request_errors(upload):
        return parsing.get_service().detect_job_types(upload.stream, owner, profiles)


@contextmanager
def _as_request_errors(upload: Upload) -> Iterator[None]:
    """Rewind the file, and raise errors of reading it as `RequestError`."""
    upload.stream.seek(0)
    try:
        yield
    except UnreadableFile as error:
        is_readable = error.code == "empty_file" or error.code in parsing.RESOURCE_LIMIT_CODES
        kind = RequestError if is_readable else NotASpreadsheet
        raise kind(error.message, {"file": [error.message]}) from error
    except JobFailed as error:
        raise RequestError(error.message, {"file": [error.message]}) from error


def compute_sha256(upload: Upload) -> str:
    """Return the file's SHA-256 in hexadecimal."""
    digest = hashlib.sha256()
    for data in _chunks(upload):
        digest.update(data)
    return digest.hexdigest()


def store(job: ImportJob, upload: Upload) -> None:
    """Store the file's chunks, and its name, size and SHA-256 in the job's row, which must have been flushed."""
    digest, size = hashlib.sha256(), 0
    for number, data in enumerate(_chunks(upload)):
        db.session.execute(insert(FileChunk), {"job_id": job.id, "number": number, "data": data})
        digest.update(data)
        size += len(data)
    job.file_name, job.file_bytes, job.file_sha256 = _clean_name(upload.name), size, digest.hexdigest()


def copy_stored(old: ImportJob, new: ImportJob) -> None:
    """Store the old job's file as the file of the new one, which must have been flushed."""
    db.session.execute(_COPY, {"new": new.id, "old": old.id})
    new.file_name, new.file_bytes, new.file_sha256 = old.file_name, old.file_bytes, old.file_sha256


def is_stored(job_id: int) -> bool:
    """Return whether the job's file is stored: it has been uploaded, and has not expired."""
    return bool(db.session.scalar(select(exists().where(FileChunk.job_id == job_id))))


def open_stored(job_id: int) -> IO[bytes]:
    """Return the job's file as a temporary file, deleted when it is closed; raise `NotFound` if it isn't stored."""
    numbers = db.session.scalars(
        select(FileChunk.number).where(FileChunk.job_id == job_id).order_by(FileChunk.number)
    ).all()
    if not numbers:
        raise NotFound("The file of this job was never uploaded, or has been deleted after its retention time.")
    file = tempfile.TemporaryFile()  # noqa: SIM115 # the caller closes it
    for number in numbers:
        chunk = FileChunk.job_id == job_id, FileChunk.number == number
        file.write(db.session.scalar(select(FileChunk.data).where(*chunk)) or b"")
    file.seek(0)
    return file


def open_upload(file: IO[bytes], settings: Settings, profile: ImportProfile | None = None) -> Book:
    """Open a spreadsheet under this installation's limits, as its import profile says; raise `UnreadableFile`."""
    encoding, delimiter = (profile.encoding, profile.delimiter) if profile else (None, None)
    return open_book(cast(Any, file), parsing.spreadsheet_limits(settings), encoding=encoding, delimiter=delimiter)


def open_corrected(
    file: IO[bytes], settings: Settings, profile: ImportProfile | None, corrections: Corrections | None
) -> Book:
    """Open a spreadsheet as `open_upload` does, with the corrections of its rows; a child process reads many rows."""
    book = BackgroundBook(open_upload(file, settings, profile))
    return book if corrections is None else CorrectedBook(book, corrections)


def _chunks(upload: Upload) -> Iterator[bytes]:
    upload.stream.seek(0)
    while data := upload.stream.read(current_settings().upload_chunk_bytes):
        yield data


def _clean_name(name: str) -> str:
    """Return the last part of a path of any system, without characters that can't be displayed."""
    last = "".join(filter(str.isprintable, PurePath(name.replace("\\", "/")).name))
    return last[-_MAX_NAME_LENGTH:] or "upload"
