"""Annotated copies of Excel workbooks: the upload with colours and comments, whatever form its XML has."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Mapping
from xml.etree import ElementTree

import openpyxl
import pytest

from precast_app.exporting import annotating
from precast_app.exporting.annotating import excel
from precast_app.exporting.annotating.marks import Marks
from precast_app.importing.issues import Issue
from precast_app.models import Severity
from precast_app.spreadsheets import UnreadableFile, open_book
from tests.unit.annotated_files import (
    MARKS,
    ROWS,
    STYLES,
    annotate,
    issue,
    parts,
    rels,
    sheet_xml,
    workbook,
)
from tests.unit.growth import MAX_GROWTH, growth
from tests.unit.xlsx_files import MAIN, RELATIONS, zipped

STRICT, STRICT_RELATIONS = (
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
    ("http://purl.oclc.org/ooxml/officeDocument/relationships"),
)
THREADS = "http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments"
RED, YELLOW = "FFFFC7CE", "FFFFEB9C"
# openpyxl wants named styles.
pytestmark = pytest.mark.filterwarnings("ignore:Workbook contains no:UserWarning")


def check(before: bytes, after: bytes, cells: Iterable[str] = MARKS) -> None:
    """Check that a copy is the original with colours and comments in these cells."""
    assert values(after) == values(before)
    book = openpyxl.load_workbook(io.BytesIO(after))
    sheet = book["S"]
    found = {cell.coordinate: cell for row in sheet.iter_rows() for cell in row if cell.comment}
    assert sorted(found) == sorted(cells)
    for name, cell in found.items():
        assert cell.comment.text.endswith(f"Fix {name}."), name
        assert (cell.fill.fill_type, cell.fill.start_color.rgb) == ("solid", RED), name
    coloured = [c.coordinate for row in sheet.iter_rows() for c in row if c.fill.start_color.rgb == RED]
    assert sorted(coloured) == sorted(cells)


def values(content: bytes) -> list[tuple[int, list[object]]]:
    book = open_book(io.BytesIO(content))
    return [(row.number, list(row.cells)) for row in book.rows(book.sheets[-1])]


PREFIXED = re.sub(r"<(/?)(?=[a-zA-Z])", r"<\1x:", sheet_xml()).replace(f'xmlns="{MAIN}"', f'xmlns:x="{MAIN}"')
UNNUMBERED = (
    '<row><c t="inlineStr"><is><t>Type</t></is></c><c t="inlineStr"><is><t>Name</t></is></c></row>'
    "<row><c><v>1</v></c><c s='1'><f>A2+1</f><v>2</v></c></row>"
    '<row r="6"><c r="B6"><v>6</v></c></row>'
)
SHEETS: dict[str, str | bytes] = {
    "usual": sheet_xml(),
    "prefixed": PREFIXED,
    "without numbers": sheet_xml(UNNUMBERED),
    "with comments and CDATA": sheet_xml(ROWS.replace("<t>Type</t>", "<!-- <c> --><t><![CDATA[<c r='A1'>]]></t>")),
    "with > in an attribute": sheet_xml(before="<sheetPr codeName='a>\"b'/>"),
    "with rows of one tag": sheet_xml(ROWS + '<row r="9" ht="20"/>'),
    "with formats of columns and rows": sheet_xml(
        ROWS.replace('<row r="2"', '<row r="2" s="1" customFormat="1"'),
        before='<cols><col min="1" max="1" width="9"/><col min="3" max="4" width="9" style="1"/></cols>',
    ),
    "protected": sheet_xml(after='<sheetProtection sheet="1"/><pageMargins left="1" right="1" top="1" bottom="1" '
                                 'header="1" footer="1"/><tableParts count="0"/>'),
}  # fmt: skip


OTHER_ENCODINGS: dict[str, bytes] = {
    "Latin-1": b'<?xml version="1.0" encoding="ISO-8859-1"?>'
    + sheet_xml(ROWS.replace("Type", "Größe")).encode("latin-1"),
    "UTF-16": f'<?xml version="1.0" encoding="UTF-16"?>{sheet_xml()}'.encode("utf-16"),
    "UTF-16 without a mark": f'<?xml version="1.0" encoding="UTF-16"?>{sheet_xml()}'.encode("utf-16-be"),
}


@pytest.mark.parametrize("sheet", SHEETS.values(), ids=SHEETS)
def test_every_form_of_sheet_is_annotated(sheet: str | bytes) -> None:
    content = workbook(sheet)
    copy = annotate(content)
    check(content, copy)
    before, after = parts(content), parts(copy)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"[Content_Types].xml", "xl/sheets/s.xml", "xl/styles.xml"}


@pytest.mark.parametrize("sheet", OTHER_ENCODINGS.values(), ids=OTHER_ENCODINGS)
def test_a_sheet_in_another_encoding_is_annotated(sheet: bytes) -> None:
    copy = edited(workbook(sheet))
    found = openpyxl.load_workbook(io.BytesIO(copy))["S"]
    assert all(found[cell].comment.text == f"Fix {cell}." for cell in MARKS)
    assert found["A1"].value in ("Type", "Größe")


def edited(content: bytes, cells: Iterable[str] = MARKS) -> bytes:
    """Return the annotated copy of a workbook that the import may not be able to read."""
    readable = open_book(io.BytesIO(workbook(sheet_xml())))
    issues = list(map(issue, cells))
    out = io.BytesIO()
    excel.write(io.BytesIO(content), Marks(issues, readable), out)
    return out.getvalue()


def test_parts_are_found_by_their_relationships() -> None:
    contents = parts(workbook(sheet_xml(), None))
    moved = {
        name.replace("xl/", "office/").replace("workbook", "book"): part.replace(b"xl/workbook", b"office/book")
        for name, part in contents.items()
    }
    content = zipped(moved).getvalue()
    copy = annotate(content)
    assert values(copy) == values(content)
    assert set(parts(copy)) - set(moved) == {
        "office/styles.xml",
        "office/comments1.xml",
        "office/drawings/vmldrawing1.vml",
        "office/sheets/_rels/s.xml.rels",
    }


def test_a_copy_can_be_annotated_again() -> None:
    copy = annotate(annotate(commented(), ["A1", "D2"]), ["A1", "D2", "C3"])
    sheet = openpyxl.load_workbook(io.BytesIO(copy))["S"]
    assert [sheet[cell].comment.text for cell in ("A1", "D2", "C3")] == [
        "Ask Eve\nFix A1.\nFix A1.",
        "Fix D2.\nFix D2.",
        "Fix C3.",
    ]
    assert len(ElementTree.fromstring(parts(copy)["xl/persons/p.xml"])) == 2


def test_cells_are_inserted_in_their_order() -> None:
    copy = parts(annotate(workbook(SHEETS["with formats of columns and rows"])))["xl/sheets/s.xml"].decode()
    # Of row 2 and of columns C and D, the format is 1, of which the coloured copy is 3.
    assert '<c r="B2" s="3"><f>A2+1</f><v>2</v></c><c r="D2" s="3"/></row>' in copy
    assert '<row r="3"><c r="C3" s="3"/></row><row r="5"' in copy
    assert '<c r="B6" s="2"><f t="shared" si="0"/><v>6</v></c></row><row r="9"><c r="A9" s="2"/></row></sheet' in copy
    assert 'spans="1:4"' in copy


def test_the_format_of_a_coloured_cell_is_kept() -> None:
    book = openpyxl.load_workbook(io.BytesIO(annotate(workbook(sheet_xml()), ["B2", "A2"])))
    cell = book["S"]["B2"]
    assert (cell.number_format, cell.alignment.horizontal, cell.fill.start_color.rgb) == ("0.00", "right", RED)
    assert book["S"]["A2"].number_format == "General"
    assert book["S"]["A1"].fill.fill_type is None


@pytest.mark.parametrize(
    "styles",
    [
        None,
        f'<styleSheet xmlns="{MAIN}"/>',
        f'<styleSheet xmlns="{MAIN}"><fonts count="1"><font/></fonts><cellXfs count="0"/><dxfs/></styleSheet>',
        f'<styleSheet xmlns="{MAIN}"><fills count="0"/><extLst/></styleSheet>',
        f'<styleSheet xmlns="{MAIN}"><fills><fill><patternFill/></fill></fills><cellXfs><xf/></cellXfs></styleSheet>',
        f'<x:styleSheet xmlns:x="{MAIN}"><x:fills/><x:cellXfs><x:xf/><x:xf/></x:cellXfs></x:styleSheet>',
    ],
    ids=["no part", "an empty part", "no fills", "no formats", "few fills", "a prefix"],
)
def test_a_workbook_with_few_styles_is_annotated(styles: str | None) -> None:
    content = workbook(sheet_xml(), styles)
    check(content, annotate(content))


def test_a_strict_workbook_stays_strict() -> None:
    sheet = sheet_xml(main=STRICT).replace(RELATIONS, STRICT_RELATIONS)
    content = workbook(sheet, STYLES.replace(MAIN, STRICT), main=STRICT, relations=STRICT_RELATIONS)
    copy = annotate(content)
    assert values(copy) == values(content)
    found = parts(copy)
    assert f'<comments xmlns="{STRICT}">' in found["xl/comments1.xml"].decode()
    assert MAIN not in "".join(part.decode("latin-1") for part in found.values())
    assert found["xl/sheets/_rels/s.xml.rels"].decode().count(STRICT_RELATIONS) == 2
    assert f'<legacyDrawing xmlns:r="{STRICT_RELATIONS}"' in found["xl/sheets/s.xml"].decode()


COMMENTS = (
    f'<comments xmlns="{MAIN}"><authors><author>Eve</author></authors><commentList>'
    '<comment ref="A1" authorId="0"><text><t>Ask Eve</t></text></comment>'
    '<comment ref="B2" authorId="0"><text><r><rPr><b/></rPr><t>Bold</t></r><r><t>thin</t></r></text></comment>'
    '<comment ref="A2" authorId="0"><text><t>Other</t></text></comment>'
    '<comment ref="B5" authorId="0"><text/></comment>'
    "</commentList></comments>"
)
DRAWING = (
    '<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office"'
    ' xmlns:x="urn:schemas-microsoft-com:office:excel"><v:shapetype id="_x0000_t202"/>'
    '<v:shape id="_x0000_s1030" type="#_x0000_t202"><x:ClientData ObjectType="Note"><x:Row>0</x:Row>'
    "<x:Column>0</x:Column></x:ClientData></v:shape></xml>"
)
THREAD = (
    f'<ThreadedComments xmlns="{THREADS}"><threadedComment ref="A1" dT="2026-01-01T00:00:00.00" personId="{{P}}" '
    'id="{T}"><text>Ask Eve</text></threadedComment></ThreadedComments>'
)
PERSONS = (
    f'<personList xmlns="{THREADS}"><person displayName="Eve" id="{{P}}" userId="e" providerId="None"/></personList>'
)


def commented() -> bytes:
    related = {
        "rId1": ("comments", "../comments7.xml"),
        "rId2": ("vmlDrawing", "/xl/boxes.vml"),
        "rId9": ("http://schemas.microsoft.com/office/2017/10/relationships/threadedComment", "../threads/t.xml"),
    }
    more = {
        "xl/comments7.xml": COMMENTS,
        "xl/boxes.vml": DRAWING,
        "xl/threads/t.xml": THREAD,
        "xl/persons/p.xml": PERSONS,
    }
    return workbook(sheet_xml(after='<legacyDrawing r:id="rId2"/>'), related=related, more=more)


def test_own_comments_are_kept() -> None:
    copy = annotate(commented(), ["A1", "B2", "B5", "D2"])
    sheet = openpyxl.load_workbook(io.BytesIO(copy))["S"]
    assert {cell.coordinate: cell.comment.text for row in sheet.iter_rows() for cell in row if cell.comment} == {
        "A1": "Ask Eve\nFix A1.",
        "B2": "Boldthin\nFix B2.",
        "A2": "Other",
        "B5": "Fix B5.",
        "D2": "Fix D2.",
    }
    assert (sheet["A1"].comment.author, sheet["D2"].comment.author) == ("Eve", "Import")
    found = parts(copy)
    boxes = found["xl/boxes.vml"].decode()
    assert re.findall('id="(_x0000_[st][0-9]+)"', boxes) == ["_x0000_t202", "_x0000_s1030", "_x0000_s1031"]
    assert found["xl/sheets/s.xml"].decode().count("legacyDrawing") == 1
    assert "xl/comments1.xml" not in found


def test_a_thread_gets_a_reply() -> None:
    found = parts(annotate(commented(), ["A1", "D2"]))
    first, reply = ElementTree.fromstring(found["xl/threads/t.xml"])
    assert (first.get("id"), first[0].text) == ("{T}", "Ask Eve")
    assert (reply.get("ref"), reply.get("parentId"), reply[0].text) == ("A1", "{T}", "Fix A1.")
    persons = {each.get("id"): each.get("displayName") for each in ElementTree.fromstring(found["xl/persons/p.xml"])}
    assert persons[reply.get("personId")] == "Import"


def test_a_drawing_of_form_controls_also_gets_the_comments() -> None:
    drawing = '<xml xmlns:vml="urn:schemas-microsoft-com:vml"><vml:shape id="_x0000_s2049"/></xml>'
    content = workbook(
        sheet_xml(after='<pageMargins/><legacyDrawing r:id="rId2"/><controls/>'),
        related={"rId2": ("vmlDrawing", "../boxes.vml")},
        more={"xl/boxes.vml": drawing},
    )
    copy = annotate(content, ["A1"])
    check(content, copy, ["A1"])
    shapes = ElementTree.fromstring(parts(copy)["xl/boxes.vml"])
    assert [each.get("id") for each in shapes] == ["_x0000_s2049", "_x0000_t202", "_x0000_s2050"]


def test_the_drawing_of_comments_is_declared_where_excel_expects_it() -> None:
    copy = parts(annotate(workbook(SHEETS["protected"])))["xl/sheets/s.xml"].decode()
    assert [each.tag.rpartition("}")[2] for each in ElementTree.fromstring(copy)] == [
        "sheetData", "sheetProtection", "pageMargins", "legacyDrawing", "tableParts",
    ]  # fmt: skip


def test_messages_stay_text() -> None:
    message = '=1+1 & <f>"_x0041_"</f>\x00 \U0001f3d7'
    warning = Issue(severity=Severity.WARNING, code="x", message=message, row=2, column="A")
    file, out = io.BytesIO(workbook(sheet_xml())), io.BytesIO()
    annotating.write(file, open_book(file), [warning], out, 5)
    cell = openpyxl.load_workbook(out)["S"]["A2"]
    assert (cell.value, cell.fill.start_color.rgb) == (1, YELLOW)
    assert cell.comment.text == '=1+1 & <f>"_x005F_x0041_"</f>\ufffd \U0001f3d7'


DAMAGED: dict[str, Mapping[str, str]] = {
    "a comment list with a document type": {
        "xl/comments7.xml": '<!DOCTYPE a [<!ENTITY e "x">]><comments>&e;</comments>'
    },
    "boxes that are not XML": {"xl/boxes.vml": "<xml><br></xml>"},
    "no list of comments": {"xl/comments7.xml": f'<comments xmlns="{MAIN}"/>'},
    "threads that break off": {"xl/threads/t.xml": "<ThreadedComments>"},
    "a missing drawing": {"xl/sheets/_rels/s.xml.rels": rels({})},
}


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
def test_a_workbook_with_a_damaged_part_becomes_a_copy_of_its_values(damage: Mapping[str, str]) -> None:
    content = zipped({**parts(commented()), **damage}).getvalue()
    copy = annotate(content)
    assert "xl/sheets/s.xml" not in parts(copy)
    assert openpyxl.load_workbook(io.BytesIO(copy))["S"]["A1"].comment.text == "Fix A1."


def test_entries_that_share_their_bytes_are_not_copied() -> None:
    content = bytearray(workbook(sheet_xml(), more={f"custom/{number}.bin": "x" * 100 for number in range(40)}))
    # The directory says that each of these entries has the bytes of all of them.
    place = content.find(b"PK\x01\x02")
    while place >= 0:
        if content[place + 46 :].startswith(b"custom/") and content[place + 46 :][7:8].isdigit():
            content[place + 20 : place + 24] = (2_000).to_bytes(4, "little")
        place = content.find(b"PK\x01\x02", place + 1)
    with pytest.raises(UnreadableFile):
        edited(bytes(content))


def test_the_time_grows_with_the_size_of_the_sheet() -> None:
    def attack(length: int) -> bytes:
        rows = "".join(f'<row r="{n}"><c r="B{n}"><v>1</v></c></row>' for n in range(1, length // 20 + 2))
        return workbook(sheet_xml(rows, before="<cols>" + '<col min="1" max="9"/>' * (length // 20) + "</cols>"))

    def run(content: bytes) -> None:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            count = archive.read("xl/sheets/s.xml").count(b"<row")
        edited(content, [f"{column}{n}" for n in range(1, count, 2) for column in "AC"])

    assert growth(run, attack, 1 << 20) <= MAX_GROWTH
