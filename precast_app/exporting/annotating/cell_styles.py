"""Copies of a workbook's cell formats with a background colour."""

from __future__ import annotations

from precast_app.exporting.annotating.package_copy import PackageCopy, Relationship
from precast_app.exporting.annotating.xml_edits import Edit, Element, append_children, elements, start_tag

_CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"
# The order that the standard prescribes; those before `cellXfs` are the ones that a cell format refers to.
_ORDER = ("numFmts", "fonts", "fills", "borders", "cellStyleXfs", "cellXfs")
_NONE, _GREY = (
    '<{0}fill><{0}patternFill patternType="none"/></{0}fill>',
    ('<{0}fill><{0}patternFill patternType="gray125"/></{0}fill>'),
)
_SOLID = (
    '<{0}fill><{0}patternFill patternType="solid"><{0}fgColor rgb="FF{1}"/><{0}bgColor rgb="FF{1}"/>'
    "</{0}patternFill></{0}fill>"
)
# What Excel expects even if the workbook does without it.
_DEFAULTS = {
    "fonts": '<{0}fonts count="1"><{0}font><{0}sz val="11"/><{0}name val="Calibri"/></{0}font></{0}fonts>',
    "borders": '<{0}borders count="1"><{0}border><{0}left/><{0}right/><{0}top/><{0}bottom/><{0}diagonal/></{0}border>'
    "</{0}borders>",
    "cellStyleXfs": '<{0}cellStyleXfs count="1"><{0}xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>'
    "</{0}cellStyleXfs>",
}
_DEFAULT_FORMAT = '<{0}xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'


class CellStyles:
    """Cell formats of a workbook, to which coloured copies are added."""

    def __init__(self, package: PackageCopy, workbook: str, types: str, main: str) -> None:
        """Read the formats; `types` is the start of relationship types, `main` the workbook's namespace."""
        self._package = package
        self._part = package.related(workbook, "styles")
        self._document = b"" if self._part is None else package.read(self._part)
        if self._part is None:
            self._document = start_tag("styleSheet", {"xmlns": main}, is_single=True)
            self._workbook, self._type = workbook, f"{types}styles"
        self._lists: dict[str, Element] = {}
        self._counts = dict.fromkeys(("fills", "cellXfs"), 0)
        for element in elements(self._document):
            if element.depth == 3 and element.parent in self._counts:
                self._counts[element.parent] += 1
            elif element.depth == 2:
                self._lists.setdefault(element.name, element)
            self._root = element
        # Excel reserves the first two fills; the format of cells without one is the first.
        self._first_fill = max(self._counts["fills"], 2)
        self._first_format = max(self._counts["cellXfs"], 1)
        self._colours: list[str] = []
        self._copies: dict[tuple[int, str], int] = {}

    def coloured(self, own: int, colour: str) -> int:
        """Return the index of the copy of a format with a background colour (RGB in hexadecimal)."""
        if colour not in self._colours:
            self._colours.append(colour)
        return self._copies.setdefault((own, colour), self._first_format + len(self._copies))

    def save(self) -> None:
        """Add the copies to the package."""
        if not self._copies:
            return
        edits = self._edits()
        if self._part is not None:
            self._package.edit(self._part, edits)
            return
        # Some programs look for the part under this name only.
        part = f"{self._workbook.rpartition('/')[0]}/styles.xml".lstrip("/")
        if part in self._package:
            part = self._package.unused_name(part.replace(".xml", "{}.xml"))
        from_scratch = b"".join(edit.text for edit in edits)
        self._package.add(part, from_scratch, _CONTENT_TYPE)
        self._package.relate(self._workbook, Relationship(self._type, part))

    def _edits(self) -> list[Edit]:
        prefix = self._root.prefix
        fills = "".join(
            [_NONE.format(prefix) * (self._counts["fills"] < 1), _GREY.format(prefix) * (self._counts["fills"] < 2)]
            + [_SOLID.format(prefix, colour) for colour in self._colours]
        ).encode()
        formats = _DEFAULT_FORMAT.format(prefix).encode() * (not self._counts["cellXfs"]) + self._formats()
        counts = {
            "fills": self._first_fill + len(self._colours),
            "cellXfs": self._first_format + len(self._copies),
        }
        edits: list[Edit] = []
        missing: list[tuple[int, bytes]] = []
        anchor = self._root.content
        for name in _ORDER:
            children = {"fills": fills, "cellXfs": formats}.get(name, b"")
            count = {"count": str(counts.get(name, 0))}
            found = self._lists.get(name)
            if found is not None:
                anchor = found.end
                if children:
                    edits += append_children(found, children, count)
            elif children:
                tag = f"{prefix}{name}"
                missing.append((anchor, start_tag(tag, count) + children + f"</{tag}>".encode()))
            elif name in _DEFAULTS:
                missing.append((anchor, _DEFAULTS[name].format(prefix).encode()))
        if self._root.is_single_tag:
            return append_children(self._root, b"".join(text for _, text in missing))
        return edits + [Edit(position, position, text) for position, text in missing]

    def _formats(self) -> bytes:
        """Return the coloured copies in the order of their indices."""
        fill_ids = {colour: str(self._first_fill + number) for number, colour in enumerate(self._colours)}
        wanted = {own for own, _ in self._copies}
        owned: dict[int, Element] = {}
        number = 0
        for element in elements(self._document):
            if element.depth == 3 and element.parent == "cellXfs":
                if number in wanted:
                    owned[number] = element
                number += 1
        copies = []
        for own, colour in self._copies:
            fill = {"fillId": fill_ids[colour], "applyFill": "1"}
            element_or_none = owned.get(own)
            if element_or_none is None:
                plain = {"numFmtId": "0", "fontId": "0", "fillId": "0", "borderId": "0", "xfId": "0"}
                copies.append(start_tag(f"{self._root.prefix}xf", {**plain, **fill}, is_single=True))
                continue
            element = element_or_none
            start = start_tag(element.tag, {**element.attributes, **fill}, is_single=element.is_single_tag)
            copies.append(start + self._document[element.content : element.end])
        return b"".join(copies)
