"""What a step of a benchmark takes, and its row in the printed table."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

HEAD = (
    "| element types | what | seconds | ratio | rows/s | CPU s, Python + PostgreSQL | peak MiB |\n"
    "|---:|---|---:|---|---:|---:|---:|"
)


@dataclass(frozen=True, slots=True)
class Measured:
    """Medians of a step: seconds, CPU seconds of Python and of PostgreSQL; and its largest peak memory in MiB.

    `count` is the number of pieces or labels that the step handles; 0 if it handles the element types of the workbook.
    """

    seconds: float
    python: float = 0.0
    postgres: float = 0.0
    mebibytes: float = 0.0
    count: int = 0

    def times(self, other: Measured) -> str:
        """Return how many times as long as another step this one takes, as a text like `1.25 ×`."""
        return f"{self.seconds / other.seconds:.2f} ×"


def median(runs: list[Measured]) -> Measured:
    """Return the medians of some runs of a step, and their largest peak memory."""
    return Measured(
        statistics.median(run.seconds for run in runs),
        statistics.median(run.python for run in runs),
        statistics.median(run.postgres for run in runs),
        max(run.mebibytes for run in runs),
        runs[0].count,
    )


def print_row(size: int, what: str, measured: Measured, ratio: str, *, has_rate: bool = True) -> None:
    """Print a row of the table whose head is `HEAD`; `size` is the number of element types in the workbook.

    Without `has_rate` its rows per second remain blank, because the step is only a part of something.
    """
    rate = f"{(measured.count or size) / measured.seconds:,.0f}".replace(",", " ") if has_rate else ""
    peak = f"{measured.mebibytes:.0f}" if measured.mebibytes else ""
    used = f"{measured.python:.2f} + {measured.postgres:.2f}" if measured.python else ""
    print(f"| {size} | {what} | {measured.seconds:.2f} | {ratio} | {rate} | {used} | {peak} |", flush=True)
