"""The rows that each table gets from a benchmark's workbook, for the baselines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench.workbooks import BASE, DRAWINGS, NODES, STAGES

MEASURES = ("height", "length", "thickness", "mass", "volume", "area", "width")
TYPE_COLUMNS = ("id", "project_id", "type_key", "name_key", "element_type", "name", *MEASURES, "version")
PIECE_COLUMNS = ("project_id", "element_type_id", "node_id", "number", "code")

_FIRST_NODE = len(BASE) + len(DRAWINGS)

# Ids of the reference data, in the order of the headings of each group.
Ids = dict[str, list[int]]
Cells = list[list[Any]]


@dataclass(frozen=True, slots=True)
class GroupTable:
    """The table of a group of columns: the index of the first of them, their ids, and the table's columns."""

    name: str
    columns: tuple[str, ...]
    first: int
    targets: tuple[int, ...]

    def rows(self, row: list[Any], type_id: int) -> Iterator[tuple[Any, ...]]:
        """Yield the table's rows of an element type."""
        for target, cell in zip(self.targets, row[self.first : self.first + len(self.targets)], strict=True):
            if cell not in ("", False):
                yield (type_id, target, cell)[: len(self.columns)]


def group_tables(ids: Ids) -> list[GroupTable]:
    """Return the tables of the groups."""
    first_stage = _FIRST_NODE + len(NODES)
    return [
        GroupTable(
            "element_type_drawings",
            ("element_type_id", "drawing_type_id", "file_name"),
            len(BASE),
            tuple(ids["drawings"]),
        ),
        GroupTable(
            "element_type_quantities", ("element_type_id", "node_id", "quantity"), _FIRST_NODE, tuple(ids["nodes"])
        ),
        GroupTable("element_type_stages", ("element_type_id", "stage_id"), first_stage, tuple(ids["stages"])),
        GroupTable(
            "element_type_bom",
            ("element_type_id", "product_id", "quantity"),
            first_stage + len(STAGES),
            tuple(ids["products"]),
        ),
    ]


def type_row(row: list[Any], type_id: int, project_id: int) -> tuple[Any, ...]:
    """Return the row of `element_types`, in the order of `TYPE_COLUMNS`."""
    measures = (None if cell == "" else cell for cell in row[2 : len(BASE)])
    return (type_id, project_id, str(row[0]).lower(), str(row[1]).lower(), row[0], row[1], *measures)


def pieces(
    rows: Cells, project_id: int, nodes: list[int], conventions: list[str], *, first: int = 0
) -> Iterator[tuple[int, int, int, int, str]]:
    """Yield the pieces of the rows from `first` on, in the order of `PIECE_COLUMNS`.

    The rows before `first` only take their numbers. `conventions` are the naming conventions of the nodes.
    """
    span = slice(_FIRST_NODE, _FIRST_NODE + len(NODES))
    last: dict[tuple[str, int], int] = defaultdict(int)
    for row in rows[:first]:
        for node, cell in zip(nodes, row[span], strict=True):
            last[row[0], node] += int(cell or 0)
    for type_id, row in enumerate(rows[first:], first + 1):
        for node, convention, cell in zip(nodes, conventions, row[span], strict=True):
            for _ in range(int(cell or 0)):
                number = last[row[0], node] = last[row[0], node] + 1
                yield project_id, type_id, node, number, f"{row[0]}/{convention}/{number:04}"
