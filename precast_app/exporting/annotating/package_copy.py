"""Copy of a workbook's package (ECMA-376, part 2) in which some parts are edited or added.

Parts are found by their relationships, not by their names. Other parts are copied without being unzipped.
"""

from __future__ import annotations

import posixpath
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any, cast

from precast_app.exporting.annotating.xml_edits import (
    Edit,
    append_children,
    apply_edits,
    as_utf_8,
    elements,
    start_tag,
)
from precast_app.messages import Message
from precast_app.spreadsheets import Limits, ZipPackage
from precast_app.spreadsheets.errors import damaged

_CONTENT_TYPES = "[content_types].xml"
_RELATIONSHIPS = "http://schemas.openxmlformats.org/package/2006/relationships"
_RELATIONSHIPS_TYPE = "application/vnd.openxmlformats-package.relationships+xml"
# In the types of relationships to digital signatures.
_SIGNATURES = "/digital-signature/"
# Parts that are edited in memory; sheets are not.
_MAX_PART_BYTES = 64 * 1024 * 1024
_READ = 1024 * 1024
_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_UTF_8_FLAG = 0x800


@dataclass(frozen=True, slots=True)
class Relationship:
    """Relationship of a part; `kind` is the last word of its type, `target` the name of a part of this package."""

    type: str
    target: str

    @property
    def kind(self) -> str:
        """Return the last word of the type: the same in both variants of the standard."""
        return self.type.rpartition("/")[2]


class PackageCopy:
    """Copy of an upload. Names of parts are in lower case, without a leading slash."""

    def __init__(self, upload: IO[bytes]) -> None:
        """Read the directory. Raise `UnreadableFile` if it is damaged or exceeds the limits."""
        self._upload = upload
        self._package = ZipPackage(cast(Any, upload), Limits())
        upload.seek(0)
        with zipfile.ZipFile(upload) as archive:
            self._entries = {_part_name(entry.filename): entry for entry in archive.infolist()}
        size = upload.seek(0, 2)
        if sum(entry.compress_size for entry in self._entries.values()) > size:
            raise damaged("parts of it overlap")
        self._edits: dict[str, list[Edit]] = {}
        self._added: dict[str, bytes] = {}
        self._content_types: dict[str, str] = {}
        self._relationships: dict[str, dict[str, Relationship]] = {}
        self._new_relationships: dict[str, dict[str, Relationship]] = {}
        self._dropped: set[str] = set()

    def __contains__(self, part: str) -> bool:
        return part.lower() in self._entries or part.lower() in self._added

    def chunks(self, part: str) -> Iterator[bytes]:
        """Yield a part's bytes as UTF-8. Raise `UnreadableFile` if it is missing or damaged."""
        return as_utf_8(self._package.chunks(part))

    def read(self, part: str) -> bytes:
        """Return a part's bytes as UTF-8. Raise `UnreadableFile` if it is missing, damaged or very large."""
        content = bytearray()
        for chunk in self.chunks(part):
            content += chunk
            if len(content) > _MAX_PART_BYTES:
                raise damaged(Message("its part %(part)s is too large", part=part))
        return bytes(content)

    def edit(self, part: str, edits: Iterable[Edit]) -> None:
        """Edit a part of the upload. Raise `UnreadableFile` if it is edited already: two sheets would share it."""
        if part in self._edits:
            raise damaged("two of its sheets share a part")
        self._edits[part] = list(edits)

    def add(self, part: str, content: bytes, content_type: str) -> None:
        """Add a part."""
        self._added[part.lower()] = content
        self._content_types[part] = content_type

    def content_type(self, part: str) -> str:
        """Return the content type of a part of the upload, or '' if none is declared for its name."""
        for element in elements(self.read(_CONTENT_TYPES)):
            if element.name == "Override" and _part_name(element.attributes.get("PartName", "")) == part:
                return element.attributes.get("ContentType", "")
        return ""

    def relationships(self, part: str) -> dict[str, Relationship]:
        """Return the relationships of a part of the upload to others in it, by their ids; '' is the package."""
        if part not in self._relationships:
            found = self._relationships[part] = {}
            rels = _relationships_part(part)
            for element in elements(self.read(rels)) if rels in self else ():
                target = element.attributes.get("Target", "")
                if element.name == "Relationship" and element.attributes.get("TargetMode") != "External":
                    name = _part_name(posixpath.join("/", posixpath.dirname(part), target.replace("\\", "/")))
                    found[element.attributes.get("Id", "")] = Relationship(element.attributes.get("Type", ""), name)
        return self._relationships[part]

    def related(self, part: str, kind: str) -> str | None:
        """Return the first part that a part has a relationship of this kind to, or None."""
        return next((each.target for each in self.relationships(part).values() if each.kind == kind), None)

    def relate(self, part: str, relationship: Relationship) -> str:
        """Add a relationship of a part and return its id."""
        new = self._new_relationships.setdefault(part, {})
        number = len(new) + 1
        while (key := f"rIdImport{number}") in self.relationships(part):
            number += 1
        new[key] = relationship
        return key

    def drop_related(self, part: str, kind: str) -> None:
        """Drop the parts that a part has a relationship of this kind to, before anything else is related to it."""
        found = {key: each for key, each in self.relationships(part).items() if each.kind == kind}
        if not found:
            return
        self._dropped |= {each.target for each in found.values()}
        rels = _relationships_part(part)
        listed = [each for each in elements(self.read(rels)) if each.name == "Relationship"]
        self.edit(rels, [Edit(each.start, each.end, b"") for each in listed if each.attributes.get("Id", "") in found])

    def unused_name(self, name: str) -> str:
        """Return the name of a new part; `{}` in `name` stands for a number."""
        return next(part for number in range(1, 1_000_000) if (part := name.format(number)) not in self)

    def write(self, out: IO[bytes]) -> None:
        """Write the copy, without its digital signatures. Raise `UnreadableFile` if an edited part is damaged."""
        self._drop_signatures()
        for part, new in self._new_relationships.items():
            self._write_relationships(part, new)
        self._declare_content_types()
        archive = _ZipWriter(out)
        for part, entry in self._entries.items():
            if part in self._dropped:
                continue
            if part in self._edits:
                archive.add(entry, apply_edits(self.chunks(part), self._edits[part]))
            else:
                archive.copy(entry, self._upload)
        for part, content in self._added.items():
            archive.add(zipfile.ZipInfo(part), (content,))
        archive.close()

    def _write_relationships(self, part: str, new: dict[str, Relationship]) -> None:
        rels = _relationships_part(part)
        root = None
        if rels in self:
            *_, root = elements(self.read(rels))
        tag = f"{root.prefix if root else ''}Relationship"
        written = b"".join(
            start_tag(tag, {"Id": key, "Type": each.type, "Target": f"/{each.target}"}, is_single=True)
            for key, each in new.items()
        )
        if root is not None:
            self.edit(rels, append_children(root, written))
        else:
            opening = start_tag("Relationships", {"xmlns": _RELATIONSHIPS})
            self.add(rels, opening + written + b"</Relationships>", _RELATIONSHIPS_TYPE)

    def _drop_signatures(self) -> None:
        """Drop the parts of digital signatures and what refers to them: they don't fit an edited package."""
        signed = {key: each for key, each in self.relationships("").items() if _SIGNATURES in each.type}
        waiting = [each.target for each in signed.values()]
        while waiting:
            part = waiting.pop()
            if part not in self._dropped:
                self._dropped |= {part, _relationships_part(part)}
                found = self.relationships(part).values()
                waiting += [each.target for each in found if _SIGNATURES in each.type]
        if signed:
            rels = _relationships_part("")
            listed = [each for each in elements(self.read(rels)) if each.name == "Relationship"]
            self.edit(
                rels, [Edit(each.start, each.end, b"") for each in listed if each.attributes.get("Id", "") in signed]
            )

    def _declare_content_types(self) -> None:
        edits = []
        for root in elements(self.read(_CONTENT_TYPES)):
            if root.name == "Override" and _part_name(root.attributes.get("PartName", "")) in self._dropped:
                edits.append(Edit(root.start, root.end, b""))
        written = b"".join(
            start_tag(f"{root.prefix}Override", {"PartName": f"/{part}", "ContentType": kind}, is_single=True)
            for part, kind in self._content_types.items()
        )
        if written:
            edits += append_children(root, written)
        if edits:
            self.edit(_CONTENT_TYPES, edits)


