"""The container of an Excel 97 to 2003 workbook (OLE2), read even if it contradicts itself."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

_HEADER_BYTES = 512
_ENTRY_BYTES = 128
_IN_HEADER = 109  # sectors of the allocation table that the header names
# The names of the workbook's stream, in Excel 97 and before; some files have both.
_NAMES = ("workbook", "book")
WORKBOOK_NAMES = frozenset(_NAMES)
_STREAM, _ROOT = 2, 5


def workbook_stream(content: bytes) -> bytes | None:
    """Return the stream that holds the workbook; None if there is none.

    What contradicts itself is ignored: sectors that two chains share, a size beyond the end of a chain, sectors behind
    the end of the file, and the mark of the byte order.
    """
    if len(content) < _HEADER_BYTES:
        return None
    container = _Container(content)
    by_name = {name: container.stream(entry) for name, entry in container.entries() if name in _NAMES}
    return next((by_name[name] for name in _NAMES if by_name.get(name)), None)


def stream_names(content: bytes) -> frozenset[str]:
    """Return the names of a container's streams in small letters."""
    return (
        frozenset(name for name, _ in _Container(content).entries()) if len(content) >= _HEADER_BYTES else frozenset()
    )


class _Container:
    """The sectors of a container and the table that links them."""

    def __init__(self, content: bytes) -> None:
        shift, mini_shift = struct.unpack_from("<HH", content, 30)
        self._content = content
        self._sector_bytes = 1 << min(max(shift, 9), 12)
        self._mini_bytes = 1 << min(max(mini_shift, 6), 9)
        self._directory, _, self._cutoff, self._mini_table, _, more, _ = struct.unpack_from("<7I", content, 48)
        table = [*struct.unpack_from(f"<{_IN_HEADER}I", content, 76), *self._more_table_sectors(more)]
        self._next = _integers(b"".join(map(self._sector, table)))

    def entries(self) -> Iterator[tuple[str, bytes]]:
        """Yield the name of each stream in small letters and its entry in the directory."""
        for entry in self._all_entries():
            if entry[66] == _STREAM:
                length = min(struct.unpack_from("<H", entry, 64)[0], 64)
                yield entry[: max(length - 2, 0)].decode("utf-16-le", "replace").casefold(), entry

    def stream(self, entry: bytes) -> bytes:
        """Return the stream that an entry of the directory describes."""
        start, size = struct.unpack_from("<II", entry, 116)
        root = next((each for each in self._all_entries() if each[66] == _ROOT), None)
        return (self._mini_chain(root, start) if root and size < self._cutoff else self._chain(start))[:size]

    def _all_entries(self) -> list[bytes]:
        directory = self._chain(self._directory)
        last = len(directory) - _ENTRY_BYTES
        return [directory[at : at + _ENTRY_BYTES] for at in range(0, last + 1, _ENTRY_BYTES)]

    def _sector(self, number: int) -> bytes:
        # The first sector comes after the header, which takes a sector, too.
        start = (number + 1) * self._sector_bytes
        return self._content[start : start + self._sector_bytes]

    def _more_table_sectors(self, sector: int) -> Iterator[int]:
        """Yield the sectors of the allocation table that the header has no room for."""
        seen: set[int] = set()
        while sector not in seen and (found := _integers(self._sector(sector))):
            seen.add(sector)
            *sectors, sector = found
            yield from sectors

    def _chain(self, start: int) -> bytes:
        return b"".join(map(self._sector, _follow(start, self._next)))

    def _mini_chain(self, root: bytes, start: int) -> bytes:
        """Return a stream of less than a sector, which is in the stream of the root."""
        small = self._chain(struct.unpack_from("<I", root, 116)[0])
        following = _integers(self._chain(self._mini_table))
        size = self._mini_bytes
        return b"".join(small[number * size : (number + 1) * size] for number in _follow(start, following))


def _follow(start: int, following: Sequence[int]) -> Iterator[int]:
    """Yield the numbers of a chain, each once."""
    seen: set[int] = set()
    while start < len(following) and start not in seen:
        seen.add(start)
        yield start
        start = following[start]


def _integers(data: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(data) // 4}I", data[: len(data) // 4 * 4])
