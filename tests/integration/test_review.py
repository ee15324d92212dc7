"""A new revision: what it lacks, renames and changes, and which of that has pieces in production."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import text

from precast_app.extensions import db
from tests.conftest import ROOT, run_import
from tests.element_type_files import WriteCsv, wall_row
from tests.job_requests import Headers

REVISIONS = ROOT / "tests" / "files" / "revisions"
REVISION_A, REVISION_B = REVISIONS / "element_types.xlsx", REVISIONS / "element_types_rev_b.xlsx"


def changes(client: FlaskClient, headers: Headers, job_id: int, query: str = "") -> list[dict[str, Any]]:
    answer = client.get(f"/api/jobs/{job_id}/changes{query}", headers=headers)
    assert answer.status_code == 200, answer.get_json()
    found: list[dict[str, Any]] = answer.get_json()["changes"]
    return found


def names(found: list[dict[str, Any]], kind: str) -> list[str]:
    return [each["name"] for each in found if each["change"] == kind]


def test_a_preview_of_revision_b_lists_what_is_new_changed_missing_and_renamed(
    client: FlaskClient, admin: Headers, green_meadows: int
) -> None:
    first = run_import(green_meadows, REVISION_A)
    assert (first.status, first.created_count) == ("completed", 120), first.error
    db.session.execute(
        text("""
            UPDATE pieces SET status = 'produced' FROM element_types t
            WHERE t.id = element_type_id AND t.name = 'W-106' AND node_id = 3
        """)
    )
    db.session.commit()
    dry = run_import(green_meadows, REVISION_B, dry_run=True)
    assert dry.result == "Would create 4, update 9 and leave 107 elements; 0 rows would be rejected"
    assert (dry.created_count, dry.updated_count, dry.missing_count, dry.renamed_count) == (4, 9, 3, 1)
    assert (dry.unchanged_count, dry.total_items, dry.processed_items) == (107, 121, 121)

    found = changes(client, admin, dry.id)
    assert names(found, "created") == ["W-191", "FA-192", "C-193", "HCS-194"]
    assert names(found, "updated") == [
        "W-101", "W-104", "W-122", "FA-112", "B-111", "B-117", "HCS-101", "S-102", "ST-104",
    ]  # fmt: skip
    assert sorted(names(found, "missing")) == ["FA-107", "HCS-109", "W-106"]
    (renamed,) = [each for each in found if each["change"] == "renamed"]
    assert (renamed["name"], renamed["old_name"], renamed["row"]) == ("W-112A", "W-112", 14)
    assert renamed["fields"] == {"Element Type Name": {"before": "W-112", "after": "W-112A"}}
    (missing,) = [each for each in found if each["name"] == "W-106"]
    assert missing["row"] is None
    assert sum(missing["pieces"].values()) == 16
    assert missing["pieces"]["produced"] == 4
    assert [each["name"] for each in changes(client, admin, dry.id, "?change=missing")] == names(found, "missing")
    first_missing = next(each for each in found if each["change"] == "missing")
    page = changes(client, admin, dry.id, f"?after={first_missing['id']}&limit=3")
    assert [each["change"] for each in page] == ["missing", "missing", "unchanged"]
    job = client.get(f"/api/jobs/{dry.id}", headers=admin).get_json()["job"]
    assert (job["missing_count"], job["renamed_count"]) == (3, 1)


def test_element_types_with_pieces_in_a_tower_that_the_file_lacks_are_not_missing(
    client: FlaskClient, admin: Headers, green_meadows: int, write_csv: WriteCsv
) -> None:
    columns = ["Podium", "Tower_A.Floor_1"]
    run_import(green_meadows, write_csv(columns, wall_row("P", 1, 0), wall_row("T", 0, 1), wall_row("Both", 1, 1)))
    run_import(green_meadows, write_csv([], wall_row("None")))
    dry = run_import(green_meadows, write_csv(["Podium"], wall_row("New", 1)), dry_run=True)
    assert names(changes(client, admin, dry.id), "missing") == ["P", "None"]
    dry = run_import(green_meadows, write_csv(["Tower_A.Floor_2"], wall_row("New", 1)), dry_run=True)
    assert names(changes(client, admin, dry.id), "missing") == ["T", "None"]


def test_a_row_with_an_error_is_not_missing_and_an_unreadable_one_stops_the_search(
    client: FlaskClient, admin: Headers, green_meadows: int, write_csv: WriteCsv
) -> None:
    run_import(green_meadows, write_csv(["Podium"], wall_row("A", 1), wall_row("B", 1)))
    dry = run_import(green_meadows, write_csv(["Podium"], wall_row("A", 1), wall_row("B", "x")), dry_run=True)
    assert (dry.missing_count, dry.rejected_count) == (0, 1)
    dry = run_import(green_meadows, write_csv(["Podium"], wall_row("A", 1), wall_row("#REF!", 1)), dry_run=True)
    assert (dry.missing_count, dry.rejected_count, dry.warning_count) == (0, 1, 1)
    issues = client.get(f"/api/jobs/{dry.id}/issues?severity=warning", headers=admin).get_json()["issues"]
    assert [issue["code"] for issue in issues] == ["missing_unknown"]


def test_an_import_counts_what_its_file_lacks(green_meadows: int, write_csv: WriteCsv) -> None:
    run_import(green_meadows, write_csv(["Podium"], wall_row("A", 1), wall_row("B", 1)))
    done = run_import(green_meadows, write_csv(["Podium"], wall_row("A", 1)))
    assert (done.status, done.missing_count, done.unchanged_count) == ("completed", 1, 1)
