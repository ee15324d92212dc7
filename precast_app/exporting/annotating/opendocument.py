"""Annotates an OpenDocument spreadsheet."""

from __future__ import annotations

import io
from typing import IO

from odfdo import Annotation, Cell, Document, Style

from precast_app.exporting import safe_text
from precast_app.exporting.annotating.marks import AUTHOR, Marks
from precast_app.spreadsheets import Package

FORMATS = ("ods",)
# odfdo holds the document in memory (measured: 630 MiB for 660 kB, which were 430 000 cells).
MOST_BYTES = 250_000
# Its parts are read whole, by lxml, which takes some 250 bytes for a tag.
_MOST_TAGS = 1_000_000


def fits(package: Package) -> bool:
    """Return whether odfdo can be expected to take the document, by what there is to parse in all of its parts."""
    tags = 0
    for part in package.parts:
        if part.endswith((".xml", ".rdf")):
            for chunk in package.chunks(part):
                tags += chunk.count(b"<")
                if tags > _MOST_TAGS:
                    return False
    return True


def write(upload: io.BytesIO, marks: Marks) -> tuple[IO[bytes], str]:
    """The annotated document and its kind (ods). Formats and formulas are kept.

    Raises what odfdo raises for a document that it does not take.
    """
    document = Document(upload)
    colouring = _Colouring(document)
    for table in document.body.tables:
        for mark in marks.of(table.name or ""):
            place = mark.column - 1, mark.row - 1
            cell = table.get_cell(place)
            cell.style = colouring.style(cell.style or table.get_column(place[0]).get_default_cell_style(), mark.colour)
            _comment(cell, mark.text)
            table.set_cell(place, cell)
    out = io.BytesIO()
    document.save(out)
    out.seek(0)
    return out, "ods"


def _comment(cell: Cell, text: str) -> None:
    for old in cell.get_annotations():
        text = f"{old.note_body}\n{text}"
        old.delete()
    cell.insert(Annotation(safe_text.note(text), creator=AUTHOR), position=0)


class _Colouring:
    """Makes, of each style that is met, one like it with a colour behind it."""

    def __init__(self, document: Document) -> None:
        """For the cells of a document."""
        self._document = document
        self._made: dict[tuple[str | None, str], str] = {}

    def style(self, name: str | None, colour: str) -> str:
        """The name of the style; `name` is that of the cell's own, if it has one."""
        key = name, colour
        if key not in self._made:
            own = self._document.get_style("table-cell", name) if name else None
            coloured = own.clone if isinstance(own, Style) else Style("table-cell", parent_style="Default")
            coloured.name = f"import-{len(self._made) + 1}"
            coloured.set_properties({"fo:background-color": f"#{colour}"})
            self._document.insert_style(coloured, automatic=True)
            self._made[key] = coloured.name
        return self._made[key]
