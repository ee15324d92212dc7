"""Excel binary workbooks: values of every kind, and damaged files."""

from __future__ import annotations

import io
import struct
import tracemalloc
from datetime import datetime

import pytest

from precast_app.spreadsheets import CellError, Limits, MergedRange, SheetRow, UnreadableFile, open_book
from precast_app.spreadsheets.number_formats import parse_number_format
from precast_app.spreadsheets.sheet import HEAD_ROWS
from precast_app.spreadsheets.xlsb.records import read_records
from tests.unit.xlsb_files import (
    CUSTOM_DATE_STYLE,
    CUSTOM_STYLE,
    DATE_STYLE,
    SHEET_PART,
    blank,
    cell,
    error,
    formula,
    merge,
    number,
    parts,
    record,
    row,
    shared,
    sheet,
    short,
    small,
    text,
    texts,
    truth,
    wide,
)
from tests.unit.xlsx_files import zipped


def xlsb(*rows: bytes, merged: tuple[bytes, ...] = (), strings: bytes | None = None, from_1904: bool = False) -> bytes:
    """Return a workbook whose only sheet, `S`, has these rows."""
    return zipped(parts({"S": sheet(*rows, merged=merged)}, strings, from_1904)).getvalue()


def with_part(part: str, content: bytes | None) -> bytes:
    """Return a workbook with one part replaced or, if `content` is None, deleted."""
    made = parts({"S": sheet(row(1, shared(1, 0)))}, texts("a"))
    del made[part]
    if content is not None:
        made[part] = content
    return zipped(made).getvalue()


def rows_of(content: bytes, limits: Limits | None = None) -> list[SheetRow]:
    return list(open_book(io.BytesIO(content), limits).rows("S"))


def code_of(content: bytes, limits: Limits | None = None) -> str:
    """Return the error's code, which must be the same for a scan and for reading the rows."""
    with pytest.raises(UnreadableFile) as by_scan:
        open_book(io.BytesIO(content), limits).scan("S")
    with pytest.raises(UnreadableFile) as by_rows:
        rows_of(content, limits)
    assert by_scan.value.code == by_rows.value.code
    return by_scan.value.code


def test_stored_values_are_read() -> None:
    rich = cell(62, 9, b"\x01" + wide("Bolts\nM12") + struct.pack("<IHH", 1, 0, 0))
    cells = (
        text(1, "W-1 ü 😀"),
        number(2, 1234.5),
        small(3, 7 << 2 | 2),
        small(4, -125 << 2 | 3),
        small(5, struct.unpack("<i", struct.pack("<d", 0.5)[4:])[0]),
        truth(6, True),
        truth(7, False),
        shared(8, 1),
        rich,
    )
    (found,) = rows_of(xlsb(row(1, *cells), strings=texts("a", "b & c")))
    assert found.cells == ["W-1 ü 😀", 1234.5, 7.0, -1.25, 0.5, True, False, "b & c", "Bolts\nM12"]
    assert [type(value) for value in found.cells[5:7]] == [bool, bool]


def test_cells_without_a_column_follow_the_previous_cell() -> None:
    cells = (
        text(2, "a"),
        short(12),
        short(13, struct.pack("<i", 5 << 2 | 2)),
        short(14, b"\x17"),
        short(15, b"\x01"),
        short(16, struct.pack("<d", 2.5)),
        short(17, wide("b")),
        short(18, struct.pack("<I", 0)),
    )
    (found,) = rows_of(xlsb(row(1, *cells), strings=texts("c")))
    assert found.cells == ["", "a", "", 5.0, CellError("#REF!"), True, 2.5, "b", "c"]


def test_records_behind_the_cells_are_no_cells() -> None:
    other = record(146) + record(1, bytes(4) + b"\x08" + bytes(4))
    assert rows_of(xlsb(row(2, number(1, 1.0)) + other)) == [SheetRow(2, [1.0])]


