"""Import profiles as JSON: their schema, for the API, the database and files. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import marshmallow as ma

from precast_app.errors import RequestError
from precast_app.importing.decimal_signs import DecimalSign
from precast_app.importing.profiles import profile as profiles
from precast_app.importing.profiles.profile import (
    BASE_FIELDS,
    GROUP_KEYS,
    BaseTarget,
    Blank,
    ImportProfile,
    ItemTarget,
    PieceStatusField,
    PieceStatusTarget,
    PlaceField,
    PlaceTarget,
    ProfileColumn,
    Shape,
    Target,
)
from precast_app.importing.schema import ColumnGroup
from precast_app.messages import Message
from precast_app.spreadsheets import column_number, encoding_name, unit_name
from precast_app.text import match_key, path_key

# What a response says about a profile beside its content.
DESCRIBING_FIELDS = ("id", "version", "project_id", "created_by", "created_at")

_INVALID = Message("The import profile is not valid. Correct the fields that `errors` names.")
_MAX_NAME = 150
# Characters of a heading.
MAX_HEADING = 2_000
_MAX_COLUMNS = 20_000
_MAX_REPLACEMENTS = 5_000
_MAX_TEXT = 255
_MAX_WORDS = 100
_LAST_ROW = 1_048_576
_MAX_LENGTHS = {"columns": _MAX_COLUMNS, "header_rows": 2, "skip_rows": _MAX_WORDS, "totals_words": _MAX_WORDS}
_GROUPS: Mapping[str, ColumnGroup] = {key: group for group, key in GROUP_KEYS.items()}
_CONSTANT_FIELDS = (*BASE_FIELDS, *PlaceField)
_VALUE_KINDS = (*BASE_FIELDS, *PlaceField, *_GROUPS, PieceStatusField.STATUS)
_FIELDS = (*BASE_FIELDS, *PlaceField, *PieceStatusField)
_DELIMITERS = (",", ";", "\t", "|")


def load_profile(body: object, *, complete: bool = True) -> ImportProfile:
    """Return the profile that JSON describes; `complete=False` accepts one that doesn't name all that an import needs.

    Raise `RequestError`, whose `errors` has the problems by field, if it is no valid profile.
    """
    _check_lengths(body)
    try:
        loaded = _ProfileSchema().load(body)  # type: ignore[arg-type]  # anything else is reported
    except ma.ValidationError as invalid:
        raise RequestError(_INVALID, _as_mapping(invalid.messages)) from None
    loaded["columns"] = tuple(ProfileColumn(**column) for column in loaded["columns"])
    for name in ("header_rows", "skip_rows", "totals_words"):
        loaded[name] = tuple(loaded[name])
    profile = ImportProfile(**loaded)
    if errors := _repeated_targets(profile) | _other_targets(profile):
        raise RequestError(_INVALID, {"columns": errors})
    if complete and (missing := profile.missing()):
        raise RequestError(" ".join(missing.values()), {"columns": list(missing.values())})
    return profile


def _check_lengths(body: object) -> None:
    """Raise `RequestError` for a list that is too long, before time is spent on its items."""
    if isinstance(body, Mapping):
        for name, most in _MAX_LENGTHS.items():
            if isinstance(body.get(name), list) and len(body[name]) > most:
                raise RequestError(_INVALID, {name: [Message("Longer than maximum length %(max)s.", max=most)]})


def load_exported(body: object) -> ImportProfile:
    """Return the profile that the API has returned or JSON describes; raise as `load_profile` does."""
    if isinstance(body, Mapping):
        body = {name: value for name, value in body.items() if name not in DESCRIBING_FIELDS}
    return load_profile(body)


def dump_profile(profile: ImportProfile) -> dict[str, Any]:
    """Return the profile as JSON, with every field."""
    return {
        "name": profile.name,
        "sheet": profile.sheet,
        "header_rows": list(profile.header_rows),
        "first_data_row": profile.first_data_row,
        "skip_rows": list(profile.skip_rows),
        "totals_words": list(profile.totals_words),
        "shape": profile.shape.value,
        "columns": [_dump_column(column) for column in profile.columns],
        "constants": dict(profile.constants),
        "values": {kind: dict(rules) for kind, rules in profile.values.items()},
        "blank": profile.blank.value,
        "encoding": profile.encoding,
        "delimiter": profile.delimiter,
        "decimal": profile.decimal and profile.decimal.value,
    }


def dump_target(target: Target | None) -> str | dict[str, str] | None:
    """Return a target as JSON: a field, an object such as `{"node": "EG"}`, or null."""
    match target:
        case BaseTarget(name):
            return name
        case PlaceTarget(name) | PieceStatusTarget(name):
            return name.value
        case ItemTarget(group, name):
            return {GROUP_KEYS[group]: name}
    return None


def load_target(value: object) -> Target | None:
    """Return the target that JSON describes; raise `marshmallow.ValidationError` if there is no such target."""
    if value is None:
        return None
    if isinstance(value, str):
        if value in BASE_FIELDS:
            return BaseTarget(value)
        if value in tuple(PlaceField):
            return PlaceTarget(PlaceField(value))
        if value in tuple(PieceStatusField):
            return PieceStatusTarget(PieceStatusField(value))
    elif isinstance(value, Mapping) and len(value) == 1:
        ((key, name),) = value.items()
        if key in _GROUPS and isinstance(name, str) and len(name) <= MAX_HEADING:
            if not match_key(name):
                raise ma.ValidationError("The name needs a letter or a digit.")
            return ItemTarget(_GROUPS[key], name)
    raise ma.ValidationError(
        Message(
            "Not a target. Write null, one of %(fields)s, or an object with one of the keys "
            '%(keys)s and the name, for example {"node": "Tower_A.Floor_1"}.',
            fields=", ".join(_FIELDS),
            keys=", ".join(_GROUPS),
        )
    )


class _TargetField(ma.fields.Field[Target]):
    """What a column means, as JSON."""

    def _deserialize(self, value: object, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        return load_target(value)


def _text(most: int, **options: Any) -> ma.fields.String:
    return ma.fields.String(validate=ma.validate.Length(max=most), **options)


def _row(highest: int = _LAST_ROW) -> ma.fields.Integer:
    return ma.fields.Integer(strict=True, validate=ma.validate.Range(1, highest))


def _choice(enum: type[Blank | DecimalSign | Shape], **options: Any) -> ma.fields.Enum[Any]:
    return ma.fields.Enum(enum, by_value=True, **options)


class _ColumnSchema(ma.Schema):
    heading = _text(MAX_HEADING, load_default="")
    sub_heading = _text(MAX_HEADING, load_default="")
    column = ma.fields.String(load_default=None, allow_none=True, validate=ma.validate.Regexp(r"\A[A-Z]{1,3}\Z"))
    target = _TargetField(load_default=None, allow_none=True)
    unit = ma.fields.String(load_default=None, allow_none=True)
    decimal = _choice(DecimalSign, load_default=None, allow_none=True)
    blank = _choice(Blank, load_default=None, allow_none=True)

    @ma.validates_schema
    def _check(self, data: dict[str, Any], **kwargs: Any) -> None:
        if data["target"] is not None and not data["heading"] and not data["sub_heading"] and data["column"] is None:
            raise ma.ValidationError("Name the column by its heading or, if it has none, by its letter.", "heading")
        if data["column"] is not None and column_number(data["column"]) > _MAX_COLUMNS:
            raise ma.ValidationError("There is no such column.", "column")
        if data["unit"] is not None:
            data["unit"] = unit_name(data["unit"]) or data["unit"]
        possible = profiles.possible_units(data["target"])
        if data["unit"] is not None and data["target"] is not None and data["unit"] not in possible:
            message = (
                Message("Must be one of: %(choices)s.", choices=", ".join(possible))
                if possible
                else Message("This target has no unit. Write null.")
            )
            raise ma.ValidationError(message, "unit")


class _ProfileSchema(ma.Schema):
    name = ma.fields.String(required=True, validate=ma.validate.Length(1, _MAX_NAME))
    sheet = _text(_MAX_TEXT, load_default=None, allow_none=True)
    header_rows = ma.fields.List(_row(), load_default=[1], validate=ma.validate.Length(1, 2))
    first_data_row = ma.fields.Integer(
        strict=True, load_default=None, allow_none=True, validate=ma.validate.Range(1, _LAST_ROW)
    )
    skip_rows = ma.fields.List(_row(_MAX_WORDS), load_default=[], validate=ma.validate.Length(max=_MAX_WORDS))
    totals_words = ma.fields.List(
        ma.fields.String(validate=ma.validate.Length(1, _MAX_TEXT)),
        load_default=[],
        validate=ma.validate.Length(max=_MAX_WORDS),
    )
    shape = _choice(Shape, load_default=Shape.ELEMENT_TYPE)
    columns = ma.fields.List(
        ma.fields.Nested(_ColumnSchema), required=True, validate=ma.validate.Length(1, _MAX_COLUMNS)
    )
    constants = ma.fields.Dict(
        ma.fields.String(validate=ma.validate.OneOf(_CONSTANT_FIELDS)), _text(_MAX_TEXT), load_default=dict
    )
    values = ma.fields.Dict(
        ma.fields.String(validate=ma.validate.OneOf(_VALUE_KINDS)),
        ma.fields.Dict(_text(_MAX_TEXT), _text(_MAX_TEXT), validate=ma.validate.Length(max=_MAX_REPLACEMENTS)),
        load_default=dict,
    )
    blank = _choice(Blank, load_default=Blank.CLEAR)
    encoding = _text(_MAX_TEXT, load_default=None, allow_none=True)
    delimiter = ma.fields.String(load_default=None, allow_none=True, validate=ma.validate.OneOf(_DELIMITERS))
    decimal = _choice(DecimalSign, load_default=None, allow_none=True)

    @ma.validates_schema
    def _check(self, data: dict[str, Any], **kwargs: Any) -> None:
        rows = data["header_rows"]
        if rows != sorted(set(rows)):
            raise ma.ValidationError("Name the upper row first, and each row once.", "header_rows")
        if data["first_data_row"] is not None and data["first_data_row"] <= rows[-1]:
            raise ma.ValidationError("The data begin below the headings.", "first_data_row")
        if data["encoding"] is not None and encoding_name(data["encoding"]) is None:
            raise ma.ValidationError("This encoding is not supported. Write a name such as windows-1250.", "encoding")


def _dump_column(column: ProfileColumn) -> dict[str, Any]:
    return {
        "heading": column.heading,
        "sub_heading": column.sub_heading,
        "column": column.column,
        "target": dump_target(column.target),
        "unit": column.unit,
        "decimal": column.decimal and column.decimal.value,
        "blank": column.blank and column.blank.value,
    }


def _repeated_targets(profile: ImportProfile) -> dict[str, dict[str, list[str]]]:
    """Return an error for each column whose target an earlier column or a constant has already."""
    seen: dict[tuple[str, str], str] = {(name, ""): Message("a constant") for name in profile.constants}
    errors: dict[str, dict[str, list[str]]] = {}
    for index, column in enumerate(profile.columns):
        if column.target is None:
            continue
        key = (profiles.value_kind(column.target), _target_key(column.target))
        shown = Message("the column %(column)s", column=column.heading or column.column)
        if key in seen:
            errors[str(index)] = {"target": [Message("Given by %(other)s too. Keep one of the two.", other=seen[key])]}
        seen.setdefault(key, shown)
    return errors


def _other_targets(profile: ImportProfile) -> dict[str, dict[str, list[str]]]:
    """Return an error for each column whose target belongs to lists of another shape."""
    is_status = profile.shape is Shape.PIECE_STATUS
    message = (
        Message("A list of pieces has no such column. Write one of: %(fields)s.", fields=", ".join(PieceStatusField))
        if is_status
        else Message('Only a list of pieces has such a column. Write "shape": "piece_status" for one.')
    )
    return {
        str(index): {"target": [message]}
        for index, column in enumerate(profile.columns)
        if column.target is not None and isinstance(column.target, PieceStatusTarget) is not is_status
    }


def _target_key(target: Target) -> str:
    if not isinstance(target, ItemTarget):
        return ""
    return path_key(target.name) if target.group is ColumnGroup.NODES else match_key(target.name)


def _as_mapping(messages: Any) -> dict[str, Any]:
    return messages if isinstance(messages, dict) else {"_schema": messages}
