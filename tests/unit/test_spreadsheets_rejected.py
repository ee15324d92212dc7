"""Files that are rejected, each with a stable code and a message that says what to do."""

from __future__ import annotations

import io
import pickle
import tracemalloc

import openpyxl
import pytest

from precast_app.spreadsheets import Limits, UnreadableFile, column_letter, open_book
from tests.unit.growth import MAX_GROWTH, growth
from tests.unit.xlsx_files import (
    MAIN,
    SHEET_PART,
    parts,
    sheet_xml,
    strings_xml,
    with_declared_size,
    workbook,
    zip_bomb,
    zipped,
)

_ODS = "application/vnd.oasis.opendocument.spreadsheet"
CELL = '<row r="1"><c r="A1"><v>1</v></c></row>'


def read_error(file: io.BytesIO, limits: Limits | None = None) -> UnreadableFile:
    """Return the error of opening the file, or of scanning or reading its last sheet."""
    with pytest.raises(UnreadableFile) as caught:
        book = open_book(file, limits or Limits())
        book.scan(book.sheets[-1])
        for _ in book.rows(book.sheets[-1]):
            pass
    assert str(caught.value) == caught.value.message
    return caught.value


@pytest.mark.parametrize("content", [b"", b" \r\n\t\n", b"\xef\xbb\xbf\n"])
def test_an_empty_file(content: bytes) -> None:
    assert read_error(io.BytesIO(content)).code == "empty_file"


def test_white_space_before_the_text_is_not_an_empty_file() -> None:
    assert open_book(io.BytesIO(b"\n" * 100_000 + b"a")).scan("").head[0].number == 100_001


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "a JPEG image"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "a PNG image"),
        (b"GIF89a\x01\x00", "a GIF image"),
        (b"%PDF-1.7\n%abc", "a PDF document"),
        (b"\x1f\x8b\x08\x00", "a gzip archive"),
        (b"some text\x00\x01 and more", "a binary file"),
    ],
)
def test_the_kind_of_another_file_is_named(content: bytes, kind: str) -> None:
    found = read_error(io.BytesIO(content))
    assert (found.code, f"This is {kind}" in found.message) == ("not_a_spreadsheet", True)


@pytest.mark.parametrize("start", ["090004000000", "090004000700", "090206000000", "090406000000"])
def test_a_workbook_of_excel_2_to_4_is_named(start: str) -> None:
    found = read_error(io.BytesIO(bytes.fromhex(start) + b"\x10\x00\x00"))
    assert (found.code, "a workbook of Excel 4 or an older version" in found.message) == ("unsupported_format", True)


@pytest.mark.parametrize(
    ("contents", "code", "word"),
    [
        ({"a.txt": "a"}, "not_a_spreadsheet", "ZIP archive"),
        ({"word/document.xml": "<a/>"}, "not_a_spreadsheet", "Word"),
        ({"Index/Document.iwa": "a"}, "unsupported_format", "Numbers"),
        ({"xl/workbook.bin": "a"}, "damaged_workbook", "breaks off"),
        # LibreOffice encrypts the whole document as one part.
        ({"mimetype": _ODS, "encrypted-package": "x"}, "password_protected", "password"),
        ({"mimetype": _ODS, "META-INF/manifest.xml": "<a><encryption-data/></a>"}, "password_protected", "password"),
    ],
)
def test_a_zip_file_other_than_a_workbook(contents: dict[str, str], code: str, word: str) -> None:
    found = read_error(zipped(contents))
    assert (found.code, word in found.message) == (code, True)


def test_damaged_and_protected_old_workbooks_are_distinguished() -> None:
    container = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 2_000_000
    old = read_error(io.BytesIO(container))
    protected = read_error(io.BytesIO(container + "EncryptedPackage".encode("utf-16-le")))
    assert (old.code, "Excel 97" in old.message) == ("damaged_workbook", True)
    assert protected.code == "password_protected"


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.95, 0.999])
def test_a_truncated_workbook(keep: float) -> None:
    book = openpyxl.Workbook()
    book.active.append(["a"] * 100)
    file = io.BytesIO()
    book.save(file)
    data = file.getvalue()
    assert read_error(io.BytesIO(data[: int(len(data) * keep)])).code == "damaged_workbook"


def test_a_file_with_any_changed_byte_is_read_or_rejected() -> None:
    """It raises no exception other than UnreadableFile."""
    data = workbook(CELL, "<si><t>a</t></si>").getvalue()
    rejected = 0
    for position in range(len(data)):
        broken = bytearray(data)
        broken[position] ^= 0x5A
        try:
            book = open_book(io.BytesIO(bytes(broken)))
            for sheet in book.sheets:
                book.scan(sheet)
                list(book.rows(sheet))
        except UnreadableFile:
            rejected += 1
    assert rejected > len(data) / 3


