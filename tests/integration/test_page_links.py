"""`Link` headers of lists."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.http import parse_options_header

from tests.conftest import EXAMPLES, run_import
from tests.element_type_files import WriteCsv
from tests.job_requests import Headers


def links(response: Any) -> dict[str, str]:
    """Return the address of each relation of a response."""
    found = {}
    for part in response.headers.get("Link", "").split(", <"):
        address, options = parse_options_header(part)
        if options:
            found[options["rel"]] = address.strip("<>")
    return found


def test_following_next_reads_every_item_once(client: FlaskClient, admin: Headers, green_meadows: int) -> None:
    """The lists with and without a cursor, in pages of 2 of the 4 jobs, 8 stages and 43 nodes."""
    run_import(green_meadows, EXAMPLES / "element_types.csv")
    for path, name, limit in (
        ("/api/project/1/jobs?job_type=stage_import&_=1&limit=1", "jobs", 1),
        ("/api/project/1/jobs?limit=2", "jobs", 2),
        ("/api/project/1/jobs?page=1&page_size=2", "jobs", 2),
        ("/api/project/1/stages?limit=3", "stages", 3),
        ("/api/project/1/elements?limit=500&status=planned", "elements", 500),
        ("/api/project/1/element-types?limit=50", "element_types", 50),
        ("/api/project/1/element-types?limit=50&sort=-height", "element_types", 50),
        ("/api/audit?limit=3", "entries", 3),
    ):
        url, found = path, []
        while True:
            response = client.get(url, headers=admin)
            assert (response.status_code, response.get_json()["count"] > 0) == (200, True), url
            items = response.get_json()[name]
            assert len(items) <= limit
            found += [item["id"] for item in items]
            if "next" not in links(response):
                break
            url = links(response)["next"]
        assert len(found) == len(set(found)) == response.get_json()["count"], path
        assert client.get(links(response)["first"], headers=admin).get_json()[name][0]["id"] == found[0]


def test_pages_by_offset_link_all_others(client: FlaskClient, admin: Headers, green_meadows: int) -> None:
    stages = "/api/project/1/stages"
    assert links(client.get(f"{stages}?limit=3&offset=3", headers=admin)) == {
        "next": f"{stages}?limit=3&offset=6",
        "prev": f"{stages}?limit=3",
        "first": f"{stages}?limit=3",
        "last": f"{stages}?limit=3&offset=6",
    }
    assert links(client.get(stages, headers=admin)) == {"first": stages, "last": stages}
    beyond = links(client.get(f"{stages}?limit=3&offset=99", headers=admin))
    assert (sorted(beyond), beyond["last"]) == (["first", "last", "prev"], f"{stages}?limit=3&offset=6")
    jobs = "/api/project/1/jobs"
    assert links(client.get(f"{jobs}?page=2&page_size=1", headers=admin)) == {
        "next": f"{jobs}?page_size=1&page=3",
        "prev": f"{jobs}?page_size=1&page=1",
        "first": f"{jobs}?page_size=1&page=1",
        "last": f"{jobs}?page_size=1&page=4",
    }


def test_a_list_with_a_cursor_continues_behind_its_last_item(
    client: FlaskClient, admin: Headers, green_meadows: int
) -> None:
    jobs = "/api/project/1/jobs"
    first = client.get(f"{jobs}?limit=2", headers=admin)
    last_id = first.get_json()["jobs"][-1]["id"]
    assert links(first) == {"next": f"{jobs}?limit=2&after={last_id}", "first": f"{jobs}?limit=2"}
    by_offset = links(client.get(f"{jobs}?limit=2&offset=0", headers=admin))
    assert by_offset["next"] == f"{jobs}?limit=2&offset=2"


def test_rejected_rows_continue_behind_a_row(
    client: FlaskClient, admin: Headers, green_meadows: int, write_csv: WriteCsv
) -> None:
    rows = [["WALL", f"W-{number}", "tall", 400, 20, 5, 1, 1, 1, "VR-1"] for number in range(5)]
    job_id = run_import(green_meadows, write_csv([], *rows), dry_run=True).id
    response = client.get(f"/api/jobs/{job_id}/rejected-rows?limit=2", headers=admin)
    assert links(response)["next"] == f"/api/jobs/{job_id}/rejected-rows?limit=2&after=3"
    rest = client.get(links(response)["next"], headers=admin).get_json()["rows"]
    assert [row["row"] for row in rest] == [4, 5]


@pytest.mark.parametrize("search", ['"><script>', "a, <b>; rel=next", "\r\nX: y", "Länge €"])
def test_options_are_escaped(client: FlaskClient, admin: Headers, green_meadows: int, search: str) -> None:
    response = client.get("/api/project/1/elements", query_string={"search": search, "offset": "0"}, headers=admin)
    header = response.headers["Link"]
    assert header.isascii() and header.count("<") == header.count(">") == len(links(response)) == 2


def test_a_header_stays_short(client: FlaskClient, admin: Headers, green_meadows: int) -> None:
    run_import(green_meadows, EXAMPLES / "element_types.csv")
    response = client.get("/api/project/1/jobs?offset=1&limit=1&x=" + "y" * 900, headers=admin)
    assert sorted(links(response)) == ["next", "prev"]
    assert "Link" not in client.get("/api/project/1/jobs?limit=1&x=" + "y" * 2_000, headers=admin).headers


def test_responses_that_are_no_pages_have_no_links(client: FlaskClient, admin: Headers, green_meadows: int) -> None:
    for path in ("/api/project/1", "/api/tokens", "/api/jobs/1", "/api/project/1/stages?limit=0", "/api/nowhere"):
        assert "Link" not in client.get(path, headers=admin).headers, path


def test_element_types_have_the_number_of_their_pieces(
    client: FlaskClient, admin: Headers, green_meadows: int, write_csv: WriteCsv
) -> None:
    nodes = ["Tower_A.Floor_1", "Tower_B.Floor_1"]
    wall = [300, 400, 20, 5, 1, 1, 1, "VR-1"]
    run_import(green_meadows, write_csv(nodes, ["WALL", "W-1", *wall, 2, 5], ["WALL", "W-2", *wall, "", ""]))
    listed = client.get("/api/project/1/element-types", headers=admin).get_json()["element_types"]
    assert [(each["name"], each["pieces"]) for each in listed] == [("W-1", 7), ("W-2", 0)]
    floors = client.get("/api/project/1/hierarchy", headers=admin).get_json()["hierarchy"]
    (node,) = (each["id"] for each in floors if each["path"] == nodes[1])
    listed = client.get(f"/api/project/1/element-types?node={node}", headers=admin).get_json()["element_types"]
    assert [(each["name"], each["pieces"]) for each in listed] == [("W-1", 5)]