def _part_name(name: str) -> str:
    return posixpath.normpath(name.replace("\\", "/")).lstrip("/").lower()


def _relationships_part(part: str) -> str:
    folder, _, name = part.rpartition("/")
    return f"{folder}/_rels/{name}.rels".lstrip("/")


class _ZipWriter:
    """Writer of a zip file that can also copy compressed entries of another zip file."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._directory: list[bytes] = []

    def copy(self, entry: zipfile.ZipInfo, source: IO[bytes]) -> None:
        source.seek(entry.header_offset)
        header = _LOCAL.unpack(source.read(_LOCAL.size))
        source.seek(entry.header_offset + _LOCAL.size + header[-2] + header[-1])
        self._start(entry)
        left = entry.compress_size
        while left > 0:
            data = source.read(min(left, _READ))
            if not data:
                raise damaged(Message("its part %(part)s breaks off", part=entry.filename))
            self._out.write(data)
            left -= len(data)

    def add(self, entry: zipfile.ZipInfo, chunks: Iterable[bytes]) -> None:
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.CRC = entry.compress_size = entry.file_size = 0  # written again below
        start = self._out.tell()
        self._start(entry)
        begin = self._out.tell()
        deflater = zlib.compressobj(6, zlib.DEFLATED, -15)
        size = checksum = 0
        for chunk in chunks:
            size += len(chunk)
            checksum = zlib.crc32(chunk, checksum)
            self._out.write(deflater.compress(chunk))
        self._out.write(deflater.flush())
        end = self._out.tell()
        entry.file_size, entry.compress_size, entry.CRC = size, end - begin, checksum
        self._directory.pop()
        self._out.seek(start)
        self._start(entry)
        self._out.seek(end)

    def close(self) -> None:
        start = self._out.tell()
        self._out.write(b"".join(self._directory))
        size, count = self._out.tell() - start, len(self._directory)
        self._out.write(_END.pack(b"PK\x05\x06", 0, 0, count, count, size, start, 0))

    def _start(self, entry: zipfile.ZipInfo) -> None:
        """Write the header of an entry, which goes into the directory, too."""
        flags = entry.flag_bits & _UTF_8_FLAG
        name = entry.orig_filename.encode("utf-8" if flags else "cp437")
        year, month, day, hour, minute, second = entry.date_time
        date, time = (year - 1980) << 9 | month << 5 | day, hour << 11 | minute << 5 | second // 2
        shared = (20, flags, entry.compress_type, time, date, entry.CRC, entry.compress_size, entry.file_size)
        version = entry.create_system << 8 | 20
        offset = self._out.tell()
        self._directory.append(
            _CENTRAL.pack(b"PK\x01\x02", version, *shared, len(name), 0, 0, 0, 0, entry.external_attr, offset) + name
        )
        self._out.write(_LOCAL.pack(b"PK\x03\x04", *shared, len(name), 0) + name)
