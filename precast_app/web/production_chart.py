"""The chart of an overview: pieces produced by week or day, in sum, beside the planned sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

WIDTH, HEIGHT = 1000, 200
_MAX_LABELS = 6


@dataclass(frozen=True, slots=True)
class Bar:
    """The pieces of a period: a rectangle in the coordinates of the chart."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines as points of SVG polylines, bars, and what stands beside the axes.

    `plan` is empty if no floor has a planned date. `top` is the number of pieces at the upper edge for the lines,
    `bar_top` the one of a bar as high as the chart.
    """

    produced: str
    plan: str
    bars: list[Bar]
    top: int
    bar_top: int
    labels: list[date]


def draw(points: Sequence[Mapping[str, Any]], total: int, today: date) -> Chart | None:
    """Return the chart of a project with `total` pieces; None if there are fewer than two periods.

    Each point has `start` (a date), `produced`, `produced_total` and `planned_total` (or None). The line of what was
    produced ends with the period of `today`.
    """
    if len(points) < 2:
        return None
    totals = [point["produced_total"] for point in points if point["start"] <= today]
    planned = [point["planned_total"] for point in points]
    top = max(total, 1, *totals, *(number or 0 for number in planned))
    bar_top = max(1, *(point["produced"] for point in points))
    step = WIDTH / len(points)
    every = -(-len(points) // _MAX_LABELS)
    return Chart(
        produced=_line(totals, step, top),
        plan=_line(planned, step, top) if any(planned) else "",
        bars=[_bar(index, point["produced"], step, bar_top) for index, point in enumerate(points)],
        top=top,
        bar_top=bar_top,
        labels=[point["start"] for point in points[::every]],
    )


def _line(numbers: Sequence[int | None], step: float, top: int) -> str:
    """Return the points of a line through the ends of the periods; it starts where the first number is known."""
    known = [(index, number) for index, number in enumerate(numbers) if number is not None]
    return " ".join(f"{(index + 1) * step:.1f},{HEIGHT - HEIGHT * number / top:.1f}" for index, number in known)


def _bar(index: int, number: int, step: float, top: int) -> Bar:
    # Bars take the lower third, below the lines.
    height = HEIGHT / 3 * number / top
    return Bar(round(index * step + step * 0.15, 1), round(HEIGHT - height, 1), round(step * 0.7, 1), round(height, 1))
