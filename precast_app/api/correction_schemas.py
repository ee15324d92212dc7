"""Schemas of corrections and rejected rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import marshmallow as ma

from precast_app.api.schemas import CursorQuery, RequestSchema, ResponseSchema, StrictBoolean, Timestamp, TranslatedText
from precast_app.messages import Message
from precast_app.queries.paging import MAX_ID
from precast_app.spreadsheets import column_number

_LAST_ROW = 1_048_576
_LAST_COLUMN = 16_384
_MAX_CELLS = 20_000
_MAX_RULES = 500
_MAX_CHECKED_ROWS = 500
# What a cell of a spreadsheet can hold.
_MAX_TEXT = 32_767


def _check_column(letters: str) -> None:
    if column_number(letters) > _LAST_COLUMN:
        raise ma.ValidationError("There is no such column.")


# The description's pattern is one of JavaScript, which has neither `\A` nor `\Z`.
_COLUMN_PATTERN = "^[A-Z]{1,3}$"
_COLUMN: list[Callable[[Any], Any]] = [
    ma.validate.Regexp(r"\A[A-Z]{1,3}\Z", error=Message("Write the letters of a column, such as F.")),
    _check_column,
]


def _column() -> ma.fields.String:
    metadata = {"description": "its letters", "pattern": _COLUMN_PATTERN}
    return ma.fields.String(required=True, validate=_COLUMN, metadata=metadata)


def _row() -> ma.fields.Integer:
    return ma.fields.Integer(required=True, strict=True, validate=ma.validate.Range(1, _LAST_ROW))


def _text(**options: Any) -> ma.fields.String:
    return ma.fields.String(required=True, validate=ma.validate.Length(max=_MAX_TEXT), **options)


class CellRequest(RequestSchema):
    """What a cell should say."""

    row = _row()
    column = _column()
    value = _text()


class RuleRequest(RequestSchema):
    """What all cells of a column with the same text should say."""

    column = _column()
    old = ma.fields.String(
        required=True,
        data_key="from",
        validate=ma.validate.Length(1, _MAX_TEXT),
        metadata={"description": "the whole text of the cells, without blanks around it"},
    )
    new = _text(data_key="to")


class CorrectionsRequest(RequestSchema):
    """All corrections of a job; those that it had before and that are not sent again are removed."""

    example = {
        "cells": [{"row": 9, "column": "F", "value": "120"}],
        "rules": [{"column": "E", "from": "—", "to": ""}],
    }

    cells = ma.fields.List(
        ma.fields.Nested(CellRequest), load_default=list, validate=ma.validate.Length(max=_MAX_CELLS)
    )
    rules = ma.fields.List(
        ma.fields.Nested(RuleRequest), load_default=list, validate=ma.validate.Length(max=_MAX_RULES)
    )


class RememberRequest(RequestSchema):
    """Rules to remember."""

    example = {"rules": [{"column": "E", "from": "—", "to": ""}]}

    rules = ma.fields.List(ma.fields.Nested(RuleRequest), required=True, validate=ma.validate.Length(1, _MAX_RULES))


class RememberedProfile(ResponseSchema):
    """The import profile that remembers the rules."""

    id = ma.fields.Integer()
    name = ma.fields.String()
    version = ma.fields.Integer()


class IfMatchHeader(ma.Schema):
    """The version of the corrections that the request changes."""

    version = ma.fields.String(
        data_key="If-Match",
        load_default=None,
        metadata={"description": "the `ETag` of the corrections as they were read; without it the response is 428"},
    )


class CorrectedCell(ResponseSchema):
    """A corrected cell."""

    row = ma.fields.Integer()
    column = ma.fields.String()
    value = ma.fields.String(attribute="to_text")
    changed_by = ma.fields.String()
    changed_at = Timestamp()


class CorrectionRule(ResponseSchema):
    """A rule over a column."""

    column = ma.fields.String()
    from_text = ma.fields.String(data_key="from")
    to_text = ma.fields.String(data_key="to")
    changed_by = ma.fields.String()
    changed_at = Timestamp()


class Corrections(ResponseSchema):
    """All corrections of a job."""

    version = ma.fields.Integer(metadata={"description": "also the `ETag`; 0 if nothing was ever corrected"})
    checked_version = ma.fields.Integer(metadata={"description": "the version that the job has last run with"})
    cells = ma.fields.List(ma.fields.Nested(CorrectedCell))
    rules = ma.fields.List(ma.fields.Nested(CorrectionRule))


class CorrectionChange(ResponseSchema):
    """Who changed a correction: of a cell or, without a row, the rule that replaces `from`."""

    id = ma.fields.Integer(metadata={"description": "for the option `after`"})
    version = ma.fields.Integer()
    row = ma.fields.Integer(allow_none=True)
    column = ma.fields.String()
    from_text = ma.fields.String(
        data_key="from", allow_none=True, metadata={"description": "what the cell said before; null if not known"}
    )
    to_text = ma.fields.String(
        data_key="to", allow_none=True, metadata={"description": "null: the correction was removed"}
    )
    changed_by = ma.fields.String()
    changed_at = Timestamp()


class CorrectionHistory(ResponseSchema):
    """A page of the history of a job's corrections, the newest change first."""

    changes = ma.fields.List(ma.fields.Nested(CorrectionChange))
    count = ma.fields.Integer()


