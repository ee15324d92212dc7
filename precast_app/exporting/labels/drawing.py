"""The drawing of one label: QR code, code in large letters, and lines of text below it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import segno
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

from precast_app.exporting.labels.label import Label

# The fonts that ReportLab brings along, for Latin letters.
DEFAULT_FONT = "Vera.ttf"
_BOLD_OF_DEFAULT = "VeraBd.ttf"
_PADDING = 4 * mm
_GAP = 3 * mm
# Modules of white around a QR code, as its standard asks for.
_QUIET_ZONE = 4
# Any of the eight masks can be read. To choose the best one takes four times as long as all the rest.
_MASK = 2
_MAX_CODE, _MAX_TEXT, _SMALLEST = 40.0, 14.0, 5.0
_LINE = 1.25


@dataclass(frozen=True, slots=True)
class Fonts:
    """The names of the registered fonts of a label."""

    bold: str
    text: str


def load_fonts(path: str = DEFAULT_FONT) -> Fonts:
    """Register a TrueType font for labels and return its names; raise `reportlab`'s `TTFError` if it is none.

    A font other than the default one has no bold letters of its own.
    """
    bold_path = _BOLD_OF_DEFAULT if path == DEFAULT_FONT else path
    fonts = Fonts(bold=f"LabelBold-{bold_path}", text=f"LabelText-{path}")
    for name, file in ((fonts.bold, bold_path), (fonts.text, path)):
        pdfmetrics.registerFont(TTFont(name, file))
    return fonts


def draw_label(canvas: Any, label: Label, fonts: Fonts, box: tuple[float, float, float, float]) -> None:
    """Draw a label into the box: x and y of its lower left corner, width and height, in points."""
    x, y, width, height = box
    inner_width, inner_height = width - 2 * _PADDING, height - 2 * _PADDING
    left, top = x + _PADDING, y + height - _PADDING
    if height > width:
        side = min(inner_width, 0.55 * inner_height)
        _draw_qr_code(canvas, label.address, left + (inner_width - side) / 2, top - side, side)
        _draw_text(canvas, label, fonts, (left, y + _PADDING, inner_width, inner_height - side - _GAP))
    else:
        side = min(inner_height, 0.45 * inner_width)
        _draw_qr_code(canvas, label.address, left, top - (inner_height + side) / 2, side)
        text_width = inner_width - side - _GAP
        _draw_text(canvas, label, fonts, (left + side + _GAP, y + _PADDING, text_width, inner_height))


def printable(text: str, font: str) -> str:
    """Return the text with characters that the font lacks replaced: `ą` by `a`, others by `?`."""
    glyphs = pdfmetrics.getFont(font).face.charToGlyph
    return "".join(_replaced(character, glyphs) for character in text)


def _replaced(character: str, glyphs: dict[int, int]) -> str:
    if ord(character) in glyphs:
        return character
    base = unicodedata.normalize("NFKD", character)[0]
    return base if ord(base) in glyphs else "?"


def _draw_qr_code(canvas: Any, address: str, x: float, y: float, side: float) -> None:
    code = segno.make(address, error="m", micro=False, boost_error=False, mask=_MASK, mode="byte", encoding="utf-8")
    rows = code.matrix
    module = side / (len(rows) + 2 * _QUIET_ZONE)
    canvas.saveState()
    canvas.translate(x + _QUIET_ZONE * module, y + (len(rows) + _QUIET_ZONE - 1) * module)
    canvas.scale(module, module)
    path = canvas.beginPath()
    for number, row in enumerate(rows):
        for start, length in _dark_runs(row):
            path.rect(start, -number, length, 1)
    canvas.drawPath(path, stroke=0, fill=1)
    canvas.restoreState()


def _dark_runs(row: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield start and length of each run of dark modules."""
    start = None
    for index, is_dark in enumerate([*row, 0]):
        if is_dark and start is None:
            start = index
        elif not is_dark and start is not None:
            yield start, index - start
            start = None


def _draw_text(canvas: Any, label: Label, fonts: Fonts, box: tuple[float, float, float, float]) -> None:
    x, y, width, height = box
    code_lines, code_size = _fitted_code(printable(label.code, fonts.bold), fonts.bold, width, 0.5 * height)
    baseline = y + height
    for line in code_lines:
        baseline -= code_size * _LINE
        canvas.setFont(fonts.bold, code_size)
        canvas.drawString(x, baseline + 0.2 * code_size, line)
    baseline -= 0.3 * code_size
    left = baseline - y
    most = min(_MAX_TEXT, code_size, left / (_LINE * max(len(label.lines), 1)))
    for line in label.lines:
        text = printable(line, fonts.text)
        size = max(min(most, _size_for_width(text, fonts.text, width)), min(_SMALLEST, most))
        baseline -= most * _LINE
        canvas.setFont(fonts.text, size)
        canvas.drawString(x, baseline + 0.25 * most, _shortened(text, fonts.text, size, width))


def _fitted_code(code: str, font: str, width: float, height: float) -> tuple[list[str], float]:
    """Return the code, divided behind slashes where that allows larger letters, and the size of the letters."""
    parts = code.split("/")
    choices = [[code]]
    if len(parts) > 1:
        pieces = [*(f"{part}/" for part in parts[:-1]), parts[-1]]
        choices += [["".join(pieces[:-1]), pieces[-1]], pieces]

    def size(lines: list[str]) -> float:
        widest = min(_size_for_width(line, font, width) for line in lines)
        return min(widest, height / (_LINE * len(lines)), _MAX_CODE)

    best = max(choices, key=size)
    return best, size(best)


def _size_for_width(text: str, font: str, width: float) -> float:
    return float(width / max(pdfmetrics.stringWidth(text, font, 1), 0.01))


def _shortened(text: str, font: str, size: float, width: float) -> str:
    if pdfmetrics.stringWidth(text, font, size) <= width:
        return text
    while text and pdfmetrics.stringWidth(f"{text}…", font, size) > width:
        text = text[:-1]
    return f"{text}…"
