"""Annotated copies of Excel workbooks: their kind, and parts that they can't keep."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import openpyxl
import pytest

from precast_app.exporting import annotating
from precast_app.spreadsheets import open_book
from tests.conftest import ROOT
from tests.unit.annotated_files import KIND, PACKAGE, annotate, issue, parts, rels, sheet_xml, workbook
from tests.unit.xlsx_files import RELATIONS, zipped

# openpyxl wants named styles.
pytestmark = pytest.mark.filterwarnings("ignore:Workbook contains no:UserWarning")


@pytest.mark.parametrize("kind", ["xlsx", "xlsm", "xltx", "xltm"])
def test_a_copy_has_the_kind_of_the_upload(kind: str) -> None:
    kinds = {
        "xlsx": f"{KIND}.sheet.main+xml",
        "xlsm": "application/vnd.ms-excel.sheet.macroEnabled.main+xml",
        "xltx": f"{KIND}.template.main+xml",
        "xltm": "application/vnd.ms-excel.template.macroEnabled.main+xml",
    }
    found = parts(workbook(sheet_xml()))
    found["[Content_Types].xml"] = found["[Content_Types].xml"].replace(kinds["xlsx"].encode(), kinds[kind].encode())
    file, out = zipped(found), io.BytesIO()
    assert annotating.write(file, open_book(file), [issue("A1")], out, 5) == kind


def test_digital_signatures_are_dropped() -> None:
    types = f"{PACKAGE}/relationships/digital-signature"
    more = {
        "_rels/.rels": rels(
            {
                "r": (f"{RELATIONS}/officeDocument", "xl/workbook.xml"),
                "s": (f"{types}/origin", "_xmlsignatures/origin.sigs"),
            }
        ),
        "_xmlsignatures/origin.sigs": "",
        "_xmlsignatures/_rels/origin.sigs.rels": rels({"rId1": (f"{types}/signature", "sig1.xml")}),
        "_xmlsignatures/sig1.xml": "<Signature/>",
    }
    found = {**parts(workbook(sheet_xml())), **{name: text.encode() for name, text in more.items()}}
    declared = '<Override PartName="/_xmlsignatures/sig1.xml" ContentType="application/x-signature+xml"/></Types>'
    found["[Content_Types].xml"] = found["[Content_Types].xml"].replace(b"</Types>", declared.encode())
    copy = parts(annotate(zipped(found).getvalue()))
    assert not [name for name in copy if "signature" in name]
    assert b"signature" not in copy["[Content_Types].xml"] + copy["_rels/.rels"]
    assert copy["_rels/.rels"] == rels({"r": (f"{RELATIONS}/officeDocument", "xl/workbook.xml")}).encode()
    assert openpyxl.load_workbook(zipped(copy))["S"]["A1"].comment is not None


def test_digital_signatures_of_an_opendocument_spreadsheet_are_dropped() -> None:
    names = ["META-INF/documentsignatures.xml", "META-INF/macrosignatures.xml", "META-INF/other-signatures.xml"]
    upload = io.BytesIO((ROOT / "tests" / "files" / "green_meadows_libreoffice.ods").read_bytes())
    with zipfile.ZipFile(upload, "a") as archive:
        for name in (*names, "signatures.xml"):
            archive.writestr(name, "<document-signatures/>")
    out = io.BytesIO()
    assert annotating.write(upload, open_book(upload), [replace(issue("C5"), sheet="Element Types")], out, 5) == "ods"
    before, after = parts(upload.getvalue()), parts(out.getvalue())
    assert set(before) - set(after) == set(names)
    assert b"signatures" not in after["META-INF/manifest.xml"]
    assert b"Fix C5." in after["content.xml"]
    assert [row.number for row in open_book(out).rows("Element Types")][:3] == [1, 2, 3]