class HistoryQuery(CursorQuery):
    """The part of the history to list."""


class RejectedRowsQuery(ma.Schema):
    """The rejected rows to list."""

    limit = ma.fields.Integer(load_default=100, validate=ma.validate.Range(1, 1000))
    after = ma.fields.Integer(
        load_default=0,
        validate=ma.validate.Range(0, MAX_ID),
        metadata={"description": "number of the last row of the previous page"},
    )
    state = ma.fields.String(
        load_default="open",
        validate=ma.validate.OneOf(["open", "all"]),
        metadata={"description": "`open`: only rows that still have errors with the corrections"},
    )


class RowIssue(ResponseSchema):
    """An error of a row."""

    column = ma.fields.String(allow_none=True)
    heading = ma.fields.String(allow_none=True)
    code = ma.fields.String()
    message = TranslatedText()


class CheckedRow(ResponseSchema):
    """A row with its corrections."""

    row = ma.fields.Integer()
    cells = ma.fields.Dict(
        keys=ma.fields.String(), values=ma.fields.String(), metadata={"description": "by column; without blank cells"}
    )
    original = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.String(),
        metadata={"description": "what cells that differ from the file say there, by column"},
    )
    issues = ma.fields.List(ma.fields.Nested(RowIssue))


class CheckedRows(ResponseSchema):
    """The checked rows."""

    rows = ma.fields.List(ma.fields.Nested(CheckedRow))


class SheetColumn(ResponseSchema):
    """A column that the import reads."""

    column = ma.fields.String()
    heading = ma.fields.String()
    is_number = ma.fields.Boolean()


class Mistake(ResponseSchema):
    """Cells of a column with the same text and the same error."""

    column = ma.fields.String()
    heading = ma.fields.String()
    text = ma.fields.String(data_key="value")
    code = ma.fields.String()
    message = TranslatedText()
    rows = ma.fields.List(ma.fields.Integer())
    suggestion = ma.fields.String(allow_none=True, metadata={"description": "what the cells may be meant to say"})


class RejectedRows(ResponseSchema):
    """A page of the rejected rows of a job."""

    # For `page_links`.
    items = "rows"

    sheet = ma.fields.String()
    columns = ma.fields.List(ma.fields.Nested(SheetColumn))
    rows = ma.fields.List(ma.fields.Nested(CheckedRow))
    count = ma.fields.Integer(metadata={"description": "all rows that match"})
    open_count = ma.fields.Integer(metadata={"description": "rows that still have errors with the corrections"})
    rejected_count = ma.fields.Integer(metadata={"description": "rows that the job has rejected"})
    mistakes = ma.fields.List(
        ma.fields.Nested(Mistake), metadata={"description": "equal mistakes of all open rows, most frequent first"}
    )
    version = ma.fields.Integer(metadata={"description": "the version of the corrections"})


class EditedRow(RequestSchema):
    """Cells of a row as they would be corrected, by column."""

    row = _row()
    cells = ma.fields.Dict(
        keys=ma.fields.String(validate=_COLUMN, metadata={"pattern": _COLUMN_PATTERN}),
        values=ma.fields.String(validate=ma.validate.Length(max=_MAX_TEXT)),
        required=True,
    )


class CheckRowsRequest(RequestSchema):
    """Rows to check."""

    example = {"rows": [{"row": 9, "cells": {"F": "120"}}]}

    rows = ma.fields.List(ma.fields.Nested(EditedRow), required=True, validate=ma.validate.Length(1, _MAX_CHECKED_ROWS))


class ImportRejectedRequest(RequestSchema):
    """Options of an import of rejected rows."""

    example = {"dry_run": True}

    dry_run = StrictBoolean(load_default=False)
