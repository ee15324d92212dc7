"""What the cells of a column look like: numbers, units, floors, file names, words for yes and no. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from itertools import islice, pairwise
from statistics import median

from precast_app.importing import cell_parsing, decimal_signs
from precast_app.importing.decimal_signs import DecimalSign
from precast_app.importing.profiles import levels, vocabulary
from precast_app.spreadsheets import Cell, CellError, FormattedNumber, unescape_formula, unit_name
from precast_app.text import clean_text

# Longer texts are neither numbers nor names of anything.
_MAX_TEXT_LENGTH = 100
# Different texts of a column that are examined.
_MAX_EXAMINED = 40
_SHORTEST_SERIES = 3
_WITH_UNIT = re.compile(r"\A[+-]?\d[\d.,'’ ]*?\s?(?P<unit>[^\d\s.,'’][^\d\s]{0,19})")
_FEET = re.compile(r"\A(\d[\d.]*\s?['′](\s?-?\s?\d[\d./ ]*[\"″]?)?|\d[\d./ ]*\s?[\"″])")
_FILE = re.compile(
    r"\A[^\\/:*?\"<>|]{1,90}\.(?:dwg|dxf|pdf|dgn|ifc|rvt|tif|tiff|png|jpg|nwd|skp|plt|dwf|step|stp)", re.IGNORECASE
)
_VERSION = re.compile(r"(?:vr?|rev|r|ver|index|ind)[.\s_-]{0,2}\d{1,3}", re.IGNORECASE)
# A letter and a digit, or a number with leading zeros.
_CODE = re.compile(r"\A(0\d+\Z|(?=\D*\d)(?=[^A-Za-z]*[A-Za-z]))")
_PIECE_CODE = re.compile(r"[^/]{1,60}/[^/]{1,60}/\d{1,6}")


@dataclass(frozen=True, slots=True)
class ColumnValues:
    """A summary of the first data cells of a column.

    `filled` and `blank` count all these cells, `examined` those whose text is one of the first different ones. The
    other counts are of the latter: numbers, integers, numbers followed by a unit, names of floors, file names, words
    for yes or no, versions, kinds of elements, dates, texts with a letter and a digit, and codes of pieces. `texts` are
    the different texts in order; `units` counts the units behind numbers; `cells` are the first different filled cells.
    """

    filled: int = 0
    blank: int = 0
    examined: int = 0
    numbers: int = 0
    integers: int = 0
    with_unit: int = 0
    levels: int = 0
    files: int = 0
    yes_no: int = 0
    versions: int = 0
    kinds: int = 0
    dates: int = 0
    codes: int = 0
    piece_codes: int = 0
    texts: tuple[str, ...] = ()
    units: Mapping[str, int] = field(default_factory=dict)
    cells: tuple[Cell, ...] = ()
    median: float | None = None
    is_serial: bool = False

    def share(self, count: int) -> float:
        """Return a count as a part of the examined cells."""
        return count / self.examined if self.examined else 0.0

    @property
    def distinct(self) -> int:
        """The number of different texts."""
        return len(self.texts)

    @property
    def distinct_share(self) -> float:
        """The number of different texts as a part of the filled cells."""
        return self.distinct / self.filled if self.filled else 0.0


def shown_text(cell: Cell) -> str:
    """Return a cell as its sheet shows it."""
    if isinstance(cell, FormattedNumber) and cell.shown is not None:
        return cell.shown
    return clean_text(unescape_formula(cell_parsing.display_text(cell)))


def summarize(cells: Sequence[Cell], sign: DecimalSign, shown: int) -> ColumnValues:
    """Return the summary of a column's data cells; `sign` decides numbers that can be read in two ways.

    `shown` is the number of different cells to keep as samples.
    """
    occurrences: Counter[str] = Counter()
    first: dict[str, Cell] = {}
    for cell in cells:
        if cell != "" and (text := shown_text(cell)):
            occurrences[text] += 1
            first.setdefault(text, cell)
    counts: Counter[str] = Counter()
    found_units: Counter[str] = Counter()
    numbers: list[float] = []
    for text, cell in islice(first.items(), _MAX_EXAMINED):
        times = occurrences[text]
        counts["examined"] += times
        number = as_number(cell, sign)
        if number is not None:
            numbers += [number] * times
            counts["numbers"] += times
            counts["integers"] += times * number.is_integer()
        elif unit := unit_of(text):
            counts["with_unit"] += times
            found_units[unit] += times
        for kind in _kinds_of(cell, text):
            counts[kind] += times
    filled = occurrences.total()
    return ColumnValues(
        filled=filled,
        blank=len(cells) - filled,
        texts=tuple(first),
        units=found_units,
        cells=tuple(first.values())[:shown],
        median=median(numbers) if numbers else None,
        is_serial=len(first) == filled >= _SHORTEST_SERIES and _is_serial(numbers),
        **counts,
    )


def as_number(cell: Cell, sign: DecimalSign) -> float | None:
    """Return the number that a cell holds, also as text; None if it holds something else."""
    if isinstance(cell, (bool, date, time, timedelta, CellError)):
        return None
    if isinstance(cell, (int, float)):
        return float(cell)
    text = clean_text(unescape_formula(cell))
    if not text or len(text) > _MAX_TEXT_LENGTH:
        return None
    try:
        return float(decimal_signs.with_point(text, sign)) if text.isascii() and "_" not in text else None
    except ValueError:
        return None


def unit_of(text: str) -> str | None:
    """Return the unit behind the number of a cell such as `4318 mm`, `12.50 m²` or `5' 6"`; None if there is none."""
    if len(text) > _MAX_TEXT_LENGTH:
        return None
    if match := _WITH_UNIT.fullmatch(text):
        return unit_name(match["unit"])
    if _FEET.fullmatch(text):
        return "ft" if "'" in text or "′" in text else "in"
    return None


def _kinds_of(cell: Cell, text: str) -> Iterable[str]:
    if isinstance(cell, (date, time, timedelta)):
        yield "dates"
    if len(text) > _MAX_TEXT_LENGTH or isinstance(cell, CellError):
        return
    words = vocabulary.load()
    if words.is_word(text, "yes") or words.is_word(text, "no") or text.casefold() in ("x", "-"):
        yield "yes_no"
    if levels.is_level(text):
        yield "levels"
    if _FILE.fullmatch(text):
        yield "files"
    if _VERSION.fullmatch(text):
        yield "versions"
    if vocabulary.kind_of_element(text):
        yield "kinds"
    if isinstance(cell, str) and _CODE.match(text):
        yield "codes"
    if _PIECE_CODE.fullmatch(text):
        yield "piece_codes"


def _is_serial(numbers: Sequence[float]) -> bool:
    """Return whether the cells count the rows: each is one more than the cell above."""
    return len(numbers) >= _SHORTEST_SERIES and all(after == before + 1 for before, after in pairwise(numbers))
