"""Small files that are costly to read; each function takes a number that the cost grows with."""

from __future__ import annotations

import io
import struct
import zipfile

from precast_app.importing.schema import BASE_COLUMNS
from precast_app.spreadsheets import column_letter
from tests.unit.ods_files import ods, row, table, text
from tests.unit.xlsx_files import MAIN, RELATIONS, SHEET_PART, parts, sheet_xml, strings_xml, zipped

HEADINGS = [column.heading for column in BASE_COLUMNS]


def cell(place: str, value: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>'


def sheet_row(number: int, *values: str) -> str:
    cells = (cell(f"{column_letter(place)}{number}", value) for place, value in enumerate(values, 1))
    return f'<row r="{number}">{"".join(cells)}</row>'


def xlsx(*rows: str, after: str = "", headings: int = 0, **more: str) -> bytes:
    """Return a workbook with headings, one element type and `rows`; `more` are parts by name, with `__` for a slash."""
    names = [*HEADINGS, *(f"H{number}" for number in range(headings))]
    sheet = sheet_xml(sheet_row(1, *names) + sheet_row(2, "WALL", "W-1") + "".join(rows), after)
    contents = {**parts(sheet), **{name.replace("__", "/") + ".xml": content for name, content in more.items()}}
    return zipped(contents).getvalue()


def same_merges(number: int) -> bytes:
    """Return a workbook with identical merged ranges over a wide header row."""
    last = column_letter(len(HEADINGS) + 1_900)
    ranges = f'<mergeCell ref="K1:{last}1"/>' * number
    return xlsx(after=f"<mergeCells>{ranges}</mergeCells>", headings=1_900)


def tall_merges(number: int) -> bytes:
    """Return a workbook with overlapping merged ranges over nearly all rows."""
    ranges = "".join(f'<mergeCell ref="C{3 + each % 900}:C{150_000 + each}"/>' for each in range(number))
    rows = "".join(sheet_row(each, "WALL", f"W-{each}") for each in range(3, 1_000))
    return xlsx(rows, after=f"<mergeCells>{ranges}</mergeCells>")


def many_formats(number: int) -> bytes:
    """Return a workbook with many cell formats; most libraries load the whole stylesheet."""
    styles = f'<styleSheet xmlns="{MAIN}"><cellXfs>{"<xf/>" * number}</cellXfs></styleSheet>'
    return xlsx(xl__styles=styles)


def many_names(number: int) -> bytes:
    names = "".join(f'<definedName name="N{each}">S!$A$1</definedName>' for each in range(number))
    sheets = '<sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets>'
    book = f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}">{sheets}<definedNames>{names}</definedNames></workbook>'
    return xlsx(xl__workbook=book)


def many_comments(number: int) -> bytes:
    """Return a workbook with many comments, which its annotated copy keeps."""
    one = "<comment ref='A1' authorId='0'><text><t>x</t></text></comment>"
    authors = "<authors><author>A</author></authors>"
    comments = f'<comments xmlns="{MAIN}">{authors}<commentList>{one * number}</commentList></comments>'
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    relations = (
        f'<Relationships xmlns="{package}">'
        f'<Relationship Id="rId1" Type="{RELATIONS}/comments" Target="../comments1.xml"/></Relationships>'
    )
    contents = {**parts(sheet_xml(sheet_row(1, *HEADINGS) + sheet_row(2, "WALL", "W-1")))}
    contents |= {"xl/worksheets/_rels/sheet1.xml.rels": relations, "xl/comments1.xml": comments}
    return zipped(contents).getvalue()


def one_part_for_many_sheets(number: int) -> bytes:
    sheets = "".join(f'<sheet name="S{each}" sheetId="{each + 1}" r:id="rId1"/>' for each in range(499))
    rows = "".join(sheet_row(each, "x") for each in range(1, number))
    book = f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>{sheets}</sheets></workbook>'
    return zipped({**parts(sheet_xml(rows)), "xl/workbook.xml": book}).getvalue()


def long_texts(number: int) -> bytes:
    """Return a workbook in which every cell refers to the longest shared string."""
    rows = "".join(f'<row r="{each}"><c r="A{each}" t="s"><v>1</v></c></row>' for each in range(3, number + 3))
    strings = strings_xml(f"<si><t>x</t></si><si><t>{'y' * 32_000}</t></si>")
    sheet = sheet_xml(sheet_row(1, *HEADINGS) + sheet_row(2, "WALL", "W-1") + rows)
    return zipped(parts(sheet, strings)).getvalue()


