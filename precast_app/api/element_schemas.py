"""Schemas of pieces: filters, lists, one piece."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from precast_app.api.schemas import CursorQuery, DayOrTime, RequestSchema, ResponseSchema, Timestamp, identifier
from precast_app.models import PieceStatus
from precast_app.pieces.selection import PieceFilter
from precast_app.queries import pieces
from precast_app.queries.paging import MAX_ID
from precast_app.text import clean_text

_MAX_IDS = 10_000
# Of notes and reasons.
_MAX_TEXT = 2_000


class PieceFilterFields(ma.Schema):
    """The conditions of a filter of pieces, in a query or in JSON."""

    node_id = identifier(load_default=None, metadata={"description": "exactly this node"})
    tower = ma.fields.String(
        load_default=None,
        validate=ma.validate.Length(1, 500),
        metadata={"description": "name or path of a tower: its own pieces and those of all its floors"},
    )
    element_type_id = identifier(load_default=None)
    type = ma.fields.String(
        load_default=None,
        validate=ma.validate.Length(1, 150),
        metadata={"description": "the whole type of the element type, such as `WALL`"},
    )
    status = ma.fields.String(load_default=None, validate=ma.validate.OneOf([*PieceStatus]))
    stage = identifier(load_default=None, metadata={"description": "id of the last stage that the piece has passed"})
    moved_from = ma.fields.Date(
        load_default=None, metadata={"description": "pieces that reached their status on this day (UTC) or later"}
    )
    moved_to = ma.fields.Date(
        load_default=None, metadata={"description": "pieces that reached their status on this day (UTC) or earlier"}
    )
    search = ma.fields.String(
        load_default=None,
        validate=ma.validate.Length(max=500),
        metadata={
            "description": "a part of the code or of the element type's name; a whole code, or the address in a "
            "label's QR code, finds one piece"
        },
    )

    @ma.post_load
    def _to_filter(self, data: dict[str, Any], **kwargs: Any) -> Any:
        return {**data, "filter": PieceFilter.from_json(data)}


class PieceFilterBody(PieceFilterFields, RequestSchema):
    """A filter of pieces as JSON; `ids` are those of chosen pieces."""

    ids = ma.fields.List(
        ma.fields.Integer(validate=ma.validate.Range(1, 2**63 - 1)),
        load_default=None,
        validate=ma.validate.Length(max=_MAX_IDS),
    )

    @ma.post_load
    def _to_filter(self, data: dict[str, Any], **kwargs: Any) -> Any:
        return PieceFilter.from_json(data)


class ElementsQuery(CursorQuery, PieceFilterFields):
    """The pieces to list, their order, and the part of the list to return."""

    node = identifier(load_default=None, metadata={"description": "the same as `node_id`", "deprecated": True})
    sort = ma.fields.String(
        load_default="id",
        validate=ma.validate.OneOf(pieces.SORTS),
        metadata={"description": "in the order of their creation (`id`) if left out; `moved`: by `status_since`"},
    )

    @ma.post_load
    def _to_filter(self, data: dict[str, Any], **kwargs: Any) -> Any:
        conditions = dict(data)
        conditions["node_id"] = data["node_id"] if data["node_id"] is not None else data["node"]
        # Clients of the first version give the id of an element type as `type`.
        kind = data["type"]
        if kind and kind.isascii() and kind.isdigit() and len(kind) <= 10 and 0 < int(kind) <= MAX_ID:
            conditions.update(type=None, element_type_id=int(kind))
        return {**data, "filter": PieceFilter.from_json(conditions)}


class Element(ResponseSchema):
    """An individual piece."""

    id = ma.fields.Integer()
    code = ma.fields.String()
    status = ma.fields.String(metadata={"enum": [*PieceStatus]})
    number = ma.fields.Integer()
    element_type_id = ma.fields.Integer()
    element_type = ma.fields.String(metadata={"description": "type of the element type, such as `WALL`"})
    element_type_name = ma.fields.String()
    node_id = ma.fields.Integer()
    path = ma.fields.String()
    tower = ma.fields.String()
    floor = ma.fields.String(allow_none=True)
    created_at = Timestamp()
    status_since = Timestamp(allow_none=True, metadata={"description": "null if it never moved"})
    stage_id = ma.fields.Integer(allow_none=True, metadata={"description": "the last stage that it has passed"})
    stage = ma.fields.String(allow_none=True)
    stage_passed_at = Timestamp(allow_none=True)


class Elements(ResponseSchema):
    """A page of pieces."""

    elements = ma.fields.List(ma.fields.Nested(Element))
    count = ma.fields.Integer()


class OneElement(ResponseSchema):
    """The response with one piece."""

    element = ma.fields.Nested(Element)


class Text(ma.fields.String):
    """A text without outer spaces; a blank one is the same as none."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return clean_text(super()._deserialize(value, attr, data, **kwargs)) or None

    def _validate(self, value: Any) -> None:
        if value is not None:
            super()._validate(value)


class MoveRequest(RequestSchema):
    """What happened to a piece: its status, a stage that it passed or a note; when, and why if it went back."""

    example = {"status": "produced", "date": "2026-10-12", "note": "Mould 4"}

    status = ma.fields.String(load_default=None, allow_none=True, validate=ma.validate.OneOf([*PieceStatus, None]))
    stage_id = identifier(load_default=None, allow_none=True, strict=True)
    date = DayOrTime(
        load_default=None,
        allow_none=True,
        metadata={"description": "the day (`2026-10-12`) or the time (`2026-10-12T14:30:00Z`); now if left out"},
    )
    note = Text(load_default=None, allow_none=True, validate=ma.validate.Length(max=_MAX_TEXT))
    reason = Text(
        load_default=None,
        allow_none=True,
        validate=ma.validate.Length(max=_MAX_TEXT),
        metadata={"description": "needed to go back to an earlier status, and for `scrapped`"},
    )
