"""Exports of pieces by a filter, and the printable list of chosen floors."""

from __future__ import annotations

import csv
from io import BytesIO, StringIO
from typing import Any

import openpyxl
import pytest
from flask.testing import FlaskClient

from tests.conftest import EXAMPLES, run_import
from tests.job_requests import Headers


@pytest.fixture
def imported(green_meadows: int) -> int:
    assert run_import(green_meadows, EXAMPLES / "element_types.xlsx").status == "completed"
    return green_meadows


def download(client: FlaskClient, headers: Headers, path: str) -> bytes:
    with client.get(f"/api/project/1/{path}", headers=headers) as answer:
        assert answer.status_code == 200, answer.get_json()
        return bytes(answer.data)


def listed(client: FlaskClient, headers: Headers, query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(
        f"/api/project/1/elements?sort=code&{query}", headers=headers
    ).get_json()["elements"]  # fmt: skip
    return found


def test_both_files_have_the_pieces_of_the_filter_with_status_stages_and_dates(
    client: FlaskClient, admin: Headers, imported: int
) -> None:
    first = listed(client, admin, "type=WALL&tower=Tower A")[0]
    address = f"/api/elements/{first['id']}"
    stage = client.get(address, headers=admin).get_json()["element"]["stages"][0]
    passed = {"stage_id": stage["stage_id"], "date": "2026-10-05"}
    assert client.patch(address, json=passed, headers=admin).status_code == 200
    assert client.patch(address, json={"status": "produced", "date": "2026-10-07"}, headers=admin).status_code == 200
    pieces = listed(client, admin, "type=WALL&tower=Tower A")
    content = download(client, admin, "elements.csv?type=WALL&tower=Tower A").decode("utf-8-sig")
    rows = list(csv.DictReader(StringIO(content)))
    assert [row["Piece"] for row in rows] == [piece["code"] for piece in pieces]
    found = rows[0]
    assert (found["Status"], found["Date"], found[stage["name"]]) == ("produced", "2026-10-07", "2026-10-05")
    assert (found["Element Type"], found["Element Type Name"]) == ("WALL", first["element_type_name"])
    assert {row["Status"] for row in rows[1:]} == {"planned"}
    book = openpyxl.load_workbook(BytesIO(download(client, admin, "elements.xlsx?type=WALL&tower=Tower A")))
    cells = [[cell or "" for cell in row] for row in book["Pieces"].iter_rows(values_only=True)]
    assert cells == [list(rows[0]), *(list(row.values()) for row in rows)]
    assert book["Pieces"].print_title_rows == "$1:$1"


def test_a_site_list_has_only_the_chosen_floors_with_their_totals(
    client: FlaskClient, admin: Headers, imported: int
) -> None:
    nodes = client.get("/api/project/1/summary", headers=admin).get_json()["summary"]["by_node"]
    chosen = [node for node in nodes if node["path"] in ("Tower_A.Floor_2", "Tower_A.Floor_3")]
    ids = ",".join(str(node["node_id"]) for node in chosen)
    sheet = openpyxl.load_workbook(BytesIO(download(client, admin, f"site-list.xlsx?nodes={ids}"))).active
    rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    assert (rows[0][0], rows[1][0]) == ("Green Meadows", "Tower A / Floor 2, Tower A / Floor 3")
    assert rows[3][7:10] == ["Tower A / Floor 2", "Tower A / Floor 3", "Pieces"]
    assert rows[-1][7:10] == [*(node["pieces"] for node in chosen), sum(node["pieces"] for node in chosen)]
    body = rows[4:-1]
    assert all(row[9] == (row[7] or 0) + (row[8] or 0) > 0 for row in body)
    assert rows[-1][10] == pytest.approx(sum(float(node["mass"]) for node in chosen))
    assert (sheet.page_setup.orientation, sheet.page_setup.fitToHeight, sheet.print_title_rows) == (
        "landscape", 0, "$4:$4",
    )  # fmt: skip


def test_a_tower_stands_for_all_its_floors(client: FlaskClient, admin: Headers, imported: int) -> None:
    nodes = client.get("/api/project/1/hierarchy", headers=admin).get_json()["hierarchy"]
    tower = next(node for node in nodes if node["path"] == "Tower_A")
    sheet = openpyxl.load_workbook(BytesIO(download(client, admin, f"site-list.xlsx?nodes={tower['id']}"))).active
    headings = [cell.value for cell in sheet[4]]
    # The tower has no pieces of its own, and no column.
    assert headings[7:] == [*(f"Tower A / Floor {n}" for n in range(1, 7)), "Pieces", "Total kg"]


@pytest.mark.parametrize("query", ["", "nodes=", "nodes=99999", "nodes=x"])
def test_a_site_list_without_a_place_is_refused(client: FlaskClient, admin: Headers, imported: int, query: str) -> None:
    assert client.get(f"/api/project/1/site-list.xlsx?{query}", headers=admin).status_code == 422
