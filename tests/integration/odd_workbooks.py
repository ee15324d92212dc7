"""Unusual files with the sample's first rows, and what an import must store of them."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from functools import cache
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import openpyxl
import xlsxwriter
from flask import Flask
from sqlalchemy import select, text

from precast_app.extensions import db
from precast_app.jobs import broker
from precast_app.models import ImportJob, Issue
from precast_app.projects import projects
from tests.conftest import EXAMPLES, fill_reference
from tests.database_rows import empty_tables

COUNT = 12
BASE = [
    "Element Type", "Element Type Name", "Height", "Length", "Thickness", "Mass", "Volume", "Area", "Width",
    "Element Type Version",
]  # fmt: skip
TEXTS = {"Element Type", "Element Type Name", "Element Type Version", "Assembly", "Reinforcement Drawing", "Shuttering"}

Rows = list[list[Any]]
# Values by the heading of the flat file, by element type and name; without blank values.
Stored = dict[tuple[str, str], dict[str, Any]]
# Code, column and row.
IssueKey = tuple[str, str | None, int | None]

_STORED = """
    SELECT d.element_type_id, t.name, d.file_name
    FROM element_type_drawings d JOIN drawing_types t ON t.id = d.drawing_type_id
    UNION ALL
    SELECT s.element_type_id, t.name, 'yes' FROM element_type_stages s JOIN stages t ON t.id = s.stage_id
    UNION ALL
    SELECT b.element_type_id, p.product_name || '_' || p.product_type, b.quantity::text
    FROM element_type_bom b JOIN bom_products p ON p.id = b.product_id
    UNION ALL
    SELECT q.element_type_id, n.path, CASE WHEN q.quantity = count(p.id) THEN q.quantity::text ELSE 'not its pieces' END
    FROM element_type_quantities q JOIN hierarchy_nodes n ON n.id = q.node_id
    LEFT JOIN pieces p ON p.element_type_id = q.element_type_id AND p.node_id = q.node_id
    GROUP BY q.element_type_id, n.path, q.quantity
"""


def furnished(_application: Flask) -> int:
    """Create a project with the sample's reference data once per module, because its many tests are short."""
    with _application.app_context():
        empty_tables()
        db.session.commit()
        project_id = projects.create("Green Meadows").id
        fill_reference(project_id)
    return project_id


def meadows(_application: Flask, furnished: int) -> Iterator[int]:
    """Yield the id of a project with the sample's reference data and nothing else."""
    with _application.app_context():
        empty_tables(keep=("projects", "hierarchy_nodes", "stages", "drawing_types", "bom_products"))
        db.session.commit()
        broker.redis_connection().flushdb()
        yield furnished
        db.session.remove()


@cache
def _flat() -> tuple[tuple[str, ...], ...]:
    with (EXAMPLES / "element_types.csv").open(encoding="utf-8", newline="") as file:
        return tuple(map(tuple, csv.reader(file)))[: COUNT + 1]


def flat() -> Rows:
    """Return the header row and the data rows of the flat file."""
    return [list(row) for row in _flat()]


@cache
def _sheets() -> dict[str, tuple[tuple[Any, ...], ...]]:
    book = openpyxl.load_workbook(EXAMPLES / "element_types.xlsx", read_only=True)
    return {
        sheet.title: tuple(tuple(row) for row in sheet.iter_rows(max_row=COUNT + 3, max_col=43, values_only=True))
        for sheet in book
    }


def summary() -> Rows:
    """Return the cells of the sheet Summary."""
    return [list(row[:3]) for row in _sheets()["Summary"]]


def columns() -> Rows:
    """Return the workbook's columns from top to bottom, each with its group's heading."""
    found: Rows = [list(column) for column in zip(*_sheets()["Element Types"], strict=True)]
    for left, column in pairwise(found):
        # The node without a parent has a blank group heading.
        if column[0] is None and column[1] != "Podium":
            column[0] = left[0]
    return found


def rows_of(columns: Rows) -> Rows:
    """Return columns as rows, with a group's heading only in its first column, as in merged cells."""
    rows = [list(row) for row in zip(*columns, strict=True)]
    for _, first, last in spans(columns):
        rows[0][first + 1 : last + 1] = [None] * (last - first)
    return rows


def spans(columns: Rows) -> list[tuple[str, int, int]]:
    """Return the headings of several columns: text, first and last column, counted from 0."""
    found = []
    for top, run in groupby(enumerate(columns), key=lambda each: each[1][0]):
        places = [place for place, _ in run]
        if top and len(places) > 1:
            found.append((top, places[0], places[-1]))
    return found


def workbook(
    rows: Rows | None = None, merged: Iterable[tuple[str, int, int]] | None = None, *, sheet: str = "Element Types"
) -> openpyxl.Workbook:
    """Return the sample's workbook for editing with openpyxl, or a workbook with other rows."""
    book = openpyxl.Workbook()
    about, types = book.worksheets[0], book.create_sheet(sheet)
    about.title = "Summary"
    for row in summary():
        about.append(row)
    for row in rows_of(columns()) if rows is None else rows:
        types.append(row)
    for _, first, last in spans(columns()) if merged is None else merged:
        types.merge_cells(start_row=1, end_row=1, start_column=first + 1, end_column=last + 1)
    return book


