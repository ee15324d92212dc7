"""Lists of pieces: each filter, each order, and pages that follow the last piece of the page before."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from precast_app.pieces.selection import PieceFilter
from precast_app.queries import pieces
from tests.conftest import EXAMPLES, run_import
from tests.job_requests import Headers

ELEMENTS = "/api/project/1/elements"


@pytest.fixture
def imported(green_meadows: int) -> int:
    assert run_import(green_meadows, EXAMPLES / "element_types.xlsx").status == "completed"
    return green_meadows


def ask(client: FlaskClient, headers: Headers, **query: Any) -> dict[str, Any]:
    answer = client.get(ELEMENTS, query_string=query, headers=headers)
    assert answer.status_code == 200, answer.get_json()
    found: dict[str, Any] = answer.get_json()
    return found


def test_each_filter_finds_exactly_the_pieces_that_match(client: FlaskClient, admin: Headers, imported: int) -> None:
    first = ask(client, admin)
    everything = first["elements"] + ask(client, admin, after=first["elements"][-1]["id"])["elements"]
    assert len(everything) == first["count"]
    example = next(each for each in everything if each["floor"] == "Floor_2")
    client.patch(f"/api/elements/{example['id']}", json={"status": "in_production"}, headers=admin)
    node, kind, name = (example[field] for field in ("node_id", "element_type_id", "element_type_name"))
    address = f"https://example.org/pieces/{example['id']}?code=x"
    for query, expected in (
        ({"node_id": node}, lambda each: each["node_id"] == node),
        ({"node": node}, lambda each: each["node_id"] == node),
        ({"tower": "Tower A"}, lambda each: each["tower"] == "Tower_A"),
        ({"element_type_id": kind}, lambda each: each["element_type_id"] == kind),
        ({"type": kind}, lambda each: each["element_type_id"] == kind),
        ({"type": "wall"}, lambda each: each["element_type"] == "WALL"),
        ({"status": "in_production"}, lambda each: each is example),
        ({"search": example["code"]}, lambda each: each is example),
        ({"search": address}, lambda each: each is example),
        ({"search": "t1_f2/"}, lambda each: "/T1_F2/" in each["code"]),
        ({"search": name}, lambda each: name in each["element_type_name"]),
        ({"search": "-"}, lambda each: True),  # which all names of element types contain
        ({"node_id": node, "type": "WALL", "search": "/0001"}, lambda each: _is_first_wall(each, node)),
        ({"tower": "Tower"}, lambda each: False),
        ({"search": "%"}, lambda each: False),
    ):  # fmt: skip
        ids = [each["id"] for each in everything if expected(each)]
        found = ask(client, admin, **query)
        assert [each["id"] for each in found["elements"]] == ids[:1000], query
        assert found["count"] == len(ids), query


def _is_first_wall(piece: dict[str, Any], node: int) -> bool:
    return bool(piece["node_id"] == node and piece["element_type"] == "WALL" and piece["number"] == 1)


@pytest.mark.parametrize("sort", pieces.SORTS)
def test_pages_after_the_last_piece_together_are_the_whole_list(
    client: FlaskClient, admin: Headers, imported: int, sort: str
) -> None:
    everything = ask(client, admin, tower="Tower A", sort=sort)["elements"]
    found: list[dict[str, Any]] = []
    while page := ask(
        client, admin, tower="Tower A", sort=sort, limit=97, **({"after": found[-1]["id"]} if found else {})
    )["elements"]:
        found += page
    assert found == everything
    codes = [each["code"] for each in everything]
    if sort.endswith("code"):
        assert codes == sorted(codes, reverse=sort.startswith("-"))
    assert ask(client, admin, tower="Tower A", sort=sort, offset=5, limit=2)["elements"] == everything[5:7]


@pytest.mark.parametrize(
    "filters",
    [{"search": "/0"}, {"search": "/001"}, {"search": "wall"}, {"search": "t1_f2/000"}, {"type": "Wall"}],
    ids=lambda filters: "-".join(filters.values()),
)
@pytest.mark.parametrize("sort", ["code", "-code"])
def test_pages_of_a_search_together_are_all_that_it_finds(
    client: FlaskClient,
    admin: Headers,
    imported: int,
    filters: dict[str, str],
    sort: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    codes = [each["code"] for each in ask(client, admin, tower="Tower A", sort=sort)["elements"]]
    expected = [code for code in codes if filters.get("search", "/wall/") in f"/{code.lower()}"]
    # Few enough that some pages lie within as many pieces, and others don't.
    monkeypatch.setattr(pieces, "_LOOK_AHEAD", 20)
    found: list[dict[str, Any]] = []
    while True:
        after = {"after": found[-1]["id"]} if found else {}
        page = ask(client, admin, tower="Tower A", sort=sort, limit=13, **filters, **after)
        if not page["elements"]:
            break
        assert page["count"] == len(expected)
        found += page["elements"]
    assert [each["code"] for each in found] == expected
    for offset in (3, 30, len(expected)):
        page = ask(client, admin, tower="Tower A", sort=sort, offset=offset, limit=5, **filters)
        assert [each["code"] for each in page["elements"]] == expected[offset : offset + 5]
        assert page["count"] == len(expected)


def test_pieces_are_found_by_their_last_move_and_their_last_stage(
    client: FlaskClient, admin: Headers, imported: int
) -> None:
    pieces = ask(client, admin, type="WALL", limit=5)["elements"]
    for piece, day in zip(pieces, ("05", "03", "04", "03", "06"), strict=True):
        body = {"status": "produced", "date": f"2026-10-{day}"}
        assert client.patch(f"/api/elements/{piece['id']}", json=body, headers=admin).status_code == 200
    ids = [piece["id"] for piece in pieces]
    expected = [ids[1], ids[3], ids[2], ids[0], ids[4]]
    by_move = ask(client, admin, sort="moved", limit=7)["elements"]
    assert [each["id"] for each in by_move[:5]] == expected
    assert [each["status_since"] for each in by_move[4:6]] == ["2026-10-06T00:00:00Z", None]
    assert ask(client, admin, sort="moved", after=ids[2], limit=4)["elements"] == by_move[3:7]
    assert ask(client, admin, sort="moved", after=by_move[5]["id"], limit=1)["elements"] == by_move[6:7]
    assert ask(client, admin, sort="moved", offset=4, limit=3)["elements"] == by_move[4:7]
    assert ask(client, admin, sort="moved", offset=6, limit=1)["elements"] == by_move[6:7]
    newest = ask(client, admin, sort="-moved", limit=6)["elements"]
    assert [each["id"] for each in newest[:5]] == expected[::-1]
    assert ask(client, admin, sort="-moved", after=ids[2], limit=3)["elements"] == newest[3:6]
    on_two_days = ask(client, admin, moved_from="2026-10-03", moved_to="2026-10-04", sort="moved")
    assert [each["id"] for each in on_two_days["elements"]] == expected[:3]
    assert ask(client, admin, moved_from="2026-10-07")["count"] == 0
    stages = client.get("/api/project/1/stages", headers=admin).get_json()["stages"]
    own = client.get(f"/api/elements/{ids[0]}", headers=admin).get_json()["element"]["stages"]
    for stage in own[:2]:
        answer = client.patch(f"/api/elements/{ids[0]}", json={"stage_id": stage["stage_id"]}, headers=admin)
        assert answer.status_code == 200, answer.get_json()
    assert ask(client, admin, stage=own[0]["stage_id"])["count"] == 0
    (found,) = ask(client, admin, stage=own[1]["stage_id"])["elements"]
    assert (found["id"], found["stage"], found["stage_id"]) == (ids[0], own[1]["name"], own[1]["stage_id"])
    assert ask(client, admin, stage=stages[-1]["id"] + 1)["count"] == 0


def test_a_page_after_a_piece_of_no_such_id_is_refused(client: FlaskClient, admin: Headers, imported: int) -> None:
    answer = client.get(f"{ELEMENTS}?sort=code&after=999999", headers=admin)
    expected = "The project Green Meadows has no piece 999999 any more. Read the list again, from its start."
    assert (answer.status_code, answer.get_json()["message"]) == (422, expected)


def test_a_filter_survives_as_json() -> None:
    filters = PieceFilter(node_id=3, tower="Tower A", status="planned", ids=(4, 5))
    assert filters.as_json() == {"node_id": 3, "tower": "Tower A", "status": "planned", "ids": [4, 5]}
    assert PieceFilter.from_json(filters.as_json()) == filters
