"""Shared strings of a workbook.

They are first searched as bytes, which takes a fraction of an XML parser's time. XML in an unusual form (prefixes,
comments, UTF-16) is parsed.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Set
from itertools import islice

from precast_app.spreadsheets.errors import cell_too_long, damaged, too_many_texts, too_much_text
from precast_app.spreadsheets.sheet import Limits
from precast_app.spreadsheets.xlsx.sheet_xml import (
    Attributes,
    decode_escapes,
    decode_xml_text,
    doctype_error,
    local_name,
    parse_chunk,
    xml_parser,
)
from precast_app.spreadsheets.zip_package import ZipPackage

_ITEM_END = b"</si>"
# A text that starts like this, before any entity, escape (`_x000D_`) or non-ASCII character, is not blank.
_SURELY_CONTENT = re.compile(rb"<t(?:\s[^<>]*)?>\s*[!-%'-;=-^`-~]")
_RUN = re.compile(rb"<t(?:\s[^<>]*)?>([^<]*)</t>")
_OTHER_ENCODING = re.compile(rb"""\A<\?xml[^>]*encoding\s*=\s*["'](?!utf-8["'])""", re.IGNORECASE)
_PREAMBLE = 64 * 1024


class UnusualXml(Exception):
    """XML that must be parsed, because it is not in the form that the usual programs write."""


class SharedStrings:
    """Sizes of the shared strings, without the strings themselves.

    sizes   the size of each string, in bytes of XML or in characters, which is accurate enough
    blank   the indices of strings that are empty or white space
    """

    def __init__(self, package: ZipPackage, part: str | None, limits: Limits) -> None:
        """Read all strings of a part once, none if it is None. Raise `UnreadableFile` if it is damaged or too large."""
        self._package = package
        self._part = part or ""
        self._limits = limits
        self._usual = True
        self.sizes = array("I")
        self.blank: set[int] = set()
        if part is None:
            return
        try:
            self._measure_bytes()
        except UnusualXml:
            self._usual = False
            self.sizes = array("I")
            self.blank = set()
            for index, text in enumerate(self._parsed()):
                if index >= limits.shared_texts:
                    raise too_many_texts(limits) from None
                self.sizes.append(len(text))
                if not text.strip():
                    self.blank.add(index)
        if sum(self.sizes) > limits.text_bytes:
            raise too_much_text()

    def texts(self, wanted: Set[int]) -> dict[int, str]:
        """Return the strings with these indices; reads no further than the last one.

        Raise `UnreadableFile` if there is no string with one of the indices.
        """
        if not wanted:
            return {}
        last = max(wanted)
        if last >= len(self.sizes):
            raise damaged("a cell refers to a text that is not in the workbook")
        if self._usual:
            try:
                return {
                    index: _text(item, self._limits)
                    for index, item in enumerate(islice(self._items(), last + 1))
                    if index in wanted
                }
            except UnusualXml:
                pass  # an item that only the parser can extract
        texts = islice(self._parsed(), last + 1)
        found = {index: text for index, text in enumerate(texts) if index in wanted}
        if len(found) != len(wanted):
            raise damaged("a cell refers to a text that is not in the workbook")
        return found

    def all_texts(self) -> list[str]:
        """Return all strings by index."""
        if not self._part:
            return []
        if self._usual:
            try:
                return [_quick_text(item, self._limits) for item in self._items()]
            except UnusualXml:
                pass  # an item that only the parser can extract
        return list(self._parsed())

    def _measure_bytes(self) -> None:
        limit = self._limits.cell_characters
        sizes, surely_content = self.sizes, _SURELY_CONTENT.search
        for index, item in enumerate(self._items()):
            sizes.append(len(item))
            if len(item) > limit:
                _text(item, self._limits)
            if not surely_content(item) and _is_blank(item, self._limits):
                self.blank.add(index)

    def _items(self) -> Iterator[bytes]:
        """Yield the XML of each string without its closing tag. Raise `UnusualXml` if it must be parsed."""
        pending = b""
        first = True
        count = 0
        for chunk in self._package.chunks(self._part):
            buffer = pending + chunk
            if first:
                if len(buffer) < 256 and b"<si" not in buffer:
                    pending = buffer
                    continue
                if b"<!DOCTYPE" in buffer[:_PREAMBLE]:
                    raise doctype_error()
                if b"<sst" not in buffer[:_PREAMBLE] or _OTHER_ENCODING.match(buffer):
                    raise UnusualXml
                first = False
            if b"<!" in buffer or b"<si/>" in buffer or b"<si />" in buffer:
                raise UnusualXml
            items = buffer.split(_ITEM_END)
            pending = items.pop()
            count += len(items)
            if count > self._limits.shared_texts:
                raise too_many_texts(self._limits)
            if len(pending) > 64 * self._limits.cell_characters:
                raise cell_too_long(0, 0, self._limits)
            yield from items
        if first and pending:
            raise UnusualXml
        if b"<si" in pending:
            raise damaged("its list of texts breaks off")

    def _parsed(self) -> Iterator[str]:
        parser = _TextParser(self._limits)
        for chunk in self._package.chunks(self._part):
            yield from parser.feed(chunk)
        yield from parser.feed(b"", last=True)


def _text(item: bytes, limits: Limits) -> str:
    """Return the text of one item of XML, which may start with leftovers of the document before it."""
    start = item.find(b"<si")
    if start < 0:
        raise UnusualXml
    texts = _TextParser(limits).feed(item[start:] + _ITEM_END, last=True)
    return texts[0] if texts else ""


def _quick_text(item: bytes, limits: Limits) -> str:
    if b"<rPh" in item:
        return _text(item, limits)
    return decode_escapes(decode_xml_text(b"".join(_RUN.findall(item))))


def _is_blank(item: bytes, limits: Limits) -> bool:
    # Mostly without a parser, because a file may have very many such items.
    return not _quick_text(item, limits).strip()


class _TextParser:
    """Parser that joins the runs of each string and skips phonetic text (`rPh`)."""

    def __init__(self, limits: Limits) -> None:
        self._limit = limits.cell_characters
        self._limits = limits
        self._found: list[str] = []
        self._runs: list[str] = []
        self._length = 0
        self._inside = False
        self._phonetic = 0
        self._parser = xml_parser(self._start, self._end, self._data)

    def feed(self, chunk: bytes, last: bool = False) -> list[str]:
        """Parse a chunk of the document and return the strings that end in it."""
        parse_chunk(self._parser, chunk, last)
        found, self._found = self._found, []
        return found

    def _start(self, tag: str, attributes: Attributes) -> None:
        name = local_name(tag)
        if name == "si":
            self._runs, self._length, self._phonetic = [], 0, 0
        elif name == "rPh":
            self._phonetic += 1
        elif name == "t":
            self._inside = not self._phonetic

    def _data(self, data: str) -> None:
        if self._inside:
            self._length += len(data)
            if self._length > self._limit:
                raise cell_too_long(0, 0, self._limits)
            self._runs.append(data)

    def _end(self, tag: str) -> None:
        name = local_name(tag)
        if name == "t":
            self._inside = False
        elif name == "rPh":
            self._phonetic = max(0, self._phonetic - 1)
        elif name == "si":
            self._found.append(decode_escapes("".join(self._runs)))
