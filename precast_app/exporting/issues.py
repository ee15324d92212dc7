"""A job's issues as a CSV file or a workbook."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import IO

from precast_app.exporting import safe_text
from precast_app.message_catalogue import translate
from precast_app.models import Issue

COLUMNS = ("severity", "sheet", "row", "column", "cell", "heading", "value", "code", "message")
_WIDTHS = (10, 16, 7, 9, 20, 24, 24, 22, 90)


def as_csv(issues: Iterable[Issue], language: str) -> Generator[str]:
    """Yield the lines of a CSV file in UTF-8, with a byte order mark, which Excel needs, and messages in a language."""
    yield "\ufeff" + safe_text.csv_line(COLUMNS)
    for issue in issues:
        yield safe_text.csv_line([_value(issue, name, language) for name in COLUMNS])


def as_workbook(issues: Iterable[Issue], file: IO[bytes], language: str) -> None:
    """Write a workbook row by row, with messages in a language."""
    with safe_text.workbook(file) as book:
        sheet = book.add_worksheet("Issues")
        bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
        for index, width in enumerate(_WIDTHS):
            sheet.set_column(index, index, width)
        sheet.freeze_panes(1, 0)
        for index, name in enumerate(COLUMNS):
            safe_text.write(sheet, 0, index, name.capitalize(), bold)
        for number, issue in enumerate(issues, 1):
            for index, name in enumerate(COLUMNS):
                value = _value(issue, name, language)
                if isinstance(value, int):
                    sheet.write_number(number, index, value, wrapped)
                elif value is not None:
                    safe_text.write(sheet, number, index, value, wrapped)


def _value(issue: Issue, name: str, language: str) -> str | int | None:
    value: str | int | None = translate(issue.text, language) if name == "message" else getattr(issue, name)
    return value
