"""What goes in and out over HTTP, shared by several resources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import marshmallow as ma
from flask_smorest.fields import Upload
from webargs.flaskparser import FlaskParser
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from precast_app.queries.paging import LARGEST_ID


class StrictParser(FlaskParser):
    """Reads requests strictly: an option that nobody knows, or that is given twice, is refused, never ignored."""

    DEFAULT_UNKNOWN_BY_LOCATION = {"query": ma.RAISE, "json": ma.RAISE, "files": ma.EXCLUDE, "headers": ma.EXCLUDE}

    def load_json(self, req: Any, schema: ma.Schema) -> Any:
        """The body; 415 where it is something else than JSON, 400 where it is more than anyone writes."""
        if not req.is_json and (req.content_length or req.headers.get("Transfer-Encoding")):
            raise UnsupportedMediaType("Send the body as JSON, with `Content-Type: application/json`.")
        try:
            return super().load_json(req, schema)
        except (RecursionError, ValueError) as error:
            raise BadRequest("The JSON is nested too deeply, or a number in it has too many digits.") from error

    def pre_load(self, location_data: Any, *, schema: ma.Schema, req: Any, location: str) -> Any:
        """Refuse what is given twice, and text that PostgreSQL can't hold, before anything is done with it."""
        if location == "query" and (twice := repeated_options(req.args)):
            raise ma.ValidationError(twice)
        if location in ("query", "json", "headers") and any(not storable(text) for text in _texts(location_data)):
            raise ma.ValidationError("A text holds a NUL or half of a character. Leave it out.")
        return location_data


def repeated_options(given: MultiDict[str, Any]) -> dict[str, list[str]]:
    """What is wrong with options that are given more than once, by their names."""
    return {name: ["Given more than once. Give it once."] for name, values in given.lists() if len(values) > 1}


def storable(text: str) -> bool:
    """Whether PostgreSQL can hold the text: it has no NUL and no lone surrogate."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _texts(value: Any) -> Iterator[str]:
    # Without recursion: JSON can be nested more deeply than Python calls can.
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, Mapping):
            left += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            left += one


class StrictBoolean(ma.fields.Boolean):
    """`true` or `false` in JSON, and nothing that is taken for one of them elsewhere: neither 1 nor 0.0 nor "yes"."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class RequestSchema(ma.Schema):
    """What comes in as JSON; a field that nobody knows is refused, and the description says so."""

    class Meta:
        """Strict."""

        unknown = ma.RAISE


class ResponseSchema(ma.Schema):
    """What goes out: every field is always there, null where it has no value."""

    class Meta:
        """More fields may come later."""

        unknown = ma.EXCLUDE

    def on_bind_field(self, field_name: str, field_obj: ma.fields.Field) -> None:
        """Let the description say so; nothing is read by this schema."""
        field_obj.required = True


class Problem(ResponseSchema):
    """The one shape of errors."""

    code = ma.fields.Integer()
    status = ma.fields.String(metadata={"description": "the code in words"})
    message = ma.fields.String(metadata={"description": "what is wrong and what to do"})
    errors = ma.fields.Dict(keys=ma.fields.String(), metadata={"description": "what is wrong with each field"})


class Timestamp(ma.fields.DateTime):
    """A time as `2024-01-01T10:00:00Z`."""

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class DecimalString(ma.fields.String):
    """A decimal as a string, with the digits that it was written with."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else f"{value:f}"


class PageQuery(ma.Schema):
    """Which part of a list."""

    limit = ma.fields.Integer(load_default=1000, validate=ma.validate.Range(1, 1000))
    offset = ma.fields.Integer(load_default=0, validate=ma.validate.Range(0, LARGEST_ID))


class FileForm(ma.Schema):
    """The multipart field with the file."""

    file = Upload(
        required=True,
        error_messages={"required": "No file was sent. Send a spreadsheet as the multipart field `file`."},
    )


class OptionalFileForm(ma.Schema):
    """The multipart field with the file, which may follow later."""

    file = Upload()


def identifier(**options: Any) -> ma.fields.Integer:
    """A field that holds the id of something."""
    return ma.fields.Integer(validate=ma.validate.Range(1, LARGEST_ID), **options)
