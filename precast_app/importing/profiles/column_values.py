"""What the cells of a column look like: numbers, units, floors, file names, words for yes and no. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from itertools import pairwise
from statistics import median

from precast_app.importing import cell_parsing, decimal_signs, units
from precast_app.importing.decimal_signs import DecimalSign
from precast_app.importing.profiles import levels, vocabulary
from precast_app.spreadsheets import Cell, CellError, FormattedNumber, unescape_formula
from precast_app.text import clean_text

# Longer texts are neither numbers nor names of anything.
_LONGEST = 100
_UNITED = re.compile(r"[+-]?\d[\d.,'’ ]*?\s?(?P<unit>[^\d\s.,'’][^\d\s]{0,11})")
_FEET = re.compile(r"\d[\d.]*\s?['′](\s?-?\s?\d[\d./ ]*[\"″]?)?|\d[\d./ ]*\s?[\"″]")
_FILE = re.compile(
    r"[^\\/:*?\"<>|]{1,90}\.(?:dwg|dxf|pdf|dgn|ifc|rvt|tif|tiff|png|jpg|nwd|skp|plt|dwf|step|stp)", re.IGNORECASE
)
_VERSION = re.compile(r"(?:vr?|rev|r|ver|index|ind)[.\s_-]{0,2}\d{1,3}", re.IGNORECASE)
# A letter and a digit, or a number with leading zeros.
_CODE = re.compile(r"0+\d+\Z|(?=\D*\d)(?=[^A-Za-z]*[A-Za-z])")
_PIECE_CODE = re.compile(r"[^/]{1,60}/[^/]{1,60}/\d{1,6}")


@dataclass(frozen=True, slots=True)
class ColumnValues:
    """A summary of the data cells of a column, up to a number of rows.

    The counts are those of filled cells that are numbers, whole numbers, numbers with a unit behind, names of floors,
    file names, words for yes or no, versions, kinds of elements, dates, and texts with a digit. `texts` are the
    distinct values as shown, in order; `units` counts the units behind numbers; `cells` are the first filled cells.
    """

    filled: int = 0
    blank: int = 0
    numbers: int = 0
    whole: int = 0
    united: int = 0
    levels: int = 0
    files: int = 0
    flags: int = 0
    versions: int = 0
    kinds: int = 0
    dates: int = 0
    codes: int = 0
    piece_codes: int = 0
    texts: tuple[str, ...] = ()
    units: Mapping[str, int] | None = None
    cells: tuple[Cell, ...] = ()
    middle: float | None = None
    is_serial: bool = False

    def share(self, count: int) -> float:
        """Return a count as a part of the filled cells."""
        return count / self.filled if self.filled else 0.0

    @property
    def distinct(self) -> int:
        """The number of different values."""
        return len(self.texts)


def shown_text(cell: Cell) -> str:
    """Return a cell as its sheet shows it."""
    if isinstance(cell, FormattedNumber) and cell.shown is not None:
        return cell.shown
    return clean_text(unescape_formula(cell_parsing.display_text(cell)))


def summarize(cells: Sequence[Cell], sign: DecimalSign, shown: int) -> ColumnValues:
    """Return the summary of a column's data cells; `sign` decides numbers that can be read in two ways.

    `shown` is the number of different cells to keep as samples.
    """
    counts: Counter[str] = Counter()
    found_units: Counter[str] = Counter()
    texts: dict[str, Cell] = {}
    numbers: list[float] = []
    blank = 0
    for cell in cells:
        text = shown_text(cell)
        if not text:
            blank += 1
            continue
        texts.setdefault(text, cell)
        number = as_number(cell, sign)
        if number is not None:
            numbers.append(number)
            counts["numbers"] += 1
            counts["whole"] += number.is_integer()
        counts.update(_kinds_of(cell, text))
        if number is None and (unit := unit_of(text)):
            found_units[unit] += 1
    vocabulary_words = vocabulary.load()
    counts["flags"] = sum(
        vocabulary_words.is_word(text, "yes") or vocabulary_words.is_word(text, "no") or text.casefold() in ("x", "-")
        for text in map(shown_text, cells)
        if text
    )
    return ColumnValues(
        filled=len(cells) - blank,
        blank=blank,
        united=found_units.total(),
        texts=tuple(texts),
        units=found_units,
        cells=tuple(texts.values())[:shown],
        middle=median(numbers) if numbers else None,
        is_serial=_is_serial(numbers, len(cells) - blank),
        **counts,
    )


def as_number(cell: Cell, sign: DecimalSign) -> float | None:
    """Return the number that a cell holds, also as text; None if it holds something else."""
    if isinstance(cell, (bool, date, time, timedelta, CellError)):
        return None
    if isinstance(cell, (int, float)):
        return float(cell)
    text = clean_text(unescape_formula(cell))
    if not text or len(text) > _LONGEST:
        return None
    try:
        return float(decimal_signs.with_point(text, sign)) if text.isascii() and "_" not in text else None
    except ValueError:
        return None


def unit_of(text: str) -> str | None:
    """Return the unit behind the number of a cell such as `4318 mm`, `12.50 m²` or `5' 6"`; None if there is none."""
    if len(text) > _LONGEST:
        return None
    if match := _UNITED.fullmatch(text):
        return units.unit_name(match["unit"])
    if _FEET.fullmatch(text):
        return "ft" if "'" in text or "′" in text else "in"
    return None


def _kinds_of(cell: Cell, text: str) -> Iterable[str]:
    if isinstance(cell, (date, time, timedelta)):
        yield "dates"
    if len(text) > _LONGEST or isinstance(cell, CellError):
        return
    if levels.is_level(text):
        yield "levels"
    if _FILE.fullmatch(text):
        yield "files"
    if _VERSION.fullmatch(text):
        yield "versions"
    if vocabulary.squash(text) in vocabulary.load().element_types:
        yield "kinds"
    if isinstance(cell, str) and _CODE.match(text):
        yield "codes"
    if _PIECE_CODE.fullmatch(text):
        yield "piece_codes"


def _is_serial(numbers: Sequence[float], filled: int) -> bool:
    """Return whether the cells count the rows: each is one more than the cell above."""
    return len(numbers) == filled >= 3 and all(after == before + 1 for before, after in pairwise(numbers))
