"""The four reference files: a sheet to entries, each with what is wrong with it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from precast_app.errors import JobFailed, NoRows
from precast_app.importing import cells, nodes
from precast_app.importing.cells import BadCell
from precast_app.importing.issues import Issue
from precast_app.models import Severity
from precast_app.names import match_key
from precast_app.spreadsheets import Book, SheetRow, column_letter

Clean = Callable[[Any], Any]

_NAME = partial(cells.required_text, most=150)
_optional = partial(cells.text, blank=None)


_NO_LETTERS = re.compile(r"\W|_")
# A longer one is none of those of a reference file.
_LONGEST_HEADING = 200

# The last place that a stage can have in the project's order.
LAST_POSITION = 100_000


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a reference file: its heading, the attribute that it fills, and how a cell becomes its value."""

    heading: str
    attribute: str
    clean: Clean
    required: bool = True


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing of the project's reference data: its match key, its attributes, and the row that it is from."""

    key: str
    values: dict[str, Any]
    row: int | None = None


FIELDS: Mapping[str, tuple[Field, ...]] = {
    "stage_import": (
        Field("Name", "name", _NAME),
        Field("Order", "position", partial(cells.optional_count, most=LAST_POSITION), required=False),
    ),
    "drawing_type_import": (Field("Name", "name", _NAME),),
    "bom_product_import": (
        Field("ProductName", "product_name", _NAME),
        Field("ProductType", "product_type", _NAME),
        Field("Unit", "unit", partial(cells.required_text, most=50)),
        Field("Rate", "rate", partial(cells.decimal, most=1_000_000_000), required=False),
    ),
    "hierarchy_import": (
        Field("ID", "id", partial(_optional, most=50), required=False),
        Field("ProjectID", "project_id", partial(_optional, most=50), required=False),
        Field("Name", "name", _NAME),
        Field("Description", "description", partial(_optional, most=2_000), required=False),
        Field("ParentID", "parent", partial(_optional, most=50), required=False),
        Field("Prefix", "prefix", partial(_optional, most=50), required=False),
        Field("Path", "path", partial(_optional, most=500), required=False),
        Field("NamingConvention", "naming_convention", partial(_optional, most=150), required=False),
    ),
}


def key_of(job_type: str, values: Mapping[str, Any]) -> str:
    """How headings find an entry with these values."""
    if job_type == "bom_product_import":
        return match_key(f"{values['product_name']}_{values['product_type']}")
    if job_type == "hierarchy_import":
        return nodes.key(values["path"])
    return match_key(values["name"])


def read(book: Book, job_type: str, project_id: int) -> tuple[list[Entry], list[Issue], int]:
    """The entries that are good (parents before their children), the issues, and the number of data rows.

    Raises `JobFailed` where the headings are not there.
    """
    fields = FIELDS[job_type]
    sheet = book.sheets[0]
    rows = book.rows(sheet)
    places = _places(next(rows, None), fields)
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
        good, wrong = nodes.arrange(good)
        issues.extend(wrong)
    entries, repeated = _once(job_type, good)
    return entries, [*issues, *repeated], total


def count_rows(book: Book, job_type: str) -> int:
    """The number of data rows, from a look at the sheet; raises `JobFailed` where headings or rows are missing."""
    scan = book.scan(book.sheets[0])
    _places(next(iter(scan.head), None), FIELDS[job_type])
    if scan.row_count < 2:
        raise NoRows
    return scan.row_count - 1


def _places(header: SheetRow | None, fields: tuple[Field, ...]) -> dict[str, int]:
    found: dict[str, int] = {}
    for index, cell in enumerate(header.cells if header else ()):
        found.setdefault(_squeezed(str(cell)), index)
    missing = [field.heading for field in fields if field.required and _squeezed(field.heading) not in found]
    if missing:
        raise JobFailed(
            f"The first row must hold the headings {', '.join(field.heading for field in fields)}; "
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing. Add what is missing and upload the "
            "file again."
        )
    return {field.attribute: found[_squeezed(field.heading)] for field in fields if _squeezed(field.heading) in found}


def _squeezed(text: str) -> str:
    return _NO_LETTERS.sub("", text).casefold() if len(text) <= _LONGEST_HEADING else ""


def _values(row: SheetRow, fields: tuple[Field, ...], places: dict[str, int]) -> tuple[dict[str, Any], list[Issue]]:
    values: dict[str, Any] = {}
    issues = []
    for field in fields:
        index = places.get(field.attribute)
        if index is None:
            continue
        cell = row.cells[index] if index < len(row.cells) else ""
        try:
            values[field.attribute] = field.clean(cell)
        except BadCell as bad:
            issues.append(
                Issue(
                    Severity.ERROR,
                    bad.code,
                    bad.message,
                    row.number,
                    column_letter(index + 1),
                    field.heading,
                    cells.shown(cell)[:200],
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


def _once(job_type: str, good: list[tuple[int, dict[str, Any]]]) -> tuple[list[Entry], list[Issue]]:
    entries: dict[str, Entry] = {}
    issues = []
    for number, values in good:
        key = key_of(job_type, values)
        if not key:
            message = "The name needs a letter or a digit, so that a heading can name it. Choose another one."
            issues.append(Issue(Severity.ERROR, "unusable_name", message, number, value=values["name"]))
            continue
        first = entries.setdefault(key, Entry(key, values, number))
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