@pytest.mark.parametrize("part", ["xl/_rels/workbook.xml.rels", SHEET_PART])
def test_a_missing_part(part: str) -> None:
    contents = parts(sheet_xml(CELL))
    del contents[part]
    assert read_error(zipped(contents)).code == "damaged_workbook"


@pytest.mark.parametrize("part", [SHEET_PART, "xl/sharedStrings.xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels"])
def test_a_document_type_is_rejected_in_every_part(part: str) -> None:
    contents = parts(sheet_xml(CELL), strings_xml("<si><t>a</t></si>"))
    contents[part] = '<!DOCTYPE x [<!ENTITY a "aaaa">]>' + str(contents[part])
    found = read_error(zipped(contents))
    assert (found.code, "document type" in found.message) == ("damaged_workbook", True)


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param('<row r="1"><c r="A1"><v>1</v></c>', id="a row that never ends"),
        pytest.param('<row r="2"><c r="A2"><v>1</v></c></row>' + CELL, id="rows backwards"),
        pytest.param(CELL + '<row r="2"><c r="A3"><v>1</v></c></row>', id="another row's cell"),
        pytest.param('<row r="1"><c r="A1" t="s"><v>7</v></c></row>', id="a text that is not there"),
        pytest.param('<row r="9999999"><c r="A9999999"><v>1</v></c></row>', id="no such row"),
    ],
)
def test_an_inconsistent_sheet(rows: str) -> None:
    assert read_error(workbook(rows)).code == "damaged_workbook"


def test_a_truncated_sheet() -> None:
    whole = sheet_xml(CELL)
    for end in range(whole.index("<sheetData>"), len(whole) - 1):
        assert read_error(zipped(parts(whole[:end]))).code == "damaged_workbook", whole[:end]


@pytest.fixture(scope="module")
def bomb() -> bytes:
    return zip_bomb(10).getvalue()


