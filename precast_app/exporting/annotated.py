"""The uploaded workbook again, its bad cells coloured, with what is wrong as a comment."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from typing import IO

import openpyxl
from openpyxl.cell.cell import MergedCell
from openpyxl.comments import Comment
from openpyxl.styles import PatternFill
from openpyxl.utils.exceptions import InvalidFileException

from precast_app.errors import Conflict
from precast_app.models import Issue, Severity

_FILLS = {Severity.ERROR: "FFC7CE", Severity.WARNING: "FFEB9C"}
_AUTHOR = "Import"
# openpyxl holds the workbook in memory; a larger one would take longer than one waits for an answer (measured: 18
# seconds and 250 MiB for 2.1 MB, which were 540 000 cells).
MOST_BYTES = 3_000_000
_ELSEWHERE = "The rejected rows are there as a workbook of their own: ask for `rejected` instead of `annotated`."


def write(upload: IO[bytes], issues: Iterable[Issue], first_sheet: str) -> IO[bytes]:
    """The workbook with its issues; raises `Conflict` for a file that can't be annotated.

    `first_sheet` is where issues are that name no sheet. The person's formats, formulas and macros are kept.
    """
    content = upload.read()
    if not zipfile.is_zipfile(io.BytesIO(content)):
        raise Conflict(f"Only a workbook in Excel's own format (.xlsx) can be annotated. {_ELSEWHERE}")
    if len(content) > MOST_BYTES:
        raise Conflict(f"The workbook is too large to be annotated. {_ELSEWHERE}")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        has_macros = any(name.lower().endswith("vbaproject.bin") for name in archive.namelist())
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), keep_vba=has_macros)
    # OSError: a binary workbook (.xlsb), in which openpyxl finds no workbook.
    except (InvalidFileException, KeyError, ValueError, TypeError, OSError, zipfile.BadZipFile) as error:
        raise Conflict(f"This workbook can't be annotated. {_ELSEWHERE}") from error
    messages: dict[tuple[str, str], list[Issue]] = {}
    for issue in issues:
        if issue.severity in _FILLS and issue.row:
            sheet = issue.sheet or first_sheet
            if sheet in book.sheetnames:
                messages.setdefault((sheet, f"{issue.column or 'A'}{issue.row}"), []).append(issue)
    for (sheet, place), found in messages.items():
        cell = book[sheet][place]
        if isinstance(cell, MergedCell):
            # It can't be coloured or commented; the first cell of its range can.
            area = next(each for each in book[sheet].merged_cells.ranges if place in each)
            cell = book[sheet].cell(area.min_row, area.min_col)
        worst = Severity.ERROR if any(each.severity == Severity.ERROR for each in found) else Severity.WARNING
        cell.fill = PatternFill("solid", start_color=_FILLS[worst], end_color=_FILLS[worst])
        text = "\n".join(each.message for each in found)
        if cell.comment is not None:
            text = f"{cell.comment.text}\n{text}"
        cell.comment = Comment(text, _AUTHOR, width=360, height=120)
    out = io.BytesIO()
    book.save(out)
    out.seek(0)
    return out
