"""Request parsing, and schemas and fields that several resources share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, ClassVar

import marshmallow as ma
from flask import request
from flask_smorest.fields import Upload
from webargs.flaskparser import FlaskParser
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from precast_app import languages
from precast_app.api import page_links
from precast_app.errors import RequestError
from precast_app.message_catalogue import translate
from precast_app.messages import Message, join_messages
from precast_app.queries.paging import MAX_ID, PageRequest

_DAY_LENGTH = 10


class StrictParser(FlaskParser):
    """Request parser that rejects unknown and repeated options instead of ignoring them.

    A schema whose `Meta.unknown` is `EXCLUDE` ignores unknown ones.
    """

    # None: as the schema says, which is `RAISE` by default.
    DEFAULT_UNKNOWN_BY_LOCATION = {"query": None, "json": None, "files": ma.EXCLUDE, "headers": ma.EXCLUDE}

    def load_json(self, req: Any, schema: ma.Schema) -> Any:
        """Return the parsed body; raise `UnsupportedMediaType` for another type, `BadRequest` for malformed JSON."""
        if not req.is_json and (req.content_length or req.headers.get("Transfer-Encoding")):
            raise UnsupportedMediaType("Send the body as JSON, with `Content-Type: application/json`.")
        try:
            return super().load_json(req, schema)
        except (RecursionError, ValueError) as error:
            raise BadRequest("The JSON is nested too deeply, or a number in it has too many digits.") from error

    def pre_load(self, location_data: Any, *, schema: ma.Schema, req: Any, location: str) -> Any:
        """Raise `ValidationError` for options that are given twice and for text that PostgreSQL can't store."""
        if location == "query":
            location_data = _without_language(location_data, schema)
            if schema.unknown == ma.EXCLUDE:
                known = known_options(schema)
                location_data = {name: location_data[name] for name in location_data if name in known}
            if repeated := repeated_options(req.args, location_data):
                raise ma.ValidationError(repeated)
        if location in ("query", "json", "headers") and any(not is_storable(text) for text in _texts(location_data)):
            raise ma.ValidationError("A text contains a NUL or half of a character. Remove it.")
        return location_data


def _without_language(options: Any, schema: ma.Schema) -> Any:
    """Return the options of a request without the language of the response, which every route takes."""
    if languages.OPTION not in options or languages.OPTION in known_options(schema):
        return options
    check_language()
    return {name: options[name] for name in options if name != languages.OPTION}


def check_language() -> None:
    """Raise `RequestError` if the request asks for a language that there is not."""
    if request.args.get(languages.OPTION, languages.DEFAULT) not in languages.LANGUAGES:
        problem = Message("Must be one of: %(choices)s.", choices=", ".join(languages.LANGUAGES))
        raise RequestError(join_messages(": ", ["language", problem]), {"query": {languages.OPTION: [problem]}})


def known_options(schema: ma.Schema) -> set[str]:
    """Return the names of the schema's fields, as requests give them."""
    return {field.data_key or name for name, field in schema.load_fields.items()}


def repeated_options(given: MultiDict[str, Any], names: Iterable[str]) -> dict[str, list[str]]:
    """Return an error message for each of the options with these names that is given more than once."""
    return {name: [Message("Given more than once. Give it once.")] for name in names if len(given.getlist(name)) > 1}


def is_storable(text: str) -> bool:
    """Return whether PostgreSQL can store the text: it has no NUL and no lone surrogate."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _texts(value: Any) -> Iterator[str]:
    """Yield all texts in a parsed request, keys of objects included."""
    # Not recursive, because JSON can be nested more deeply than Python calls.
    remaining = [value]
    while remaining:
        one = remaining.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, Mapping):
            remaining += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            remaining += one


class StrictBoolean(ma.fields.Boolean):
    """A boolean that must be `true` or `false` in JSON; 1, 0.0 and "yes" are rejected."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class RequestSchema(ma.Schema):
    """Base class of JSON request bodies; unknown fields are rejected, as the OpenAPI description says.

    `example` is a body that the description shows.
    """

    example: ClassVar[Mapping[str, Any] | None] = None

    class Meta:
        """Options of the schema."""

        unknown = ma.RAISE


class ResponseSchema(ma.Schema):
    """Base class of response bodies; every field is always present, and null if it has no value."""

    class Meta:
        """Options of the schema; with `EXCLUDE` the description lets later versions add fields."""

        unknown = ma.EXCLUDE

    def on_bind_field(self, field_name: str, field_obj: ma.fields.Field[Any]) -> None:
        """Mark the field as required in the description; the schema itself is only used for output."""
        field_obj.required = True


