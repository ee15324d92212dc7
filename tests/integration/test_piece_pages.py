"""The pages of pieces and the overview of a project in the middle of its life."""

from __future__ import annotations

import csv
import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from devstack import demo
from precast_app.models import Role
from tests.conftest import EXAMPLES, run_import
from tests.pages import page, signed_in


@pytest.fixture
def started(green_meadows: int, tmp_path: Path) -> int:
    """Return the project with the sample's pieces, 870 of which are on their way."""
    assert run_import(green_meadows, EXAMPLES / "element_types.xlsx").status == "completed"
    statuses = demo.recent_copy(EXAMPLES / "piece_status.csv", tmp_path, datetime.now(UTC).date())
    done = run_import(green_meadows, statuses, "piece_status_import")
    assert (done.status, done.updated_count) == ("completed", 870), done.error
    return green_meadows


@pytest.fixture
def viewer(app: Flask, started: int) -> FlaskClient:
    return signed_in(app, started, "vera", Role.VIEWER)


def test_the_overview_says_what_is_left(viewer: FlaskClient, started: int) -> None:
    shown = page(viewer, f"/projects/{started}")
    for text in (">1,139</strong><span>pieces to go", "all produced", "to go ·", " m³", " t<"):
        assert text in shown
    assert "Produced by week" in shown
    assert "No floor has a planned date." in shown
    assert "Produced by day" in page(viewer, f"/projects/{started}?period=day")


def test_a_page_of_a_piece_that_does_not_exist_says_so(viewer: FlaskClient) -> None:
    answer = viewer.get("/pieces/99999", headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert "There is no piece 99999" in answer.text


def test_the_chart_shows_the_plan_where_floors_have_dates(app: Flask, started: int) -> None:
    manager = signed_in(app, started, "mona", Role.MANAGER)
    assert 'class="plan"' not in page(manager, f"/projects/{started}")
    answer = manager.patch(f"/api/project/{started}/hierarchy/2", json={"planned_date": "2026-12-01"})
    assert answer.status_code == 200, answer.text
    shown = page(manager, f"/projects/{started}")
    assert 'class="plan"' in shown


def test_pieces_are_filtered_by_the_days_on_which_they_moved(viewer: FlaskClient, started: int) -> None:
    moved = viewer.get(f"/api/project/{started}/elements?sort=-moved&limit=1").get_json()["elements"][0]
    day = moved["status_since"][:10]
    path = f"/projects/{started}/pieces"
    shown = page(viewer, f"{path}?moved_from={day}&sort=-moved")
    assert moved["code"] in shown
    assert "planned</span>" not in shown
    assert "Nothing matches" in page(viewer, f"{path}?moved_from=2999-01-01")
    assert 'rel="next"' in page(viewer, f"{path}?moved_from=never&stage=-1"), "what is no date is left out"
    first = re.findall(r"/pieces/(\d+)", page(viewer, f"{path}?sort=-moved"))[0]
    assert int(first) == moved["id"]


def test_the_copy_for_the_demo_has_dates_of_the_last_weeks(tmp_path: Path) -> None:
    today = date(2031, 3, 4)
    copy = demo.recent_copy(EXAMPLES / "piece_status.csv", tmp_path, today)
    with copy.open(encoding="utf-8", newline="") as file:
        days = [date.fromisoformat(row["Date"]) for row in csv.DictReader(file)]
    assert (len(days), 0 <= (today - max(days)).days < 7) == (870, True)
    assert max(day.weekday() for day in days) < 5, "nobody works on Sundays"


def test_only_the_page_that_scans_may_use_the_camera(app: Flask, green_meadows: int) -> None:
    editor = signed_in(app, green_meadows, "eve", Role.EDITOR)
    base = f"/projects/{green_meadows}"
    allowed = {path: editor.get(f"{base}{path}").headers["Permissions-Policy"] for path in ("/scan", "/pieces", "")}
    assert {path: "camera=(self)" in policy for path, policy in allowed.items()} == {
        "/scan": True,
        "/pieces": False,
        "": False,
    }
