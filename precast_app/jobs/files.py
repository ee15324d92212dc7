"""Uploaded files: how they are opened, and how they come out of the database again."""

from __future__ import annotations

import tempfile
from typing import IO, Any, cast

from sqlalchemy import select

from precast_app import parsing
from precast_app.config import Settings
from precast_app.errors import NotFound
from precast_app.extensions import db
from precast_app.models import FileChunk
from precast_app.spreadsheets import Book, open_book


def open_upload(file: IO[bytes], settings: Settings) -> Book:
    """Open a file under this installation's limits; raises `spreadsheets.UnreadableFile`."""
    return open_book(cast(Any, file), parsing.spreadsheet_limits(settings))


def open_stored(job_id: int) -> IO[bytes]:
    """A job's file, in a temporary file that goes when it is closed; `NotFound` where it is kept no longer."""
    numbers = db.session.scalars(
        select(FileChunk.number).where(FileChunk.job_id == job_id).order_by(FileChunk.number)
    ).all()
    if not numbers:
        raise NotFound("The file of this job is not there: it was never uploaded, or is kept no longer.")
    file = tempfile.TemporaryFile()  # noqa: SIM115 # the caller closes it
    for number in numbers:
        chunk = FileChunk.job_id == job_id, FileChunk.number == number
        file.write(db.session.scalar(select(FileChunk.data).where(*chunk)) or b"")
    db.session.rollback()
    file.seek(0)
    return file
