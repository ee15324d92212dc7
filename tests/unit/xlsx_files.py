"""Excel workbooks built from XML, for files that no spreadsheet program writes."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
SHEET_PART = "xl/worksheets/sheet1.xml"


def sheet_xml(rows: str, after: str = "") -> str:
    return f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData>{after}</worksheet>'


def strings_xml(items: str) -> str:
    return f'<sst xmlns="{MAIN}">{items}</sst>'


def parts(sheet: str | bytes, strings: str | bytes | None = None) -> dict[str, str | bytes]:
    """Return the parts of a workbook with one sheet, `S`."""
    package = "http://schemas.openxmlformats.org/package/2006"
    found: dict[str, str | bytes] = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" '
        f'Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>'
        '<sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="rId1" Type="{RELATIONS}/worksheet" '
        'Target="worksheets/sheet1.xml"/></Relationships>',
        SHEET_PART: sheet,
    }
    if strings is not None:
        found["xl/sharedStrings.xml"] = strings
    return found


def zipped(contents: Mapping[str, str | bytes]) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    file.seek(0)
    return file


def workbook(rows: str, strings: str | None = None, after: str = "") -> io.BytesIO:
    """Return a workbook whose only sheet, `S`, has these rows (XML)."""
    items = None if strings is None else strings_xml(strings)
    return zipped(parts(sheet_xml(rows, after), items))


def with_declared_size(file: io.BytesIO, part: str, size: int) -> io.BytesIO:
    """Return the zip file with another declared size of one part in its directory."""
    data = bytearray(file.getvalue())
    directory = data.rfind(part.encode())
    assert data[directory - 46 : directory - 42] == b"PK\x01\x02"
    data[directory - 46 + 24 : directory - 46 + 28] = struct.pack("<I", size)
    return io.BytesIO(bytes(data))


def zip_bomb(gigabytes: int) -> io.BytesIO:
    """Return a workbook whose sheet unpacks to `gigabytes` of white space; made of repeated deflate blocks."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = packer.compress(b"<worksheet><sheetData>") + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(b" " * 2**24) + packer.flush(zlib.Z_FULL_FLUSH)
    stream = head + block * (64 * gigabytes) + packer.flush()
    file = zipped(parts("placeholder"))
    with zipfile.ZipFile(file) as archive, zipfile.ZipFile(out := io.BytesIO(), "w") as made:
        for name in archive.namelist():
            made.writestr(name, stream if name == SHEET_PART else archive.read(name))
    data = bytearray(out.getvalue())
    # The stream was added as uncompressed data: declare it as deflated in both headers.
    local = data.find(SHEET_PART.encode()) - 30
    central = data.rfind(SHEET_PART.encode()) - 46
    data[local + 8 : local + 10] = data[central + 10 : central + 12] = b"\x08\x00"
    return io.BytesIO(bytes(data))
