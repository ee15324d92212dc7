"""Limits of the pieces in a cell, in a file and in a project. Pure.

A piece is a row of the database with three index entries, so a few bytes of a file could fill a disk.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from precast_app.enums import Severity
from precast_app.importing.cell_parsing import InvalidCell
from precast_app.importing.counts import Counts
from precast_app.importing.issues import Issue
from precast_app.importing.schema import CellParser, ColumnGroup, ColumnMap
from precast_app.messages import Message


@dataclass(frozen=True, slots=True)
class PieceLimits:
    """The maximum number of pieces of one element type at one node, added by one file, and in one project."""

    per_cell: int
    per_file: int
    per_project: int


def limited(columns: ColumnMap, limits: PieceLimits) -> ColumnMap:
    """Return the columns with parsers that reject cells with too many pieces."""
    return replace(
        columns,
        columns=tuple(
            replace(column, parse=partial(_count, column.parse, limits.per_cell))
            if column.group is ColumnGroup.NODES and column.is_number
            else column
            for column in columns.columns
        ),
    )


def _count(parse: CellParser, limit: int, cell: object) -> object:
    try:
        count = parse(cell)
    except InvalidCell as invalid:
        if invalid.code != "number_too_large":
            raise
        count = None
    if not isinstance(count, int) or count > limit:
        raise InvalidCell(
            "too_many_pieces",
            Message(
                "At most %(limit)s pieces of an element type can be at one node. Write %(limit)s or "
                "less, or split them into several element types.",
                limit=shown(limit),
            ),
        )
    return count


def find_problem(counts: Counts, existing: int, limits: PieceLimits) -> Issue | None:
    """Return an issue if the counts of a plan exceed a limit; the project has `existing` pieces now."""
    added = counts.pieces_added
    if added > limits.per_file:
        message = Message(
            "The file would add %(added)s pieces; a file may add %(limit)s at most "
            "(PIECES_PER_FILE). Nothing was changed. Look for a quantity that is too large, or split "
            "the file.",
            added=shown(added),
            limit=shown(limits.per_file),
        )
        return Issue(severity=Severity.ERROR, code="too_many_pieces_in_file", message=message)
    after = existing + added - counts.pieces_removed
    if added and after > limits.per_project:
        message = Message(
            "The project has %(existing)s pieces and would have %(after)s; a project may have "
            "%(limit)s at most (PIECES_PER_PROJECT). Nothing was changed. Look for a quantity "
            "that is too large, or put a part of the building into a project of its own.",
            existing=shown(existing),
            after=shown(after),
            limit=shown(limits.per_project),
        )
        return Issue(severity=Severity.ERROR, code="too_many_pieces_in_project", message=message)
    return None


def shown(number: int) -> str:
    """Return a number with spaces between the thousands: `1 000 000`."""
    return f"{number:,}".replace(",", " ")
