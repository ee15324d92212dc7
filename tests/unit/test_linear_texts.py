"""Every function that reads text of an upload takes linear time, so that no text blocks the interpreter."""

from __future__ import annotations

import html
import io
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
import xlrd

from precast_app import text
from precast_app.errors import JobFailed
from precast_app.exporting import safe_text
from precast_app.importing import (
    cell_parsing,
    column_mapping,
    decimal_signs,
    find_missing,
    header_detection,
    hierarchy,
    reference_files,
    reference_schema,
)
from precast_app.importing.cell_parsing import InvalidCell
from precast_app.importing.column_mapping import index_names
from precast_app.importing.header_detection import Heading
from precast_app.importing.profiles import cell_values, column_description, column_values, levels, vocabulary
from precast_app.importing.reference_data import ReferenceData, ReferenceItem
from precast_app.importing.row_validation import validate_rows
from precast_app.importing.schema import BASE_COLUMNS, GROUP_SPECS, MAX_MEASURE, ColumnGroup
from precast_app.spreadsheets import (
    Limits,
    UnreadableFile,
    ensure_escaped,
    escape_formula,
    number_formats,
    open_book,
    protect_from_decoding,
    unescape_formula,
)
from precast_app.spreadsheets.replaced_values import may_be_replaced
from precast_app.spreadsheets.text_decoding import decode_html_entities, decode_utf_7
from precast_app.spreadsheets.text_formats import name_text_format
from precast_app.spreadsheets.xlsx import sheet_xml as xml
from precast_app.spreadsheets.xlsx.cell_values import CellValues
from precast_app.spreadsheets.xlsx.styles import Styles
from tests.unit.growth import MAX_GROWTH, growth, is_linear, seconds
from tests.unit.xlsx_files import workbook

# Characters of a cell: twice the limit of a cell.
_CELL = 65_536
# Bytes of a file: far more than is measured.
_FILE = 1 << 22

PIECES = (
    "(", ")", "[", "+", "+A", "+AAA", "+ACY-", "-", "=", ";", ";'", "'", "\t", "\n", " ", "\u200b", '"', ".", ",", ":",
    "_", "a.", "a_", "a ", "1", "1,", "1 ", "0.", "&", "&amp;", "&#", "&#1", "_x", "_x0041_", "ß", "\u0130", "Ā",
    "e\u0301", "x", "range: a", "grand", "totals ", "Drawing ", "Drawing Types_", "(mm)", "\U0001f3d7",
)  # fmt: skip
ENDS = ("", "!", "1", "x)", "=")


def reference() -> ReferenceData:
    """Return reference data with many nodes."""
    places = tuple(ReferenceItem(number, f"A.B{number}", f"a.b{number}") for number in range(1, 40))
    return ReferenceData(
        1,
        {ColumnGroup.NODES: places, ColumnGroup.BOM: (ReferenceItem(50, "Steel_6MM", "steel_6mm"),)},
        {n.id: n.name for n in places},
    )


REFERENCE = reference()
NAMES = index_names(REFERENCE)
FIRSTS = find_missing._first_parts(REFERENCE)


def ignore_rejections(read: Callable[[Any], object]) -> Callable[[Any], object]:
    """Return a reader that returns the exception of a rejected text."""

    def run(text: Any) -> object:
        try:
            return read(text)
        except (InvalidCell, UnreadableFile, JobFailed) as refused:
            return refused

    return run


def heading(text: str) -> Heading:
    return Heading(10, text, "", None, 1)


def places(text: str) -> object:
    levels = find_missing.name_parts(text, "", ColumnGroup.NODES)
    return find_missing.node_entries([levels], REFERENCE, ColumnGroup.NODES) if levels else None


def _name_parts(group: ColumnGroup, text: str) -> object:
    return find_missing.name_parts(text, "", group)


