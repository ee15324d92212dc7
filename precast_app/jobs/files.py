"""Uploaded files: how they are opened, and how they come out of the database again."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

from sqlalchemy import select

from precast_app.config import Settings
from precast_app.errors import JobFailed
from precast_app.extensions import db
from precast_app.models import FileChunk
from precast_app.spreadsheets import Book, Limits, open_book


def open_upload(file: IO[bytes], settings: Settings) -> Book:
    """Open a file under this installation's limits; raises `spreadsheets.FileRefused`."""
    limits = Limits(unpacked_bytes=settings.unpacked_bytes, rows=settings.sheet_rows, columns=settings.sheet_columns)
    return open_book(cast(Any, file), limits)


@contextmanager
def stored(job_id: int) -> Iterator[IO[bytes]]:
    """A job's file, in a temporary file; `JobFailed` where it is kept no longer."""
    with tempfile.TemporaryFile() as file:
        numbers = db.session.scalars(
            select(FileChunk.number).where(FileChunk.job_id == job_id).order_by(FileChunk.number)
        ).all()
        for number in numbers:
            data = db.session.scalar(
                select(FileChunk.data).where(FileChunk.job_id == job_id, FileChunk.number == number)
            )
            file.write(data or b"")
        db.session.rollback()
        if not numbers:
            raise JobFailed("The file of this job is kept no longer. Upload it again.")
        file.seek(0)
        yield file
