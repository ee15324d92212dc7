"""Parsers for the XML of a workbook's parts, which use expat chunk by chunk and reject documents with a DTD.

Namespaces are not resolved: an element is identified by its local name, whatever its prefix.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from xml.parsers import expat

from precast_app.messages import Message
from precast_app.spreadsheets.errors import UnreadableFile, cell_too_long, damaged, too_many_columns
from precast_app.spreadsheets.sheet import (
    LAST_ROW,
    CellError,
    Limits,
    MergedRange,
    column_number,
)

Attributes = dict[str, str]

# Nested elements of a worksheet, many times as many as any program writes. The parser slows down with them.
_MAX_DEPTH = 1_000
_REFERENCE = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})")
_RANGE = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7}):([A-Za-z]{1,3})([0-9]{1,7})")
_ESCAPE = re.compile(r"_x((?![Dd][89A-Fa-f])[0-9A-Fa-f]{4})_")  # not half a surrogate pair
_NO_MEMORY = expat.errors.codes[expat.errors.XML_ERROR_NO_MEMORY]
_FORMULA_LENGTH = 60  # characters of a formula that an error shows


@dataclass(frozen=True, slots=True)
class StoredCell:
    """Cell with content as stored in the file: `kind` and `style` are its attributes, `text` is not decoded yet.

    `formula` is None if the cell has none; `stored` is False for a cell without a value element.
    """

    column: int
    kind: str
    style: str
    text: str
    formula: str | None
    stored: bool

    def error(self) -> CellError | None:
        """Return the error that the cell shows, or None."""
        if self.kind == "e":
            return CellError(self.text) if self.text else None
        if self.formula is None or self.text or (self.stored and self.kind == "str"):
            return None
        return CellError(shorten_formula(self.formula))


@dataclass(frozen=True, slots=True)
class StoredRow:
    """Row with those of its cells that have content."""

    number: int
    cells: tuple[StoredCell, ...]


class SheetParser:
    """Parser of a worksheet, or of one row of it, that calls back for each row and each merged range."""

    def __init__(
        self,
        limits: Limits,
        on_row: Callable[[StoredRow], None],
        on_merged: Callable[[MergedRange], None],
    ) -> None:
        self._limits = limits
        self._on_row = on_row
        self._on_merged = on_merged
        self._row = 0
        self._cells: list[StoredCell] = []
        self._column = 0
        self._kind = self._style = ""
        self._text: list[str] = []
        self._formula: list[str] | None = None
        self._into: list[str] | None = None  # receives the character data
        self._length = 0  # characters of the current cell
        self._stored = False
        self._in_cell = False
        self._phonetic = 0
        self._depth = 0
        self._parser = xml_parser(self._start, self._end, self._data)

    def feed(self, chunk: bytes, last: bool = False) -> None:
        """Parse a chunk of the document. Raise `UnreadableFile` if it is damaged or exceeds a limit."""
        parse_chunk(self._parser, chunk, last)

    def _start(self, tag: str, attributes: Attributes) -> None:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise damaged("its elements are nested too deeply")
        name = local_name(tag)
        if name == "c":
            self._start_cell(attributes)
        elif self._in_cell:
            if name == "v" or (name == "t" and not self._phonetic):
                self._stored = True
                self._into = self._text
            elif name == "f":
                self._into = self._formula = []
            elif name == "rPh":
                self._phonetic += 1
        elif name == "row":
            number = attributes.get("r", "")
            # int() would also accept blanks, signs and the digits of other scripts.
            row = int(number) if number.isascii() and number.isdigit() else self._row + 1
            if not self._row < row <= LAST_ROW:
                raise damaged(Message("row %(row)s comes after row %(before)s", row=number or row, before=self._row))
            self._row, self._column, self._cells = row, 0, []
        elif name == "mergeCell" and (merged := parse_range(attributes.get("ref", ""))):
            self._on_merged(merged)

    def _start_cell(self, attributes: Attributes) -> None:
        self._column += 1
        if reference := attributes.get("r"):
            match = _REFERENCE.fullmatch(reference)
            if match is None or int(match[2]) != self._row:
                raise damaged(
                    Message("row %(row)s contains a cell %(reference)s", row=self._row, reference=f"{reference[:20]!r}")
                )
            self._column = column_number(match[1].upper())
        self._kind, self._style = attributes.get("t", "n"), attributes.get("s", "0")
        self._text, self._formula, self._into = [], None, None
        self._length, self._stored, self._in_cell, self._phonetic = 0, False, True, 0

    def _data(self, data: str) -> None:
        if self._into is not None:
            self._into.append(data)
            self._length += len(data)
            if self._length > self._limits.cell_characters:
                raise cell_too_long(self._row, self._column, self._limits)

    def _end(self, tag: str) -> None:
        self._depth -= 1
        name = local_name(tag)
        if name == "c":
            self._end_cell()
        elif name in ("v", "t", "f"):
            self._into = None
        elif name == "rPh":
            self._phonetic = max(0, self._phonetic - 1)
        elif name == "row":
            self._on_row(StoredRow(self._row, tuple(self._cells)))
            self._cells = []

    def _end_cell(self) -> None:
        self._in_cell, self._into = False, None
        text = "".join(self._text)
        if text or self._formula is not None:
            if self._column > self._limits.columns:
                raise too_many_columns(self._row, self._column, self._limits)
            formula = None if self._formula is None else "".join(self._formula)
            self._cells.append(StoredCell(self._column, self._kind, self._style, text, formula, self._stored))


@dataclass(frozen=True, slots=True)
class SheetEntry:
    """Entry in a workbook's list of sheets; `relation` is the id of its relationship, empty if it has none."""

    name: str
    relation: str
    is_hidden: bool


