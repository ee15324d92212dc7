"""Escaping of text that a spreadsheet program would run as a formula, and the reverse.

An apostrophe is put in front of each sign that starts a formula, at the start of a text and after every character at
which some program may split a line of a CSV file. That character depends on the settings of the user who opens the
file, so in a comma-separated file `W1;=3+3` is as dangerous as `=3+3`.
"""

from __future__ import annotations

import re

# The last ones are full-width and small forms, which programs with East Asian settings treat like the plain signs.
_STARTS = r"=+\-@＝＋－＠﹦﹢﹣﹫"
_SEPARATORS = r";|\t\n\x0b\x0c\r\x1c-\x1e\x85\u2028\u2029"
# Characters that a program may skip before it looks at the first one of a cell; none of them is a separator.
_SKIPPED = (
    r"\"\x00-\x08\x0e-\x1b\x1f\x20\x7f-\x84\x86-\xa0\xad\u1680\u2000-\u200f\u202a-\u202f\u205f-\u2069\u3000\ufeff"
)
_BEFORE = f"[{_SEPARATORS}{_SKIPPED}]"
# Possessive and matched only at the start of each run, so that the time is linear in the length of the text. Only
# sets are repeated, because Python before 3.11.5 matches possessive repeated groups wrongly.
_CELL_START = rf"(?:\A{_BEFORE}*+|(?<!{_BEFORE})[{_SKIPPED}]*+[{_SEPARATORS}]{_BEFORE}*+)"
FORMULA_SIGN = re.compile(f"[{_STARTS}]")
_FORMULA = re.compile(rf"({_CELL_START})('*+)(?=[{_STARTS}])")
_UNESCAPED = re.compile(rf"({_CELL_START})(?=[{_STARTS}])")
_ESCAPED = re.compile(rf"({_CELL_START})'('*+)(?=[{_STARTS}])")
# Quick checks that nearly every text fails: it starts like a formula or contains a separator.
_SUSPECT = re.compile(rf"\A{_BEFORE}*+'*+[{_STARTS}]")
_SEPARATOR = re.compile(f"[{_SEPARATORS}]")


def escape_formula(text: str) -> str:
    """Return a stored text with its formulas escaped: `=1+1` → `'=1+1`.

    A text that looks escaped gets one more apostrophe, so that `unescape_formula` restores every text.
    """
    return _FORMULA.sub(r"\1'\2", text) if _is_suspect(text) else text


def unescape_formula(text: str) -> str:
    """Return the text that `escape_formula` was given."""
    return _ESCAPED.sub(r"\1\2", text) if "'" in text else text


def ensure_escaped(text: str) -> str:
    """Return the text of an uploaded cell with those formulas escaped that are not escaped yet.

    An import reads the same value from it as from the cell.
    """
    return _UNESCAPED.sub(r"\1'", text) if _is_suspect(text) else text


def _is_suspect(text: str) -> bool:
    # Most texts are words or numbers, which this finds out in a tenth of the time.
    return not text.isalnum() and bool(_SUSPECT.match(text) or _SEPARATOR.search(text))