def test_rows_and_columns_keep_their_numbers() -> None:
    content = xlsb(
        row(3, number(3, 1.0)),
        row(5, blank(1), text(2, "  "), shared(3, 0), blank(16_384)),
        row(6),
        row(1_000_000, text(1, "a"), blank(2), text(3, "b")),
        strings=texts(" "),
    )
    assert rows_of(content) == [SheetRow(3, ["", "", 1.0]), SheetRow(1_000_000, ["a", "", "b"])]
    assert open_book(io.BytesIO(content)).scan("S").row_count == 2


def test_dates_are_recognized_by_their_format() -> None:
    cells = (
        number(1, 45_293.0, DATE_STYLE),
        number(2, 45_293.5, CUSTOM_DATE_STYLE),
        small(3, 45_293 << 2 | 2, DATE_STYLE),
        number(4, 3.0, CUSTOM_STYLE),
        number(5, 1e9, DATE_STYLE),
        number(6, 3.0, 77),
        number(7, float("nan"), DATE_STYLE),
    )
    (found,) = rows_of(xlsb(row(1, *cells)))
    day = datetime(2024, 1, 2)  # noqa: DTZ001 # cells have no zone
    assert found.cells[:6] == [day, day.replace(hour=12), day, 3.0, 1e9, 3.0]
    (found,) = rows_of(xlsb(row(1, number(1, 43_831.0, DATE_STYLE)), from_1904=True))
    assert found.cells == [day]


@pytest.mark.parametrize(
    ("code", "date"),
    [
        ("General", False),
        ("#,##0.00", False),
        ("0.00E+00", False),
        ('0" mm"', False),
        ("0\\ \\m_d*s", False),
        ("#,##0;[Red]-#,##0", False),
        ("[$EUR-407] 0", False),
        ('0;"d"', False),
        ("[" * 300, False),
        ("dd/mm/yy", True),
        ("[$-407]D. MMM YYYY;@", True),
        ("[h]:00", True),
        ('"on "AM/PM', True),
    ],
)
def test_number_formats_of_dates(code: str, date: bool) -> None:
    assert parse_number_format(code).is_date is date


def test_errors_and_formulas() -> None:
    cells = (
        error(1, "#REF!"),
        formula(2, "#DIV/0!"),
        formula(3, "text"),
        formula(4, 2.5),
        formula(5, True),
        formula(6, ""),
        cell(3, 7, b"\x99"),
    )
    book = open_book(io.BytesIO(xlsb(row(2, *cells))))
    (found,) = book.rows("S")
    assert found.cells == [CellError("#REF!"), CellError("#DIV/0!"), "text", 2.5, True, "", CellError("#ERR")]
    assert book.scan("S").error_cells == {
        (2, 1): CellError("#REF!"),
        (2, 2): CellError("#DIV/0!"),
        (2, 7): CellError("#ERR"),
    }


def test_merged_cells_and_several_sheets() -> None:
    first = sheet(row(1, text(1, "x")))
    second = sheet(row(1, text(3, "Tower A")), merged=[merge(1, 3, 1, 4), merge(2, 1, 5, 1)])
    book = open_book(zipped(parts({"Summary": first, "Ü & x": second})))
    assert (book.format, book.decimal_comma, book.notes) == ("xlsb", False, ())
    assert book.sheets == ("Summary", "Ü & x")
    scan = book.scan("Ü & x")
    assert (scan.merged, scan.row_count) == ((MergedRange(1, 3, 1, 4), MergedRange(2, 1, 5, 1)), 1)
    assert scan.head == (SheetRow(1, ["", "", "Tower A"]),)
    assert list(book.rows("Summary")) == [SheetRow(1, ["x"])]
    for read in (book.scan, lambda sheet: next(book.rows(sheet))):
        with pytest.raises(KeyError):
            read("Sheet2")


def test_the_head_is_the_first_rows() -> None:
    scan = open_book(
        io.BytesIO(xlsb(*(row(place, number(1, float(place))) for place in range(1, HEAD_ROWS + 13))))
    ).scan("S")
    assert ([each.number for each in scan.head], scan.row_count) == (list(range(1, HEAD_ROWS + 1)), HEAD_ROWS + 12)


