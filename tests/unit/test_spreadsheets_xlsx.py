# ruff: noqa: DTZ001 - the dates of a workbook have no zone
"""Excel workbooks: the cells that are read, and the result of a scan."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
import xlsxwriter
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont

from precast_app.spreadsheets import CellError, Limits, MergedRange, open_book
from precast_app.spreadsheets.sheet import HEAD_ROWS
from tests.unit.xlsx_files import (
    parts,
    sheet_xml,
    strings_xml,
    workbook,
    zipped,
)

SAMPLE = Path(__file__).parents[2] / "examples/green_meadows/element_types.xlsx"


def rows_of(file: io.BytesIO, sheet: str = "S") -> list[tuple[int, list[object]]]:
    return [(row.number, list(row.cells)) for row in open_book(file).rows(sheet)]


def saved(book: openpyxl.Workbook) -> io.BytesIO:
    file = io.BytesIO()
    book.save(file)
    return file


def test_the_sample_workbook_is_read_completely() -> None:
    with SAMPLE.open("rb") as file:
        book = open_book(file)
        found = book.scan("Element Types")
        rows = list(book.rows("Element Types"))
    ranges = openpyxl.load_workbook(SAMPLE)["Element Types"].merged_cells.ranges
    assert (book.format, book.sheets) == ("xlsx", ("Summary", "Element Types"))
    assert (found.row_count, len(rows), dict(found.error_cells)) == (123, 123, {})
    assert {(m.first_row, m.first_column, m.last_row, m.last_column) for m in found.merged} == {
        (r.min_row, r.min_col, r.max_row, r.max_col) for r in ranges
    }
    assert [row.number for row in found.head] == list(range(1, HEAD_ROWS + 1))
    assert found.head[0].cells[:3] == ["Element Type", "Element Type Name", "Height"]
    for scanned, read in zip(found.head, rows, strict=False):
        width = len(scanned.cells)
        assert list(read.cells[:width]) == list(scanned.cells)
        assert not any(read.cells[width:])


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        ('<c r="A1"><v>1</v></c><c r="C1"><v>-2.5E-3</v></c>', [1.0, "", -0.0025]),
        ('<c r="C1"><v>3</v></c><c r="A1"><v>1</v></c>', [1.0, "", 3.0]),
        ('<c r="A1"><v>0.30000000000000004</v></c><c r="B1"><v>57.699999999999996</v></c>', [0.3, 57.7]),
        ('<c r="A1"><v>12 pcs</v></c><c r="B1"><v>2</v></c>', ["12 pcs", 2.0]),
        ('<c r="B1" t="b"><v>1</v></c><c r="A1" t="str"><v>1</v></c>', ["1", True]),
    ],
)
def test_cells_are_read_in_any_order_and_form(cells: str, values: list[object]) -> None:
    file = workbook(f'<row r="1">{cells}</row>')
    assert rows_of(file) == [(1, values)]


def test_every_kind_of_cell_keeps_its_type() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(
        [
            "007",
            3,
            0.0042,
            True,
            False,
            datetime(2024, 5, 6, 7, 8),
            date(2024, 5, 6),
            time(7, 8),
            timedelta(hours=30),
            None,
            " kept ",
        ]
    )
    [(number, cells)] = rows_of(saved(book), "Sheet")
    assert number == 1
    assert cells == [
        "007",
        3.0,
        0.0042,
        True,
        False,
        datetime(2024, 5, 6, 7, 8),
        datetime(2024, 5, 6),
        time(7, 8),
        timedelta(hours=30),
        "",
        " kept ",
    ] or cells[6] == date(2024, 5, 6)
    assert [type(cell) for cell in cells[:5]] == [str, float, float, bool, bool]


def test_rows_and_columns_count_from_the_corner_of_the_sheet() -> None:
    book = openpyxl.Workbook()
    book.active["C5"] = "first"
    book.active["D9"] = 2
    file = saved(book)
    assert rows_of(file, "Sheet") == [(5, ["", "", "first"]), (9, ["", "", "", 2.0])]
    head = open_book(file).scan("Sheet").head
    assert [(row.number, row.cells) for row in head] == [
        (5, ["", "", "first"]),
        (9, ["", "", "", 2.0]),
    ]


def test_rows_without_content_do_not_count() -> None:
    blank = '<row r="1"><c r="A1" s="1"/><c r="B1" t="s"><v>0</v></c></row><row r="2"/>'
    white = '<row r="3"><c r="A3" t="inlineStr"><is><t> &#160;</t></is></c></row>'
    nbsp = '<row r="4"><c r="A4" t="s"><v>2</v></c><c r="B4" t="str"><f>A9</f><v></v></c></row>'
    held = '<row r="7"><c r="A7" t="s"><v>0</v></c><c r="B7" t="s"><v>1</v></c></row>'
    # A zero width space is no white space; the hair space, U+200A, is.
    held += '<row r="8"><c r="A8" t="inlineStr"><is><t>&#x200B;</t></is></c></row>'
    strings = "<si><t xml:space='preserve'> </t></si><si><t>x</t></si><si><t>\N{NO-BREAK SPACE}</t></si>"
    file = workbook(blank + white + nbsp + held, strings)
    assert rows_of(file) == [(7, [" ", "x"]), (8, ["\N{ZERO WIDTH SPACE}"])]
    found = open_book(file).scan("S")
    assert (found.row_count, [row.number for row in found.head]) == (2, [7, 8])


def test_a_zero_and_a_false_are_content() -> None:
    file = workbook('<row r="1"><c r="A1"><v>0</v></c></row><row r="2"><c r="A2" t="b"><v>0</v></c></row>')
    assert rows_of(file) == [(1, [0.0]), (2, [False])]
    assert open_book(file).scan("S").row_count == 2


def test_error_cells_are_read() -> None:
    file = workbook(
        '<row r="2"><c r="B2" t="e"><v>#REF!</v></c><c r="C2"><v>1</v></c></row>'
        '<row r="3"><c r="A3"><f>A1+B1</f></c><c r="B3" t="e"><f>X</f><v>#NAME?</v></c></row>'
        '<row r="4"><c r="E4"><f t="shared" si="0"/><v></v></c></row>'
        '<row r="9"><c r="B9" t="e"><v>#N/A</v></c></row>'
    )
    book = open_book(file)
    assert book.scan("S").error_cells == {
        (2, 2): CellError("#REF!"),
        (3, 1): CellError("=A1+B1"),
        (3, 2): CellError("#NAME?"),
        (4, 5): CellError("=…"),
        (9, 2): CellError("#N/A"),
    }
    assert book.scan("S").row_count == 4
    assert [(r.number, [c for c in r.cells if c != ""]) for r in book.rows("S")] == [
        (2, [CellError("#REF!"), 1.0]),
        (3, [CellError("=A1+B1"), CellError("#NAME?")]),
        (4, [CellError("=…")]),
        (9, [CellError("#N/A")]),
    ]
    assert [r.cells.index(CellError("=…")) for r in book.rows("S") if r.number == 4] == [4]
    assert str(CellError("#REF!")).startswith("#REF! (")
    assert "without its result" in str(CellError("=A1"))


def test_a_formula_with_a_result_is_its_result_even_an_empty_text() -> None:
    file = workbook(
        '<row r="1"><c r="A1"><f>1+1</f><v>2</v></c>'
        '<c r="B1" t="str"><f>""</f><v></v></c><c r="C1" t="str"><f>"x"</f><v>x</v></c></row>'
    )
    assert open_book(file).scan("S").error_cells == {}
    assert rows_of(file) == [(1, [2.0, "", "x"])]


def test_openpyxl_saves_formulas_without_results() -> None:
    book = openpyxl.Workbook()
    book.active.append(["a", "=SUM(1, 2)"])
    assert rows_of(saved(book), "Sheet") == [(1, ["a", CellError("=SUM(1, 2)")])]


@pytest.mark.parametrize("constant_memory", [False, True])
def test_xlsxwriter_with_shared_and_with_inline_texts(constant_memory: bool) -> None:
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"constant_memory": constant_memory})
    sheet = book.add_worksheet("S")
    for row in range(20):
        sheet.write_row(row, 0, [f"W-{row} & co", row, "yes" if row % 2 else None, 0.5])
    sheet.write_formula(20, 0, "=1+1", None, 2)
    book.close()
    found = open_book(file).scan("S")
    assert (found.row_count, found.head[7].cells) == (21, ["W-7 & co", 7.0, "yes", 0.5])
    assert rows_of(file)[19:] == [(20, ["W-19 & co", 19.0, "yes", 0.5]), (21, [2.0])]


def test_workbooks_of_pandas_are_read() -> None:
    file = io.BytesIO()
    pd.DataFrame({"Name": ["a", None], "Mass": [1.5, 2]}).to_excel(file, index=False)
    assert rows_of(file, "Sheet1") == [(1, ["Name", "Mass"]), (2, ["a", 1.5]), (3, ["", 2.0])]


def test_runs_of_rich_text_are_joined_and_phonetics_left_out() -> None:
    run = "<r><t>Pre</t></r><r><rPr><b/></rPr><t xml:space='preserve'>cast </t></r>"
    phonetic = "<rPh sb='0' eb='1'><t>no</t></rPh>"
    file = workbook('<row r="1"><c r="A1" t="s"><v>0</v></c></row>', f"<si>{run}{phonetic}</si>")
    assert open_book(file).scan("S").head[0].cells == ["Precast "]
    assert rows_of(file) == [(1, ["Precast "])]


def test_rich_text_in_the_cell_itself() -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = CellRichText("Pre", TextBlock(InlineFont(b=True), "cast"))
    file = saved(book)
    assert open_book(file).scan("Sheet").head[0].cells == ["Precast"]
    assert rows_of(file, "Sheet") == [(1, ["Precast"])]


def test_escapes_and_entities_in_texts_are_resolved_alike_by_scan_and_rows() -> None:
    file = workbook(
        '<row r="1"><c r="A1" t="s"><v>0</v></c>'
        '<c r="B1" t="inlineStr"><is><t>a_x005F_x000D_ &lt;b&gt;</t></is></c></row>',
        "<si><t>x_x000D_\ny &amp; z</t></si>",
    )
    [row] = open_book(file).scan("S").head
    assert row.cells == ["x\r\ny & z", "a_x000D_ <b>"]
    assert rows_of(file) == [(1, row.cells)]


def test_the_head_is_the_first_rows_that_are_not_blank() -> None:
    file = workbook("".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c></row>' for n in range(3, 200, 2)))
    assert [row.number for row in open_book(file).scan("S").head] == list(range(3, 3 + 2 * HEAD_ROWS, 2))


def test_merged_ranges_are_scanned() -> None:
    merged = '<mergeCells count="2"><mergeCell ref="K1:M1"/><mergeCell ref="AA1:AB2"/></mergeCells>'
    file = workbook('<row r="1"><c r="A1"><v>1</v></c></row>', after=merged)
    assert open_book(file).scan("S").merged == (
        MergedRange(1, 11, 1, 13),
        MergedRange(1, 27, 2, 28),
    )


def test_hidden_sheets_count_and_chart_sheets_do_not() -> None:
    book = openpyxl.Workbook()
    book.create_chartsheet("Chart")
    book.create_sheet("Ünï & co").sheet_state = "hidden"
    book["Ünï & co"]["A1"] = 1
    file = saved(book)
    assert open_book(file).sheets == ("Sheet", "Ünï & co")
    assert rows_of(file, "Ünï & co") == [(1, [1.0])]
    assert rows_of(file, "Sheet") == []
    assert open_book(file).scan("Sheet").row_count == 0


@pytest.mark.parametrize("target", ["/xl/worksheets/sheet1.xml", "Worksheets/SHEET1.xml"])
def test_a_sheets_part_is_found_by_an_absolute_path_and_in_any_case(target: str) -> None:
    contents = parts(sheet_xml('<row r="1"><c r="A1"><v>1</v></c></row>'))
    rels = contents["xl/_rels/workbook.xml.rels"]
    contents["xl/_rels/workbook.xml.rels"] = str(rels).replace("worksheets/sheet1.xml", target)
    file = zipped(contents)
    assert open_book(file).scan("S").row_count == 1
    assert rows_of(file) == [(1, [1.0])]


def test_an_unknown_sheet_raises_key_error() -> None:
    with pytest.raises(KeyError):
        open_book(workbook("")).scan("T")


def test_the_file_stays_open_and_a_book_can_be_read_twice() -> None:
    file = workbook('<row r="1"><c r="A1"><v>1</v></c></row>')
    book = open_book(file)
    assert list(book.rows("S")) == list(book.rows("S"))
    assert not file.closed


PLAIN = (
    '<row r="2"><c r="A2" t="s"><v>0</v></c><c r="C2" t="inlineStr"><is><t>i</t></is></c></row>'
    '<row r="3"><c r="A3" t="s"><v>1</v></c></row>'
    '<row r="5"><c r="B5" t="e"><v>#DIV/0!</v></c><c r="C5"><f>A1</f></c>'
    '<c r="D5"><v>4.5</v></c></row>'
)
STRINGS = "<si><t>name</t></si><si><t xml:space='preserve'> </t></si>"
MERGES = '<mergeCells><mergeCell ref="A1:B2"/></mergeCells>'


def prefixed(xml: str) -> str:
    for name in (
        "worksheet",
        "sheetData",
        "row",
        "c",
        "v",
        "is",
        "t",
        "f",
        "mergeCells",
        "mergeCell",
    ):
        for start in ("<", "</"):
            for end in (" ", ">", "/"):
                xml = xml.replace(f"{start}{name}{end}", f"{start}x:{name}{end}")
    return xml.replace("xmlns=", "xmlns:x=")


UNUSUAL_FORMS: dict[str, Callable[[str], str]] = {
    "prefixed tags": prefixed,
    "single quotes": lambda xml: xml.replace('"', "'"),
    "rows without cells before and between": lambda xml: xml.replace(
        "<row ", '<row r="1" spans="1:4" ht="15"/> <row ', 1
    ).replace('<row r="5">', '<row r="4" hidden="1"/><row r="5">'),
    "an error's type in single quotes": lambda xml: xml.replace('t="e"', "t='e'"),
    "a comment": lambda xml: xml.replace("<row r=", "<!-- </row> --><row r=", 1),
    "type before reference": lambda xml: xml.replace('r="B5" t="e"', 't="e" r="B5"'),
    "blanks between tags": lambda xml: xml.replace("><", ">\n  <").replace("<t>\n", "<t>"),
    "rows and cells without references": lambda xml: xml.replace('<c r="D5">', "<c>").replace('<c r="C5">', "<c>"),
    "an attribute of an extension": lambda xml: xml.replace(
        "<row ", '<row spans="1:4" x14ac:dyDescent="0.25" '
    ).replace("<worksheet ", '<worksheet xmlns:x14ac="urn:x" '),
}


@pytest.mark.parametrize("odd", UNUSUAL_FORMS.values(), ids=UNUSUAL_FORMS)
def test_a_sheet_in_an_unusual_form_is_read_the_same(odd: Callable[[str], str]) -> None:
    usual = open_book(workbook(PLAIN, STRINGS, MERGES))
    strange = odd(sheet_xml(PLAIN, MERGES))
    assert strange != sheet_xml(PLAIN, MERGES)
    book = open_book(zipped(parts(strange, strings_xml(STRINGS))))
    assert book.scan("S") == usual.scan("S")
    assert list(book.rows("S")) == list(usual.rows("S"))
    assert usual.scan("S").row_count == 2


def test_a_sheet_in_utf_16_is_scanned() -> None:
    xml = '<?xml version="1.0" encoding="UTF-16"?>' + sheet_xml(PLAIN, MERGES)
    found = open_book(zipped(parts(xml.encode("utf-16"), strings_xml(STRINGS)))).scan("S")
    assert found == open_book(workbook(PLAIN, STRINGS, MERGES)).scan("S")


@pytest.mark.parametrize(
    "items",
    ["<!-- </si> --><si><t>a</t></si><si/>", "<si><t><![CDATA[a]]></t></si><si></si>"],
)
def test_shared_strings_in_an_unusual_form_are_read_the_same(items: str) -> None:
    rows = '<row r="1"><c r="A1" t="s"><v>0</v></c></row><row r="2"><c r="A2" t="s"><v>1</v></c></row>'
    found = open_book(workbook(rows, items)).scan("S")
    assert [(row.number, row.cells) for row in found.head] == [(1, ["a"])]
    assert found.row_count == 1


def test_rows_across_chunks_are_read_completely() -> None:
    """The workbook has rows of every length, in many chunks."""
    book = openpyxl.Workbook()
    expected = []
    for number in range(1, 4001):
        cells = [f"text {number} " + "é" * (number % 97)] * (1 + number % 29)
        book.active.append(cells)
        expected.append((number, cells))
    book.active.merge_cells("A1:A2")
    expected[1] = (2, ["", *expected[1][1][1:]])
    file = saved(book)
    found = open_book(file).scan("Sheet")
    assert (found.row_count, found.merged) == (4000, (MergedRange(1, 1, 2, 1),))
    trimmed = [
        (number, cells[: len(e[1])]) for (number, cells), e in zip(rows_of(file, "Sheet"), expected, strict=True)
    ]
    assert trimmed == expected


def test_a_wrong_dimension_is_ignored() -> None:
    xml = sheet_xml('<row r="1"><c r="A1"><v>1</v></c></row>').replace(
        "<sheetData>", '<dimension ref="A1:XFD1048576"/><sheetData>'
    )
    assert rows_of(zipped(parts(xml))) == [(1, [1.0])]


def test_a_book_has_the_limits_that_it_was_opened_with() -> None:
    file = workbook("".join(f'<row r="{n}"><c r="A{n}"><v>1</v></c></row>' for n in (1, 2, 3)))
    assert open_book(file, Limits(rows=3)).scan("S").row_count == 3


@pytest.mark.parametrize("break_", ["", "\n"])
def test_references_may_be_in_small_letters(break_: str) -> None:
    cells = f'<row r="1"><c r="a1" t="inlineStr">{break_}<is><t>a</t></is></c><c r="c1">{break_}<v>3</v></c></row>'
    merged = '<mergeCells count="1"><mergeCell ref="a1:b1"/></mergeCells>'
    file = workbook(cells, after=merged)
    assert rows_of(file) == [(1, ["a", "", 3.0])]
    assert open_book(file).scan("S").merged == (MergedRange(1, 1, 1, 2),)
