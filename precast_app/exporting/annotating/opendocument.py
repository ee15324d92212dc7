"""Annotation of OpenDocument spreadsheets with odfdo."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from typing import IO, Any, cast

from odfdo import Annotation, Cell, Document, Style

from precast_app.exporting import safe_text
from precast_app.exporting.annotating.cell_contents import Replacement
from precast_app.exporting.annotating.marks import AUTHOR, Marks
from precast_app.spreadsheets import Limits, ZipPackage

# odfdo loads the whole document into memory (measured: 630 MiB for 660 kB with 430 000 cells).
_MAX_BYTES = 250_000
# odfdo parses the parts with lxml, which takes about 250 bytes of memory per tag.
_MAX_TAGS = 1_000_000
# In the names of digital signatures, which don't fit an edited document.
_SIGNATURES = re.compile(r"\AMETA-INF/.{0,200}signatures", re.IGNORECASE)


class DocumentTooLarge(Exception):
    """A document that takes odfdo too much memory."""


def _is_small_enough(upload: IO[bytes]) -> bool:
    """Return whether odfdo can load the document, judging by its size and the number of XML tags in its parts."""
    if upload.seek(0, io.SEEK_END) > _MAX_BYTES:
        return False
    package = ZipPackage(cast(Any, upload), Limits())
    tags = 0
    for part in package.parts:
        if part.endswith((".xml", ".rdf")):
            for chunk in package.chunks(part):
                tags += chunk.count(b"<")
                if tags > _MAX_TAGS:
                    return False
    return True


def write(upload: IO[bytes], marks: Marks, out: IO[bytes]) -> str:
    """Write the annotated document and return its kind (ods). Formats and formulas are kept.

    Raise `DocumentTooLarge` for a large one, and whatever odfdo raises for a document that it can't load.
    """
    document = _load(upload)
    styles = _ColouredStyles(document)
    for table in document.body.tables:
        for mark in marks.in_sheet(table.name or ""):
            column, row = mark.column - 1, mark.row - 1
            cell = table.get_cell((column, row))
            own_style = cell.style or table.get_column(column).get_default_cell_style()
            cell.style = styles.get_or_create(own_style, mark.colour)
            _add_comment(cell, mark.text)
            table.set_cell((column, row), cell)
    return _save(document, out)


def write_corrected(upload: IO[bytes], sheet: str, replacements: Iterable[Replacement], out: IO[bytes]) -> str:
    """Write the document with other contents in cells of a sheet, and return its kind (ods); raise as `write` does."""
    document = _load(upload)
    for table in document.body.tables:
        if (table.name or "") == sheet:
            for each in replacements:
                column, row = each.column - 1, each.row - 1
                style = table.get_cell((column, row)).style
                content = safe_text.cell_text(each.content) if isinstance(each.content, str) else each.content
                table.set_cell((column, row), Cell(None if content == "" else content, style=style))
            break
    return _save(document, out)


def _load(upload: IO[bytes]) -> Document:
    """Return the document without its digital signatures."""
    if not _is_small_enough(upload):
        raise DocumentTooLarge
    upload.seek(0)
    document = Document(io.BytesIO(upload.read()))
    for part in document.get_parts():
        if _SIGNATURES.match(part):
            document.del_part(part)
    return document


def _save(document: Document, out: IO[bytes]) -> str:
    copy = io.BytesIO()
    document.save(copy)
    out.write(copy.getvalue())
    return "ods"


def _add_comment(cell: Cell, text: str) -> None:
    for old in cell.get_annotations():
        text = f"{old.note_body}\n{text}"
        old.delete()
    cell.insert(Annotation(safe_text.comment_text(text), creator=AUTHOR), position=0)


class _ColouredStyles:
    """Copies of a document's cell styles with a background colour."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._names: dict[tuple[str | None, str], str] = {}

    def get_or_create(self, name: str | None, colour: str) -> str:
        """Return the name of the copy of the style `name` (None: the default style) with this background colour."""
        key = name, colour
        if key not in self._names:
            own = self._document.get_style("table-cell", name) if name else None
            coloured = own.clone if isinstance(own, Style) else Style("table-cell", parent_style="Default")
            coloured.name = f"import-{len(self._names) + 1}"
            coloured.set_properties({"fo:background-color": f"#{colour}"})
            self._document.insert_style(coloured, automatic=True)
            self._names[key] = coloured.name
        return self._names[key]