def written(path: Path, columns: Rows, *, sheet: str = "Element Types", **options: Any) -> Path:
    """Write a workbook of one sheet with these columns with XlsxWriter."""
    with xlsxwriter.Workbook(path, options) as book:
        page = book.add_worksheet(sheet)
        for number, row in enumerate(rows_of(columns)):
            page.write_row(number, 0, row)
            if number == 0:
                for top, first, last in spans(columns):
                    page.merge_range(0, first, 0, last, top)
    return path


def small(
    path: Path, others: Sequence[Any], *rows: Sequence[Any], fill: Callable[[Any, Any], None] | None = None
) -> Path:
    """Write a workbook with XlsxWriter: a flat header row with `others`, then rows, then whatever `fill` adds."""
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd"}) as book:
        page = book.add_worksheet("Element Types")
        for number, row in enumerate(([*BASE, *others], *rows)):
            page.write_row(number, 0, row)
        if fill is not None:
            fill(book, page)
    return path


def with_parts(content: bytes, changed: dict[str, Callable[[str], str]], added: dict[str, bytes]) -> bytes:
    """Return a workbook with some parts changed and others added."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = old.read(name)
            new.writestr(name, changed[name](part.decode()) if name in changed else part)
        for name, part in added.items():
            new.writestr(name, part)
    return file.getvalue()


def saved(book: openpyxl.Workbook, path: Path) -> Path:
    """Save the workbook and return its path."""
    book.save(path)
    return path


def delimited(rows: Rows, delimiter: str = ",", end: str = "\r\n") -> str:
    """Return rows as delimited text."""
    content = io.StringIO()
    csv.writer(content, delimiter=delimiter, lineterminator=end).writerows(rows)
    return content.getvalue()


def truth(rows: Rows | None = None) -> Stored:
    """Return what must be stored of rows with a flat header row (default: the sample's first rows)."""
    header, *data = rows or flat()
    found: Stored = {}
    for row in data:
        cells = {heading: cell for heading, cell in zip(header, row, strict=False) if cell != ""}
        cells.setdefault("Element Type Version", "VR-1")
        names = cells.pop("Element Type"), cells.pop("Element Type Name")
        found[names] = {heading: _value(heading, cell) for heading, cell in cells.items()}
    return found


def _value(heading: str, cell: str) -> str | Decimal:
    is_text = heading in TEXTS or cell == "yes" or cell.endswith(".dwg")
    return cell if is_text else Decimal(cell)


def stored(project_id: int) -> Stored:
    """Return what is stored of a project, with counted pieces."""
    fields = "id, element_type, name, height, length, thickness, mass, volume, area, width, version"
    query = text(f"SELECT {fields} FROM element_types WHERE project_id = :project_id ORDER BY id")
    by_id: dict[int, dict[str, Any]] = {}
    found: Stored = {}
    for id_, element_type, name, *measures in db.session.execute(query, {"project_id": project_id}):
        named = zip(BASE[2:], measures, strict=True)
        by_id[id_] = {heading: value for heading, value in named if value is not None}
        found[element_type, name] = by_id[id_]
    for id_, heading, value in db.session.execute(text(_STORED)):
        by_id[id_][heading] = _value(heading, value)
    return found


def issue_keys(done: ImportJob, *, info: bool = False) -> list[IssueKey]:
    """Return code, column and row of a job's errors and warnings, or of its info notes if `info` is set."""
    wanted = Issue.severity == "info" if info else Issue.severity != "info"
    found = db.session.execute(select(Issue.code, Issue.column, Issue.row).where(Issue.job_id == done.id, wanted))
    return in_order((code, column, row) for code, column, row in found)


def message(done: ImportJob, code: str) -> str:
    """Return the message of the only issue with this code."""
    query = select(Issue.message).where(Issue.job_id == done.id, Issue.code == code)
    return db.session.scalars(query).one()


def in_order(issues: Iterable[IssueKey]) -> list[IssueKey]:
    """Return issues sorted by code, column and row."""
    return sorted(issues, key=lambda each: (each[0], len(each[1] or ""), each[1] or "", each[2] or 0))


def assert_read(project_id: int, done: ImportJob, *warnings: IssueKey, expected: Stored | None = None) -> None:
    """Assert that the job stored exactly what is expected, and has exactly these warnings."""
    expected = truth() if expected is None else expected
    assert (done.status, done.error) == ("completed", None), done.error
    assert issue_keys(done) == in_order(warnings), issue_keys(done)
    found = stored(project_id)
    assert list(found) == list(expected), list(found)
    for names, row in expected.items():
        different = found[names].items() ^ row.items()
        assert not different, (names, different)
    counts = (done.total_items, done.created_count, done.rejected_count, done.warning_count)
    assert counts == (len(expected), len(expected), 0, len(warnings)), counts
