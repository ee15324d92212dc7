"""Detection of text files that a spreadsheet program opens although they are neither a workbook nor a CSV file."""

from __future__ import annotations

import codecs
import re

from precast_app.spreadsheets.text_decoding import detect_utf_16_by_zeros

_TAG = re.compile(r"\A<(!doctype\s|[a-z]{1,10}:?[a-z]{0,20}\b)", re.IGNORECASE)
_HTML_TAGS = frozenset({"html", "head", "body", "meta", "style", "table", "div", "center"})
_EXCEL_XML = "urn:schemas-microsoft-com:office:spreadsheet"
_FLAT_ODF = "urn:oasis:names:tc:opendocument:xmlns:office"
_MAX_DECLARATIONS = 100  # before the first tag of a web page, comments included
_MAX_HEADER_LINES = 100  # of a web archive
# The second line of a SYLK file. A CSV file of a hierarchy may also start with `ID;ProjectID`.
_SYLK_RECORD = re.compile(r"\A(?:[BFOP];|C;[XY][0-9])")


def name_text_format(start: bytes) -> tuple[str, bool] | None:
    """Return what a text file is and whether spreadsheet programs open it, or None if it can be a CSV file.

    `start` is the beginning of the file, in UTF-8, UTF-16 or an encoding whose first 128 characters are ASCII's.
    """
    text = _decode(start)
    first, _, rest = text.partition("\n")
    if first.startswith("ID;P") and _SYLK_RECORD.match(rest):
        return "a SYLK file", True
    if first.rstrip() == "TABLE" and rest.startswith("0,1\n"):
        return "a DIF file", True
    if _is_web_archive(text):
        return "a web archive (MHTML)", True
    if not text.startswith("<"):
        return None
    if _EXCEL_XML in text and not _is_html(text):
        return "an XML Spreadsheet 2003", True
    if _FLAT_ODF in text:
        return "a flat OpenDocument file (.fods)", True
    if _is_html(text):
        return "a web page (HTML)", True
    return ("an XML file", False) if text.startswith("<?xml") else None


def _is_html(text: str) -> bool:
    """Return whether the first tag, after declarations and comments, is one of HTML."""
    for _ in range(_MAX_DECLARATIONS):
        if not text.startswith(("<?", "<!--")):
            break
        _, _, text = text.partition("-->" if text.startswith("<!--") else ">")
        text = text.lstrip()
    tag = _TAG.match(text)
    return tag is not None and (tag[1].lower() in _HTML_TAGS or text[:14].lower().endswith("html"))


def _is_web_archive(text: str) -> bool:
    """Return whether the lines before the first blank one are headers, and one says `multipart/related`."""
    for line in text.split("\n", _MAX_HEADER_LINES)[:_MAX_HEADER_LINES]:
        if not line.strip() or (":" not in line and not line.startswith((" ", "\t"))):
            return False
        name, _, value = line.partition(":")
        if name.lower() == "content-type":
            return value.strip().lower().startswith("multipart/related")
    return False


def _decode(start: bytes) -> str:
    encoding = "latin-1"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif start.startswith(codecs.BOM_UTF8):
        start = start[len(codecs.BOM_UTF8) :]
    elif zeros := detect_utf_16_by_zeros(start):
        encoding = zeros
    return start.decode(encoding, "replace").lstrip().replace("\r\n", "\n").replace("\r", "\n")
