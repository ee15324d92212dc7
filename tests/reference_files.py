"""Files of reference data, made from the declarations of their kinds."""

from __future__ import annotations

import csv
from pathlib import Path

from precast_app.importing.reference_schema import ReferenceSpec


def write_example(spec: ReferenceSpec, folder: Path) -> Path:
    """Write a CSV file with the kind's example as its only row, and return its path."""
    path = folder / f"{spec.api_items}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([column.heading for column in spec.columns])
        writer.writerow([spec.example.get(column.attribute, "") for column in spec.columns])
    return path
