"""Text that a spreadsheet program would run as a formula: escaped when it is written, unescaped when it is read.

An apostrophe goes in front of each sign that starts a formula, at the start of a text and after every character at
which some program may split a line of a CSV file. Which one that is depends on the settings of the person who opens the
file, so `W1;=3+3` is as dangerous in a file with commas as `=3+3` is.
"""

from __future__ import annotations

import re

# The last ones are full-width and small forms, which programs with East Asian settings read as the plain ones.
_STARTS = r"=+\-@＝＋－＠﹦﹢﹣﹫"
_SEPARATORS = r";|\t\n\x0b\x0c\r\x1c-\x1e\x85\u2028\u2029"
# Characters that a program may skip before it looks at the first one of a cell; none of them is a separator.
_SKIPPED = (
    r"\"\x00-\x08\x0e-\x1b\x1f\x20\x7f-\x84\x86-\xa0\xad\u1680\u2000-\u200f\u202a-\u202f\u205f-\u2069\u3000\ufeff"
)
_BEFORE = f"[{_SEPARATORS}{_SKIPPED}]"
# Possessive, and tried at the start of each run alone, so that the time grows with the length of the text alone. Only
# sets are repeated: Python before 3.11.5 matches repeated groups wrongly when they are possessive.
_CELL_START = rf"(?:\A{_BEFORE}*+|(?<!{_BEFORE})[{_SKIPPED}]*+[{_SEPARATORS}]{_BEFORE}*+)"
FORMULA_SIGN = re.compile(f"[{_STARTS}]")
_FORMULA = re.compile(rf"({_CELL_START})('*+)(?=[{_STARTS}])")
_UNESCAPED = re.compile(rf"({_CELL_START})(?=[{_STARTS}])")
_ESCAPED = re.compile(rf"({_CELL_START})'('*+)(?=[{_STARTS}])")
# What nearly every text fails, and quickly: it holds a separator or begins as a formula.
_SUSPECT = re.compile(rf"\A{_BEFORE}*+'*+[{_STARTS}]")
_SEPARATOR = re.compile(f"[{_SEPARATORS}]")


def escape_formula(text: str) -> str:
    """Return a stored text with its formulas escaped: `=1+1` → `'=1+1`.

    A text that looks escaped gets one more apostrophe, so that `armed` gives back every text.
    """
    return _FORMULA.sub(r"\1'\2", text) if _is_suspect(text) else text


def unescape_formula(text: str) -> str:
    """Return the text that `disarmed` was given."""
    return _ESCAPED.sub(r"\1\2", text) if "'" in text else text


def inert(text: str) -> str:
    """Return the text of an uploaded cell with its formulas escaped where they are not yet.

    An import reads the same from it as from the cell.
    """
    return _UNESCAPED.sub(r"\1'", text) if _is_suspect(text) else text


def _is_suspect(text: str) -> bool:
    return bool(_SUSPECT.match(text) or _SEPARATOR.search(text))
