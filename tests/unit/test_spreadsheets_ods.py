"""OpenDocument spreadsheets, as written by LibreOffice, and damaged ones."""

from __future__ import annotations

import io
from datetime import datetime, time, timedelta

import pytest

from precast_app.spreadsheets import CellError, Limits, MergedRange, SheetRow, UnreadableFile, open_book
from tests.unit.ods_files import HEAD, blank, cell, number, ods, row, table, text


def rows_of(content: bytes, sheet: str = "Sheet1", limits: Limits | None = None) -> list[SheetRow]:
    return list(open_book(io.BytesIO(content), limits).rows(sheet))


def test_a_cell_with_too_many_lines_is_rejected() -> None:
    lines = f'<table:table-cell office:value-type="string">{"<text:p/>" * 40_000}<text:p>x</text:p></table:table-cell>'
    assert code_of(ods(table(row(lines)))) == "cell_too_long"


def code_of(content: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(UnreadableFile) as caught:
        book = open_book(io.BytesIO(content), limits)
        for sheet in book.sheets:
            book.scan(sheet)
    return caught.value.code


def test_stored_values_are_read() -> None:
    cells = (
        text("W-1"),
        number("1234.5", "1.234,50"),
        blank(2),
        cell('office:value-type="boolean" office:boolean-value="true"', "WAHR"),
        cell('office:value-type="date" office:date-value="2024-01-02"', "02.01.24"),
        cell('office:value-type="percentage" office:value="0.5"', "50 %"),
    )
    (found,) = rows_of(ods(table(row(*cells))))
    assert found.cells == ["W-1", 1234.5, "", "", True, datetime(2024, 1, 2), 0.5]  # noqa: DTZ001 # cells have no zone


def test_repeated_rows_and_cells() -> None:
    content = ods(table(row(text("a"), blank(3), text("b")), row(blank(5), repeat=7), row(text("c"), repeat=2)))
    assert rows_of(content) == [
        SheetRow(1, ["a", "", "", "", "b"]),
        SheetRow(9, ["c"]),
        SheetRow(10, ["c"]),
    ]


def test_blank_rows_and_cells_to_the_end_of_the_sheet_are_skipped() -> None:
    content = ods(table(row(text("a"), blank(16_383)), row(blank(16_384), repeat=1_048_575)))
    assert rows_of(content) == [SheetRow(1, ["a"])]


def test_text_in_several_elements() -> None:
    pieces = (
        '<table:table-cell office:value-type="string"><office:annotation><text:p>a note</text:p></office:annotation>'
        '<text:p>Bolts<text:s text:c="2"/><text:span>&amp; <text:a>nuts</text:a></text:span></text:p>'
        "<text:p>M12</text:p></table:table-cell>"
    )
    assert rows_of(ods(table(row(pieces)))) == [SheetRow(1, ["Bolts  & nuts\nM12"])]


def test_errors_and_formulas() -> None:
    formula = 'table:formula="of:=[.A1]/0"'
    cells = (
        text("#DIV/0!", f'{formula} calcext:value-type="error"'),
        number("0", "Err:502", formula),
        number("7", "7", formula),
        f"<table:table-cell {formula}/>",
    )
    book = open_book(io.BytesIO(ods(table(row(*cells)))))
    (found,) = book.rows("Sheet1")
    assert found.cells == [CellError("#DIV/0!"), CellError("Err:502"), 7.0, CellError("=[.A1]/0")]
    assert set(book.scan("Sheet1").error_cells) == {(1, 1), (1, 2), (1, 4)}


def test_merged_cells_and_several_sheets() -> None:
    wide = text("Tower A", 'table:number-columns-spanned="2" table:number-rows-spanned="1"')
    content = ods(table(row(text("x")), name="Summary"), table(row(blank(2), wide, "<table:covered-table-cell/>")))
    book = open_book(io.BytesIO(content))
    assert (book.format, book.sheets) == ("ods", ("Summary", "Sheet1"))
    scan = book.scan("Sheet1")
    assert (scan.merged, scan.row_count) == ((MergedRange(1, 3, 1, 4),), 1)
    assert scan.head == (SheetRow(1, ["", "", "Tower A"]),)
    with pytest.raises(KeyError):
        book.scan("Sheet2")


@pytest.mark.parametrize(
    ("content", "limits", "code"),
    [
        (ods(table(row(text("a"), repeat=1_000_000))), Limits(), "too_many_rows"),
        (ods(table(row(text("a", 'table:number-columns-repeated="16384"')))), Limits(), "too_many_columns"),
        (ods(table(row(blank(16_000), text("a")))), Limits(), "too_many_columns"),
        (ods(table(row(text("x" * 40_000)))), Limits(), "cell_too_long"),
        (ods(table(row(text('<text:s text:c="999999999"/>')))), Limits(), "cell_too_long"),
        (ods(table(row(text("a"), repeat=99_999_999_999))), Limits(), "damaged_workbook"),
        (ods(), Limits(), "damaged_workbook"),
        (ods(table(), table()), Limits(), "damaged_workbook"),
        (ods(table(), head='<!DOCTYPE x [<!ENTITY a "b">]>' + HEAD), Limits(), "damaged_workbook"),
        (ods("<table:table"), Limits(), "damaged_workbook"),
        (ods(table(), manifest="<manifest><encryption-data/></manifest>"), Limits(), "password_protected"),
        (ods(table(name="a"), table(name="b")), Limits(sheets=1), "too_many_sheets"),
    ],
)
def test_rejected_files(content: bytes, limits: Limits, code: str) -> None:
    assert code_of(content, limits) == code


def test_hidden_sheets_are_known() -> None:
    def style(name: str, display: str) -> str:
        properties = f'<style:table-properties table:display="{display}"/>'
        return f'<style:style style:name="{name}" style:family="table">{properties}</style:style>'

    head = HEAD.replace("<office:body>", "<a>" + style("ta1", "true") + style("ta2", "false") + "</a><office:body>")
    head = head.replace("xmlns:calcext", 'xmlns:style="s" xmlns:calcext')
    tables = [
        table(name=name).replace(">", f' table:style-name="{used}">', 1) for name, used in (("A", "ta1"), ("B", "ta2"))
    ]
    book = open_book(io.BytesIO(ods(*tables, head=head)))
    assert (book.sheets, book.hidden_sheets) == (("A", "B"), frozenset({"B"}))


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        ("PT01H02M00S", time(1, 2)),
        ("PT0H0M1.5S", time(0, 0, 1, 500_000)),
        ("PT25H02M", timedelta(hours=25, minutes=2)),
        ("soon", "shown"),
    ],
)
def test_a_time_is_read_as_in_the_other_formats(stored: str, read: object) -> None:
    content = ods(table(row(cell(f'office:value-type="time" office:time-value="{stored}"', "shown"))))
    [found] = open_book(io.BytesIO(content)).rows("Sheet1")
    assert list(found.cells) == [read]
