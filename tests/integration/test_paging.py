"""Paging through lists while an import adds to them: no item is repeated and none is skipped."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert

from precast_app.extensions import db
from precast_app.models import Issue
from tests.conftest import run_import
from tests.element_type_files import WriteCsv
from tests.job_requests import Headers

PIECES_URL = "/api/project/1/elements"


def test_pages_of_pieces_neither_repeat_nor_skip_any_while_an_import_adds_some(
    client: FlaskClient, admin: Headers, green_meadows: int, write_csv: WriteCsv
) -> None:
    nodes = ["Tower_A.Floor_1", "Tower_B.Floor_1"]
    row = ["WALL", "W-1", 300, 400, 20, 5, 1, 1, 1, "VR-1"]
    assert run_import(green_meadows, write_csv(nodes, [*row, 0, 4])).created_count == 1
    first = client.get(f"{PIECES_URL}?limit=2", headers=admin).get_json()["elements"]
    # The codes of the new pieces sort before those of the others.
    assert run_import(green_meadows, write_csv(nodes, [*row, 3, 4])).pieces_added == 3
    rest = client.get(f"{PIECES_URL}?offset=2", headers=admin).get_json()["elements"]
    ids = [piece["id"] for piece in first + rest]
    assert (len(ids), len(set(ids))) == (7, 7)
    codes = [piece["code"] for piece in first + rest]
    assert codes != sorted(codes)


def test_pieces_and_element_types_continue_after_the_last_one(
    client: FlaskClient, admin: Headers, green_meadows: int, write_csv: WriteCsv
) -> None:
    floor = "Tower_A.Floor_1"

    def rows(*names: str) -> list[list[object]]:
        return [["WALL", name, 300, 400, 20, 5, 1, 1, 1, "VR-1", 1] for name in names]

    assert run_import(green_meadows, write_csv([floor], *rows("W-2", "W-4", "W-6"))).created_count == 3
    lists = {"element-types": "element_types", "elements": "elements"}
    first = {path: client.get(f"/api/project/1/{path}?limit=2", headers=admin).get_json() for path in lists}
    assert run_import(green_meadows, write_csv([floor], *rows("W-1", "W-5", "W-7"))).created_count == 3
    found = {}
    for path, name in lists.items():
        url = f"/api/project/1/{path}?after={first[path][name][-1]['id']}"
        rest = client.get(url, headers=admin).get_json()
        assert rest["count"] == 6
        found[path] = [item["id"] for item in first[path][name] + rest[name]]
        assert len(set(found[path])) == len(found[path])
    names = {}
    for item in client.get("/api/project/1/element-types", headers=admin).get_json()["element_types"]:
        names[item["id"]] = item["name"]
    assert [names[each] for each in found["element-types"]] == ["W-2", "W-4", "W-5", "W-6", "W-7"]
    assert len(found["elements"]) == 6


def test_continuing_after_an_unknown_element_type_is_rejected(
    client: FlaskClient, admin: Headers, green_meadows: int
) -> None:
    response = client.get(f"/api/project/{green_meadows}/element-types?after=9999", headers=admin)
    expected = "The project Green Meadows has no element type 9999 any more. Read the list again, from its start."
    assert (response.status_code, response.get_json()["message"]) == (422, expected)


@pytest.mark.parametrize("query", ["after=9999", "after=0", "after=x", "after=99999999999", "after=1&sort=name"])
def test_an_unusable_after_is_rejected_for_element_types(
    client: FlaskClient, admin: Headers, green_meadows: int, write_csv: WriteCsv, query: str
) -> None:
    run_import(green_meadows, write_csv([], ["WALL", "W-1", 300, 400, 20, 5, 1, 1, 1, "VR-1"]))
    response = client.get(f"/api/project/1/element-types?{query}", headers=admin)
    assert (response.status_code, "any more" in response.text or "after" in response.text) == (422, True)


def test_issues_continue_after_the_last_one_while_rows_are_added(
    client: FlaskClient, admin: Headers, green_meadows: int, write_csv: WriteCsv
) -> None:
    rows = [["WALL", f"W-{number}", "tall", 400, 20, 5, 1, 1, 1, "VR-1"] for number in range(5)]
    job_id = run_import(green_meadows, write_csv([], *rows), dry_run=True).id
    url = f"/api/jobs/{job_id}/issues?severity=error"
    before = client.get(url, headers=admin).get_json()["issues"]
    assert [issue["row"] for issue in before] == [2, 3, 4, 5, 6]
    # Another batch rejects an earlier row and a later one.
    issue = {"job_id": job_id, "severity": "error", "code": "rejected", "message": "Rejected."}
    db.session.execute(insert(Issue), [{**issue, "row": row} for row in (2, 7)])
    db.session.commit()
    after = client.get(f"{url}&after={before[2]['id']}", headers=admin).get_json()
    assert [issue["row"] for issue in after["issues"]] == [5, 6, 7]
    assert after["count"] == 7
    page = client.get(f"{url}&after={before[2]['id']}&limit=1", headers=admin).get_json()
    assert page["issues"] == before[3:4]


def test_continuing_after_a_deleted_issue_is_rejected(
    client: FlaskClient, admin: Headers, green_meadows: int, write_csv: WriteCsv
) -> None:
    row = ["WALL", "W-1", "tall", 400, 20, 5, 1, 1, 1, "VR-1"]
    job_ids = [run_import(green_meadows, write_csv([], row), dry_run=True).id for _ in range(2)]
    (other,) = client.get(f"/api/jobs/{job_ids[0]}/issues?severity=error", headers=admin).get_json()["issues"]
    for after in (other["id"], 2**62):
        response = client.get(f"/api/jobs/{job_ids[1]}/issues?after={after}", headers=admin)
        assert (response.status_code, f"no issue {after}" in response.get_json()["message"]) == (422, True)


def test_changes_continue_after_the_last_one(
    client: FlaskClient, admin: Headers, green_meadows: int, write_csv: WriteCsv
) -> None:
    def rows(height: int, *names: str) -> list[list[object]]:
        return [["WALL", name, height, 400, 20, 5, 1, 1, 1, "VR-1"] for name in names]

    run_import(green_meadows, write_csv([], *rows(300, "W-9", "W-1", "W-5")))
    path = write_csv([], *rows(300, "W-9"), *rows(301, "W-1"), *rows(300, "W-5"), *rows(300, "W-7"))
    for dry_run in (True, False):
        url = f"/api/jobs/{run_import(green_meadows, path, dry_run=dry_run).id}/changes"
        listed = client.get(url, headers=admin).get_json()["changes"]
        assert [(each["row"], each["change"], each["name"]) for each in listed] == [
            (3, "updated", "W-1"), (5, "created", "W-7"), (None, "unchanged", "W-9"), (None, "unchanged", "W-5"),
        ]  # fmt: skip
        for position, change in enumerate(listed, 1):
            page = client.get(f"{url}?after={change['id']}&limit=2", headers=admin).get_json()
            assert page == {"changes": listed[position : position + 2], "count": 4}
    unchanged = client.get(f"{url}?change=unchanged&after={listed[2]['id']}", headers=admin).get_json()
    assert unchanged == {"changes": listed[3:], "count": 2}


def test_jobs_and_audit_entries_continue_after_the_last_one(
    client: FlaskClient, admin: Headers, green_meadows: int
) -> None:
    jobs = client.get("/api/project/1/jobs?limit=2", headers=admin).get_json()["jobs"]
    new = client.post("/api/project/1/jobs?job_type=stage_import", headers=admin).get_json()["job_id"]
    rest = client.get(f"/api/project/1/jobs?after={jobs[-1]['id']}", headers=admin).get_json()
    assert [job["id"] for job in jobs + rest["jobs"]] == list(range(new - 1, new - 5, -1))
    assert rest["count"] == 5
    entries = client.get("/api/audit?limit=1", headers=admin).get_json()["entries"]
    client.post("/api/project", json={"name": "Other"}, headers=admin)
    rest = client.get(f"/api/audit?after={entries[-1]['id']}", headers=admin).get_json()["entries"]
    assert [entry["id"] for entry in rest] == list(range(entries[-1]["id"] - 1, 0, -1))
