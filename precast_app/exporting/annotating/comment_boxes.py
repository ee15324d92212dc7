"""Boxes of comments: a drawing in VML, without which Excel shows no comment."""

from __future__ import annotations

import re
from collections.abc import Sequence

from precast_app.exporting.annotating.marks import Mark
from precast_app.exporting.annotating.package_copy import PackageCopy
from precast_app.exporting.annotating.xml_edits import append_children, elements, escape

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.vmlDrawing"
_NAMESPACES = {
    "xmlns:v": "urn:schemas-microsoft-com:vml",
    "xmlns:o": "urn:schemas-microsoft-com:office:office",
    "xmlns:x": "urn:schemas-microsoft-com:office:excel",
}
_BOX_TYPE = "_x0000_t202"
_SHAPE_ID = re.compile(rb"_x0000_s([0-9]{1,9})(?![0-9])")
# Excel reserves 1024 ids for each number in `idmap`.
_IDS_PER_NUMBER = 1024
_LAST_COLUMN, _LAST_ROW = 16_383, 1_048_575
# Size of a box in columns and rows of the usual size, about 360 by 120 pixels.
_COLUMNS, _ROWS = 6, 6


def new_boxes(marks: Sequence[Mark]) -> bytes:
    """Return a new part with a box for each mark."""
    numbers = ",".join(str(number) for number in range(1, len(marks) // _IDS_PER_NUMBER + 2))
    opening = "<xml" + "".join(f' {name}="{value}"' for name, value in _NAMESPACES.items()) + ">"
    layout = f'<o:shapelayout v:ext="edit"><o:idmap v:ext="edit" data="{numbers}"/></o:shapelayout>'
    return (opening + layout + _box_type("") + _boxes(marks, _IDS_PER_NUMBER + 1, "") + "</xml>").encode()


def add_boxes(package: PackageCopy, part: str, marks: Sequence[Mark]) -> None:
    """Add a box for each mark to a part. Raise `UnreadableFile` if it is not well-formed."""
    document = package.read(part)
    has_type = False
    for element in elements(document):
        has_type = has_type or (element.name == "shapetype" and element.attributes.get("id") == _BOX_TYPE)
        root = element
    is_usual = all(root.attributes.get(name) == value for name, value in _NAMESPACES.items())
    declared = "" if is_usual else "".join(f' {name}="{value}"' for name, value in _NAMESPACES.items())
    first = max((int(number) for number in _SHAPE_ID.findall(document)), default=_IDS_PER_NUMBER) + 1
    added = ("" if has_type else _box_type(declared)) + _boxes(marks, first, declared)
    package.edit(part, append_children(root, added.encode()))


def _box_type(declared: str) -> str:
    return (
        f'<v:shapetype{declared} id="{_BOX_TYPE}" coordsize="21600,21600" o:spt="202" path="m,l,21600r21600,l21600,xe">'
        '<v:stroke joinstyle="miter"/><v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>'
    )


def _boxes(marks: Sequence[Mark], first: int, declared: str) -> str:
    return "".join(_box(mark, number, declared) for number, mark in enumerate(marks, first))


def _box(mark: Mark, number: int, declared: str) -> str:
    row, column = mark.row - 1, mark.column - 1
    left = max(min(column + 1, _LAST_COLUMN - _COLUMNS), 0)
    top = max(min(row - 1, _LAST_ROW - _ROWS), 0)
    anchor = f"{left}, 15, {top}, 10, {left + _COLUMNS}, 0, {top + _ROWS}, 10"
    style = "position:absolute;width:270pt;height:90pt;z-index:1;visibility:hidden"
    return (
        f'<v:shape{declared} id="_x0000_s{number}" type="#{_BOX_TYPE}" style="{style}" fillcolor="#ffffe1" '
        'o:insetmode="auto"><v:fill color2="#ffffe1"/><v:shadow on="t" color="black" obscured="t"/>'
        '<v:path o:connecttype="none"/><v:textbox style="mso-direction-alt:auto"><div style="text-align:left"/>'
        '</v:textbox><x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/>'
        f"<x:Anchor>{escape(anchor)}</x:Anchor><x:AutoFill>False</x:AutoFill>"
        f"<x:Row>{row}</x:Row><x:Column>{column}</x:Column></x:ClientData></v:shape>"
    )
