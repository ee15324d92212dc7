"""Files that are read at a position of their own, although other processes read from the same descriptor."""

from __future__ import annotations

import io
import os
from typing import Any, BinaryIO, Protocol


class _HasDescriptor(Protocol):
    def fileno(self) -> int: ...


class PositionedFile(io.RawIOBase):
    """Reader of an open file by `pread`, because processes that inherit a descriptor share its offset."""

    def __init__(self, file: _HasDescriptor) -> None:
        self._file = file
        self._position = 0

    def readable(self) -> bool:
        """See `io.IOBase`."""
        return True

    def seekable(self) -> bool:
        """See `io.IOBase`."""
        return True

    def readinto(self, buffer: Any) -> int:
        """See `io.RawIOBase`."""
        data = os.pread(self._file.fileno(), len(buffer), self._position)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """See `io.IOBase`."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position}.get(whence)
        if start is None:
            start = os.fstat(self._file.fileno()).st_size
        if start + offset < 0:
            raise ValueError("the position would be before the start of the file")
        self._position = start + offset
        return self._position


def with_own_position(file: BinaryIO) -> BinaryIO:
    """Return a reader of the file whose position a fork copies; a file in memory is one already."""
    try:
        file.fileno()
    except OSError:
        return file
    return io.BufferedReader(PositionedFile(file))
