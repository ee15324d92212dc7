"""Files and options of an import, out of the request."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import marshmallow as ma
from flask import request

from precast_app import config
from precast_app.api.schemas import repeated_options
from precast_app.errors import RequestError, TooLarge
from precast_app.extensions import current_settings
from precast_app.jobs.files import Upload
from precast_app.jobs.service import JobOptions
from precast_app.models import OnError

_NO_FILE = "No file was sent. Send a spreadsheet as the multipart field `file`."


class OptionsQuery(ma.Schema):
    """How an import is carried out; in the query or in the form."""

    batch_size = ma.fields.Integer(validate=ma.validate.Range(config.MIN_BATCH_SIZE, config.MAX_BATCH_SIZE))
    concurrent_batches = ma.fields.Integer(
        validate=ma.validate.Range(config.MIN_CONCURRENT_BATCHES, config.MAX_CONCURRENT_BATCHES)
    )
    dry_run = ma.fields.Boolean()
    on_error = ma.fields.String(validate=ma.validate.OneOf([*OnError]))
    create_missing = ma.fields.Boolean(
        metadata={"description": "make what the headings name and the project lacks; takes a manager"}
    )


class JobQuery(OptionsQuery):
    """What job is wanted, and how it is carried out."""

    job_type = ma.fields.String(required=True)


class IdempotencyKeyHeader(ma.Schema):
    """What the sender calls this upload, so that it is known when it is sent again."""

    key = ma.fields.String(
        data_key="Idempotency-Key",
        load_default=None,
        validate=ma.validate.Length(1, 200),
        metadata={"description": "the same key within a day answers with the same job; with another upload: 409"},
    )


class FileNameQuery(ma.Schema):
    """What the file is called, where it is the raw body and so has no name of its own."""

    file_name = ma.fields.String(load_default="upload", validate=ma.validate.Length(1, 255))


def parse_options(query: Mapping[str, Any]) -> JobOptions:
    """The options of the query, and those of the form; raises `RequestError` for one that is out of range or
    unknown."""
    if twice := repeated_options(request.form):
        raise RequestError(f"{', '.join(twice)}: given more than once. Give each once.", {"form": twice})
    try:
        form = OptionsQuery().load(request.form.to_dict())
    except ma.ValidationError as error:
        first = next(iter(error.normalized_messages().items()))
        raise RequestError(f"{first[0]}: {first[1][0]}", {"form": error.normalized_messages()}) from None
    return JobOptions(**{**query, **form})


def from_form() -> Upload:
    """The file of the multipart field `file`."""
    sent = request.files.getlist("file")
    if len(sent) > 1:
        raise RequestError("More than one file was sent. Send each in a request of its own.")
    file = sent[0] if sent else None
    if file is None or not file.filename:
        raise RequestError(_NO_FILE, {"files": {"file": [_NO_FILE]}})
    return Upload(file.stream, file.filename)


@contextmanager
def from_body(name: str) -> Iterator[Upload]:
    """The raw body, spooled to disk, read no further than the limit."""
    most = current_settings().max_upload_bytes
    with tempfile.SpooledTemporaryFile(max_size=config.MIB) as file:
        size = 0
        while data := request.stream.read(config.MIB):
            size += len(data)
            if size > most:
                raise TooLarge(f"The file has more than {most / 1e6:.1f} MB. Split it, and upload the parts.")
            file.write(data)
        yield Upload(file, name)
