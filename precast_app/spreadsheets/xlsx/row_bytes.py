"""Patterns for the bytes of a worksheet in its usual form, which the scan and the reader of rows share."""

from __future__ import annotations

import re

ROW_END = b"</row>"
DATA_START = re.compile(rb"<sheetData\s*(/?)>")
_ROW = re.compile(rb"""<row\s(?>(?:[^<>]*\s)?r=["']([0-9]{1,7})["'])""")
# The usual case, which is quicker: neither white space nor a row without cells comes before the row.
_FIRST_ROW = re.compile(_ROW.pattern + rb"[^<>]*(?<!/)>")
# The start of a usual row up to its first cell with a value, which is the index of a shared string or begins with a
# character that is not blank. Few cells without a value may come before: each takes memory until the match ends.
USUAL_ROW_START = re.compile(
    _FIRST_ROW.pattern + rb"""(?:<c [^<>]*/>){0,50}<c r="[A-Z0-9]+"(?: s="[0-9]+")?"""
    rb"""(?: t="s"><v>(?P<shared>[0-9]{1,9})</v>|(?: t="(?!s")[A-Za-z]+")?><(?:v|is><t)>[!-%'-;=-^`-~])"""
)


def match_row(part: bytes) -> re.Match[bytes] | None:
    """Return the match of a row's start tag, whose first group is its number; `part` ends before `</row>`.

    Rows without cells may come before the row. Return None if the row has no number.
    """
    return _FIRST_ROW.match(part) or _ROW.match(part, part.rfind(b"<row"))
