"""How many pieces an import may make: in a cell, by a file, in a project. Pure.

A piece is a row of the database and three more in its indexes, so that a few bytes of a file could fill a disk.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from precast_app.enums import Severity
from precast_app.importing.cell_parsing import InvalidCell
from precast_app.importing.issues import Issue
from precast_app.importing.plan import Plan
from precast_app.importing.schema import CellParser, ColumnGroup, ColumnMap


@dataclass(frozen=True, slots=True)
class PieceLimits:
    """The most pieces of one element type at one node, that one file may add, and that a project may have."""

    per_cell: int
    per_file: int
    per_project: int


def limited(columns: ColumnMap, limits: PieceLimits) -> ColumnMap:
    """Return the columns, of which those that count pieces refuse a cell with too many."""
    return replace(
        columns,
        columns=tuple(
            replace(column, parse=partial(_count, column.parse, limits.per_cell))
            if column.group is ColumnGroup.NODES
            else column
            for column in columns.columns
        ),
    )


def _count(clean: CellParser, most: int, cell: object) -> object:
    try:
        count = clean(cell)
    except InvalidCell as bad:
        if bad.code != "number_too_large":
            raise
        count = None
    if not isinstance(count, int) or count > most:
        raise InvalidCell(
            "too_many_pieces",
            f"At most {shown(most)} pieces of an element type can be at one place. Write {shown(most)} or less, or "
            "divide them over several element types.",
        )
    return count


def problem(plan: Plan, there: int, limits: PieceLimits) -> Issue | None:
    """Return why the plan may not be carried out at all, if it makes too many pieces; the project has `there` now."""
    added = plan.pieces_added
    if added > limits.per_file:
        message = (
            f"The file would add {shown(added)} pieces; a file may add {shown(limits.per_file)} at most "
            "(PIECES_PER_FILE). Nothing was changed. Look for a quantity that is too large, or split the file."
        )
        return Issue(Severity.ERROR, "too_many_pieces_in_file", message)
    after = there + added - plan.pieces_removed
    if added and after > limits.per_project:
        message = (
            f"The project has {shown(there)} pieces and would have {shown(after)}; a project may have "
            f"{shown(limits.per_project)} at most (PIECES_PER_PROJECT). Nothing was changed. Look for a quantity that "
            "is too large, or put a part of the building into a project of its own."
        )
        return Issue(Severity.ERROR, "too_many_pieces_in_project", message)
    return None


def shown(number: int) -> str:
    """Return a number as people write it: 1 000 000."""
    return f"{number:,}".replace(",", " ")
