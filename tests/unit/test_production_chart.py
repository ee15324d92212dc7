"""The chart of produced pieces: its lines, bars and labels."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from precast_app.web import production_chart

TODAY = date(2027, 1, 1)


def points(*produced: int, planned: int | None = None) -> list[dict[str, Any]]:
    found, total = [], 0
    for index, number in enumerate(produced):
        total += number
        start = date(2026, 10, 5) + timedelta(weeks=index)
        found.append({"start": start, "produced": number, "produced_total": total, "planned_total": planned})
    return found


def test_a_chart_needs_two_periods() -> None:
    assert production_chart.draw([], 10, TODAY) is None
    assert production_chart.draw(points(3), 10, TODAY) is None


def test_lines_end_at_their_share_of_the_height() -> None:
    chart = production_chart.draw(points(2, 3), 10, TODAY)
    assert chart is not None
    assert (chart.produced, chart.plan, chart.top) == ("500.0,160.0 1000.0,100.0", "", 10)
    assert [(bar.x, round(bar.height)) for bar in chart.bars] == [(75.0, 44), (575.0, 67)]


def test_a_plan_beyond_the_pieces_fits_the_chart() -> None:
    chart = production_chart.draw(points(2, 3, planned=20), 10, TODAY)
    assert chart is not None
    assert (chart.top, chart.plan) == (20, "500.0,0.0 1000.0,0.0")


def test_many_periods_have_few_labels() -> None:
    chart = production_chart.draw(points(*[1] * 50), 50, TODAY)
    assert chart is not None
    assert (len(chart.bars), len(chart.labels), chart.labels[0]) == (50, 6, date(2026, 10, 5))


def test_the_line_of_what_was_produced_ends_today() -> None:
    chart = production_chart.draw(points(2, 3, 0, planned=5), 10, date(2026, 10, 14))
    assert chart is not None
    assert (len(chart.produced.split()), len(chart.plan.split())) == (2, 3)
