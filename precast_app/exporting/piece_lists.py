"""Lists of pieces as CSV files and workbooks."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any

from precast_app.exporting import safe_text
from precast_app.spreadsheets import escape_formula, protect_from_decoding

_HEADINGS = ("Piece", "Status", "Date", "Element Type", "Element Type Name", "Tower", "Floor")
_WIDTHS = (24, 14, 12, 16, 24, 16, 16)
_STAGE_WIDTH = 12
_A4 = 9


@dataclass(frozen=True, slots=True)
class StageColumn:
    """The column of a stage."""

    id: int
    name: str


def csv_lines(pieces: Iterable[Any], stages: Sequence[StageColumn]) -> Generator[str]:
    """Yield the lines of a CSV file in UTF-8 with a byte order mark, which Excel needs; dates are in UTC."""
    yield "\ufeff" + safe_text.csv_line(_headings(stages))
    for piece in pieces:
        yield safe_text.csv_line([_stored(cell) for cell in _cells(piece, stages)])


def write(file: IO[bytes], pieces: Iterable[Any], stages: Sequence[StageColumn]) -> None:
    """Write a workbook with a row for each piece, and a column for each stage with the day on which it was passed."""
    with safe_text.workbook(file) as book:
        sheet = book.add_worksheet("Pieces")
        bold = book.add_format({"bold": True, "bottom": 1})
        for index, width in enumerate([*_WIDTHS, *[_STAGE_WIDTH] * len(stages)]):
            sheet.set_column(index, index, width)
        sheet.freeze_panes(1, 1)
        print_on_a4(sheet, "Pieces")
        sheet.repeat_rows(0)
        for index, heading in enumerate(_headings(stages)):
            safe_text.write(sheet, 0, index, heading, bold)
        for number, piece in enumerate(pieces, 1):
            for index, cell in enumerate(_cells(piece, stages)):
                if cell is not None:
                    safe_text.write(sheet, number, index, escape_formula(cell))


def print_on_a4(sheet: Any, title: str) -> None:
    """Set a sheet up to be printed on A4 pages, as wide as one page, with a footer."""
    sheet.set_landscape()
    sheet.set_paper(_A4)
    sheet.fit_to_pages(1, 0)
    # An ampersand begins a code of a footer.
    sheet.set_footer(f"&L{title.replace('&', '&&')[:100]}&R&P / &N")


def _headings(stages: Sequence[StageColumn]) -> list[str]:
    return [*_HEADINGS, *(_stored(stage.name) or "" for stage in stages)]


def _cells(piece: Any, stages: Sequence[StageColumn]) -> list[str | None]:
    row = piece.row
    passed = [_day(piece.stages.get(stage.id)) for stage in stages]
    return [
        row.code, row.status, _day(row.status_since), row.element_type, row.element_type_name, row.tower, row.floor,
        *passed,
    ]  # fmt: skip


def _day(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).date().isoformat()


def _stored(text: str | None) -> str | None:
    return None if text is None else protect_from_decoding(escape_formula(text))
