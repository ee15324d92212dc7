"""Schemas of import profiles. `importing.profiles.schema` checks a profile; these only describe it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import marshmallow as ma

from precast_app.api.schemas import RequestSchema, ResponseSchema, Timestamp
from precast_app.errors import RequestError, invalid_field
from precast_app.importing.profiles import schema
from precast_app.importing.profiles.profile import Blank, ImportProfile, Shape
from precast_app.messages import Message
from precast_app.text import clean_text

# The text of an error is bounded, because a body can repeat the same mistake very often.
_MAX_REPORTED = 50


def _raw(**metadata: Any) -> ma.fields.Raw:
    nullable = metadata.pop("nullable", False)
    return ma.fields.Raw(allow_none=nullable, metadata=metadata)


class ProfileRequest(RequestSchema):
    """An import profile."""

    example = {
        "name": "Hafenstraße",
        "header_rows": [3],
        "first_data_row": 4,
        "shape": "element_type_and_node",
        "columns": [
            {"heading": "Pos.", "target": "name"},
            {"heading": "Bauteil", "target": "element_type"},
            {"heading": "Länge [m]", "target": "length", "unit": "m"},
            {"heading": "Geschoss", "target": "place"},
            {"heading": "Stück", "target": "count"},
            {"heading": "Bemerkung", "target": None},
        ],
        "values": {"element_type": {"Wand": "WALL"}},
        "decimal": ",",
    }

    name = ma.fields.Raw(required=True, metadata={"type": "string", "minLength": 1, "maxLength": 150})
    sheet = _raw(type="string", nullable=True)
    header_rows = _raw(type="array", items={"type": "integer"}, minItems=1, maxItems=2)
    first_data_row = _raw(type="integer", nullable=True)
    skip_rows = _raw(type="array", items={"type": "integer"})
    totals_words = _raw(type="array", items={"type": "string"})
    shape = _raw(type="string", enum=[*Shape])
    columns = ma.fields.Raw(required=True, metadata={"type": "array", "minItems": 1, "items": {"type": "object"}})
    constants = _raw(type="object", additionalProperties={"type": "string"})
    values = _raw(type="object", additionalProperties={"type": "object", "additionalProperties": {"type": "string"}})
    blank = _raw(type="string", enum=[*Blank])
    encoding = _raw(type="string", nullable=True)
    delimiter = _raw(type="string", nullable=True)
    decimal = _raw(type="string", nullable=True, enum=[".", ",", None])

    @ma.pre_load
    def _drop_describing_fields(self, data: Any, **kwargs: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        # A profile that was exported can be sent as it is.
        return {name: value for name, value in data.items() if name not in schema.DESCRIBING_FIELDS}


def load_profile(body: Mapping[str, Any], *, complete: bool = True) -> ImportProfile:
    """Return the profile of a request; raise `RequestError` with the problems as `errors.json`, by field."""
    fields = {name: body[name] for name in body if name in ProfileRequest._declared_fields}
    try:
        profile = schema.load_profile(fields, complete=complete)
    except RequestError as error:
        raise RequestError(error.message, {"json": _first_problems(error.errors)}) from None
    if not clean_text(profile.name):
        message = Message("Give the profile a name, for example the office that sends such files.")
        raise invalid_field("name", message)
    return profile


def _first_problems(errors: Mapping[str, Any]) -> dict[str, Any]:
    return {
        str(name): dict(list(problem.items())[:_MAX_REPORTED]) if isinstance(problem, dict) else problem
        for name, problem in list(errors.items())[:_MAX_REPORTED]
    }


class ProfileColumn(ResponseSchema):
    """What a column of the file means."""

    heading = ma.fields.String()
    sub_heading = ma.fields.String()
    column = ma.fields.String(allow_none=True, metadata={"description": "its letter when the profile was made"})
    target = ma.fields.Raw(
        allow_none=True, metadata={"description": 'a base column, or an object such as `{"node": "Tower_A.Floor_1"}`'}
    )
    unit = ma.fields.String(allow_none=True)
    decimal = ma.fields.String(allow_none=True)
    blank = ma.fields.String(allow_none=True)


class ProfileContent(ResponseSchema):
    """How the files of an office are read."""

    name = ma.fields.String()
    sheet = ma.fields.String(allow_none=True)
    header_rows = ma.fields.List(ma.fields.Integer())
    first_data_row = ma.fields.Integer(allow_none=True)
    skip_rows = ma.fields.List(ma.fields.Integer())
    totals_words = ma.fields.List(ma.fields.String())
    shape = ma.fields.String(metadata={"enum": [*Shape]})
    columns = ma.fields.List(ma.fields.Nested(ProfileColumn))
    constants = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    values = ma.fields.Dict(
        keys=ma.fields.String(), values=ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    )
    blank = ma.fields.String(metadata={"enum": [*Blank]})
    encoding = ma.fields.String(allow_none=True)
    delimiter = ma.fields.String(allow_none=True)
    decimal = ma.fields.String(allow_none=True)


class StoredImportProfile(ProfileContent):
    """A version of a remembered import profile."""

    id = ma.fields.Integer()
    version = ma.fields.Integer()
    project_id = ma.fields.Integer(allow_none=True, metadata={"description": "null: of the whole installation"})
    created_by = ma.fields.String(metadata={"description": "the user who made this version"})
    created_at = Timestamp()


class OneImportProfile(ResponseSchema):
    """The response with one import profile."""

    import_profile = ma.fields.Nested(StoredImportProfile)


class ImportProfiles(ResponseSchema):
    """A page of import profiles."""

    import_profiles = ma.fields.List(ma.fields.Nested(StoredImportProfile))
    count = ma.fields.Integer()
