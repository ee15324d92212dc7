"""The four reference files: a sheet to entries, each with what is wrong with it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from precast_app.enums import Severity
from precast_app.errors import JobFailed, NoDataRows
from precast_app.importing import cell_parsing, hierarchy
from precast_app.importing.cell_parsing import InvalidCell
from precast_app.importing.issues import Issue
from precast_app.spreadsheets import Book, SheetRow, column_letter
from precast_app.text import match_key

CellParser = Callable[[Any], Any]

_NAME = partial(cell_parsing.parse_required_text, max_length=150)
_optional_text = partial(cell_parsing.parse_text, blank=None)


_NO_LETTERS = re.compile(r"\W|_")
# A longer one is none of those of a reference file.
_LONGEST_HEADING = 200

# The last place that a stage can have in the project's order.
LAST_POSITION = 100_000


@dataclass(frozen=True, slots=True)
class ReferenceColumn:
    """A column of a reference file: its heading, the attribute that it fills, and how a cell becomes its value."""

    heading: str
    attribute: str
    parse: CellParser
    required: bool = True


@dataclass(frozen=True, slots=True)
class ReferenceEntry:
    """One thing of the project's reference data: its match key, its attributes, and the row that it is from."""

    key: str
    values: dict[str, Any]
    row: int | None = None


FIELDS: Mapping[str, tuple[ReferenceColumn, ...]] = {
    "stage_import": (
        ReferenceColumn("Name", "name", _NAME),
        ReferenceColumn(
            "Order", "position", partial(cell_parsing.parse_optional_count, maximum=LAST_POSITION), required=False
        ),
    ),
    "drawing_type_import": (ReferenceColumn("Name", "name", _NAME),),
    "bom_product_import": (
        ReferenceColumn("ProductName", "product_name", _NAME),
        ReferenceColumn("ProductType", "product_type", _NAME),
        ReferenceColumn("Unit", "unit", partial(cell_parsing.parse_required_text, max_length=50)),
        ReferenceColumn("Rate", "rate", partial(cell_parsing.parse_decimal, maximum=1_000_000_000), required=False),
    ),
    "hierarchy_import": (
        ReferenceColumn("ID", "id", partial(_optional_text, max_length=50), required=False),
        ReferenceColumn("ProjectID", "project_id", partial(_optional_text, max_length=50), required=False),
        ReferenceColumn("Name", "name", _NAME),
        ReferenceColumn("Description", "description", partial(_optional_text, max_length=2_000), required=False),
        ReferenceColumn("ParentID", "parent", partial(_optional_text, max_length=50), required=False),
        ReferenceColumn("Prefix", "prefix", partial(_optional_text, max_length=50), required=False),
        ReferenceColumn("Path", "path", partial(_optional_text, max_length=500), required=False),
        ReferenceColumn(
            "NamingConvention", "naming_convention", partial(_optional_text, max_length=150), required=False
        ),
    ),
}


def key_of(job_type: str, values: Mapping[str, Any]) -> str:
    """How headings find an entry with these values."""
    if job_type == "bom_product_import":
        return match_key(f"{values['product_name']}_{values['product_type']}")
    if job_type == "hierarchy_import":
        return hierarchy.path_key_of(values["path"])
    return match_key(values["name"])


def read_entries(book: Book, job_type: str, project_id: int) -> tuple[list[ReferenceEntry], list[Issue], int]:
    """The entries that are good (parents before their children), the issues, and the number of data rows.

    Raises `JobFailed` where the headings are not there.
    """
    fields = FIELDS[job_type]
    sheet = book.sheets[0]
    rows = book.rows(sheet)
    places = _column_indices(next(rows, None), fields)
    good: list[tuple[int, dict[str, Any]]] = []
    issues: list[Issue] = []
    total = 0
    for row in rows:
        total += 1
        values, wrong = _values(row, fields, places)
        if not wrong and job_type == "hierarchy_import":
            wrong = list(_check_project(row.number, values, places, project_id))
        if wrong:
            issues.extend(wrong)
        else:
            good.append((row.number, values))
    if job_type == "hierarchy_import":
        good, wrong = hierarchy.order_parents_first(good)
        issues.extend(wrong)
    entries, repeated = _drop_repeated(job_type, good)
    return entries, [*issues, *repeated], total


def count_rows(book: Book, job_type: str) -> int:
    """The number of data rows, from a look at the sheet; raises `JobFailed` where headings or rows are missing."""
    scan = book.scan(book.sheets[0])
    _column_indices(next(iter(scan.head), None), FIELDS[job_type])
    if scan.row_count < 2:
        raise NoDataRows
    return scan.row_count - 1


def _column_indices(header: SheetRow | None, fields: tuple[ReferenceColumn, ...]) -> dict[str, int]:
    found: dict[str, int] = {}
    for index, cell in enumerate(header.cells if header else ()):
        found.setdefault(_squash(str(cell)), index)
    missing = [field.heading for field in fields if field.required and _squash(field.heading) not in found]
    if missing:
        raise JobFailed(
            f"The first row must hold the headings {', '.join(field.heading for field in fields)}; "
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing. Add what is missing and upload the "
            "file again."
        )
    return {field.attribute: found[_squash(field.heading)] for field in fields if _squash(field.heading) in found}


def _squash(text: str) -> str:
    return _NO_LETTERS.sub("", text).casefold() if len(text) <= _LONGEST_HEADING else ""


def _values(
    row: SheetRow, fields: tuple[ReferenceColumn, ...], places: dict[str, int]
) -> tuple[dict[str, Any], list[Issue]]:
    values: dict[str, Any] = {}
    issues = []
    for field in fields:
        index = places.get(field.attribute)
        if index is None:
            continue
        cell = row.cells[index] if index < len(row.cells) else ""
        try:
            values[field.attribute] = field.parse(cell)
        except InvalidCell as bad:
            issues.append(
                Issue(
                    Severity.ERROR,
                    bad.code,
                    bad.message,
                    row.number,
                    column_letter(index + 1),
                    field.heading,
                    cell_parsing.display_text(cell)[:200],
                )
            )
    return values, issues


def _check_project(number: int, values: dict[str, Any], places: dict[str, int], project_id: int) -> Iterator[Issue]:
    named = values.pop("project_id", None)
    if named is not None and named != str(project_id):
        yield Issue(
            Severity.ERROR,
            "other_project",
            f"The row is of project {named}, but the file was uploaded to project {project_id}. Upload it there, or "
            "clear the column ProjectID.",
            number,
            column_letter(places["project_id"] + 1),
            "ProjectID",
            named,
        )


def _drop_repeated(job_type: str, good: list[tuple[int, dict[str, Any]]]) -> tuple[list[ReferenceEntry], list[Issue]]:
    entries: dict[str, ReferenceEntry] = {}
    issues = []
    for number, values in good:
        key = key_of(job_type, values)
        if not key:
            message = "The name needs a letter or a digit, so that a heading can name it. Choose another one."
            issues.append(Issue(Severity.ERROR, "unusable_name", message, number, value=values["name"]))
            continue
        first = entries.setdefault(key, ReferenceEntry(key, values, number))
        if first.row != number:
            issues.append(
                Issue(
                    Severity.ERROR,
                    "duplicate_row",
                    f"The same thing stands in row {first.row} already. Keep one of the two rows.",
                    number,
                )
            )
    return list(entries.values()), issues