VALUES = CellValues(str, Styles((), from_1904=False))
READERS: dict[str, Callable[[Any], object]] = {
    "clean_text": text.clean_text,
    "identity_key": text.identity_key,
    "match_key": text.match_key,
    "path_key": hierarchy.path_key_of,
    "segment": hierarchy.path_segment,
    "escape_formula": escape_formula,
    "unescape_formula": unescape_formula,
    "ensure_escaped": ensure_escaped,
    "comment_text": safe_text.comment_text,
    "csv_line": lambda text: safe_text.csv_line([text, text]),
    "protect_from_decoding": protect_from_decoding,
    "decode_utf_7": decode_utf_7,
    "decode_html_entities": decode_html_entities,
    "xml text": lambda text: xml.decode_xml_text(text.encode()),
    "decode_escapes": xml.decode_escapes,
    "formula_text": xml.shorten_formula,
    "merged_range": xml.parse_range,
    "shared_index": xml.parse_shared_index,
    "a cell's number": lambda text: VALUES.convert("n", "0", text),
    "a cell's text": lambda text: VALUES.convert("str", "0", text),
    "number format": lambda text: number_formats.parse_number_format(text[:255]).show(1.5),
    "long number format": number_formats.parse_number_format,
    "text format": lambda text: name_text_format(text.encode()),
    "replaced value": may_be_replaced,
    "base_field": header_detection.base_field,
    "squash heading": header_detection._squash,
    "reference heading": reference_files._squash,
    "meanings of a heading": vocabulary.meanings,
    "unit in a heading": vocabulary.unknown_unit,
    "unit of a cell": column_values.unit_of,
    "number of a list": lambda text: column_values.as_number(text, decimal_signs.DecimalSign.COMMA),
    "level": levels.is_level,
    "title": vocabulary.kind_of_element,
    "column of a list": lambda text: column_values.summarize([text] * 3, decimal_signs.DecimalSign.POINT, 3),
    "with_point": lambda text: decimal_signs.with_point(text, decimal_signs.DecimalSign.COMMA),
    "decimal sign": decimal_signs.evidence,
    "measure with its unit": lambda text: cell_values.parse_measure(
        text, maximum=MAX_MEASURE, unit="mm", sign=decimal_signs.DecimalSign.POINT
    ),
    "key of a replacement": cell_values.rule_key,
    "yes_or_no": cell_parsing.parse_yes_no,
    "targets": lambda text: column_mapping.find_targets(text, "", NAMES),
    "targets of two": lambda text: column_mapping.find_targets(text[: len(text) // 2], text[len(text) // 2 :], NAMES),
    "suggestions": lambda text: column_mapping.Suggestions(NAMES).nearest(text),
    "unknown heading": lambda text: column_mapping._unknown_heading(heading(text), column_mapping.Suggestions(NAMES)),
    "group by words": lambda text: find_missing._group_from_heading(heading(text), FIRSTS, is_flat=False),
    "places": places,
    **{f"name of {group}": partial(_name_parts, group) for group in GROUP_SPECS},
    **{column.heading: column.parse for column in (*BASE_COLUMNS[:3], BASE_COLUMNS[-1])},
    **{str(group): spec.parse for group, spec in GROUP_SPECS.items()},
    **{field.heading: field.parse for field in reference_schema.STAGES.columns},
}  # fmt: skip


@pytest.mark.parametrize("name", READERS)
def test_a_reader_takes_linear_time(name: str) -> None:
    read = ignore_rejections(READERS[name])
    for piece in PIECES:
        for end in ENDS:

            def attack(length: int, piece: str = piece, end: str = end) -> str:
                return piece * (length // len(piece)) + end

            assert is_linear(read, attack, _CELL), (piece, end)


HEADER = ",".join(column.heading for column in BASE_COLUMNS)
CSV_FILES: dict[str, Callable[[int], str]] = {
    "a heading of brackets": lambda n: f"{HEADER},{'(' * n}\nA,B\n",
    "a cell of shifts": lambda n: f"{HEADER},x\nA,B,{'+' * n}\n",
    "a separator and tabs": lambda n: "sep=," + "\t" * n + "x\n",
    "a quotation mark and lines": lambda n: '"' + "\n" * n,
    "quotation marks": lambda n: '"' * n + "x",
    "a message": lambda n: '{"a": "' + "x" * n,
    "a message of objects": lambda n: '{"a":' * n,
    "a message of digits": lambda n: '{"a": ' + "9" * n + "}" + HEADER,
    "many headings": lambda n: f"{HEADER},{'a,' * min(n // 2, 1_900)}\n" + "x" * n,
    "blank lines": lambda n: "\n" * n + HEADER,
    "carriage returns": lambda n: HEADER + "\r" * n,
    "short lines": lambda n: HEADER + "\n" + "a,b\n" * (n // 4),
    "bytes of no encoding": lambda n: HEADER + "\x81" * n,
}


def read_csv(content: str) -> object:
    book = open_book(io.BytesIO(content.encode()), Limits())
    found = column_mapping.map_columns(book, REFERENCE)
    for _ in book.rows(""):
        pass
    return found, book.notes


@pytest.mark.parametrize("name", CSV_FILES)
def test_a_csv_file_takes_linear_time(name: str) -> None:
    assert growth(ignore_rejections(read_csv), CSV_FILES[name], _FILE) <= MAX_GROWTH


@pytest.mark.parametrize("name", CSV_FILES)
def test_describing_a_csv_file_takes_linear_time(name: str) -> None:
    def describe(content: str) -> object:
        return column_description.describe(open_book(io.BytesIO(content.encode()), Limits()), REFERENCE)

    assert growth(ignore_rejections(describe), CSV_FILES[name], _FILE) <= MAX_GROWTH


SHEETS: dict[str, Callable[[int], str]] = {
    "a row with many numbers": lambda n: "<row " + ' r="1"' * (n // 6) + '/><c r="A1"><v>1</v></c></row>',
    "a cell with many kinds": lambda n: (
        '<row r="1"><c r="A1"><v>1</v></c><c r="B1"' + ' t="s"' * (n // 6) + "><f>1</f></c></row>"
    ),
    "a cell with many kinds, not closed": lambda n: '<row r="1"><c r="A1"' + ' t="s"' * (n // 6) + "</row>",
    "white space in a cell": lambda n: '<row r="1"><c r="A1">' + " " * n + "</c></row>",
    "white space behind a formula": lambda n: '<row r="1"><c r="A1"><f>1</f>' + " " * n + "</c></row>",
    "formulas": lambda n: '<row r="1">' + '<c r="A1"><f' * (n // 11) + "</row>",
    "errors": lambda n: '<row r="1">' + '<c r="A1" t="e"' * (n // 15) + "></row>",
    "a number of digits": lambda n: '<row r="1"><c r="A1"><v>' + "9" * n + "</v></c></row>",
    "a reference of digits": lambda n: '<row r="1"><c r="A1" t="str"><v>&#' + "9" * n + ";</v></c></row>",
    "a row number of digits": lambda n: '<row r="' + "9" * n + '"><c r="A1"><v>1</v></c></row>',
    "texts in a cell": lambda n: '<row r="1"><c r="A1" t="inlineStr"><is>' + "<t>a</t>" * (n // 8) + "</is></c></row>",
    "rows": lambda n: "".join(f'<row r="{row}"><c r="A{row}"><v>1</v></c></row>' for row in range(1, n // 40)),
    "tags": lambda n: "<x>" * (n // 3),
}


# As long as a text may be, so that the cells that refer to it are counted one by one.
TEXT = f"<si><t>{'a' * 32_000}</t></si>"


def read_sheet(file: io.BytesIO) -> object:
    book = open_book(file, Limits())
    return book.scan("S"), [*book.rows("S")]


@pytest.mark.parametrize("name", SHEETS)
def test_a_sheet_takes_linear_time(name: str) -> None:
    found = growth(ignore_rejections(read_sheet), lambda n: workbook(SHEETS[name](n), TEXT), _FILE)
    assert found <= MAX_GROWTH


def test_merged_cells_take_linear_time() -> None:
    base = "".join(
        f'<c r="{"ABCDEFGHIJ"[i]}1" t="str"><v>{html.escape(c.heading)}</v></c>' for i, c in enumerate(BASE_COLUMNS)
    )
    rows = f'<row r="1">{base}</row><row r="2"><c r="A2" t="str"><v>A</v></c><c r="B2" t="str"><v>B</v></c></row>'

    def merged(reference: str) -> Callable[[int], io.BytesIO]:
        one = f'<mergeCell ref="{reference}"/>'
        return lambda n: workbook(rows, after=f"<mergeCells>{one * n}</mergeCells>")

    def read(file: io.BytesIO) -> object:
        book = open_book(file, Limits())
        columns, _ = column_mapping.map_columns(book, REFERENCE)
        return [*validate_rows(lambda: book.rows("S"), columns)]

    for reference in ("A1:BXX1", "K1:XFD1", "A2:A1048576", "A1:A1", "A3:BXX4"):
        assert growth(ignore_rejections(read), merged(reference), 90_000) <= MAX_GROWTH, reference


def _repeat(piece: str, length: int) -> str:
    return piece * (length // len(piece))


def test_a_number_format_of_an_old_workbook_takes_linear_time() -> None:
    book = SimpleNamespace(verbosity=0, logfile=None)
    for piece in ("[", "]", '"', "\\", "[h", "d;", "0"):
        found = growth(
            lambda text: xlrd.formatting.is_date_format_string(book, text),
            partial(_repeat, piece),
            _CELL,
        )
        assert found <= MAX_GROWTH, piece


def test_suggestions_take_limited_time() -> None:
    """Even if very many headings match none of very many names."""
    many = tuple(ReferenceItem(number, "n" * 140 + str(number), "n" * 140 + str(number)) for number in range(30_000))
    known = index_names(ReferenceData(1, {ColumnGroup.DRAWINGS: many}))
    suggestions = column_mapping.Suggestions(known)

    def all_of(count: int) -> None:
        for number in range(count):
            column_mapping._unknown_heading(heading("n" * 130 + "x" * (number % 20)), suggestions)

    assert seconds(all_of, 2_000) < 2
