"""Parts of a workbook are found by relationships, and its list of sheets may have leftovers."""

from __future__ import annotations

import io
import posixpath
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

import pytest

from precast_app.spreadsheets import CellError, UnreadableFile, open_book
from precast_app.spreadsheets.xls_texts import unpack_shared_texts
from tests.unit import xlsb_files
from tests.unit.xlsx_files import MAIN, RELATIONS, parts, sheet_xml, strings_xml, workbook, zipped

PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
ROWS = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" s="1"><v>45000</v></c></row>'
STYLES = f'<styleSheet xmlns="{MAIN}"><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>'


def relations(*entries: tuple[str, str, str]) -> str:
    """Return a list of relationships: (id, last word of the type, target)."""
    found = "".join(
        f'<Relationship Id="{key}" Type="{RELATIONS}/{kind}" Target="{target}"/>' for key, kind, target in entries
    )
    return f'<Relationships xmlns="{PACKAGE}">{found}</Relationships>'


def sheet_list(*entries: tuple[str, str, str]) -> str:
    """Return `workbook.xml` with entries of (name, relationship id, further attributes)."""
    found = "".join(f'<sheet name="{name}" sheetId="1" r:id="{key}" {more}/>' for name, key, more in entries)
    return f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>{found}</sheets></workbook>'


SHEET, TEXTS = sheet_xml(ROWS), strings_xml("<si><t>WALL</t></si>")


def book_with_parts(workbook: str, sheet: str, texts: str, styles: str, main: str = "") -> io.BytesIO:
    """Return a workbook whose parts have these names, with targets relative to the workbook or from the root."""
    targets = {"rId1": sheet, "rId2": texts, "rId3": styles}
    names = [
        posixpath.normpath(posixpath.join("/", posixpath.dirname(workbook), unquote(name)))[1:]
        for name in targets.values()
    ]
    return at(workbook, targets, dict(zip(names, (SHEET, TEXTS, STYLES), strict=True)), main)


def at(workbook: str, targets: Mapping[str, str], files: Mapping[str, str], main: str = "") -> io.BytesIO:
    """Return a workbook with parts of these names."""
    folder, _, name = workbook.rpartition("/")
    rels = f"{folder}/_rels/{name}.rels" if folder else f"_rels/{name}.rels"
    kinds = {"rId1": "worksheet", "rId2": "sharedStrings", "rId3": "styles"}
    contents = {
        "_rels/.rels": relations(("rId1", "officeDocument", main or workbook)),
        workbook: sheet_list(("S", "rId1", "")),
        rels: relations(*((key, kinds[key], target) for key, target in targets.items())),
    }
    return zipped(contents | dict(files))


PLACES = {
    "other names": book_with_parts("xl/book.xml", "worksheets/data.xml", "texts.xml", "look.xml"),
    "all in the root": book_with_parts("workbook.xml", "sheet.xml", "sharedStrings2.xml", "styles.xml"),
    "absolute targets": book_with_parts(
        "xl/workbook.xml", "/data/s.xml", "/data/t.xml", "/data/u.xml", main="/xl/workbook.xml"
    ),
    "targets above": book_with_parts("a/b/workbook.xml", "../s.xml", "../../t.xml", "./u.xml"),
    "an encoded target": book_with_parts("xl/workbook.xml", "my%20sheet.xml", "t.xml", "u.xml"),
    "backslashes": at(
        "xl\\workbook.xml",
        {"rId1": "worksheets\\s.xml", "rId2": "t.xml", "rId3": "u.xml"},
        {
            "xl\\worksheets\\s.xml": SHEET,
            "xl\\t.xml": TEXTS,
            "xl\\u.xml": STYLES,
            "xl\\_rels\\workbook.xml.rels": relations(
                ("rId1", "worksheet", "worksheets\\s.xml"),
                ("rId2", "sharedStrings", "t.xml"),
                ("rId3", "styles", "u.xml"),
            ),
        },
        main="xl\\workbook.xml",
    ),
}


