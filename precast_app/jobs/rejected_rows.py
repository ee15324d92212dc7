"""The cells of rejected rows, stored when a job has found them, so that they can be corrected without the file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Set
from typing import Any

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from precast_app import database
from precast_app.extensions import db
from precast_app.importing import row_validation, sheet_layout
from precast_app.importing.corrections import RowCorrector
from precast_app.importing.profiles.schema import load_profile
from precast_app.importing.schema import ColumnMap
from precast_app.jobs import files
from precast_app.jobs.context import JobContext
from precast_app.models import RejectedRow
from precast_app.spreadsheets import Book, SheetRow

# Bytes of JSON that are stored for one job; rows with long texts reach it first.
_MAX_BYTES = 16_000_000
_ROWS_PER_INSERT = 500


def store(context: JobContext, columns: ColumnMap, numbers: Set[int], *, replace: bool = True) -> None:
    """Store the first `max_stored_rejected_rows` rows with these numbers as they stand in the file, and commit.

    They take the place of those that an earlier attempt has stored, unless `replace` is false.
    """
    wanted = set(sorted(numbers)[: context.settings.max_stored_rejected_rows])
    rows = list(_read(context, columns, wanted)) if wanted else []
    context.fence(db.session())
    if replace:
        db.session.execute(delete(RejectedRow).where(RejectedRow.job_id == context.job_id))
    for start in range(0, len(rows), _ROWS_PER_INSERT):
        statement = insert(RejectedRow).on_conflict_do_nothing()
        db.session.execute(statement, rows[start : start + _ROWS_PER_INSERT])
    db.session.commit()


def _read(context: JobContext, columns: ColumnMap, wanted: Set[int]) -> Iterator[dict[str, Any]]:
    """Yield the wanted rows as rows of the table, up to the number of bytes."""
    size = 0
    with files.open_stored(context.job_id) as file:
        database.release_connection()
        profile = None if context.profile is None else load_profile(context.profile)
        book = files.open_upload(file, context.settings, profile)
        for raw, corrected, prepared in _prepared_rows(context, book, columns, max(wanted)):
            if prepared.number not in wanted:
                continue
            filled = sheet_layout.filled_cells(corrected.cells, prepared.cells)
            row = {
                "job_id": context.job_id,
                "row": prepared.number,
                "cells": [sheet_layout.encode_cell(cell) for cell in raw.cells],
                "filled": {str(index): sheet_layout.encode_cell(cell) for index, cell in filled.items()},
            }
            size += len(json.dumps(row["cells"]))
            if size > _MAX_BYTES:
                return
            yield row


def _prepared_rows(
    context: JobContext, book: Book, columns: ColumnMap, last: int
) -> Iterator[tuple[SheetRow, SheetRow, SheetRow]]:
    """Yield each data row up to `last` as it stands in the file, corrected, and as it is validated."""
    corrections = context.corrections
    corrector = None if corrections is None else RowCorrector(corrections, book.scan(columns.sheet))
    current: tuple[SheetRow, SheetRow] | None = None

    def corrected() -> Iterator[SheetRow]:
        nonlocal current
        for row in context.checked(book.rows(columns.sheet)):
            if row.number > last:
                return
            current = row, row if corrector is None else corrector.correct(row)
            yield current[1]

    for prepared in row_validation.data_rows(corrected(), columns):
        if current is not None:
            yield *current, prepared
