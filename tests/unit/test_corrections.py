"""Corrections of rows, and corrected copies of workbooks."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl
import pytest

from precast_app.exporting import annotating
from precast_app.importing import corrections, mistakes, sheet_layout
from precast_app.importing.cell_parsing import parse_count, parse_decimal
from precast_app.importing.corrections import CorrectedBook, Corrections, RowCorrector
from precast_app.importing.schema import Column, ColumnGroup
from precast_app.spreadsheets import CellError, FormattedNumber, MergedRange, SheetRow, SheetScan, ShownText, open_book
from tests.conftest import ROOT
from tests.unit.annotated_files import PACKAGE, parts, rels, sheet_xml, workbook
from tests.unit.xlsx_files import RELATIONS, zipped

pytestmark = pytest.mark.filterwarnings("ignore:Workbook contains no:UserWarning")


def corrected(
    found: Corrections, *cells: object, number: int = 5, merged: tuple[MergedRange, ...] = ()
) -> list[object]:
    """Return the cells of a row after its correction."""
    corrector = RowCorrector(found, SheetScan((), merged, 0, {}))
    return list(corrector.correct(SheetRow(number, list(cells))).cells)  # type: ignore[arg-type]


def test_a_cell_takes_precedence_over_a_rule() -> None:
    found = Corrections(sheet="S", first_row=2, cells={(5, 1): "own"}, rules={1: {"—": "rule"}, 2: {"7": "seven"}})
    assert corrected(found, " — ", 7.0) == ["own", "seven"]
    assert corrected(found, " — ", "7", number=6) == ["rule", "seven"]


def test_headings_and_blank_cells_are_left_by_rules() -> None:
    found = Corrections(sheet="S", first_row=2, rules={1: {"A": "B"}, 3: {"x": "y"}})
    assert corrected(found, "A", number=1) == ["A"]
    assert corrected(found, "A", "") == ["B", ""]


def test_a_correction_beyond_the_end_of_a_row_makes_it_longer() -> None:
    assert corrected(Corrections(sheet="S", first_row=2, cells={(5, 4): "x"}), "a") == ["a", "", "", "x"]


def test_a_cell_inside_a_merged_range_stands_for_its_first_cell() -> None:
    merged = (MergedRange(4, 1, 6, 1),)
    found = Corrections(sheet="S", first_row=2, cells={(5, 1): "x"})
    assert corrected(found, "a", number=4, merged=merged) == ["x"]
    assert corrected(found, "", number=5, merged=merged) == [""]


def test_corrections_survive_json() -> None:
    found = Corrections(
        sheet="S", first_row=2, cells={(5, 1): "x"}, rules={2: {"a": "b"}}, number_columns=frozenset({2})
    )
    assert corrections.from_json(corrections.to_json(found)) == found


@pytest.mark.parametrize(
    ("text", "expected"),
    [("125", 125.0), ("12.5", 12.5), ("0125", "0125"), ("1.250", "1.250"), ("1,5", "1,5"), ("", ""), ("1e5", "1e5")],
)
def test_a_copy_has_numbers_where_they_are_read_as_the_same(text: str, expected: str | float) -> None:
    found = Corrections(sheet="S", first_row=2, number_columns=frozenset({3}))
    assert found.typed(3, text) == expected
    assert found.typed(2, text) == text


def write_corrected(content: bytes, found: Corrections) -> bytes:
    """Return the corrected copy of a workbook."""
    file, out = io.BytesIO(content), io.BytesIO()
    assert annotating.write_corrected(file, open_book(file), found, out, 5) == "xlsx"
    return out.getvalue()


def test_contents_are_replaced_and_formats_stay() -> None:
    found = Corrections(
        sheet="S", first_row=2, cells={(2, 1): "a < b _x0041_", (2, 2): "5", (2, 4): ""}, number_columns=frozenset({2})
    )
    copy = write_corrected(workbook(sheet_xml()), found)
    sheet = openpyxl.load_workbook(io.BytesIO(copy))["S"]
    assert [sheet[name].value for name in ("A1", "A2", "B2", "B5")] == ["Type", "a < b _x005F_x0041_", 5, "=A5*2"]
    assert sheet["B2"].alignment.horizontal == "right"
    assert parts(copy)["custom/picture.png"] == b"\x89PNG not unpacked"
    book = open_book(io.BytesIO(copy))
    assert [list(row.cells) for row in book.rows("S")][1] == ["a < b _x0041_", 5.0]


def test_the_order_of_calculation_is_dropped_with_a_formula() -> None:
    found = parts(workbook(sheet_xml()))
    chain = f"{RELATIONS}/calcChain"
    sheet, styles = (f"{RELATIONS}/worksheet", "sheets/s.xml"), (f"{RELATIONS}/styles", "styles.xml")
    found["xl/_rels/workbook.xml.rels"] = rels({"rId1": sheet, "rId2": styles, "c": (chain, "calcChain.xml")}).encode()
    found["xl/calcChain.xml"] = b"<calcChain/>"
    content = zipped(found).getvalue()
    changed = parts(write_corrected(content, Corrections(sheet="S", first_row=2, cells={(2, 2): "5"})))
    assert "xl/calcChain.xml" not in changed
    assert b"calcChain" not in changed["xl/_rels/workbook.xml.rels"]
    kept = parts(write_corrected(content, Corrections(sheet="S", first_row=2, cells={(2, 1): "5"})))
    assert kept["xl/calcChain.xml"] == b"<calcChain/>"


def test_a_copy_with_a_replaced_shared_formula_has_values_only() -> None:
    copy = write_corrected(workbook(sheet_xml()), Corrections(sheet="S", first_row=2, cells={(5, 2): "x"}))
    sheet = openpyxl.load_workbook(io.BytesIO(copy))["S"]
    assert [sheet[name].value for name in ("B5", "B6", "B2")] == ["x", 6, 2]
    assert PACKAGE.encode() in parts(copy)["[Content_Types].xml"]


def test_an_opendocument_copy_keeps_its_format() -> None:
    path = ROOT / "tests" / "files" / "green_meadows_libreoffice.ods"
    content = path.read_bytes()
    sheet = next(name for name in open_book(io.BytesIO(content)).sheets if "ype" in name)
    before = {row.number: list(row.cells) for row in open_book(io.BytesIO(content)).rows(sheet)}
    row = max(before)
    found = Corrections(sheet=sheet, first_row=row, cells={(row, 1): "COLUMN", (row, 3): ""})
    file, out = io.BytesIO(content), io.BytesIO()
    assert annotating.write_corrected(file, open_book(file), found, out, 20) == "ods"
    after = {each.number: list(each.cells) for each in open_book(io.BytesIO(out.getvalue())).rows(sheet)}
    before[row][0], before[row][2] = "COLUMN", ""
    assert after[row] == before[row]
    assert {number: after[number] for number in after if number != row} == {
        number: before[number] for number in before if number != row
    }


def test_a_corrected_book_corrects_one_sheet_only(tmp_path: Path) -> None:
    content = workbook(sheet_xml())
    book = CorrectedBook(open_book(io.BytesIO(content)), Corrections(sheet="other", first_row=2, cells={(2, 1): "x"}))
    assert [list(row.cells) for row in book.rows("S")] == [
        list(row.cells) for row in open_book(io.BytesIO(content)).rows("S")
    ]


def test_cells_survive_json() -> None:
    formatted = FormattedNumber(12.0, ShownText("0012", None, "0000"))
    for cell in ("a", 2.5, True, CellError("#REF!")):
        assert sheet_layout.decode_cell(sheet_layout.encode_cell(cell)) == cell
    decoded = sheet_layout.decode_cell(sheet_layout.encode_cell(formatted))
    assert isinstance(decoded, FormattedNumber)
    assert (decoded.shown, decoded.code) == ("0012", "0000")
    assert sheet_layout.encode_cell("a\0\ud800") == "a\N{REPLACEMENT CHARACTER}?"


def column(group: ColumnGroup, target: str | int) -> Column:
    """Return a column of the file."""

    def parse(cell: object) -> object:
        return parse_decimal(cell, maximum=10**6) if group is ColumnGroup.BASE else parse_count(cell, maximum=100)

    return Column(index=4, letter="E", heading="Height", group=group, target=target, parse=parse)


@pytest.mark.parametrize(
    ("target", "text", "expected"),
    [
        ("height", "—", ""), ("height", "12,5 cm", "125"), ("height", "3.2 m", "3200"), ("height", "tall", None),
        (7, "12 pcs", "12"), (7, "n/a", None), (7, "-", ""),
    ],
)  # fmt: skip
def test_what_an_equal_mistake_may_mean(target: str | int, text: str, expected: str | None) -> None:
    group = ColumnGroup.BASE if isinstance(target, str) else ColumnGroup.NODES
    assert mistakes.suggest(column(group, target), text) == expected
