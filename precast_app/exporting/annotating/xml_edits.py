"""Edits of XML by byte offsets: what is not edited stays byte for byte as it was.

A document is parsed to find the offsets of its tags, and written again with some of its bytes replaced. All inserted
XML is ASCII, so it fits any encoding of the document except UTF-16, which is converted to UTF-8 first.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import attrgetter

from precast_app.spreadsheets.xlsx.sheet_xml import Attributes, local_name, parse_chunk, xml_parser

# Bytes that are parsed at once. The parser copies the rest of them each time it is asked for a tag.
_PIECE = 16 * 1024
_UTF_16_STARTS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, b"<\0", b"\0<")


@dataclass(frozen=True, slots=True)
class Edit:
    """Replacement of the bytes from `start` up to `end` of a document; nothing is removed if both are equal."""

    start: int
    end: int
    text: bytes


@dataclass(slots=True)
class Element:
    """Element of a document with its byte offsets.

    start, end             of the whole element
    content, content_end   of what is between its tags; both are `end` for an element that is a single tag
    depth                  1 for the root
    parent                 the local name of the parent, '' for the root
    """

    tag: str
    attributes: Attributes
    start: int
    content: int
    depth: int
    parent: str
    is_single_tag: bool
    content_end: int = field(default=0)
    end: int = field(default=0)

    @property
    def name(self) -> str:
        """Return the local name."""
        return local_name(self.tag)

    @property
    def prefix(self) -> str:
        """Return the prefix with its colon, or ''."""
        return prefix_of(self.tag)


class TagScanner:
    """Parser that calls back for each tag and knows the tag's offset and bytes."""

    def __init__(self, start: Callable[[str, Attributes], None], end: Callable[[str], None]) -> None:
        self._parser = xml_parser(start, end)

    def run(self, chunks: Iterable[bytes]) -> None:
        """Parse a document in UTF-8 or an 8-bit encoding. Raise `UnreadableFile` if it is damaged."""
        for chunk in chunks:
            for position in range(0, len(chunk), _PIECE):
                parse_chunk(self._parser, chunk[position : position + _PIECE])
        parse_chunk(self._parser, b"", last=True)

    @property
    def offset(self) -> int:
        """Return the offset of the current tag; at the end of a single tag (`<a/>`), the offset after it."""
        return self._parser.CurrentByteIndex

    def tag_bytes(self) -> bytes:
        """Return the current tag; call it only while the start or the end of a tag that is not single is handled."""
        context = self._parser.GetInputContext() or b""
        return context[: tag_end(context, 0)]


def elements(document: bytes) -> Iterator[Element]:
    """Yield every element of a document after its children. Raise `UnreadableFile` if the document is damaged."""
    opened: list[Element] = []
    closed: list[Element] = []

    def start(tag: str, attributes: Attributes) -> None:
        offset = scanner.offset
        after = tag_end(document, offset)
        parent = opened[-1].name if opened else ""
        is_single = document[after - 2 : after] == b"/>"
        opened.append(Element(tag, attributes, offset, after, len(opened) + 1, parent, is_single))

    def end(tag: str) -> None:
        element = opened.pop()
        element.content_end = element.content if element.is_single_tag else scanner.offset
        element.end = element.content if element.is_single_tag else tag_end(document, scanner.offset)
        closed.append(element)

    scanner = TagScanner(start, end)
    parser = scanner._parser
    for position in range(0, len(document), _PIECE):
        parse_chunk(parser, document[position : position + _PIECE])
        yield from closed
        closed.clear()
    parse_chunk(parser, b"", last=True)
    yield from closed


def append_children(element: Element, children: bytes, attributes: Mapping[str, str] | None = None) -> list[Edit]:
    """Return the edits that append children to an element and set attributes of it."""
    start = start_tag(element.tag, {**element.attributes, **(attributes or {})})
    if element.is_single_tag:
        return [Edit(element.start, element.end, start + children + f"</{element.tag}>".encode())]
    edits = [Edit(element.start, element.content, start)] if attributes else []
    return [*edits, Edit(element.content_end, element.content_end, children)]


def start_tag(tag: str, attributes: Mapping[str, str], *, is_single: bool = False) -> bytes:
    """Return a tag with these attributes, in ASCII."""
    written = "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())
    return f"<{tag}{written}{'/' * is_single}>".encode("ascii", "xmlcharrefreplace")


def escape(text: str) -> str:
    """Return text for XML, also in an attribute; characters that are not ASCII become character references."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    for space in "\t\n\r":
        text = text.replace(space, f"&#{ord(space)};")
    return text.encode("ascii", "xmlcharrefreplace").decode()


def prefix_of(tag: str) -> str:
    """Return the prefix of a tag's name with its colon, or ''."""
    prefix, colon, _ = tag.rpartition(":")
    return prefix + colon


def tag_end(document: bytes, position: int) -> int:
    """Return the offset after the tag that starts at `position`. A `>` may also be part of an attribute's value."""
    while True:
        closing = document.find(b">", position)
        if closing < 0:
            return len(document)
        quotes = [each for sign in (b'"', b"'") if (each := document.find(sign, position, closing)) >= 0]
        if not quotes:
            return closing + 1
        opening = min(quotes)
        position = document.find(document[opening : opening + 1], opening + 1) + 1
        if not position:
            return len(document)


def apply_edits(chunks: Iterable[bytes], edits: Iterable[Edit]) -> Iterator[bytes]:
    """Yield a document with edits that don't overlap; insertions at the same offset keep their order.

    An insertion at the start of a replaced range comes before the replacement.
    """
    waiting = iter(sorted(edits, key=attrgetter("start", "end")))
    edit = next(waiting, None)
    position = kept_from = 0
    for chunk in chunks:
        after = position + len(chunk)
        while edit is not None and edit.start < after:
            if edit.start > kept_from:
                yield chunk[max(kept_from - position, 0) : edit.start - position]
            yield edit.text
            kept_from = edit.end
            edit = next(waiting, None)
        if kept_from < after:
            yield chunk[max(kept_from - position, 0) :]
        position = after


def as_utf_8(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield a document, converted to UTF-8 if it is UTF-16."""
    first = next(chunks, b"")
    if not first.startswith(_UTF_16_STARTS):
        yield first
        yield from chunks
        return
    has_mark = first.startswith(_UTF_16_STARTS[:2])
    encoding = "utf-16" if has_mark else "utf-16-le" if first[:1] == b"<" else "utf-16-be"
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    text = decoder.decode(first)
    if text.startswith("<?xml"):
        text = text[text.find("?>") + 2 :]
    yield text.encode()
    for chunk in chunks:
        yield decoder.decode(chunk).encode()
