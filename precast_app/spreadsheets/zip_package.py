"""The zip file of a workbook, unzipped in chunks whose sizes are checked.

Only the zip directory is read by Python's zipfile. zipfile stops at the size that the directory declares, but other
readers continue to the end of the stream, so a false size would be small here and huge for them. Therefore the stream
is inflated here and rejected if it does not have the declared size.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator
from typing import BinaryIO

from zlib_ng import zlib_ng

from precast_app.messages import Message
from precast_app.spreadsheets.errors import UnreadableFile, damaged
from precast_app.spreadsheets.sheet import Limits

_READ = 64 * 1024
_CHUNK = 512 * 1024  # bytes, unzipped; peak memory and speed are both flat around this size
_RATIO_FROM = 8 * 1024 * 1024  # bytes; a smaller part may be very regular and compress well
_ZLIB_ERROR: type[Exception] = zlib_ng.error  # type: ignore[assignment] # declared as an exception, not as its class
_DIRECTORY_ERRORS = (
    zipfile.BadZipFile,
    OSError,
    ValueError,
    EOFError,
    NotImplementedError,
    OverflowError,
    struct.error,
)


class ZipPackage:
    """Parts of a zip file by name. It keeps the file object and opens no other handle."""

    def __init__(self, file: BinaryIO, limits: Limits) -> None:
        """Read the directory. Raise `UnreadableFile` if it is damaged or exceeds the limits."""
        self._file = file
        try:
            file.seek(0)
            with zipfile.ZipFile(file) as archive:
                entries = archive.infolist()
        except _DIRECTORY_ERRORS as error:
            raise damaged("it is incomplete or was changed during the transfer") from error
        if len(entries) > limits.parts:
            raise _too_large()
        # The standard (ECMA-376) compares part names without regard to case. Some programs write backslashes.
        self._entries = {entry.filename.lower().replace("\\", "/").lstrip("/"): entry for entry in entries}
        if len(self._entries) != len(entries):
            raise damaged("it contains two parts of the same name")
        if sum(entry.file_size for entry in entries) > limits.unpacked_bytes:
            raise _too_large()
        for entry in entries:
            if entry.file_size >= _RATIO_FROM and entry.file_size > limits.compression_ratio * max(
                entry.compress_size, 1
            ):
                raise _too_large()

    def __contains__(self, part: str) -> bool:
        return part.lower() in self._entries

    @property
    def parts(self) -> tuple[str, ...]:
        """Return the names of all parts in lower case."""
        return tuple(self._entries)

    def size(self, part: str) -> int:
        """Return the number of the part's unzipped bytes, as the directory declares it; 0 if there is no such part."""
        entry = self._entries.get(part.lower())
        return 0 if entry is None else entry.file_size

    def chunks(self, part: str) -> Iterator[bytes]:
        """Yield the part's unzipped bytes in chunks of at most 512 KiB. Raise `UnreadableFile` if it is damaged."""
        entry = self._entries.get(part.lower())
        if entry is None:
            raise damaged(Message("its part %(part)s is missing", part=part))
        if entry.flag_bits & 1:
            raise UnreadableFile(
                "password_protected",
                "The workbook is protected by a password. Remove the password and upload it again.",
            )
        size = checksum = 0
        try:
            for chunk in self._inflate(entry):
                size += len(chunk)
                if size > entry.file_size:
                    raise _too_large()
                checksum = zlib_ng.crc32(chunk, checksum)
                yield chunk
        except (_ZLIB_ERROR, OSError, ValueError, OverflowError, struct.error) as error:
            raise damaged(Message("its part %(part)s can't be unzipped", part=part)) from error
        if size != entry.file_size or checksum != entry.CRC:
            raise damaged(Message("its part %(part)s is incomplete or was changed during the transfer", part=part))

    def _inflate(self, entry: zipfile.ZipInfo) -> Iterator[bytes]:
        file, left = self._file, entry.compress_size
        file.seek(entry.header_offset)
        header = file.read(30)
        signature, name_length, extra_length = struct.unpack("<4s22xHH", header)
        if signature != b"PK\x03\x04":
            raise damaged(Message("its part %(part)s is not where it should be", part=entry.filename))
        position = entry.header_offset + 30 + name_length + extra_length
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise damaged(Message("its part %(part)s is compressed in a way Excel does not use", part=entry.filename))
        inflater = zlib_ng.decompressobj(-15) if entry.compress_type == zipfile.ZIP_DEFLATED else None
        while left > 0:
            # Another reader of the file may have moved its position since the last chunk.
            file.seek(position)
            data = file.read(min(_READ, left))
            if not data:
                return
            position += len(data)
            left -= len(data)
            if inflater is None:
                yield data
                continue
            while data and not inflater.eof:
                if chunk := inflater.decompress(data, _CHUNK):
                    yield chunk
                data = inflater.unconsumed_tail
        if inflater is not None:
            if chunk := inflater.flush():
                yield chunk
            if not inflater.eof:
                raise damaged(Message("its part %(part)s breaks off", part=entry.filename))


def _too_large() -> UnreadableFile:
    return UnreadableFile(
        "unpacks_too_large",
        "The workbook was not read because it unpacks to far more than its size suggests. Copy the "
        "data into a new workbook, as values, and upload that; split it if it is very large.",
    )
