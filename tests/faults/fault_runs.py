"""How often and when faults are caused, the file that is imported meanwhile, and the log of the runs."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path
from typing import Any

import xlsxwriter

from precast_app.models import ImportJob
from tests.conftest import ROOT

RUNS = int(os.environ.get("FAULT_RUNS", "10"))
SEED = int(os.environ.get("FAULT_SEED", "1"))
# Recovery takes the lease (3 s here, 30 s by default), two sweeps of the reaper, and the import itself.
BOUND_SECONDS = 60
LOG = ROOT / "var" / "log" / "faults.log"
# The height of a revision's element types.
REVISED = 200
BASE = "Element Type,Element Type Name,Height,Length,Thickness,Mass,Volume,Area,Width,Element Type Version"


def workbook(path: Path, rows: int, height: int, seed: int) -> Path:
    """Return a file whose rows create and change element types, leave them unchanged or are rejected.

    A file with the height of a revision lacks some element types and renames others.
    """
    chance = random.Random(seed)
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Element Types")
        nodes = [f"Tower_A.Floor_{number}" for number in range(1, 7)]
        sheet.write_row(0, 0, [*BASE.split(","), "Assembly", *nodes, "Casting"])
        for number in range(1, rows + 1):
            name = f"N-{number:05}"
            is_renamed = height == REVISED and number % 20 == 8
            kept = number % 4 == 0
            amounts = [2] * 6 if kept else [chance.randrange(4) for _ in nodes]
            high: Any = "tall" if height == REVISED and number % 50 == 7 else 100 if kept else height
            drawing = f"{name}-{100 if kept else height}.dwg"
            if height == REVISED and number % 20 == 13:
                continue
            shown = f"{name}A" if is_renamed else name
            sheet.write_row(number, 0, [f"TYPE {number % 7}", shown, high, *[None] * 7, drawing, *amounts, "yes"])
    return path


def has_ended(job: ImportJob) -> bool:
    return job.status in ("completed", "failed")


def write_log(line: str) -> None:
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with LOG.open("a") as log:
        log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}\n")
