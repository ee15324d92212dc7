"""Files that jobs make: stored in the database in chunks, like uploads, and read from there."""

from __future__ import annotations

import tempfile
from typing import IO

from sqlalchemy import delete, insert, select, update

from precast_app.errors import NotFound
from precast_app.extensions import db
from precast_app.jobs.context import JobContext
from precast_app.models import ImportJob, OutputChunk


def store(context: JobContext, file: IO[bytes], name: str, media_type: str) -> None:
    """Store the file as the job's output, in place of that of an earlier attempt. Raise as `fence` does.

    The caller commits.
    """
    job_id = context.job_id
    context.fence(db.session())
    db.session.execute(delete(OutputChunk).where(OutputChunk.job_id == job_id))
    number = size = 0
    file.seek(0)
    while data := file.read(context.settings.upload_chunk_bytes):
        db.session.execute(insert(OutputChunk), {"job_id": job_id, "number": number, "data": data})
        number, size = number + 1, size + len(data)
    values = {"output_name": name, "output_type": media_type, "output_bytes": size}
    db.session.execute(update(ImportJob).where(ImportJob.id == job_id).values(values))


def open_stored(job_id: int) -> IO[bytes]:
    """Return the job's output as a temporary file, deleted when it is closed; raise `NotFound` if there is none."""
    numbers = db.session.scalars(
        select(OutputChunk.number).where(OutputChunk.job_id == job_id).order_by(OutputChunk.number)
    ).all()
    if not numbers:
        raise NotFound("This job has not made a file yet, makes none, or its file has been deleted after its time.")
    file = tempfile.TemporaryFile()  # noqa: SIM115 # the caller closes it
    for number in numbers:
        chunk = OutputChunk.job_id == job_id, OutputChunk.number == number
        file.write(db.session.scalar(select(OutputChunk.data).where(*chunk)) or b"")
    file.seek(0)
    return file
