"""How the values of a column group are stored, named in headings, and shown on pages. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum, auto
from typing import Any


@dataclass(frozen=True, slots=True)
class ValueType:
    """How the values of a group are stored, kept in JSON, and written to a cell.

    `empty` is the value of a blank cell; it is not stored. Without `render` a cell has the value itself.
    """

    python_type: type
    sql_type: str
    empty: Any
    is_number: bool = False
    from_json: Callable[[Any], Any] = lambda value: value
    render: Callable[[Any], Any] | None = None


TEXT = ValueType(str, "text", None)
COUNT = ValueType(int, "int", 0, is_number=True)
DECIMAL = ValueType(
    Decimal, "numeric", None, is_number=True, from_json=lambda text: None if text is None else Decimal(text)
)
FLAG = ValueType(bool, "boolean", False, render=lambda value: "yes" if value else None)


class HeadingLayout(StrEnum):
    """How an item of a group is named in the two heading rows of a workbook, upper row first."""

    TITLE_AND_NAME = auto()
    NAME_PARTS = auto()
    PARENT_AND_NAME = auto()


class PageLayout(StrEnum):
    """How the page of an element type shows the values of a group."""

    # A line for each item: its name and its value.
    LINES = auto()
    # One line: the names of the items, each with its value if there is one.
    LIST = auto()
    # A table of the pieces at each item, by status.
    PIECES = auto()
    # A table of the quantities for one piece and for all pieces.
    QUANTITIES = auto()
