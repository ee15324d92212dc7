"""The zip around a workbook's parts, unzipped in pieces and counted on the way.

Python's zipfile is asked for the directory only. Its reader stops at the size that the directory
declares, while other readers go on to the end of the stream: a size that lies would be small for
us and huge for them. So the stream is inflated here, and refused when it is not of that size.
"""

from __future__ import annotations

import posixpath
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from precast_app.spreadsheets.errors import UnreadableFile, damaged
from precast_app.spreadsheets.sheet import Limits
from precast_app.spreadsheets.xlsx.sheet_xml import relationships, sheet_entries

_READ = 64 * 1024
_CHUNK = 512 * 1024  # bytes, unzipped; peak memory and speed are both flat around this size
_RATIO_FROM = 8 * 1024 * 1024  # a small part may well be very regular
_DIRECTORY_ERRORS = (
    zipfile.BadZipFile,
    OSError,
    ValueError,
    EOFError,
    NotImplementedError,
    OverflowError,
    struct.error,
)


@dataclass(frozen=True, slots=True)
class Worksheet:
    """A worksheet's name as people see it, and the name of its part in the zip."""

    name: str
    part: str


class Package:
    """The parts of a zip by name. Keeps the file object, and no other handle."""

    def __init__(self, file: BinaryIO, limits: Limits) -> None:
        """Read the directory and hold it against the limits. Raises UnreadableFile."""
        self._file = file
        try:
            file.seek(0)
            with zipfile.ZipFile(file) as archive:
                entries = archive.infolist()
        except _DIRECTORY_ERRORS as error:
            raise damaged("it is not complete, or was changed on its way") from error
        if len(entries) > limits.parts:
            raise _too_large()
        # Part names are compared without case, as the format's standard wants.
        self._entries = {entry.filename.lower().lstrip("/"): entry for entry in entries}
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
        """The names of all parts, in lower case."""
        return tuple(self._entries)

    def chunks(self, part: str) -> Iterator[bytes]:
        """The part's bytes, unzipped, in pieces of at most 512 KiB. Raises UnreadableFile."""
        entry = self._entries.get(part.lower())
        if entry is None:
            raise damaged(f"its part {part} is missing")
        if entry.flag_bits & 1:
            raise UnreadableFile(
                "password_protected",
                "The workbook is protected by a password. Remove the password and upload it again.",
            )
        size = checksum = 0
        try:
            for chunk in self._inflated(entry):
                size += len(chunk)
                if size > entry.file_size:
                    raise _too_large()
                checksum = zlib.crc32(chunk, checksum)
                yield chunk
        except (zlib.error, OSError, ValueError, OverflowError, struct.error) as error:
            raise damaged(f"its part {part} cannot be unzipped") from error
        if size != entry.file_size or checksum != entry.CRC:
            raise damaged(f"its part {part} is not complete, or was changed on its way")

    def worksheets(self, limits: Limits) -> tuple[Worksheet, ...]:
        """The worksheets in the workbook's order; chart sheets are none. Raises UnreadableFile."""
        entries = sheet_entries(self.chunks("xl/workbook.xml"))
        return self.named_worksheets("xl/_rels/workbook.xml.rels", entries, limits)

    def named_worksheets(self, rels: str, entries: list[tuple[str, str]], limits: Limits) -> tuple[Worksheet, ...]:
        """The same for a list of (name, relationship id); `rels` is the part with the relationships."""
        targets = relationships(self.chunks(rels))
        found: list[Worksheet] = []
        for name, key in entries:
            if key not in targets:
                raise damaged(f"it names a sheet {name!r}, which is not in it")
            kind, target = targets[key]
            if kind != "worksheet":
                continue
            # join() takes a target with a leading slash as it stands: it is absolute.
            part = posixpath.normpath(posixpath.join("/xl", target.replace("\\", "/"))).lstrip("/")
            if part not in self:
                raise damaged(f"it names a sheet {name!r}, which is not in it")
            found.append(Worksheet(name, part))
            if len(found) > limits.sheets:
                raise UnreadableFile(
                    "too_many_sheets",
                    f"The workbook has more than {limits.sheets} sheets. Save the sheet with the "
                    "data as a workbook of its own and upload that.",
                )
        if not found:
            raise damaged("it contains no worksheet")
        if len({sheet.name for sheet in found}) != len(found):
            raise damaged("two of its sheets have the same name")
        if len({sheet.part for sheet in found}) != len(found):
            # Each would be read again, so that a few kB could stand for any amount of work.
            raise damaged("two of its sheets are the same part")
        return tuple(found)

    def _inflated(self, entry: zipfile.ZipInfo) -> Iterator[bytes]:
        file, left = self._file, entry.compress_size
        file.seek(entry.header_offset)
        header = file.read(30)
        signature, name_length, extra_length = struct.unpack("<4s22xHH", header)
        if signature != b"PK\x03\x04":
            raise damaged(f"its part {entry.filename} is not where it should be")
        position = entry.header_offset + 30 + name_length + extra_length
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise damaged(f"its part {entry.filename} is compressed in a way Excel does not use")
        inflater = zlib.decompressobj(-15) if entry.compress_type == zipfile.ZIP_DEFLATED else None
        while left > 0:
            # Others may have moved the file's position since the last piece.
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
                raise damaged(f"its part {entry.filename} breaks off")


def _too_large() -> UnreadableFile:
    return UnreadableFile(
        "unpacks_too_large",
        "The workbook unpacks to far more than its size lets expect, and was not read. Copy the "
        "data into a new workbook, as values, and upload that; split it if it is very large.",
    )