def read_sheet_list(chunks: Iterable[bytes]) -> tuple[list[SheetEntry], bool]:
    """Return the entries of every sheet in `workbook.xml`, and whether dates count from 1904."""
    found: list[SheetEntry] = []
    from_1904 = False

    def start(tag: str, attributes: Attributes) -> None:
        nonlocal from_1904
        name = local_name(tag)
        if name == "sheet":
            if "name" not in attributes:
                raise damaged("its list of sheets is incomplete")
            key = next((value for key, value in attributes.items() if key.endswith(":id")), "")
            found.append(SheetEntry(attributes["name"], key, attributes.get("state", "visible") != "visible"))
        elif name == "workbookPr" and not from_1904:
            # An extension of newer versions has an element of the same name, without the attribute.
            from_1904 = attributes.get("date1904", "0") in ("1", "true", "on")

    _parse(chunks, start)
    return found, from_1904


def read_relationships(chunks: Iterable[bytes]) -> dict[str, tuple[str, str]]:
    """Return relationship id → (last word of its type, target) of a `.rels` part, without links to other files."""
    found: dict[str, tuple[str, str]] = {}

    def start(tag: str, attributes: Attributes) -> None:
        if local_name(tag) == "Relationship" and attributes.get("TargetMode") != "External":
            kind = attributes.get("Type", "").rpartition("/")[2]
            found[attributes.get("Id", "")] = kind, attributes.get("Target", "")

    _parse(chunks, start)
    return found


def root_name(beginning: bytes) -> str:
    """Return the name of a document's first element without its prefix, or an empty text if there is none."""
    found: list[str] = []
    parser = xml_parser(lambda tag, _: found.append(local_name(tag)))
    with suppress(UnreadableFile):
        parse_chunk(parser, beginning)
    return found[0] if found else ""


def _parse(chunks: Iterable[bytes], start: Callable[[str, Attributes], None]) -> None:
    parser = xml_parser(start)
    for chunk in chunks:
        parse_chunk(parser, chunk)
    parse_chunk(parser, b"", last=True)


def xml_parser(
    start: Callable[[str, Attributes], None],
    end: Callable[[str], None] | None = None,
    data: Callable[[str], None] | None = None,
) -> expat.XMLParserType:
    """Return an expat parser that rejects a DTD and thus all custom entities."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = data
    parser.StartDoctypeDeclHandler = _reject_doctype
    return parser


def parse_chunk(parser: expat.XMLParserType, chunk: bytes, last: bool = False) -> None:
    """Parse a chunk. Raise `UnreadableFile` if it is not well-formed XML."""
    try:
        parser.Parse(chunk, last)
    except (expat.ExpatError, ValueError, LookupError) as error:
        if isinstance(error, expat.ExpatError) and error.code == _NO_MEMORY:
            raise MemoryError from error
        # LookupError and ValueError mean an unknown or unsuitable encoding.
        raise damaged("one of its parts is not well-formed XML") from error


def _reject_doctype(*_: object) -> None:
    raise doctype_error()


def doctype_error() -> UnreadableFile:
    """Return the error for a document with a DTD, which no spreadsheet program writes."""
    return damaged("it contains a document type declaration, which spreadsheet programs don't write")


# A document has many elements but few names; the limit is for a hostile one with many names.
@lru_cache(maxsize=1024)
def local_name(tag: str) -> str:
    """Return an element's name without its prefix."""
    return tag.rpartition(":")[2]


def parse_range(reference: str) -> MergedRange | None:
    """Return the range of a reference such as `A1:C2`, or None if it is not a range."""
    match = _RANGE.fullmatch(reference)
    if match is None:
        return None
    first, last = column_number(match[1].upper()), column_number(match[3].upper())
    return MergedRange(int(match[2]), first, int(match[4]), last)


def decode_xml_text(text: bytes) -> str:
    """Return XML character data with its entities decoded and its line ends as XML has them."""
    decoded = text.decode("utf-8", "replace")
    if "\r" in decoded:
        decoded = decoded.replace("\r\n", "\n").replace("\r", "\n")
    if "&" not in decoded:
        return decoded
    try:
        return html.unescape(decoded)
    except ValueError:
        # A character reference has more digits than Python converts to a number.
        return decoded


def decode_escapes(text: str) -> str:
    """Return a text with the escapes of the xlsx format (`_x000D_`) decoded."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


def shorten_formula(formula: str) -> str:
    """Return a formula as an error shows it: shortened, and `=…` if the cell shares another cell's formula."""
    formula = formula.strip()
    if len(formula) > _FORMULA_LENGTH:
        return f"={formula[:_FORMULA_LENGTH]}…"
    return f"={formula or '…'}"


def parse_shared_index(text: str) -> int:
    """Return the index of a shared string. Raise `UnreadableFile` if `text` is not an index."""
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise damaged("a cell refers to a text that is not in the workbook")
    return int(text)
