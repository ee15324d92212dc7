"""The records of which a binary workbook's parts (BIFF12) are made.

A record is a number for its kind, in one or two bytes, the size of what follows, in one to four, and that many bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Container, Iterable, Iterator

from precast_app.spreadsheets.errors import damaged

# Of a longer record no more is handed out: what is wanted of it stands at its beginning.
_MOST = 1024 * 1024  # bytes
_COUNT = struct.Struct("<I")
_NO_TEXT = 0xFFFFFFFF


def records(chunks: Iterable[bytes], wanted: Container[int]) -> Iterator[tuple[int, bytes]]:
    """(kind, content) of the records of the wanted kinds; the others take no memory, whatever size they claim.

    Raises UnreadableFile when the part ends within a record.
    """
    rest, skip = b"", 0
    for chunk in chunks:
        if skip >= len(chunk):
            skip -= len(chunk)
            continue
        data = rest + chunk[skip:]
        at, end, skip = 0, len(data), 0
        while True:
            try:
                kind, size, start = data[at], data[at + 1], at + 2
                if kind > 0x7F:
                    kind, size, start = (kind & 0x7F) | (size & 0x7F) << 7, data[start], start + 1
                if size > 0x7F:
                    size, start = _long_size(data, start - 1)
            except IndexError:
                break  # the head of a record is cut in two
            if kind in wanted:
                stop = start + (size if size < _MOST else _MOST)
                if stop > end:
                    break
                yield kind, data[start:stop]
            at = start + size
            if at > end:
                skip = at - end
                break
        rest = data[at:]
    if rest or skip:
        raise damaged("one of its parts breaks off")


def _long_size(data: bytes, start: int) -> tuple[int, int]:
    """A size of up to four bytes with seven bits each, and where it ends."""
    size = 0
    for place in range(4):
        byte = data[start + place]
        size |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            break
    return size, start + place + 1


def wide_text(content: bytes, at: int) -> tuple[str, int]:
    """A text, which stands behind the count of its UTF-16 units, and where it ends.

    Raises UnreadableFile, and struct.error when even the count is not there.
    """
    (units,) = _COUNT.unpack_from(content, at)
    start = at + _COUNT.size
    if units == _NO_TEXT:
        return "", start
    end = start + 2 * units
    if end > len(content):
        raise damaged("one of its texts is longer than the record it stands in")
    return content[start:end].decode("utf-16-le", "replace"), end