def unusual_rows(number: int) -> bytes:
    """Return a workbook with blank rows that only the slow parser can read."""
    contents = parts(sheet_xml(sheet_row(1, *HEADINGS) + sheet_row(2, "WALL", "W-1") + "<!-- -->" + "<row/>" * number))
    return zipped({**contents, SHEET_PART: contents[SHEET_PART]}).getvalue()


def many_sheets(number: int) -> bytes:
    """Return an OpenDocument spreadsheet of 400 sheets with many empty rows each."""
    others = (table("<table:table-row/>" * number, name=f"S{each}") for each in range(400))
    return ods(*others, table(row(*map(text, HEADINGS)), row(text("WALL"), text("W-1")), name="Types"))


def blank_cells(number: int) -> bytes:
    """Return an OpenDocument spreadsheet with many blank cells that are stored one by one."""
    blank = "<table:table-row>" + "<table:table-cell a='b'/>" * 1_000 + "</table:table-row>"
    return ods(table(row(*map(text, HEADINGS)), row(text("WALL"), text("W-1")), blank * (number // 1_000)))


def repeated_rows(number: int) -> bytes:
    """Return an OpenDocument spreadsheet with one row that is repeated many times."""
    return ods(table(row(*map(text, HEADINGS)), row(*map(text, ["x"] * 60), repeat=number)))


def blank_records(number: int) -> bytes:
    """Return an Excel 97 workbook with many cells that have only a format (at most 65 536 × 256)."""
    blank = b"".join(
        struct.pack("<HHHH", 0x00BE, 6 + 2 * 256, line, 0) + bytes(2 * 256) + struct.pack("<H", 255)
        for line in range(number // 256)
    )
    start = struct.pack("<HHHHHHII", 0x0809, 16, 0x0600, 0x0005, 0, 0, 0, 0)
    sheet = struct.pack("<HHHHHHII", 0x0809, 16, 0x0600, 0x0010, 0, 0, 0, 0)
    end = struct.pack("<HH", 0x000A, 0)
    name = b"\x01\x00S"
    place = len(start) + 4 + 6 + len(name) + len(end)
    bound = struct.pack("<HHIH", 0x0085, 6 + len(name), place, 0) + name
    return _ole2(start + bound + end + sheet + blank + end)


def _ole2(stream: bytes) -> bytes:
    """Return an OLE2 container with one stream, `Workbook`."""
    stream = stream.ljust(4_096, b"\0")
    data = -(-len(stream) // 512)
    tables = -(-(data + 2) // 127)
    assert tables <= 109, "beyond this the container needs a list of its tables"
    chain = [0xFFFFFFFE] + [*range(2, data + 1), 0xFFFFFFFE] + [0xFFFFFFFD] * tables
    chain += [0xFFFFFFFF] * (tables * 128 - len(chain))
    header = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<IIIIIIIII", 0, tables, 0, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    header += struct.pack("<109I", *[data + 1 + each for each in range(tables)], *[0xFFFFFFFF] * (109 - tables))
    nothing = 0xFFFFFFFF

    def entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
        title = (name + "\0").encode("utf-16-le")
        links = struct.pack("<HBBIII", len(title) if name else 0, kind, 1, nothing, nothing, child)
        return title.ljust(64, b"\0") + links + bytes(36) + struct.pack("<IQ", start, size)

    root = entry("Root Entry", 5, 1, 0xFFFFFFFE, 0) + entry("Workbook", 2, nothing, 1, len(stream))
    directory = root.ljust(512, b"\0")
    return header + directory + stream.ljust(data * 512, b"\0") + struct.pack(f"<{len(chain)}I", *chain)


def many_parts(number: int) -> bytes:
    """Return a workbook with many parts."""
    content = io.BytesIO(xlsx())
    with zipfile.ZipFile(content, "a", zipfile.ZIP_DEFLATED) as archive:
        for each in range(number):
            archive.writestr(f"xl/media/{each}.xml", "<a/>")
    return content.getvalue()
