"""Decoding of text files: detection of the encoding, and cells that another program encoded as UTF-7 or HTML."""

from __future__ import annotations

import codecs
import html
import io
import re
from typing import TYPE_CHECKING, BinaryIO

from precast_app.messages import Message
from precast_app.spreadsheets.errors import UnreadableFile
from precast_app.spreadsheets.formula_escaping import FORMULA_SIGN

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# The encodings that a user may choose, by Python's names; what is detected is one of the first four and Windows-1252.
ENCODINGS = (
    "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32",
    *(f"cp{number}" for number in range(1250, 1259)),
    *(f"iso8859-{number}" for number in range(1, 17) if number != 12),
    "cp437", "cp850", "cp852", "cp857", "cp866", "cp874", "koi8-r", "koi8-u", "mac-roman", "mac-latin2", "mac-cyrillic",
    "cp932", "shift_jis", "euc_jp", "gb18030", "gbk", "big5", "cp949", "euc_kr",
)  # fmt: skip
_CHUNK_BYTES = 1024 * 1024
# A run of characters that may contain a UTF-7 shift sequence (`+ACY-`); `_shift_of` finds the sequence in it.
_RUN = re.compile(r"[A-Za-z0-9+/]++-?")
_SHORTEST_SHIFT = 3  # characters between `+` and `-`, unless there are none
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")


def detect_encoding(file: BinaryIO) -> str:
    """Return the encoding by the byte order mark, else UTF-16 by its zero bytes, else UTF-8, else Windows-1252.

    Raise `UnreadableFile` if the bytes are valid in none of them.
    """
    file.seek(0)
    start = file.read(1024)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        candidates = ["utf-16"]
    elif zeros := detect_utf_16_by_zeros(start):
        candidates = [zeros]
    else:
        candidates = ["utf-8-sig", "cp1252"]
    for encoding in candidates:
        if _decodes(file, encoding):
            return encoding
    raise unknown_encoding()


def check_encoding(file: BinaryIO, name: str) -> str:
    """Return the encoding to read the file in; raise `UnreadableFile` if its bytes are no text in it."""
    encoding = encoding_name(name)
    # With a byte order mark or without.
    encoding = "utf-8-sig" if encoding == "utf-8" else encoding
    if encoding is None or not _decodes(file, encoding):
        raise UnreadableFile(
            "wrong_encoding",
            Message(
                "The file is not text in the encoding %(name)s, which its import profile names. Choose "
                "another encoding, or save the file in this one and upload it again.",
                name=name,
            ),
        )
    return encoding


def encoding_name(name: str) -> str | None:
    """Return the name in `ENCODINGS` of an encoding, such as `cp1250` for `Windows-1250`; None if it is not there."""
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        return None
    return found if found in ENCODINGS else None


def detect_utf_16_by_zeros(start: bytes) -> str | None:
    """Return the UTF-16 variant of a text without a byte order mark whose every other byte is zero; else None."""
    half = min(len(start), 1024) // 2
    odd, even = start[1:1024:2].count(0), start[:1024:2].count(0)
    if half >= 4 and max(odd, even) >= 0.8 * half and min(odd, even) == 0:
        return "utf-16-le" if odd else "utf-16-be"
    return None


def _decodes(file: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    try:
        while data := file.read(_CHUNK_BYTES):
            decoder.decode(data)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def unknown_encoding() -> UnreadableFile:
    """Return the error for bytes that are not text in any supported encoding."""
    return UnreadableFile(
        "unknown_encoding",
        "The encoding of the text file is not supported (UTF-8, UTF-16 and Windows-1252 are). Open it in "
        'Excel, choose Save As and the type "CSV UTF-8 (Comma delimited)", and upload that file.',
    )


def decode_utf_7(cell: str) -> str:
    """Return the text with UTF-7 shift sequences decoded: `Bolts +ACY- nuts` → `Bolts & nuts`, but `C+D` stays."""
    # If `+-` is the only shift sequence, it is not UTF-7.
    if "+" not in cell or not any(_shift(part) != part for part in map(_shift_of, _RUN.findall(cell)) if part != "+-"):
        return cell
    return _RUN.sub(lambda match: _decoded(match[0]), cell)


def _decoded(run: str) -> str:
    shift = _shift_of(run)
    return run[: len(run) - len(shift)] + _shift(shift)


def _shift_of(run: str) -> str:
    """Return the end of a run that could be a shift sequence, or an empty text."""
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
    # UTF-7 encoders don't shift ASCII letters and digits, so a result that has one was not UTF-7.
    shifted = text.isprintable() and not any(each.isascii() and each.isalnum() for each in text)
    return text if shifted else shift


def protect_from_decoding(cell: str) -> str:
    """Return a text that `decode_utf_7` and `decode_html_entities` turn into `cell`, even if `cell` looks encoded.

    A program that splits lines at semicolons takes the text after an entity for the start of a cell. So if entities are
    needed, each sign that starts a formula becomes an entity, too.
    """
    if decode_html_entities(cell) != cell:
        return FORMULA_SIGN.sub(lambda match: f"&#{ord(match[0])};", cell.replace("&", "&amp;"))
    return cell if decode_utf_7(cell) == cell else cell.replace("+", "+ACs-")


def decode_html_entities(cell: str) -> str:
    """Return the text with HTML entities decoded: `Bolts &amp; nuts` → `Bolts & nuts`."""
    return _ENTITY.sub(lambda match: html.unescape(match[0]), cell)


class NonClosingReader(io.RawIOBase):
    """Reader with a position of its own, which reads a file from its start and never closes it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._position = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """See `io.RawIOBase`."""
        view = memoryview(buffer).cast("B")
        self._file.seek(self._position)
        data = self._file.read(len(view))
        self._position += len(data)
        view[: len(data)] = data
        return len(data)
