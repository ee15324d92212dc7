"""Files of element types for tests, and the numbers and codes that an import stores."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import xlsxwriter
from sqlalchemy import select

from precast_app.extensions import db
from precast_app.models import Piece
from precast_app.queries import summary as summaries

WriteCsv = Callable[..., Path]

SAMPLE_TOTALS = {
    "element_types": 120,
    "drawings": 240,
    "quantities": 671,
    "stages": 874,
    "bom_lines": 648,
    "pieces": 1859,
}

BASE_HEADER = "Element Type,Element Type Name,Height,Length,Thickness,Mass,Volume,Area,Width,Element Type Version"


def wall_row(name: str, *others: Any, **measures: Any) -> list[Any]:
    """Return the cells of a wall; `measures` are base columns by field, `others` the cells of further columns."""
    fields = ("height", "length", "thickness", "mass", "volume", "area", "width", "version")
    return ["WALL", name, *(measures.get(field, "") for field in fields), *others]


def project_totals(project_id: int) -> dict[str, int]:
    """Return a project's totals, comparable with `SAMPLE_TOTALS`."""
    summary = summaries.project_summary(project_id)
    return {name: summary[name] for name in SAMPLE_TOTALS}


def piece_codes(project_id: int) -> list[str]:
    """Return the sorted codes of a project's pieces."""
    return list(db.session.scalars(select(Piece.code).where(Piece.project_id == project_id).order_by(Piece.code)))


def write_large_workbook(path: Path, rows: int, height: int, quantity: int) -> Path:
    """Write a workbook whose import takes long enough to be interrupted, and return its path."""
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Element Types")
        nodes = [f"Tower_A.Floor_{number}" for number in range(1, 7)]
        sheet.write_row(0, 0, [*BASE_HEADER.split(","), *nodes, "Casting"])
        for number in range(1, rows + 1):
            quantities = [(number + node) % 3 + quantity for node in range(6)]
            cells = [f"TYPE {number % 7}", f"N-{number:05}", height, *[None] * 7, *quantities, "yes"]
            sheet.write_row(number, 0, cells)
    return path
