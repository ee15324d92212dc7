# ruff: noqa: DTZ001 - the dates of a workbook have no zone
"""Dates and times of Excel workbooks as they are stored."""

from __future__ import annotations

import io
from datetime import datetime, time

import pytest

from precast_app.spreadsheets import open_book
from tests.unit.xlsx_files import parts, sheet_xml, workbook, zipped


def rows_of(file: io.BytesIO) -> list[tuple[int, list[object]]]:
    return [(row.number, list(row.cells)) for row in open_book(file).rows("S")]


def test_dates_count_from_1904_where_the_workbook_says_so_first() -> None:
    contents = parts(sheet_xml('<row r="1"><c r="A1" s="1"><v>11</v></c></row>'))
    extension = (
        '<extLst><ext uri="x"><x15:workbookPr xmlns:x15="y" chartTrackingRefBase="1"/></ext></extLst></workbook>'
    )
    workbook_part = str(contents["xl/workbook.xml"])
    start = workbook_part.index("<sheets")
    contents["xl/workbook.xml"] = (
        workbook_part[:start] + '<workbookPr date1904="1"/>' + workbook_part[start:].replace("</workbook>", extension)
    )
    contents["xl/styles.xml"] = '<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>'
    assert rows_of(zipped(contents)) == [(1, [datetime(1904, 1, 12)])]


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        ("2014-02-14T08:27:48Z", datetime(2014, 2, 14, 8, 27, 48)),
        ("2014-02-14", datetime(2014, 2, 14)),
        ("11:12:01.000000000239", time(11, 12, 1)),
        ("soon", "soon"),
    ],
)
def test_dates_and_times_may_be_stored_as_iso_8601(stored: str, read: object) -> None:
    assert rows_of(workbook(f'<row r="1"><c r="A1" t="d"><v>{stored}</v></c></row>')) == [(1, [read])]
