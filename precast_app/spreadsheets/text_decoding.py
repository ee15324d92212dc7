"""Text files: which encoding they have, and what a cell says that another program has written in its own way."""

from __future__ import annotations

import codecs
import html
import io
import re
from typing import TYPE_CHECKING, BinaryIO

from precast_app.spreadsheets.errors import UnreadableFile
from precast_app.spreadsheets.formula_escaping import FORMULA_SIGN

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_LOOK = 1024 * 1024  # bytes
# A run of the characters of a shift, taken as a whole: `_from_run` looks for the shift in it.
_RUN = re.compile(r"[A-Za-z0-9+/]++-?")
_SHORTEST_SHIFT = 3  # characters between `+` and `-`, unless there are none
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")


def encoding_of(file: BinaryIO) -> str:
    """The encoding by the file's mark, by its zero bytes, or by what it can be: UTF-8, else Windows-1252.

    Raises UnreadableFile for bytes that are neither.
    """
    file.seek(0)
    start = file.read(1024)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        candidates = ["utf-16"]
    elif zeros := zero_bytes(start):
        candidates = [zeros]
    else:
        candidates = ["utf-8-sig", "cp1252"]
    for encoding in candidates:
        if _decodes(file, encoding):
            return encoding
    raise not_text()


def zero_bytes(start: bytes) -> str | None:
    """UTF-16 without a mark, where every other byte of the beginning is zero."""
    half = min(len(start), 1024) // 2
    odd, even = start[1:1024:2].count(0), start[:1024:2].count(0)
    if half >= 4 and max(odd, even) >= 0.8 * half and min(odd, even) == 0:
        return "utf-16-le" if odd else "utf-16-be"
    return None


def _decodes(file: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    try:
        while data := file.read(_LOOK):
            decoder.decode(data)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def not_text() -> UnreadableFile:
    """The refusal of bytes that are text in no encoding that is read."""
    return UnreadableFile(
        "unknown_encoding",
        "The text file is in an encoding that is not known here (UTF-8, UTF-16 and Windows-1252 are). Open it in "
        'Excel, choose Save As and the type "CSV UTF-8 (Comma delimited)", and upload that file.',
    )


def decode_utf_7(cell: str) -> str:
    """`Bolts +ACY- nuts` → `Bolts & nuts`. A `C+D` stays what it is: only a whole, well-formed shift is decoded."""
    # Without any other shift, `+-` is what a person wrote.
    if "+" not in cell or not any(_shift(part) != part for part in map(_shift_of, _RUN.findall(cell)) if part != "+-"):
        return cell
    return _RUN.sub(lambda match: _decoded(match[0]), cell)


def _decoded(run: str) -> str:
    shift = _shift_of(run)
    return run[: len(run) - len(shift)] + _shift(shift)


def _shift_of(run: str) -> str:
    """Return the end of a run that could be a shift, or an empty text."""
    if not run.endswith("-"):
        return ""
    start = run.find("+")
    while start >= 0 and 0 < len(run) - start - 2 < _SHORTEST_SHIFT:
        start = run.find("+", start + 1)
    return "" if start < 0 else run[start:]


def _shift(shift: str) -> str:
    try:
        text = shift.encode("ascii").decode("utf-7")
    except UnicodeDecodeError:
        return shift
    # What writes UTF-7 shifts no letter or digit of ASCII; where one comes out, it was never shifted.
    shifted = text.isprintable() and not any(each.isascii() and each.isalnum() for each in text)
    return text if shifted else shift


def encode_ambiguous(cell: str) -> str:
    """The text so that `decode_utf_7` and `decode_html_entities` make it of what is returned, whatever it looks like.

    An escaped text stays escaped: a program that splits lines at semicolons takes what follows an entity for the start
    of a cell, so where entities are needed each sign that starts a formula becomes one.
    """
    if decode_html_entities(cell) != cell:
        return FORMULA_SIGN.sub(lambda match: f"&#{ord(match[0])};", cell.replace("&", "&amp;"))
    return cell if decode_utf_7(cell) == cell else cell.replace("+", "+ACs-")


def decode_html_entities(cell: str) -> str:
    """`Bolts &amp; nuts` → `Bolts & nuts`."""
    return _ENTITY.sub(lambda match: html.unescape(match[0]), cell)


class NonClosingReader(io.RawIOBase):
    """Reads a file from its start, whatever others do with its position, and leaves it open."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._position = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """See `io.RawIOBase`."""
        view = memoryview(buffer).cast("B")
        self._file.seek(self._position)
        data = self._file.read(len(view))
        self._position += len(data)
        view[: len(data)] = data
        return len(data)
