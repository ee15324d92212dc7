"""Cells to values. Every parser raises `InvalidCell` if the cell has no such value. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation

from precast_app.spreadsheets import Cell, CellError, FormattedNumber, unescape_formula
from precast_app.text import clean_text

_MAX_DECIMALS = 30
# From here to 1e16 `repr` writes a float without an exponent, and so with at most 20 decimals.
_MIN_WITHOUT_EXPONENT = 0.0001
_GROUPED = re.compile(r"\A[+-]?[1-9]\d{0,2}([,  ']\d{3})+(\.\d+)?")
_COMMA_NUMBER = re.compile(r"\A[+-]?(?:\d{1,3}(?:[. ']\d{3})+(?:,\d+)?|\d+,\d+)")
_THOUSANDS = re.compile(r"[,  ']")
_POINT_THOUSANDS = re.compile(r"[. ']")
_YES = frozenset({"yes", "y", "true", "1", "x"})
_NO = frozenset({"no", "n", "false", "0", "-", ""})
_NOT_A_NUMBER = "Enter a number in digits and without its unit, for example 1250.5."


class InvalidCell(ValueError):
    """A cell that can't be parsed: a stable `code`, and a message that says what to write instead."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def display_text(cell: object) -> str:
    """Return the cell as a person would write it."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, CellError):
        return cell.text
    return str(cell)


def _reject_error_cell(cell: object) -> None:
    if isinstance(cell, CellError):
        raise InvalidCell(
            "error_cell", f"The cell shows an error ({cell.text}). Correct its formula, or enter the value itself."
        )


def parse_text(cell: object, *, max_length: int, blank: str | None) -> str | None:
    """Return a text of at most `max_length` characters, or `blank` for a blank cell."""
    value = clean_text(unescape_formula(cell if isinstance(cell, str) else _as_text(cell)))
    if not value:
        return blank
    if len(value) > max_length:
        raise InvalidCell("text_too_long", f"The text has {len(value)} characters. Shorten it to {max_length}.")
    if not value.isprintable():
        raise InvalidCell("unprintable_text", "The text has characters that can't be displayed. Type it again.")
    return value


def _as_text(cell: object) -> str:
    _reject_error_cell(cell)
    if isinstance(cell, datetime) and not (cell.hour or cell.minute or cell.second):
        return cell.date().isoformat()
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, FormattedNumber) and cell.shown is not None:
        return cell.shown
    return display_text(cell)


def parse_required_text(cell: object, *, max_length: int) -> str:
    """Return a text of 1 to `max_length` characters."""
    value = parse_text(cell, max_length=max_length, blank=None)
    if value is None:
        raise InvalidCell("missing_value", "The cell is blank, but every row needs a value here. Fill it in.")
    return value


def _parse_number(cell: object) -> Decimal | None:
    _reject_error_cell(cell)
    if isinstance(cell, (bool, date, time, timedelta)):
        raise InvalidCell(
            "not_a_number", "The cell has a date, a time or TRUE/FALSE. Enter a number, for example 1250.5."
        )
    if isinstance(cell, (float, int)):
        value = Decimal(int(cell)) if cell == cell // 1 else Decimal(repr(cell))
    else:
        # An exported number such as +1e5 is escaped, since it begins like a formula.
        written = clean_text(unescape_formula(str(cell)))
        if not written:
            return None
        value = _parse(written)
    if not value.is_finite():
        raise InvalidCell("not_a_number", _NOT_A_NUMBER)
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > _MAX_DECIMALS:
        raise InvalidCell("too_many_decimals", f"The number has more than {_MAX_DECIMALS} decimals. Round it.")
    return value


def _parse(written: str) -> Decimal:
    plain = written
    if _GROUPED.fullmatch(plain):
        plain = _THOUSANDS.sub("", plain)
    elif "," in plain and "." not in plain:
        # A decimal comma, possibly with spaces between the thousands: `1 200,5`.
        plain = plain.replace(" ", "").replace(",", ".")
    try:
        if not plain.isascii() or "_" in plain:
            raise InvalidOperation
        return Decimal(plain)
    except InvalidOperation:
        raise InvalidCell("not_a_number", _NOT_A_NUMBER) from None


def parse_decimal(cell: object, *, maximum: int, unit: str = "") -> Decimal | None:
    """Return a number from 0 to `maximum` with the digits as they were entered; None for a blank cell."""
    if type(cell) is float and _MIN_WITHOUT_EXPONENT <= cell <= maximum:
        # The common case. `repr` returns the shortest digits for the number, which are those that were entered.
        return Decimal(int(cell)) if cell.is_integer() else Decimal(repr(cell))
    if cell == "":
        return None
    try:
        value = _parse_number(cell)
    except (ValueError, OverflowError) as error:
        if isinstance(error, InvalidCell):
            raise
        raise InvalidCell("not_a_number", _NOT_A_NUMBER) from error
    if value is None:
        return None
    if 0 <= value <= maximum:
        # Drop the sign of -0. `abs` would round.
        return value.copy_abs()
    limit = f"{maximum:,}".replace(",", " ") + (f" {unit}" if unit else "")
    if value < 0:
        raise InvalidCell("negative_number", f"The number is negative. Enter one from 0 to {limit}.")
    raise InvalidCell("number_too_large", f"The number is too large. Enter one from 0 to {limit}.")


def with_decimal_point(cell: Cell) -> Cell:
    """Return a number with a decimal comma rewritten with a decimal point; any other cell as it is.

    Points, spaces or apostrophes between the thousands are removed.
    """
    if isinstance(cell, str) and _COMMA_NUMBER.fullmatch(written := clean_text(cell)):
        return _POINT_THOUSANDS.sub("", written).replace(",", ".")
    return cell


def parse_with_decimal_comma(read: Callable[[object], object], cell: Cell) -> object:
    """Return what `read` makes of a cell in a file with decimal commas."""
    return read(with_decimal_point(cell))


def parse_positive_decimal(cell: object, *, maximum: int) -> Decimal | None:
    """Return a number above 0, up to `maximum`; None for 0 and for a blank cell."""
    return parse_decimal(cell, maximum=maximum) or None


def parse_optional_count(cell: object, *, maximum: int) -> int | None:
    """Return a whole number from 0 to `maximum`; None for a blank cell."""
    value = parse_decimal(cell, maximum=maximum)
    if value is None:
        return None
    whole = int(value)
    if whole != value:
        raise InvalidCell("not_a_whole_number", "Only whole numbers are possible here. Enter one, for example 2.")
    return whole


def parse_count(cell: object, *, maximum: int) -> int:
    """Return a whole number from 0 to `maximum`; 0 for a blank cell."""
    return parse_optional_count(cell, maximum=maximum) or 0


def parse_yes_no(cell: object) -> bool:
    """Return whether the cell says yes; a blank cell says no."""
    _reject_error_cell(cell)
    word = clean_text(unescape_formula(display_text(cell))).casefold()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise InvalidCell("not_yes_or_no", "Enter yes or no (or leave the cell blank for no).")
