"""Files and options of an import, read from the request."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import marshmallow as ma
from flask import request

from precast_app import config
from precast_app.api.schemas import DayOrTime, LenientQuery, known_options, repeated_options
from precast_app.errors import RequestError, TooLarge
from precast_app.extensions import current_settings
from precast_app.jobs.creation import AUTO_PROFILE, NO_PROFILE, JobOptions
from precast_app.jobs.files import Upload
from precast_app.messages import Message, as_message, join_messages
from precast_app.models import Mapping as MappingOption
from precast_app.models import Missing, OnError, PieceStatus, Renames
from precast_app.pieces.status_file import MoveDefaults
from precast_app.queries.paging import MAX_ID

_NO_FILE = Message("No file was sent. Send a spreadsheet as the multipart field `file`.")


class ProfileChoice(ma.fields.String):
    """The id of an import profile, `auto` or `none`."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs).strip()
        is_id = text.isascii() and text.isdigit() and len(text) <= 10 and 0 < int(text) <= MAX_ID
        if text not in (AUTO_PROFILE, NO_PROFILE) and not is_id:
            raise ma.ValidationError("Must be the id of an import profile, auto or none.")
        return str(int(text)) if is_id else text


class OptionsQuery(LenientQuery):
    """The options of an import, given in the query or in the form."""

    batch_size = ma.fields.Integer(validate=ma.validate.Range(config.MIN_BATCH_SIZE, config.MAX_BATCH_SIZE))
    concurrent_batches = ma.fields.Integer(
        validate=ma.validate.Range(config.MIN_CONCURRENT_BATCHES, config.MAX_CONCURRENT_BATCHES)
    )
    dry_run = ma.fields.Boolean()
    on_error = ma.fields.String(validate=ma.validate.OneOf([*OnError]))
    create_missing = ma.fields.Boolean(
        metadata={
            "description": "create the reference data that headings name and the project lacks; needs the manager role"
        }
    )
    use_profile = ProfileChoice(
        data_key="profile",
        metadata={
            "description": "the id of the import profile by which the file is read; `auto`, the default: the one that "
            "was remembered for files with these headings, if any; `none`: by the project's own headings"
        },
    )
    mapping = ma.fields.String(
        validate=ma.validate.OneOf([*MappingOption]),
        metadata={
            "description": "with `ask`, the job of a file whose headings are not understood waits for "
            "`PUT /api/jobs/{job_id}/mapping`; by default such a file is refused"
        },
    )

    missing = ma.fields.String(
        validate=ma.validate.OneOf([*Missing]),
        metadata={
            "description": "`remove` removes the element types that the file lacks, unless pieces of them are in "
            "production; `keep` is the default"
        },
    )
    renames = ma.fields.String(
        validate=ma.validate.OneOf([*Renames]),
        metadata={
            "description": "`accept` carries out probable renames; with `ignore`, and with `ask`, the default, the new "
            "name is created; a dry run lists probable renames unless they are ignored"
        },
    )


class JobQuery(OptionsQuery):
    """The type of a new job, and the options of an import."""

    job_type = ma.fields.String(
        required=True, metadata={"description": "the type of the job, or `auto` to detect it from the file's headings"}
    )
    status = ma.fields.String(
        validate=ma.validate.OneOf([*PieceStatus]),
        metadata={"description": "of `piece_status_import`: the status of all rows that name neither status nor stage"},
    )
    stage = ma.fields.String(
        validate=ma.validate.Length(1, 150),
        metadata={"description": "of `piece_status_import`: the stage that rows without status and stage have passed"},
    )
    date = DayOrTime(
        metadata={"description": "of `piece_status_import`: the date of rows without one; now if left out"}
    )


def take_move_defaults(query: dict[str, Any]) -> MoveDefaults:
    """Remove from the query of a new job what it says about rows of a list of pieces, and return that."""
    status = query.pop("status", None)
    return MoveDefaults(PieceStatus(status) if status else None, query.pop("stage", None), query.pop("date", None))


class IdempotencyKeyHeader(ma.Schema):
    """The key by which an upload that is sent again is recognised."""

    key = ma.fields.String(
        data_key="Idempotency-Key",
        load_default=None,
        validate=ma.validate.Length(1, 200),
        metadata={"description": "the same key within a day returns the same job; with another upload: 409"},
    )


class FileNameQuery(ma.Schema):
    """The name of a file that is sent as the raw body."""

    file_name = ma.fields.String(load_default="upload", validate=ma.validate.Length(1, 255))


def parse_options(query: Mapping[str, Any]) -> JobOptions:
    """Return the options of the query and of the form; an option in both is taken from the form.

    Raise `RequestError` if an option in the form is out of range or given twice. Unknown fields are ignored.
    """
    schema = OptionsQuery()
    if repeated := repeated_options(request.form, known_options(schema)):
        raise RequestError(
            Message("%(options)s: given more than once. Give each once.", options=", ".join(repeated)),
            {"form": repeated},
        )
    try:
        form = schema.load(request.form.to_dict())
    except ma.ValidationError as error:
        messages = error.normalized_messages()
        name, first = next(iter(messages.items()))
        raise RequestError(join_messages(": ", [name, as_message(first[0])]), {"form": messages}) from None
    return JobOptions(**{**query, **form})


def reject_form_fields() -> None:
    """Raise `RequestError` if the form has other fields than the file."""
    if request.form:
        # A broken form can have a field without a name.
        unknown = {name or "(no name)": [Message("Unknown field.")] for name in request.form}
        raise RequestError(
            Message("This form takes only the field `file`. Remove %(options)s.", options=", ".join(unknown)),
            {"form": unknown},
        )


def from_form() -> Upload:
    """Return the file of the multipart field `file`; raise `RequestError` if there is none or more than one."""
    sent = request.files.getlist("file")
    if len(sent) > 1:
        raise RequestError("More than one file was sent. Send one file in each request.")
    file = sent[0] if sent else None
    if file is None or not file.filename:
        raise RequestError(_NO_FILE, {"files": {"file": [_NO_FILE]}})
    return Upload(file.stream, file.filename)


@contextmanager
def from_body(name: str) -> Iterator[Upload]:
    """Yield the raw body as an upload, spooled to disk; raise `TooLarge` beyond `max_upload_bytes`."""
    max_bytes = current_settings().max_upload_bytes
    with tempfile.SpooledTemporaryFile(max_size=config.MIB) as file:
        size = 0
        while data := request.stream.read(config.MIB):
            size += len(data)
            if size > max_bytes:
                raise TooLarge(
                    Message(
                        "The file is larger than %(limit)s MB. Split it and upload its parts.",
                        limit=f"{max_bytes / 1000000.0:.1f}",
                    )
                )
            file.write(data)
        yield Upload(file, name)