@pytest.mark.parametrize("file", PLACES.values(), ids=PLACES)
def test_parts_are_found_wherever_they_are(file: io.BytesIO) -> None:
    book = open_book(file)
    [row] = book.rows("S")
    assert book.scan("S").row_count == 1
    assert (row.cells[0], str(row.cells[1])) == ("WALL", "2023-03-15 00:00:00")


def test_parts_of_a_binary_workbook_are_found_wherever_they_are() -> None:
    contents = xlsb_files.parts(
        {"S": xlsb_files.sheet(xlsb_files.row(1, xlsb_files.shared(1, 0)))}, xlsb_files.texts("WALL")
    )
    moved = {name.replace("xl/", "my/").replace("sharedStrings", "texts"): part for name, part in contents.items()}
    for name in ("_rels/.rels", "my/_rels/workbook.bin.rels"):
        moved[name] = str(moved[name]).replace("xl/", "my/").replace('Target="sharedStrings', 'Target="texts')
    [row] = open_book(zipped(moved)).rows("S")
    assert row.cells == ["WALL"]


@pytest.mark.parametrize(
    ("entry", "relation"),
    [
        (("Module1", "", 'state="veryHidden"'), None),
        (("Module1", "rId9", ""), None),
        (("Chart1", "rId9", ""), ("rId9", "chartsheet", "chartsheets/sheet1.xml")),
        (("Dialog1", "rId9", ""), ("rId9", "dialogsheet", "dialogsheets/sheet1.xml")),
        (("Macro1", "rId9", ""), ("rId9", "xlMacrosheet", "macrosheets/sheet1.xml")),
        (("Macro1", "rId9", ""), ("rId9", "xlIntlMacrosheet", "macrosheets/sheet1.xml")),
    ],
)
def test_entries_that_are_no_worksheets_are_skipped(
    entry: tuple[str, str, str], relation: tuple[str, str, str] | None
) -> None:
    contents = parts(sheet_xml('<row r="1"><c r="A1"><v>1</v></c></row>'))
    contents["xl/workbook.xml"] = sheet_list(entry, ("S", "rId1", ""))
    more = [relation] if relation is not None else []
    contents["xl/_rels/workbook.xml.rels"] = relations(("rId1", "worksheet", "worksheets/sheet1.xml"), *more)
    for name in ("chartsheets", "dialogsheets", "macrosheets"):
        contents[f"xl/{name}/sheet1.xml"] = "<a/>"
    book = open_book(zipped(contents))
    assert book.sheets == ("S",)
    assert [row.cells for row in book.rows("S")] == [[1.0]]


def test_a_workbook_with_nothing_but_a_chart_is_damaged() -> None:
    contents = parts(sheet_xml(""))
    contents["xl/_rels/workbook.xml.rels"] = relations(("rId1", "chartsheet", "worksheets/sheet1.xml"))
    with pytest.raises(UnreadableFile, match="no worksheet"):
        open_book(zipped(contents))


def test_hidden_sheets_are_known() -> None:
    contents = parts(sheet_xml(""))
    contents["xl/workbook.xml"] = sheet_list(
        ("S", "rId1", 'state="hidden"'), ("T", "rId2", ""), ("U", "rId3", 'state="veryHidden"')
    )
    contents["xl/_rels/workbook.xml.rels"] = relations(
        *((f"rId{number}", "worksheet", f"worksheets/sheet{number}.xml") for number in (1, 2, 3))
    )
    contents |= {f"xl/worksheets/sheet{number}.xml": sheet_xml("") for number in (2, 3)}
    assert open_book(zipped(contents)).hidden_sheets == {"S", "U"}


def utf_16(xml: str) -> bytes:
    return ('<?xml version="1.0" encoding="UTF-16"?>' + xml).encode("utf-16")


