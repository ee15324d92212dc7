"""Excel workbooks made of their parts, and annotated copies of them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping

from precast_app.exporting import annotating
from precast_app.importing.issues import Issue
from precast_app.models import Severity
from precast_app.spreadsheets import open_book
from tests.unit.xlsx_files import MAIN, RELATIONS, zipped

PACKAGE = "http://schemas.openxmlformats.org/package/2006"
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
ROWS = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>Type</t></is></c><c r="B1" t="inlineStr"><is><t>Name</t></is></c></row>'
    '<row r="2" spans="1:2"><c r="A2"><v>1</v></c><c r="B2" s="1"><f>A2+1</f><v>2</v></c></row>'
    '<row r="5"><c r="B5"><f t="shared" ref="B5:B6" si="0">A5*2</f><v>4</v></c></row>'
    '<row r="6"><c r="B6"><f t="shared" si="0"/><v>6</v></c></row>'
)
STYLES = (
    f'<styleSheet xmlns="{MAIN}"><fonts count="1"><font/></fonts><fills count="2"><fill><patternFill '
    'patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="2"><xf/>'
    '<xf numFmtId="2" fontId="0" fillId="0" borderId="0" applyNumberFormat="1"><alignment horizontal="right"/></xf>'
    "</cellXfs></styleSheet>"
)
MARKS = ("A1", "B2", "D2", "C3", "B6", "A9")


def workbook(
    sheet: str | bytes,
    styles: str | None = STYLES,
    related: Mapping[str, tuple[str, str]] | None = None,
    *,
    main: str = MAIN,
    relations: str = RELATIONS,
    more: Mapping[str, str] | None = None,
) -> bytes:
    """Return a workbook with the sheet `S`; `related` are (kind, target) of the sheet's relationships by id."""
    targets = {"rId1": (f"{relations}/worksheet", "sheets/s.xml")}
    if styles is not None:
        targets["rId2"] = f"{relations}/styles", "styles.xml"
    if "xl/persons/p.xml" in (more or {}):
        targets["rId3"] = "http://schemas.microsoft.com/office/2017/10/relationships/person", "/xl/persons/p.xml"
    overrides = {"xl/workbook.xml": "sheet.main", "xl/sheets/s.xml": "worksheet"}
    overrides |= {"xl/styles.xml": "styles"} if styles is not None else {}
    overrides |= {name: "comments" for name in more or {} if "comments" in name}
    found: dict[str, str | bytes] = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
        f'ContentType="{PACKAGE.rpartition("/")[0]}-package.relationships+xml"/><Default Extension="xml" '
        'ContentType="application/xml"/>'
        + "".join(f'<Override PartName="/{name}" ContentType="{KIND}.{kind}+xml"/>' for name, kind in overrides.items())
        + "</Types>",
        "_rels/.rels": rels({"r": (f"{relations}/officeDocument", "xl/workbook.xml")}),
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{relations}"><sheets>'
        '<sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": rels(targets),
        "xl/sheets/s.xml": sheet,
        "custom/picture.png": b"\x89PNG not unpacked",
    }
    if styles is not None:
        found["xl/styles.xml"] = styles
    if related:
        kinds = {key: (f"{relations}/{kind}" if "/" not in kind else kind, to) for key, (kind, to) in related.items()}
        found["xl/sheets/_rels/s.xml.rels"] = rels(kinds)
    return zipped({**found, **(more or {})}).getvalue()


def rels(targets: Mapping[str, tuple[str, str]]) -> str:
    listed = "".join(f'<Relationship Id="{key}" Type="{kind}" Target="{to}"/>' for key, (kind, to) in targets.items())
    return f'<Relationships xmlns="{PACKAGE}/relationships">{listed}</Relationships>'


def sheet_xml(rows: str = ROWS, after: str = "", before: str = "", main: str = MAIN) -> str:
    return f'<worksheet xmlns="{main}" xmlns:r="{RELATIONS}">{before}<sheetData>{rows}</sheetData>{after}</worksheet>'


def issue(cell: str) -> Issue:
    return Issue(severity=Severity.ERROR, code="x", message=f"Fix {cell}.", row=int(cell[1:]), column=cell[0])


def annotate(content: bytes, cells: Iterable[str] = MARKS) -> bytes:
    issues = list(map(issue, cells))
    file, out = io.BytesIO(content), io.BytesIO()
    assert annotating.write(file, open_book(file), issues, out, 5) == "xlsx"
    return out.getvalue()


def parts(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}
