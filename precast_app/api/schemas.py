"""What goes in and out over HTTP, shared by several resources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import marshmallow as ma
from flask_smorest.fields import Upload
from webargs.flaskparser import FlaskParser

from precast_app.reading.paging import LARGEST_ID


class Parser(FlaskParser):
    """Reads requests strictly: an option that nobody knows is refused, never ignored."""

    DEFAULT_UNKNOWN_BY_LOCATION = {"query": ma.RAISE, "json": ma.RAISE, "files": ma.EXCLUDE, "headers": ma.EXCLUDE}

    def pre_load(self, location_data: Any, *, schema: ma.Schema, req: Any, location: str) -> Any:
        """Refuse text that PostgreSQL can't hold, before anything is done with it."""
        if location in ("query", "json") and any(not storable(text) for text in _texts(location_data)):
            raise ma.ValidationError("A text holds a NUL or half of a character. Leave it out.")
        return location_data


def storable(text: str) -> bool:
    """Whether PostgreSQL can hold the text: it has no NUL and no lone surrogate."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from _texts(name)
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


class Moment(ma.fields.Field):
    """A time as `2024-01-01T10:00:00Z`."""

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Digits(ma.fields.Field):
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
