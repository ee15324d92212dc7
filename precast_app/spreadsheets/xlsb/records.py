"""Records, of which the parts of a binary workbook (BIFF12) consist.

A record is its kind (one or two bytes), the size of its content (one to four bytes) and the content.
"""

from __future__ import annotations

import struct
from collections.abc import Container, Iterable, Iterator

from precast_app.spreadsheets.errors import damaged

# A longer record is truncated, because only its beginning is needed.
_MAX_CONTENT_BYTES = 1024 * 1024
_COUNT = struct.Struct("<I")
_NO_TEXT = 0xFFFFFFFF


def read_records(chunks: Iterable[bytes], kinds: Container[int]) -> Iterator[tuple[int, bytes]]:
    """Yield (kind, content) of the records of these kinds; the others are skipped without using memory.

    Raise `UnreadableFile` if the part ends inside a record.
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
                break  # the chunk ends inside the head of a record
            if kind in kinds:
                stop = start + (size if size < _MAX_CONTENT_BYTES else _MAX_CONTENT_BYTES)
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
    """Return a size stored in up to four bytes of seven bits each, and the offset after it."""
    size = 0
    for place in range(4):
        byte = data[start + place]
        size |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            break
    return size, start + place + 1


def read_wide_text(content: bytes, at: int) -> tuple[str, int]:
    """Return a UTF-16 text that is preceded by its length, and the offset after it.

    Raise `UnreadableFile` if the text is longer than the content, `struct.error` if its length is missing.
    """
    (units,) = _COUNT.unpack_from(content, at)
    start = at + _COUNT.size
    if units == _NO_TEXT:
        return "", start
    end = start + 2 * units
    if end > len(content):
        raise damaged("one of its texts is longer than the record that contains it")
    return content[start:end].decode("utf-16-le", "replace"), end
