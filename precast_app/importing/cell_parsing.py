"""Cells to values. Every parser raises `InvalidCell` if the cell has no such value. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Context, Decimal, InvalidOperation

from precast_app.importing import decimal_signs
from precast_app.importing.decimal_signs import DecimalSign
from precast_app.messages import Message
from precast_app.spreadsheets import CellError, FormattedNumber, round_to_excel, unescape_formula
from precast_app.text import clean_text, match_key

_MAX_DECIMALS = 30
# Digits of the shortest text of a binary fraction, where they are more than Excel shows.
_FLOAT_DIGITS = (16, 17)
_MAX_CHOICE_LENGTH = 100
# More digits than any number that is accepted.
_CONTEXT = Context(prec=100)
_15_DIGITS = Context(prec=15)
_ONE = Decimal(1)
# From here to 1e16 `repr` writes a float without an exponent, and so with at most 20 decimals.
_MIN_WITHOUT_EXPONENT = 0.0001
# TRUE and FALSE as Excel writes them into a CSV file in its other languages; casefold() turns YANLIŞ into `yanliş`.
_TRUE = frozenset({
    "true", "wahr", "vrai", "vero", "waar", "verdadero", "verdadeiro", "prawda", "tosi", "doğru", "истина", "sann",
    "sant", "sand", "pravda", "igaz",
})  # fmt: skip
_FALSE = frozenset({
    "false", "falsch", "faux", "falso", "onwaar", "fałsz", "epätosi", "yanlış",  # codespell:ignore
    "yanliş", "ложь", "usann", "falskt", "falsk", "nepravda", "hamis",  # codespell:ignore
})  # fmt: skip
_YES = frozenset({"yes", "y", "1", "x", *_TRUE})
_NO = frozenset({"no", "n", "0", "-", "", *_FALSE})
# What formulas for rows to come show in lower case: 0 where they refer to a blank cell.
FALSY_TEXTS = frozenset({"", "0", "0.0", "0,0", "0.00", "0,00", *_FALSE})
_DAY = re.compile(r"\A(\d{1,2})\.(\d{1,2})\.(\d{4})\Z")
# With a comma and three digits it would be a thousand.
_WHOLE_NUMBER = re.compile(r"\A(\d+)(?:\.0+|,0{1,2})\Z")
_NOT_A_NUMBER = Message("Enter a number in digits and without its unit, for example 1250.5.")


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


def is_falsy(cell: object) -> bool:
    """Return whether a cell is blank, 0 or FALSE."""
    return clean_text(unescape_formula(display_text(cell))).casefold() in FALSY_TEXTS


def shown_cell(cell: object) -> object:
    """Return the text that a number shows if its number format adds to its digits; any other cell as it is."""
    return cell.shown if isinstance(cell, FormattedNumber) and cell.shown is not None else cell


def reject_error_cell(cell: object) -> None:
    """Raise `InvalidCell` for a cell that shows an error, or a formula that was saved without its result."""
    if isinstance(cell, CellError) and cell.text.startswith("="):
        raise InvalidCell(
            "error_cell",
            Message(
                "The file was saved without the result of the formula %(formula)s. Open the file in Excel, save it and "
                "upload it again, or enter the value itself.",
                formula=cell.text,
            ),
        )
    if isinstance(cell, CellError):
        raise InvalidCell(
            "error_cell",
            Message(
                "The cell shows an error (%(error)s). Correct its formula, or enter the value itself.", error=cell.text
            ),
        )


def parse_text(cell: object, *, max_length: int, blank: str | None) -> str | None:
    """Return a text of at most `max_length` characters, or `blank` for a blank cell."""
    value = clean_text(unescape_formula(cell if isinstance(cell, str) else _as_text(cell)))
    if not value:
        return blank
    if len(value) > max_length:
        raise InvalidCell(
            "text_too_long",
            Message(
                "The text has %(length)s characters. Shorten it to %(limit)s.", length=len(value), limit=max_length
            ),
        )
    if not value.isprintable():
        raise InvalidCell("unprintable_text", "The text has characters that can't be displayed. Type it again.")
    return value


def _as_text(cell: object) -> str:
    reject_error_cell(cell)
    if isinstance(cell, datetime) and not (cell.hour or cell.minute or cell.second):
        return cell.date().isoformat()
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    return display_text(shown_cell(cell))


def parse_required_text(cell: object, *, max_length: int) -> str:
    """Return a text of 1 to `max_length` characters."""
    value = parse_text(cell, max_length=max_length, blank=None)
    if value is None:
        raise InvalidCell("missing_value", "The cell is blank, but every row needs a value here. Fill it in.")
    return value


def parse_choice(cell: object, *, choices: Sequence[str]) -> str | None:
    """Return the choice that a cell names, in any case and with spaces for underscores; None for a blank cell."""
    value = parse_text(cell, max_length=_MAX_CHOICE_LENGTH, blank=None)
    if value is None:
        return None
    if (choice := match_key(value)) in choices:
        return choice
    listed = ", ".join(each.replace("_", " ") for each in choices)
    raise InvalidCell("unknown_choice", Message("Write one of: %(choices)s; or leave the cell blank.", choices=listed))


def parse_identifier(cell: object, *, max_length: int) -> str | None:
    """Return an ID as text, without the decimals that some programs write (`101.0`, `101,0`); None for a blank cell."""
    value = parse_text(cell, max_length=max_length, blank=None)
    return value if value is None else _WHOLE_NUMBER.sub(r"\1", value)


def _parse_number(cell: object) -> Decimal | None:
    reject_error_cell(cell)
    if isinstance(cell, (bool, date, time, timedelta)):
        raise InvalidCell(
            "not_a_number", "The cell has a date, a time or TRUE/FALSE. Enter a number, for example 1250.5."
        )
    if isinstance(cell, (float, int)):
        value = _from_float(float(cell)) if isinstance(cell, float) else Decimal(cell)
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
        raise InvalidCell(
            "too_many_decimals", Message("The number has more than %(limit)s decimals. Round it.", limit=_MAX_DECIMALS)
        )
    return _as_excel_shows(value) if _count_digits(value) in _FLOAT_DIGITS else value


def _count_digits(number: Decimal) -> int:
    """Return how many digits the number has without zeros at its end, which are neither stored nor exported."""
    digits = number.as_tuple().digits
    return len(digits) if digits[-1] else len("".join(map(str, digits)).rstrip("0"))


def _parse(written: str) -> Decimal:
    plain = decimal_signs.with_point(written, DecimalSign.POINT)
    try:
        if not plain.isascii() or "_" in plain:
            raise InvalidOperation
        return Decimal(plain)
    except InvalidOperation:
        raise InvalidCell("not_a_number", _NOT_A_NUMBER) from None


def _as_excel_shows(value: Decimal) -> Decimal:
    """Return 0.3 for 0.30000000000000004, which programs write for a binary fraction; other numbers as they are."""
    binary = float(value)
    return _from_float(round_to_excel(binary)) if Decimal(repr(binary)) == value else value


def canonical(number: Decimal) -> Decimal:
    """Return the number without exponent and without zeros at the end of its decimals: 2972.0 and 2.972E3 are 2972."""
    shortest = _CONTEXT.normalize(number)
    exponent = shortest.as_tuple().exponent
    return _CONTEXT.quantize(shortest, _ONE) if isinstance(exponent, int) and exponent > 0 else shortest


def _from_float(number: float) -> Decimal:
    """Return the number that a cell shows: readers have rounded it to the 15 digits that spreadsheet programs show."""
    return Decimal(int(number)) if number.is_integer() else Decimal(repr(number))


def parse_decimal(cell: object, *, maximum: int, unit: str = "") -> Decimal | None:
    """Return a number from 0 to `maximum` in its canonical form; None for a blank cell."""
    if isinstance(cell, float) and _MIN_WITHOUT_EXPONENT <= cell <= maximum:
        # The common case. It has no zeros at the end and no exponent.
        return _from_float(cell)
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
        return canonical(value).copy_abs()
    limit = f"{maximum:,}".replace(",", " ") + (f" {unit}" if unit else "")
    if value < 0:
        raise InvalidCell(
            "negative_number", Message("The number is negative. Enter one from 0 to %(limit)s.", limit=limit)
        )
    raise InvalidCell(
        "number_too_large", Message("The number is too large. Enter one from 0 to %(limit)s.", limit=limit)
    )


def parse_converted(cell: object, *, maximum: int, factor: Decimal, unit: str) -> Decimal | None:
    """Return a number in another unit, of which one is `factor`, from 0 to `maximum`; None for a blank cell.

    It is rounded to 15 significant digits. `unit` is that of the cell, for messages.
    """
    value = parse_decimal(cell, maximum=int(maximum / factor), unit=unit)
    return None if value is None else canonical(_15_DIGITS.multiply(value, factor))


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


def parse_day(cell: object) -> date | None:
    """Return the day that a cell has: a date, `2026-10-12` or `12.10.2026`; None for a blank cell."""
    written = parse_text(cell, max_length=40, blank=None)
    if written is None:
        return None
    parts = _DAY.match(written)
    try:
        return date(int(parts[3]), int(parts[2]), int(parts[1])) if parts else date.fromisoformat(written)
    except ValueError:
        raise InvalidCell("not_a_date", "Enter a date, for example 2026-10-12 or 12.10.2026.") from None


def parse_yes_no(cell: object) -> bool:
    """Return whether the cell says yes; a blank cell says no."""
    reject_error_cell(cell)
    word = clean_text(unescape_formula(display_text(cell))).casefold()
    if word[:2] in ("1.", "0.", "1,", "0,"):
        # Some programs write whole numbers so.
        word = _WHOLE_NUMBER.sub(r"\1", word)
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise InvalidCell("not_yes_or_no", "Enter yes or no (or leave the cell blank for no).")
