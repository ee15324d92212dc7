"""Text files that are neither a workbook nor a CSV file, whatever their names say."""

from __future__ import annotations

import io

import pytest

from precast_app.spreadsheets import UnreadableFile, open_book

EXCEL_XML = '<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet/></Workbook>'
ODF = '<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"/>'
MAIL = "MIME-Version: 1.0\r\nX-Document-Type: Workbook\r\nContent-Type: multipart/related;\r\n\tboundary=x\r\n\r\n--x"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("<html><body><table><tr><td>Element Type</td></tr></table></body></html>", "a web page (HTML)"),
        ("\n <!DOCTYPE html>\n<html>", "a web page (HTML)"),
        ("<!-- made by a report --><table><tr><td>a", "a web page (HTML)"),
        ('<?xml version="1.0"?><html xmlns:x="urn:schemas-microsoft-com:office:spreadsheet">', "a web page (HTML)"),
        ('<?xml version="1.0"?>\n<?mso-application progid="Excel.Sheet"?>\n' + EXCEL_XML, "an XML Spreadsheet 2003"),
        (EXCEL_XML, "an XML Spreadsheet 2003"),
        ('<?xml version="1.0"?>' + ODF, "a flat OpenDocument file"),
        (MAIL, "a web archive (MHTML)"),
        ('ID;PWXL;N;E\r\nP;PGeneral\r\nC;Y1;X1;K"Element Type"\r\nE\r\n', "a SYLK file"),
        ('TABLE\r\n0,1\r\n"EXCEL"\r\nVECTORS\r\n', "a DIF file"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_a_text_file_in_another_format_is_named(text: str, kind: str, encoding: str) -> None:
    with pytest.raises(UnreadableFile) as caught:
        open_book(io.BytesIO(text.encode(encoding)))
    assert caught.value.code == "unsupported_format"
    assert f"This is {kind}" in caught.value.message
    assert "Excel Workbook (.xlsx)" in caught.value.message


def test_another_xml_file_is_not_a_spreadsheet() -> None:
    with pytest.raises(UnreadableFile, match="an XML file") as caught:
        open_book(io.BytesIO(b"<?xml version='1.0'?><note/>"))
    assert caught.value.code == "not_a_spreadsheet"


@pytest.mark.parametrize(
    "text",
    [
        "ID;ProjectID;Name\n1;1;Tower A\n",
        "ID;Prefix\nC;T1\n",
        "<Type>,Name\nWALL,W-1\n",
        "TABLE,Name\n0,1\n",
        "Note: x,Name\nContent,1\n",
    ],
)
def test_a_csv_file_that_only_looks_similar_is_read(text: str) -> None:
    book = open_book(io.BytesIO(text.encode()))
    assert (book.format, book.scan("").row_count) == ("csv", text.count("\n"))
