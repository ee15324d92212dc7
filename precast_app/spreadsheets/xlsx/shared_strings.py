"""The texts that a workbook's cells share.

A text is looked at as bytes first: 100 000 of them take a fraction of what an XML parser needs.
What is unusual (prefixes, comments, UTF-16) is parsed.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Set
from itertools import islice

from precast_app.spreadsheets.errors import cell_too_long, damaged, too_many_texts
from precast_app.spreadsheets.sheet import Limits
from precast_app.spreadsheets.xlsx.sheet_xml import Attributes, doctype, feed, local_name, plain, unescaped, xml_parser
from precast_app.spreadsheets.zip_package import Package

_PART = "xl/sharedStrings.xml"
_ITEM_END = b"</si>"
# Surely more than white space: begins so, before any entity, escape (`_x000D_`) or non-ASCII.
_SURELY_HELD = re.compile(rb"<t(?:\s[^<>]*)?>\s*[!-%'-;=-^`-~]")
_RUN = re.compile(rb"<t(?:\s[^<>]*)?>([^<]*)</t>")
_OTHER_ENCODING = re.compile(rb"""\A<\?xml[^>]*encoding\s*=\s*["'](?!utf-8["'])""", re.IGNORECASE)
_PREAMBLE = 64 * 1024


class UnusualXml(Exception):
    """XML that is to be parsed, since its bytes don't look as those of the usual writers do."""


class SharedStrings:
    """What is known of the shared texts without keeping them.

    sizes   the size of each, in bytes of XML or in characters, which is close enough
    blank   the indices of those that are blank or white space
    """

    def __init__(self, package: Package, limits: Limits) -> None:
        """Read them through once. Raises UnreadableFile."""
        self._package = package
        self._limits = limits
        self._usual = True
        self.sizes = array("I")
        self.blank: set[int] = set()
        if _PART not in package:
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

    def texts(self, wanted: Set[int]) -> dict[int, str]:
        """The texts of these indices. Reads no further than the last of them."""
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
                pass  # an item that only a parser can cut out
        texts = islice(self._parsed(), last + 1)
        found = {index: text for index, text in enumerate(texts) if index in wanted}
        if len(found) != len(wanted):
            raise damaged("a cell refers to a text that is not in the workbook")
        return found

    def _measure_bytes(self) -> None:
        limit = self._limits.cell_characters
        sizes, surely_held = self.sizes, _SURELY_HELD.search
        for index, item in enumerate(self._items()):
            sizes.append(len(item))
            if len(item) > limit:
                _text(item, self._limits)
            if not surely_held(item) and _is_blank(item, self._limits):
                self.blank.add(index)

    def _items(self) -> Iterator[bytes]:
        """The XML of each text without its closing tag. Raises UnusualXml."""
        pending = b""
        first = True
        count = 0
        for chunk in self._package.chunks(_PART):
            buffer = pending + chunk
            if first:
                if len(buffer) < 256 and b"<si" not in buffer:
                    pending = buffer
                    continue
                if b"<!DOCTYPE" in buffer[:_PREAMBLE]:
                    raise doctype()
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
        for chunk in self._package.chunks(_PART):
            yield from parser.feed(chunk)
        yield from parser.feed(b"", last=True)


def _text(item: bytes, limits: Limits) -> str:
    """The text of one item, cut out of the document after the item before it."""
    start = item.find(b"<si")
    if start < 0:
        raise UnusualXml
    texts = _TextParser(limits).feed(item[start:] + _ITEM_END, last=True)
    return texts[0] if texts else ""


def _is_blank(item: bytes, limits: Limits) -> bool:
    if b"<rPh" in item:
        return not _text(item, limits).strip()
    # A list of nothing but such items must not take a parser each.
    return not unescaped(plain(b"".join(_RUN.findall(item)))).strip()


class _TextParser:
    """Joins the runs of each text, and leaves out how it is pronounced (`rPh`)."""

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
        """Take a piece of the document; the texts that ended in it."""
        feed(self._parser, chunk, last)
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
            self._found.append(unescaped("".join(self._runs)))