class Problem(ResponseSchema):
    """The body of every error response."""

    code = ma.fields.Integer(metadata={"description": "the HTTP status"})
    status = ma.fields.String(metadata={"description": "the name of the HTTP status"})
    message = ma.fields.String(metadata={"description": "what is wrong and what to do"})
    errors = ma.fields.Dict(keys=ma.fields.String(), metadata={"description": "what is wrong with each field"})


class ProblemDetails(ResponseSchema):
    """The body of an error response to a client that accepts `application/problem+json` (RFC 9457)."""

    type = ma.fields.String(metadata={"description": "always `about:blank`: the status says what kind of error it is"})
    title = ma.fields.String(metadata={"description": "the name of the HTTP status"})
    status = ma.fields.Integer(metadata={"description": "the HTTP status"})
    detail = ma.fields.String(metadata={"description": "what is wrong and what to do"})
    errors = ma.fields.Dict(keys=ma.fields.String(), metadata={"description": "what is wrong with each field"})


class TranslatedText(ma.fields.String):
    """A message in the language that the request asks for; in English if it asks for none."""

    def _serialize(self, value: str | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else translate(value, languages.current())


class Timestamp(ma.fields.DateTime):
    """A time in UTC, as `2024-01-01T10:00:00Z`."""

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class DayOrTime(ma.fields.String):
    """A day (`2026-10-12`) or a time (`2026-10-12T14:30:00Z`, in UTC if it has no zone)."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        written = super()._deserialize(value, attr, data, **kwargs).strip()
        try:
            return date.fromisoformat(written) if len(written) == _DAY_LENGTH else datetime.fromisoformat(written)
        except ValueError:
            message = Message("Write a day such as 2026-10-12, or a time such as 2026-10-12T14:30:00Z.")
            raise ma.ValidationError(message) from None


class DecimalString(ma.fields.String):
    """A decimal number as a string, with the digits that were entered."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else f"{value:f}"


class PageQuery(ma.Schema):
    """The part of a list to return."""

    limit = ma.fields.Integer(
        load_default=1000, validate=ma.validate.Range(1, 1000), metadata={"description": "largest number of items"}
    )
    offset = ma.fields.Integer(
        load_default=0, validate=ma.validate.Range(0, MAX_ID), metadata={"description": "number of items to skip"}
    )


class CursorQuery(PageQuery):
    """The part of a list to return, also relative to an item that the client already has."""

    after = ma.fields.Integer(
        load_default=None,
        validate=ma.validate.Range(1, 2**63 - 1),
        metadata={
            "description": "id of the last item of the previous page; unlike with `offset`, no item is repeated or "
            "skipped while others are added or removed"
        },
    )


def requested_page(query: Mapping[str, Any], *, has_cursor: bool = True) -> PageRequest:
    """Return the part of a list that a query asks for, to which its `Link` header refers.

    `query` was parsed by a `PageQuery`; without `has_cursor`, its `after` is of no use for the order that it asks for.
    """
    page = PageRequest(query["limit"], query["offset"], query.get("after"))
    page_links.remember(page, "id" if has_cursor and "after" in query else None)
    return page


class LenientQuery(ma.Schema):
    """Base class of the query of a route that existing clients call: unknown options are ignored."""

    class Meta:
        """Options of the schema."""

        unknown = ma.EXCLUDE


# A file, for the description.
EXAMPLE_CSV = (
    "Element Type,Element Type Name,Height,Length,Thickness,Mass,Volume,Area,Width,Element Type Version\n"
    "WALL,W-001,3000,4500,200,6750,2.7,13.5,4500,VR-1\n"
)


class FileForm(ma.Schema):
    """The multipart form of an upload."""

    example = {"file": EXAMPLE_CSV}

    file = Upload(
        required=True,
        error_messages={"required": Message("No file was sent. Send a spreadsheet as the multipart field `file`.")},
    )


class OptionalFileForm(ma.Schema):
    """The multipart form of a job whose file may follow later."""

    example = {"file": EXAMPLE_CSV}

    file = Upload()


def identifier(**options: Any) -> ma.fields.Integer:
    """Return a field for an id of the database."""
    return ma.fields.Integer(validate=ma.validate.Range(1, MAX_ID), **options)