def test_a_workbook_without_styles_and_shared_texts() -> None:
    made = parts({"S": sheet(row(1, number(1, 45_293.0, DATE_STYLE), text(2, "a")))})
    del made["xl/styles.bin"], made["xl/sharedStrings.bin"]
    assert rows_of(zipped(made).getvalue()) == [SheetRow(1, [45_293.0, "a"])]


def test_records_in_chunks_of_any_size() -> None:
    data = record(7, b"abc") + record(300, b"x" * 1000) + record(617) + record(5, b"y" * 200) + record(300, b"z")
    expected = [(7, b"abc"), (617, b""), (5, b"y" * 200)]
    for size in (1, 2, 3, 7, 100, 5000):
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        assert list(read_records(pieces, {5, 7, 617})) == expected
    for end in range(1, len(data)):
        try:
            found = list(read_records([data[:end]], {5, 7, 617}))
        except UnreadableFile:
            continue
        assert found == expected[: len(found)]


def test_a_record_of_a_hundred_megabytes_takes_no_memory() -> None:
    for kind in (300, 19):
        tracemalloc.start()
        pieces = (record(kind, size=200_000_000) if not place else b"\0" * 500_000 for place in range(401))
        # The first kind is skipped; of the second kind only the beginning is kept.
        assert len(list(read_records(pieces, {19}))) == (kind == 19)
        assert tracemalloc.get_traced_memory()[1] < 10 * 2**20
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("rows", "limits", "code"),
    [
        ([row(place, number(1, 1.0)) for place in range(1, 5)], Limits(rows=3), "too_many_rows"),
        ([row(1, number(3, 1.0))], Limits(columns=2), "too_many_columns"),
        ([row(1, text(16_384, "a"))], Limits(), "too_many_columns"),
        ([row(1, number(50, 1.0)), row(1_048_576, number(1, 1.0))], Limits(), "too_many_cells"),
        ([row(1, text(1, "x" * 40_000))], Limits(), "cell_too_long"),
        ([row(1, formula(1, "x" * 101))], Limits(cell_characters=100), "cell_too_long"),
        ([row(1, text(1, "x" * 60), text(2, "x" * 60))], Limits(text_bytes=100), "too_much_text"),
        ([row(1, *(error(column, "#N/A") for column in range(1, 5)))], Limits(error_cells=3), "too_many_errors"),
    ],
)
def test_limits_of_a_sheet(rows: list[bytes], limits: Limits, code: str) -> None:
    assert code_of(xlsb(*rows), limits) == code


def test_limits_of_a_workbook() -> None:
    one = row(1, shared(1, 0), shared(2, 0))
    merged = (merge(1, 1, 1, 2), merge(2, 1, 2, 2))
    assert code_of(xlsb(one, strings=texts("x" * 40_000))) == "cell_too_long"
    assert code_of(xlsb(one, strings=texts("a", "b")), Limits(shared_texts=1)) == "too_many_cells"
    assert code_of(xlsb(one, strings=texts("x" * 60)), Limits(text_bytes=100)) == "too_much_text"
    assert code_of(xlsb(one, strings=texts("x" * 60, "y" * 60)), Limits(text_bytes=100)) == "too_much_text"
    assert code_of(xlsb(merged=merged), Limits(merged_ranges=1)) == "too_many_merged_ranges"
    for limit in (1, 2):
        file = zipped(parts({"a": sheet(), "b": sheet()}))
        if limit == 2:
            assert len(open_book(file, Limits(sheets=limit)).sheets) == 2
        else:
            with pytest.raises(UnreadableFile, match="more than 1 sheets"):
                open_book(file, Limits(sheets=limit))


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([row(1, shared(1, 1))], id="a text that is not there"),
        pytest.param([row(1, shared(1, 0xFFFFFFFF))], id="a text far beyond"),
        pytest.param([row(2), row(1, number(1, 1.0))], id="rows backwards"),
        pytest.param([row(1_048_577, number(1, 1.0))], id="no such row"),
        pytest.param([row(0x7FFFFFFF, number(1, 1.0))], id="a row far beyond"),
        pytest.param([row(1, number(16_385, 1.0))], id="no such column"),
        pytest.param([row(1, number(0xFFFFFFFF, 1.0))], id="a column far beyond"),
        pytest.param([row(1, blank(0xFFFFFFFF), short(13, b"\0\0\0\0"))], id="a blank cell far beyond"),
        pytest.param([row(1, number(2, 1.0), number(2, 1.0))], id="two cells in one place"),
        pytest.param([number(1, 1.0)], id="a cell without a row"),
        pytest.param([row(1, cell(5, 1, b"\0\0\0"))], id="half a number"),
        pytest.param([row(1, cell(4, 1))], id="no value"),
        pytest.param([row(1, record(7, b"\0\0"))], id="no place"),
        pytest.param([record(0, b"\0")], id="a row without a number"),
        pytest.param([row(1, cell(6, 1, struct.pack("<I", 0x7FFFFFFF) + b"a\0"))], id="a text longer than its record"),
        pytest.param([row(1, record(5, b"\0" * 8, size=0x0FFFFFFF))], id="a record longer than its part"),
        pytest.param([merge(2, 1, 1, 1)], id="a range that ends before it begins"),
        pytest.param([merge(1, 1, 1, 0x7FFFFFFF)], id="a range far beyond"),
        pytest.param([record(176, b"\0" * 15)], id="half a range"),
    ],
)
def test_an_inconsistent_sheet(rows: list[bytes]) -> None:
    assert code_of(xlsb(*rows, strings=texts("a"))) == "damaged_workbook"


