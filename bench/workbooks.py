"""Workbooks for the benchmarks: 54 columns of random values with a fixed seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xlsxwriter

from precast_app.importing.schema import BASE_COLUMNS

BASE = [
    "Element Type",
    "Element Type Name",
    "Height",
    "Length",
    "Thickness",
    "Mass",
    "Volume",
    "Area",
    "Width",
    "Element Type Version",
]
DRAWINGS = ["Assembly", "Reinforcement Drawing", "Shuttering"]
NODES = [f"Tower_{tower}.Floor_{floor}" for tower in "ABCD" for floor in range(1, 7)]
STAGES = [f"Stage {number}" for number in range(1, 9)]
PRODUCTS = [f"Steel_{size}MM" for size in range(6, 15)]
HEADINGS = [*BASE, *DRAWINGS, *NODES, *STAGES, *PRODUCTS]
KINDS = ["WALL", "BEAM", "SLAB", "STAIR", "COLUMN", "PARAPET"]
EQUAL_MISTAKE = "—"
_MAX_EQUAL, _SINGLE = 400, 5
_LENGTH, _THICKNESS = BASE.index("Length"), BASE.index("Thickness")


@dataclass(frozen=True, slots=True)
class Mistakes:
    """Mistakes of a workbook: so many equal ones in the first thicknesses, and the rows with another one in a length.

    Rows are those of the sheet, from 1.
    """

    equal: int = 0
    single_rows: tuple[int, ...] = ()

    @classmethod
    def of(cls, rows: int) -> Mistakes:
        """Return 400 equal mistakes, or one in half of fewer than 800 rows, and five single ones in the last rows."""
        return cls(min(_MAX_EQUAL, rows // 2), tuple(range(rows - _SINGLE + 2, rows + 2)))

    @property
    def single(self) -> int:
        """The number of the single mistakes."""
        return len(self.single_rows)


_NO_MISTAKES = Mistakes()


def make(path: Path, rows: int, mistakes: Mistakes = _NO_MISTAKES) -> Path:
    """Write a workbook of `rows` element types if it does not exist; 60 % of the nodes get 1 to 3 pieces each."""
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = random.Random(rows)
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet("Element Types")
        sheet.write_row(0, 0, HEADINGS)
        for number in range(1, rows + 1):
            cells = _row(number, rng)
            if number <= mistakes.equal:
                cells[_THICKNESS] = EQUAL_MISTAKE
            if number + 1 in mistakes.single_rows:
                cells[_LENGTH] = f"{number} cm"
            sheet.write_row(number, 0, cells)
    return path


def profile() -> dict[str, Any]:
    """Return an import profile that maps each column to what its heading means anyway, with units and replacements."""
    groups = {"drawing_type": DRAWINGS, "node": NODES, "stage": STAGES, "product": PRODUCTS}
    base = [
        {"heading": column.heading, "target": column.field, "unit": "mm" if column.unit == "mm" else None}
        for column in BASE_COLUMNS
    ]
    items = [{"heading": name, "target": {kind: name}} for kind, names in groups.items() for name in names]
    return {
        "name": "Bench",
        "sheet": "Element Types",
        "columns": [*base, *items],
        "values": {"stage": {"ja": "yes"}, "element_type": {"Wand": "WALL"}},
        "totals_words": ["Summe"],
        "decimal": ".",
    }


def _row(number: int, rng: random.Random) -> list[object]:
    height, length, thickness = rng.randrange(200, 4000), rng.randrange(500, 9000), rng.choice([100, 120, 200])
    volume = round(height * length * thickness / 1e9, 4)
    name = f"W-{number:06}"
    return [
        rng.choice(KINDS), name, height, length, thickness, round(volume * 2500, 2), volume,
        round(height * length / 1e6, 3), thickness, "VR-1",
        *(f"{name}-{kind[:2].upper()}.dwg" for kind in DRAWINGS),
        *(rng.randint(1, 3) if rng.random() < 0.6 else None for _ in NODES),
        *("yes" for _ in STAGES),
        *(round(rng.uniform(1, 300), 3) for _ in PRODUCTS),
    ]  # fmt: skip
