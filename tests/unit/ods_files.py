"""OpenDocument spreadsheets built from XML."""

from __future__ import annotations

import io
import zipfile

HEAD = (
    '<office:document-content xmlns:office="o" xmlns:table="t" xmlns:text="x" xmlns:calcext="c">'
    "<office:body><office:spreadsheet>"
)


TAIL = "</office:spreadsheet></office:body></office:document-content>"


def ods(*tables: str, manifest: str = "<manifest/>", head: str = HEAD) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", head + "".join(tables) + TAIL)
        archive.writestr("META-INF/manifest.xml", manifest)
    return content.getvalue()


def table(*rows: str, name: str = "Sheet1") -> str:
    return f'<table:table table:name="{name}">{"".join(rows)}</table:table>'


def row(*cells: str, repeat: int = 1) -> str:
    return f'<table:table-row table:number-rows-repeated="{repeat}">{"".join(cells)}</table:table-row>'


def cell(attributes: str, shown: str) -> str:
    return f"<table:table-cell {attributes}><text:p>{shown}</text:p></table:table-cell>"


def text(value: str, attributes: str = "") -> str:
    return cell(f'office:value-type="string" {attributes}', value)


def number(value: str, shown: str = "", attributes: str = "") -> str:
    return cell(f'office:value-type="float" office:value="{value}" {attributes}', shown or value)


def blank(repeat: int = 1) -> str:
    return f'<table:table-cell table:number-columns-repeated="{repeat}"/>'
