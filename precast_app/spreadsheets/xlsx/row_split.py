"""Split of a worksheet's bytes into two worksheets, behind the first row that ends behind an offset."""

from __future__ import annotations

from collections.abc import Iterator

from precast_app.spreadsheets.xlsx.row_bytes import ROW_END

_BEFORE_ROWS, _BEHIND_ROWS = b"<worksheet><sheetData>", b"</sheetData></worksheet>"


def rows_before_split(chunks: Iterator[bytes], offset: int) -> Iterator[bytes]:
    """Yield the worksheet of the first rows; it is the whole one if no row ends behind the offset."""
    for chunk, split in _locate_split(chunks, offset):
        yield chunk[:split]
        if split is not None:
            yield _BEHIND_ROWS
            return


def rows_behind_split(chunks: Iterator[bytes], offset: int) -> Iterator[bytes]:
    """Yield the worksheet of the other rows and what follows them; nothing if no row ends behind the offset."""
    for chunk, split in _locate_split(chunks, offset):
        if split is not None:
            yield _BEFORE_ROWS + chunk[split:]
            yield from chunks
            return


def _locate_split(chunks: Iterator[bytes], offset: int) -> Iterator[tuple[bytes, int | None]]:
    """Yield each chunk up to that of the split, with the position of the split in it or None."""
    position, tail = 0, b""
    for chunk in chunks:
        start = max(0, offset - position)
        position += len(chunk)
        searched = tail + chunk[start:]
        found = searched.find(ROW_END)
        if found >= 0:
            yield chunk, start + found + len(ROW_END) - len(tail)
            return
        yield chunk, None
        # The end of a row may be in two chunks.
        tail = searched[1 - len(ROW_END) :]
