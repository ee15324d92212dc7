"""What is left of a project: pieces by node and status, volume, mass and materials to go, production over time."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient

from precast_app.extensions import db
from precast_app.models import HierarchyNode
from precast_app.queries import summary as summaries
from tests.conftest import run_import
from tests.element_type_files import WriteCsv
from tests.job_requests import Headers

FLOORS = ("Tower_A.Floor_1", "Tower_A.Floor_2")


@pytest.fixture
def walls(green_meadows: int, write_csv: WriteCsv) -> int:
    """Return a project with walls of 2 m³ and 5000 kg on two floors, each with 3 kg of steel."""
    row = ["WALL", "W-1", 3000, 4000, 200, 5000, 2, 12, 1, "VR-1"]
    path = write_csv([*FLOORS, "Steel_6MM"], [*row, 4, 6, 3])
    assert run_import(green_meadows, path).pieces_added == 10
    return green_meadows


def read(client: FlaskClient, headers: Headers, period: str = "day") -> dict[str, Any]:
    answer = client.get(f"/api/project/1/summary?period={period}", headers=headers)
    assert answer.status_code == 200, answer.get_json()
    found: dict[str, Any] = answer.get_json()["summary"]
    return found


def move(client: FlaskClient, headers: Headers, number: int, **body: Any) -> None:
    """Move the piece with this number on the first floor."""
    code = f"WALL/T1_F1/{number:04}"
    (piece,) = client.get(f"/api/project/1/elements?search={code}", headers=headers).get_json()["elements"]
    answer = client.patch(f"/api/elements/{piece['id']}", json=body, headers=headers)
    assert answer.status_code == 200, answer.get_json()


def test_each_floor_says_what_is_left(client: FlaskClient, admin: Headers, walls: int) -> None:
    move(client, admin, 1, status="in_production")
    move(client, admin, 2, status="produced")
    move(client, admin, 3, status="erected")
    move(client, admin, 4, status="in_production")
    move(client, admin, 4, status="scrapped", reason="Cracked")
    found = read(client, admin)
    floor = next(node for node in found["by_node"] if node["path"] == FLOORS[0])
    # The scrapped piece has a replacement, so four are still needed.
    assert {status: floor[status] for status in ("planned", "in_production", "produced", "dispatched", "erected")} == {
        "planned": 1, "in_production": 1, "produced": 1, "dispatched": 0, "erected": 1,
    }  # fmt: skip
    assert {name: floor[name] for name in ("pieces", "done", "to_go", "scrapped")} == {
        "pieces": 4, "done": 2, "to_go": 2, "scrapped": 1,
    }  # fmt: skip
    amounts = ("volume", "volume_to_go", "mass", "mass_to_go")
    assert [int(Decimal(floor[name])) for name in amounts] == [8, 4, 20_000, 10_000]
    assert (found["pieces"], found["done"], found["to_go"], found["scrapped"]) == (10, 2, 8, 1)
    assert (Decimal(found["volume_to_go"]), Decimal(found["mass_to_go"])) == (Decimal(16), Decimal(40_000))
    (steel,) = found["materials"]
    assert (Decimal(steel["quantity"]), Decimal(steel["quantity_to_go"])) == (Decimal(30), Decimal(24))


def test_production_counts_each_piece_on_the_day_on_which_it_was_produced_for_good(
    client: FlaskClient, admin: Headers, walls: int
) -> None:
    # A Friday, a Saturday and the Monday after.
    move(client, admin, 1, status="produced", date="2026-10-09")
    move(client, admin, 1, status="erected", date="2026-10-10")
    move(client, admin, 2, status="dispatched", date="2026-10-12")
    move(client, admin, 3, status="produced", date="2026-10-09")
    move(client, admin, 3, status="planned", date="2026-10-10", reason="Wrong piece")
    move(client, admin, 4, status="produced", date="2026-10-09")
    move(client, admin, 4, status="in_production", date="2026-10-10", reason="Not cured yet")
    move(client, admin, 4, status="produced", date="2026-10-12")
    days = read(client, admin)["production"]
    assert days["period"] == "day"
    assert [(point["start"], point["produced"], point["produced_total"]) for point in days["points"]] == [
        ("2026-10-09", 1, 1), ("2026-10-10", 0, 1), ("2026-10-11", 0, 1), ("2026-10-12", 2, 3),
    ]  # fmt: skip
    assert {point["planned_total"] for point in days["points"]} == {None}
    weeks = read(client, admin, "week")["production"]["points"]
    assert [(point["start"], point["produced"]) for point in weeks] == [("2026-10-05", 1), ("2026-10-12", 2)]


def test_planned_dates_of_floors_become_a_line_of_what_is_due(client: FlaskClient, admin: Headers, walls: int) -> None:
    listed = client.get("/api/project/1/hierarchy", headers=admin).get_json()["hierarchy"]
    nodes = {each["path"]: each["id"] for each in listed}
    for path, day in zip(FLOORS, ("2026-10-07", "2026-10-21"), strict=True):
        answer = client.patch(f"/api/project/1/hierarchy/{nodes[path]}", json={"planned_date": day}, headers=admin)
        assert (answer.status_code, answer.get_json()["node"]["planned_date"]) == (200, day)
    move(client, admin, 1, status="produced", date="2026-10-12")
    points = read(client, admin, "week")["production"]["points"]
    assert [(point["start"], point["planned_total"], point["produced_total"]) for point in points] == [
        ("2026-10-05", 4, 0), ("2026-10-12", 4, 1), ("2026-10-19", 10, 1),
    ]  # fmt: skip
    floor = next(node for node in read(client, admin)["by_node"] if node["path"] == FLOORS[0])
    assert floor["planned_date"] == "2026-10-07"
    cleared = client.patch(f"/api/project/1/hierarchy/{nodes[FLOORS[0]]}", json={"planned_date": None}, headers=admin)
    assert cleared.get_json()["node"]["planned_date"] is None


def test_dates_that_are_centuries_apart_are_points_of_their_own(walls: int) -> None:
    nodes = db.session.query(HierarchyNode).filter(HierarchyNode.path.in_(FLOORS)).order_by(HierarchyNode.path)
    for node, year in zip(nodes, (1900, 2900), strict=True):
        node.planned_date = date(year, 1, 1)
    points = summaries.project_summary(walls, "day")["production"]["points"]
    assert [point["planned_total"] for point in points] == [4, 10]
