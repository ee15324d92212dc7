"""Sheets of labels as a PDF file, written page by page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO

from reportlab.lib.units import mm

from precast_app.exporting.labels import drawing
from precast_app.exporting.labels.drawing import DEFAULT_FONT
from precast_app.exporting.labels.formats import LabelFormat
from precast_app.exporting.labels.label import Label
from precast_app.exporting.labels.streamed_pdf import StreamedCanvas


def write(
    file: IO[bytes], labels: Iterable[Label], label_format: LabelFormat, *, first: int = 1, font: str = DEFAULT_FONT
) -> int:
    """Write the labels as a PDF file and return the number of pages; only one page is in memory.

    `first` is the number of the first label of the first sheet to print on, from 1; the ones before it stay blank.
    """
    width, height = (size * mm for size in label_format.page)
    canvas = StreamedCanvas(file, (width, height))
    canvas.setTitle("Labels")
    fonts = drawing.load_fonts(font)
    position, pages = first - 1, 0
    for label in labels:
        left, top = label_format.corner(position)
        label_width, label_height = label_format.width * mm, label_format.height * mm
        box = (left * mm, height - top * mm - label_height, label_width, label_height)
        drawing.draw_label(canvas, label, fonts, box)
        position += 1
        if position == label_format.per_page:
            canvas.showPage()
            position, pages = 0, pages + 1
    if position or not pages:
        canvas.showPage()
        pages += 1
    canvas.save()
    return pages