def test_a_truncated_sheet() -> None:
    whole = sheet(row(1, text(1, "abc"), number(2, 1.0)), row(2, shared(1, 0)), merged=[merge(1, 1, 1, 2)])
    for end in range(len(whole)):
        assert code_of(with_part(SHEET_PART, whole[:end])) == "damaged_workbook", end


@pytest.mark.parametrize(
    ("part", "content"),
    [
        (SHEET_PART, None),
        ("xl/_rels/workbook.bin.rels", None),
        ("xl/_rels/workbook.bin.rels", b"<Relationships/>"),
        ("xl/workbook.bin", b""),
        ("xl/workbook.bin", record(156, b"\0" * 10)),
        ("xl/workbook.bin", record(156, b"\0" * 8 + wide("rId1") + struct.pack("<I", 0x7FFFFFFF))),
        ("xl/workbook.bin", record(156, b"\0" * 8 + wide("rId9") + wide("S"))),
        ("xl/workbook.bin", record(156, b"\0" * 8 + b"\xff\xff\xff\xff" + wide("S"))),
        ("xl/workbook.bin", record(156, b"\0" * 8 + wide("rId1") + wide("S")) * 2),
        ("xl/workbook.bin", record(156, b"\0" * 8 + wide("") + wide("")) * 10_001),
        ("xl/sharedStrings.bin", None),
        ("xl/sharedStrings.bin", record(19)),
        ("xl/sharedStrings.bin", record(19, b"\0\xff\xff\xff\x7f")),
        ("xl/styles.bin", record(44, b"\0")),
        ("xl/styles.bin", record(617) + record(47, b"\0")),
        ("xl/styles.bin", record(617) + record(47, b"\0\0\0\0") * 65_537),
        ("xl/styles.bin", record(44, size=100)),
    ],
)
def test_a_missing_or_damaged_part(part: str, content: bytes | None) -> None:
    assert code_of(with_part(part, content)) == "damaged_workbook"


def test_chart_sheets_are_ignored() -> None:
    made = parts({"S": sheet(row(1, number(1, 1.0))), "Chart": sheet()})
    rels = str(made["xl/_rels/workbook.bin.rels"])
    made["xl/_rels/workbook.bin.rels"] = rels.replace('/worksheet" Target="worksheets/sheet2', '/chartsheet" Target="x')
    assert open_book(zipped(made)).sheets == ("S",)


def test_numbers_have_the_digits_that_excel_shows() -> None:
    [found] = open_book(io.BytesIO(xlsb(row(1, number(1, 0.1 + 0.2), number(2, 2.0000000000000004))))).rows("S")
    assert found.cells == [0.3, 2.0]