@pytest.mark.parametrize("declared", [None, 1000, 2**32 - 2, 300_000_000])
def test_a_zip_bomb_is_rejected_before_it_is_unpacked(bomb: bytes, declared: int | None) -> None:
    file = io.BytesIO(bomb)
    if declared is not None:
        file = with_declared_size(file, SHEET_PART, declared)
    tracemalloc.start()
    found = read_error(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.code in ("unpacks_too_large", "damaged_workbook")
    assert peak < 100 * 2**20


def test_a_part_larger_than_its_declared_size_is_rejected() -> None:
    for size in (10, 150):
        file = with_declared_size(workbook(CELL), SHEET_PART, size)
        assert read_error(file).code in ("unpacks_too_large", "damaged_workbook")
    styles = parts(sheet_xml(CELL)) | {"xl/styles.xml": f'<styleSheet xmlns="{MAIN}"/>'}
    file = with_declared_size(zipped(styles), "xl/styles.xml", 5)
    assert read_error(file).code == "unpacks_too_large"


def test_the_sum_of_all_parts_is_limited() -> None:
    contents = parts(sheet_xml(CELL)) | {"xl/media/a.png": b"a" * 5000}
    assert read_error(zipped(contents), Limits(unpacked_bytes=5000)).code == "unpacks_too_large"


def test_too_many_sheets() -> None:
    book = openpyxl.Workbook()
    book.create_sheet()
    book.create_sheet()
    file = io.BytesIO()
    book.save(file)
    assert read_error(file, Limits(sheets=2)).code == "too_many_sheets"
    assert len(open_book(file, Limits(sheets=3)).sheets) == 3


def numbered(rows: int) -> io.BytesIO:
    return workbook("".join(f'<row r="{n}"><c r="A{n}"><v>1</v></c></row>' for n in range(1, rows + 1)))


def test_too_many_rows() -> None:
    assert read_error(numbered(4), Limits(rows=3)).code == "too_many_rows"
    assert open_book(numbered(3), Limits(rows=3)).scan("S").row_count == 3


@pytest.mark.parametrize(
    "cells",
    [
        '<c r="C1"><v>1</v></c>',
        pytest.param('<c r="BXY1"><v>1</v></c><c r="A1"><v>1</v></c>', id="hidden before another"),
    ],
)
def test_too_many_columns(cells: str) -> None:
    limits = Limits(columns=2) if "C1" in cells else Limits()
    found = read_error(workbook(f'<row r="1">{cells}</row>'), limits)
    assert found.code == "too_many_columns"


def test_cells_without_content_are_allowed_anywhere() -> None:
    file = workbook('<row r="1"><c r="A1"><v>1</v></c><c r="XFD1" s="1"/></row>')
    assert [list(row.cells) for row in open_book(file).rows("S")] == [[1.0]]


def test_one_cell_far_below_the_others_is_rejected() -> None:
    row = "".join(f'<c r="{column_letter(c)}1"><v>1</v></c>' for c in range(1, 101))
    far = '<row r="1048576"><c r="A1048576"><v>1</v></c></row>'
    found = read_error(workbook(f'<row r="1">{row}</row>{far}'))
    assert (found.code, "1048576" in found.message) == ("too_many_cells", True)


@pytest.mark.parametrize("cell", ["A99999999999999", "A1048576", "XFD1048576", "ZZZZZZZZZ1"])
def test_a_false_cell_reference_is_rejected(cell: str) -> None:
    file = workbook(f'<row r="1"><c r="A1"><v>1</v></c><c r="{cell}"><v>1</v></c><c r="B1"><v>1</v></c></row>')
    assert read_error(file).code == "damaged_workbook"


def test_a_long_text_repeated_in_many_cells_is_rejected() -> None:
    row = "".join(f'<c r="{column_letter(c)}1" t="s"><v>0</v></c>' for c in range(1, 101))
    file = workbook(f'<row r="1">{row}</row>', f"<si><t>{'a' * 1000}</t></si>")
    assert read_error(file, Limits(text_bytes=50_000)).code == "too_much_text"
    assert len(list(open_book(file, Limits(text_bytes=200_000)).rows("S"))) == 1


@pytest.mark.parametrize(
    ("rows", "limits"),
    [
        ('<c r="A1"><v>1</v></c><c r="B1" t="s"><v>7</v></c>', Limits()),
        ('<c r="BXY1"><v>1</v></c><c r="A1"><v>1</v></c>', Limits()),
        ('<c r="A1" t="s"><v>0</v></c>' * 3, Limits(text_bytes=60)),
        ('<c r="A1"><v>1</v></c><c r="B2"><v>1</v></c>', Limits()),
        ('<c r="A1"><v>1</v></c>', Limits(text_bytes=10)),
    ],
)
def test_the_scan_refuses_what_the_reader_would(rows: str, limits: Limits) -> None:
    """An upload is scanned, and a job reads it later."""
    file = workbook(f'<row r="1">{rows}</row>', "<si><t>text</t></si>")
    with pytest.raises(UnreadableFile):
        open_book(file, limits).scan("S")


@pytest.mark.parametrize("character", ["é", "&amp;"])
@pytest.mark.parametrize("shared", [True, False])
def test_a_cell_that_is_too_long(shared: bool, character: str) -> None:
    def file(length: int) -> io.BytesIO:
        text = f"<t>{character * length}</t>"
        if shared:
            return workbook('<row r="1"><c r="A1" t="s"><v>0</v></c></row>', f"<si>{text}</si>")
        return workbook(f'<row r="1"><c r="A1" t="inlineStr"><is>{text}</is></c></row>')

    assert read_error(file(101), Limits(cell_characters=100)).code == "cell_too_long"
    assert open_book(file(100), Limits(cell_characters=100)).scan("S").row_count == 1


def test_too_many_errors_and_too_many_merged_ranges() -> None:
    errors = "".join(f'<row r="{n}"><c r="A{n}" t="e"><v>#N/A</v></c></row>' for n in range(1, 5))
    merged = '<mergeCells><mergeCell ref="A1:B1"/><mergeCell ref="A2:B2"/></mergeCells>'
    assert read_error(workbook(errors), Limits(error_cells=3)).code == "too_many_errors"
    assert read_error(workbook(CELL, after=merged), Limits(merged_ranges=1)).code == "too_many_merged_ranges"


def test_xml_after_the_rows_is_skipped_in_linear_time() -> None:
    def tail(size: int) -> bytes:
        return workbook(CELL, after="<extLst>" + "<a/>" * (size // 4) + "</extLst>").getvalue()

    def read(file: bytes) -> None:
        assert len(list(open_book(io.BytesIO(file), Limits(compression_ratio=2000)).rows("S"))) == 1

    # Below this, the time depends on how the system happens to give memory to a process.
    assert growth(read, tail, longest=100_000_000, floor=0.06) <= MAX_GROWTH


def test_the_error_can_be_pickled() -> None:
    found = pickle.loads(pickle.dumps(UnreadableFile("code", "message")))
    assert (found.code, str(found)) == ("code", "message")