def test_every_part_may_be_in_utf_16() -> None:
    names = ["xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"]
    contents = parts(sheet_xml(ROWS), TEXTS)
    contents["_rels/.rels"] = utf_16(str(contents["_rels/.rels"]))
    for name in names:
        contents[name] = utf_16(str(contents[name]))
    book = open_book(zipped(contents))
    assert book.scan("S").row_count == 1
    assert [row.cells for row in book.rows("S")] == [["WALL", 45000.0]]


@pytest.mark.parametrize(
    "counts", ['count="1" uniqueCount="4294967295"', 'uniqueCount="0"', 'count="x" uniqueCount="-5"']
)
def test_stored_counts_of_texts_are_ignored(counts: str) -> None:
    texts = f'<sst xmlns="{MAIN}" {counts}><si><t>WALL</t></si></sst>'
    [row] = open_book(zipped(parts(sheet_xml(ROWS), texts))).rows("S")
    assert row.cells[0] == "WALL"


WORDS = [
    "#SPILL!",
    "#GETTING_DATA",
    "#FIELD!",
    "#CALC!",
    "#BLOCKED!",
    "#CONNECT!",
    "#BUSY!",
    "#UNKNOWN!",
    "#PYTHON!",
    "#X",
]


@pytest.mark.parametrize("prefix", ["", "<!-- parsed -->"])
@pytest.mark.parametrize("word", WORDS)
def test_an_unknown_error_value_is_an_error_cell(word: str, prefix: str) -> None:
    rows = f'<row r="1"><c r="A1" t="e"><f>X</f><v>{word}</v></c><c r="B1"><v>1</v></c></row>{prefix}'
    book = open_book(workbook(rows + '<row r="2"><c r="A2"><v>2</v></c></row>'))
    assert book.scan("S").error_cells == {(1, 1): CellError(word)}
    assert [list(row.cells) for row in book.rows("S")] == [[CellError(word), 1.0], [2.0]]


def test_an_old_workbook_whose_stored_number_of_texts_is_wrong_is_read() -> None:
    content = (Path(__file__).parents[1] / "files/odd_cells_libreoffice.xls").read_bytes()
    usual = open_book(io.BytesIO(content))
    expected = [list(usual.rows(sheet)) for sheet in usual.sheets]
    assert any(expected)
    start = next(at for at in range(len(content)) if _is_text_record(content, at))
    for change in (1, -1, 1_000):
        count = int.from_bytes(content[start + 8 : start + 12], "little") + change
        changed = content[: start + 8] + count.to_bytes(4, "little") + content[start + 12 :]
        book = open_book(io.BytesIO(changed))
        assert [list(book.rows(sheet)) for sheet in book.sheets] == expected


def _is_text_record(content: bytes, at: int) -> bool:
    """Return whether an SST record starts here: its kind, its size, then two plausible counts."""
    total, unique = (int.from_bytes(content[at + place : at + place + 4], "little") for place in (4, 8))
    size = int.from_bytes(content[at + 2 : at + 4], "little")
    return content[at : at + 2] == b"\xfc\x00" and 8 < size <= 8224 and 0 < unique <= total < 10_000


def test_texts_of_an_old_workbook_continue_in_the_next_record() -> None:
    head = bytes(8)
    rich = b"\x03\x00\x08\x01\x00abc" + b"\x01\x00\x05\x00"
    phonetic = b"\x01\x00\x05\x02\x00\x00\x00" + "é".encode("utf-16-le") + b"xx"
    split = b"\x06\x00\x00abc"
    texts, runs = unpack_shared_texts([head + rich + phonetic + split, b"\x01" + "déf".encode("utf-16-le")], 3)
    assert (texts, runs) == (["abc", "é", "abcdéf"], {0: [(1, 5)]})
    # Some programs write blank records in between.
    texts, _ = unpack_shared_texts([head + split, b"", b"", b"\x00def"], 1)
    assert texts == ["abcdef"]
    with pytest.raises(IndexError):
        unpack_shared_texts([head + split], 1)
