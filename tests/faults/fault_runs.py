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
RECOVERY_TIMEOUT_SECONDS = 60
LOG = ROOT / "var" / "log" / "faults.log"
BASE = "Element Type,Element Type Name,Height,Length,Thickness,Mass,Volume,Area,Width,Element Type Version"


def write_workbook(path: Path, rows: int, seed: int, *, is_revision: bool = False) -> Path:
    """Write and return a file whose rows create and change element types, leave them unchanged or are rejected.

    A revision has other heights, lacks some element types and renames others.
    """
    height = 200 if is_revision else 100
    rng = random.Random(seed)
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Element Types")
        nodes = [f"Tower_A.Floor_{number}" for number in range(1, 7)]
        sheet.write_row(0, 0, [*BASE.split(","), "Assembly", *nodes, "Casting"])
        for number in range(1, rows + 1):
            name = f"N-{number:05}"
            is_renamed = is_revision and number % 20 == 8
            is_unchanged = number % 4 == 0
            amounts = [2] * 6 if is_unchanged else [rng.randrange(4) for _ in nodes]
            height_cell: Any = "tall" if is_revision and number % 50 == 7 else 100 if is_unchanged else height
            drawing = f"{name}-{100 if is_unchanged else height}.dwg"
            if is_revision and number % 20 == 13:
                continue
            name_cell = f"{name}A" if is_renamed else name
            cells = [f"TYPE {number % 7}", name_cell, height_cell, *[None] * 7, drawing, *amounts, "yes"]
            sheet.write_row(number, 0, cells)
    return path


def has_ended(job: ImportJob) -> bool:
    return job.status in ("completed", "failed")


def write_log(line: str) -> None:
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with LOG.open("a") as log:
        log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}\n")
