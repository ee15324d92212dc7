"""Shared texts of an Excel 97 to 2003 workbook."""

from __future__ import annotations

import struct
from collections.abc import Sequence

_HEADER_BYTES = 8  # two counts, which some programs get wrong
_IS_WIDE, _HAS_PHONETICS, _HAS_RUNS = 0x01, 0x04, 0x08

Runs = dict[int, list[tuple[int, int]]]


class _Breaks(Exception):
    """The records end inside a text."""


def unpack_shared_texts(records: Sequence[bytes], count: int) -> tuple[list[str], Runs]:
    """Return the texts in a record and the records that continue it, and the format runs of rich texts by index.

    The texts are read to their end, whatever their stored count. Raise `IndexError` if fewer than `count` are complete
    and the last one breaks off.
    """
    reader = _RecordReader(records)
    texts: list[str] = []
    runs: Runs = {}
    while not reader.is_at_end():
        try:
            text, own_runs = _text(reader)
        except _Breaks as error:
            if len(texts) < count:
                raise IndexError("a text breaks off") from error
            break
        if own_runs:
            runs[len(texts)] = own_runs
        texts.append(text)
    return texts, runs


class _RecordReader:
    """Reader of bytes that continue from one record to the next."""

    def __init__(self, records: Sequence[bytes]) -> None:
        self._records = records
        self._index = 0
        self._at = _HEADER_BYTES

    def is_at_end(self) -> bool:
        while self._index < len(self._records) and self._at >= len(self._records[self._index]):
            self._at -= len(self._records[self._index])
            self._index += 1
        return self._index >= len(self._records)

    def take(self, size: int) -> bytes:
        """Return the next bytes, which are in one record."""
        if self.is_at_end():
            raise _Breaks
        found = self._records[self._index][self._at : self._at + size]
        if len(found) < size:
            raise _Breaks
        self._at += size
        return found

    def skip(self, size: int) -> None:
        self._at += size

    def characters(self, length: int, is_wide: bool) -> str:
        """Return a text; each record that continues it starts with a byte of flags."""
        pieces = []
        while True:
            record = self._records[self._index] if self._index < len(self._records) else b""
            width = 2 if is_wide else 1
            piece = record[self._at : self._at + width * length]
            piece = piece[: len(piece) // width * width]
            pieces.append(piece.decode("utf-16-le" if is_wide else "latin-1", "replace"))
            length -= len(piece) // width
            self._at += len(piece)
            if not length:
                return "".join(pieces)
            self._index += 1
            while self._index < len(self._records) and not self._records[self._index]:
                self._index += 1
            if self._index >= len(self._records):
                raise _Breaks
            is_wide = bool(self._records[self._index][0] & _IS_WIDE)
            self._at = 1


def _text(reader: _RecordReader) -> tuple[str, list[tuple[int, int]]]:
    length, flags = struct.unpack("<HB", reader.take(3))
    run_count = struct.unpack("<H", reader.take(2))[0] if flags & _HAS_RUNS else 0
    phonetic_bytes = struct.unpack("<I", reader.take(4))[0] if flags & _HAS_PHONETICS else 0
    text = reader.characters(length, bool(flags & _IS_WIDE))
    runs = [struct.unpack("<HH", reader.take(4)) for _ in range(run_count)]
    reader.skip(phonetic_bytes)
    return text, [(first, second) for first, second in runs]
