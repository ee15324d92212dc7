"""A new revision: what it lacks, renames and changes, and which of that has pieces in production."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from precast_app.extensions import db
from precast_app.jobs.runner import run_job
from precast_app.models import ImportJob, Role
from tests import pages, project_snapshot
from tests.conftest import EXAMPLES, ROOT, get_job, run_import
from tests.element_type_files import WriteCsv, wall_row
from tests.export_round_trip import exported_files
from tests.job_requests import Headers, undo_job

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


def start(client: FlaskClient, headers: Headers, job_id: int, body: dict[str, Any] | None = None) -> int:
    answer = client.post(f"/api/jobs/{job_id}/apply", json=body or {}, headers=headers)
    assert answer.status_code == 202, answer.get_json()
    return int(answer.get_json()["job_id"])


def apply(client: FlaskClient, headers: Headers, job_id: int, body: dict[str, Any] | None = None) -> ImportJob:
    number = start(client, headers, job_id, body)
    run_job(number)
    return get_job(number)


def warnings(client: FlaskClient, headers: Headers, job_id: int, severity: str = "warning") -> list[tuple[str, str]]:
    found = client.get(f"/api/jobs/{job_id}/issues?severity={severity}", headers=headers).get_json()["issues"]
    return [(issue["code"], issue["value"]) for issue in found]


def stored_names(project_id: int) -> set[str]:
    statement = text("SELECT name FROM element_types WHERE project_id = :id")
    return set(db.session.scalars(statement, {"id": project_id}))


def test_revision_b_is_applied_without_a_row_and_undone_to_the_same_export(
    client: FlaskClient, admin: Headers, revision_a: int
) -> None:
    before, snapshot = exported_files(client, admin), project_snapshot.snapshot_project(revision_a)
    rows = db.session.execute(text("SELECT id, element_type_id, code, status FROM pieces ORDER BY id")).all()
    dry = run_import(revision_a, REVISION_B, dry_run=True)
    found = {each["name"]: each for each in changes(client, admin, dry.id) if each["change"] != "unchanged"}
    in_production = {name for name, each in found.items() if set(each["pieces"]) - {"planned"}}
    removable = {each["name"] for each in found.values() if each["change"] == "missing"} - in_production
    body = {"leave_out": [{"row": found["W-104"]["row"]}], "missing": "remove", "renames": "accept"}
    done = apply(client, admin, dry.id, body)
    assert (done.status, done.result) == ("completed", "Successfully processed 120 elements"), done.error
    counts = (done.created_count, done.updated_count, done.renamed_count, done.left_out_count, done.rejected_count)
    assert counts == (4, 8, 1, 1, 0)
    assert (done.missing_count, done.removed_count) == (3, len(removable))
    kept = {"W-106", "FA-107", "HCS-109"} - removable
    assert sorted(warnings(client, admin, done.id)) == sorted(
        ("missing_in_production", f"{found[name]['element_type']} {name}") for name in kept
    )
    assert stored_names(revision_a) >= {"W-112A", "W-191", *kept}
    assert not stored_names(revision_a) & {"W-112", *removable}
    job = client.get(f"/api/jobs/{done.id}", headers=admin).get_json()["job"]
    assert job["review"] == body
    listed = changes(client, admin, done.id)
    assert {each["name"] for each in listed if each["change"] == "deleted"} == removable
    (renamed,) = [each for each in listed if each["change"] == "renamed"]
    assert (renamed["name"], renamed["old_name"]) == ("W-112A", "W-112")
    codes = {code for _, _, code, _ in rows}
    statement = text("SELECT code FROM pieces JOIN element_types t ON t.id = element_type_id WHERE t.name = 'W-112A'")
    assert set(db.session.scalars(statement)) <= codes

    undone = undo_job(client, admin, done.id)
    assert undone.status == "completed", undone.error
    undo_id = undone.id
    reverted = {each["name"]: each["change"] for each in changes(client, admin, undo_id)}
    assert {name for name, change in reverted.items() if change == "created"} == removable
    kinds = {"deleted": 4, "updated": 8, "renamed": 1, "created": len(removable)}
    assert Counter(reverted.values()) == {kind: count for kind, count in kinds.items() if count}
    browser = pages.signed_in(client.application, revision_a, "eva", Role.EDITOR)
    shown = re.sub(r"<[^>]+>", "", pages.page(browser, f"/jobs/{undo_id}"))
    assert "4 removed" in shown and "8 changed" in shown and "1 renamed" in shown
    assert exported_files(client, admin) == before
    project_snapshot.assert_same(project_snapshot.snapshot_project(revision_a), snapshot)
    again = db.session.execute(text("SELECT id, element_type_id, code, status FROM pieces ORDER BY id")).all()
    assert again == rows

    # Undoing the undo makes the same choice again.
    answer = client.post(f"/api/jobs/{undo_id}/undo", headers=admin).get_json()
    run_job(answer["job_id"])
    redone = get_job(answer["job_id"])
    assert (redone.status, redone.renamed_count, redone.left_out_count) == ("completed", 1, 1), redone.error
    assert redone.removed_count == len(removable)


def test_a_preview_is_applied_once_at_a_time(client: FlaskClient, admin: Headers, revision_a: int) -> None:
    dry = run_import(revision_a, REVISION_B, dry_run=True)
    rest = [{"row": each["row"]} for each in changes(client, admin, dry.id) if each["change"] == "updated"]
    first = start(client, admin, dry.id, {"leave_out": rest})
    # Neither before nor after the first job has run is there anything that a second one could do.
    for _ in range(2):
        answer = client.post(f"/api/jobs/{dry.id}/apply", json={}, headers=admin)
        assert (answer.status_code, answer.get_json()["message"]) == (
            409, f"Job {dry.id} has already been applied as job {first}.",
        )  # fmt: skip
        assert client.post(f"/api/jobs/{dry.id}/revalidate", headers=admin).status_code == 409
        run_job(first)
    assert undo_job(client, admin, first).status == "completed"
    assert apply(client, admin, dry.id).updated_count == 9


def test_a_preview_without_a_choice_renames_and_removes_nothing(
    client: FlaskClient, admin: Headers, revision_a: int
) -> None:
    done = apply(client, admin, run_import(revision_a, REVISION_B, dry_run=True).id)
    assert (done.created_count, done.updated_count, done.renamed_count, done.removed_count) == (5, 9, 0, 0)
    assert (done.missing_count, done.unchanged_count) == (4, 107)
    assert stored_names(revision_a) >= {"W-112", "W-112A", "W-106", "FA-107", "HCS-109"}


def test_an_import_removes_and_renames_without_a_preview(
    client: FlaskClient, admin: Headers, green_meadows: int
) -> None:
    run_import(green_meadows, REVISION_A)
    before = exported_files(client, admin)
    dry = run_import(green_meadows, REVISION_B, dry_run=True, missing="remove", renames="accept")
    done = run_import(green_meadows, REVISION_B, missing="remove", renames="accept")
    for job in (dry, done):
        counts = (job.created_count, job.updated_count, job.renamed_count, job.missing_count, job.removed_count)
        assert counts == (4, 9, 1, 3, 3), job.error
    assert (done.pieces_added, done.pieces_removed) == (dry.pieces_added, dry.pieces_removed)
    assert done.pieces_removed == 16 + 2 + 12
    assert stored_names(green_meadows) == {
        *(each["name"] for each in changes(client, admin, done.id) if each["change"] not in ("deleted", "missing"))
    }
    again = run_import(green_meadows, REVISION_B, missing="remove", renames="accept")
    assert (again.unchanged_count, again.removed_count, again.missing_count) == (121, 0, 0)
    assert undo_job(client, admin, done.id).status == "completed"
    assert exported_files(client, admin) == before


def test_ignored_renames_are_created_and_their_former_names_are_missing(
    client: FlaskClient, admin: Headers, green_meadows: int
) -> None:
    run_import(green_meadows, REVISION_A)
    dry = run_import(green_meadows, REVISION_B, dry_run=True, renames="ignore")
    assert (dry.created_count, dry.renamed_count, dry.missing_count) == (5, 0, 4)
    answer = client.post(f"/api/jobs/{dry.id}/apply", json={"renames": "accept"}, headers=admin)
    assert answer.status_code == 422
    done = apply(client, admin, dry.id, {"missing": "remove"})
    assert (done.status, done.created_count, done.removed_count) == ("completed", 5, 4), done.error
    assert "W-112" not in stored_names(green_meadows)


def test_only_what_the_preview_shows_can_be_left_out(client: FlaskClient, admin: Headers, green_meadows: int) -> None:
    run_import(green_meadows, REVISION_A)
    dry = run_import(green_meadows, REVISION_B, dry_run=True)
    both = {"row": 14, "element_type_id": 1}
    wrong: list[dict[str, int]] = [{"row": 999}, {"row": 5}, {"element_type_id": 9999}, {}, both]
    for each in wrong:
        answer = client.post(f"/api/jobs/{dry.id}/apply", json={"leave_out": [each]}, headers=admin)
        assert (answer.status_code, "leave_out" in str(answer.get_json()["errors"])) == (422, True), each
    stages = run_import(green_meadows, EXAMPLES / "stages.csv", "stage_import", dry_run=True)
    assert client.post(f"/api/jobs/{stages.id}/apply", json={"missing": "remove"}, headers=admin).status_code == 422


def test_everything_but_one_removal_can_be_left_out(client: FlaskClient, admin: Headers, green_meadows: int) -> None:
    run_import(green_meadows, REVISION_A)
    dry = run_import(green_meadows, REVISION_B, dry_run=True)
    found = [each for each in changes(client, admin, dry.id) if each["change"] != "unchanged"]
    rest = [each for each in found if each["name"] != "FA-107"]
    leave_out = [
        {"row": each["row"]}
        if each["row"] and each["change"] == "created"
        else {"element_type_id": each["element_type_id"]}
        for each in rest
    ]
    before = stored_names(green_meadows)
    done = apply(client, admin, dry.id, {"leave_out": leave_out, "missing": "remove", "renames": "accept"})
    assert (done.status, done.removed_count, done.left_out_count) == ("completed", 1, 14), done.error
    assert (done.created_count, done.updated_count, done.renamed_count, done.unchanged_count) == (0, 0, 0, 107)
    assert before - stored_names(green_meadows) == {"FA-107"}
    assert (done.processed_items, done.total_items) == (121, 121)


def test_only_the_rows_that_changed_since_the_preview_are_refused(
    client: FlaskClient, admin: Headers, green_meadows: int, write_csv: WriteCsv
) -> None:
    rows = [wall_row(name, 2, height=1) for name in ("A", "B", "C", "Gone", "Lost")]
    run_import(green_meadows, write_csv(["Podium"], *rows))
    revision = [wall_row("A", 3, height=1), wall_row("B", 3, height=1), wall_row("C", 2, height=1), wall_row("New", 1)]
    path = write_csv(["Podium"], *revision)
    dry = run_import(green_meadows, path, dry_run=True)
    number = start(client, admin, dry.id, {"missing": "remove"})
    run_job_of_others = [wall_row("B", 5, height=1), wall_row("C", 1, height=1), wall_row("Gone", 2, height=7)]
    other = run_import_first(green_meadows, write_csv(["Podium"], *run_job_of_others), number)
    assert other.updated_count == 3
    run_job(number)
    done = get_job(number)
    assert (done.status, done.result) == ("completed", "Processed 2 of 4 elements; 2 rows were rejected"), done.error
    assert warnings(client, admin, number, "error") == [
        ("changed_since_preview", "WALL B"), ("changed_since_preview", "WALL C"),
    ]  # fmt: skip
    assert warnings(client, admin, number) == [("changed_since_preview", "WALL Gone")]
    assert stored_names(green_meadows) == {"A", "B", "C", "Gone", "New"}


def run_import_first(project_id: int, path: Path, waiting: int) -> ImportJob:
    """Run an import though another job of the project was queued before it."""
    db.session.execute(
        text("UPDATE import_jobs SET queued_at = queued_at + interval '1 h' WHERE id = :id"), {"id": waiting}
    )
    db.session.commit()
    return run_import(project_id, path)


def test_a_missing_element_type_that_goes_into_production_before_the_removal_stays(
    client: FlaskClient, admin: Headers, green_meadows: int, write_csv: WriteCsv
) -> None:
    run_import(green_meadows, write_csv(["Podium"], wall_row("A", 2), wall_row("B", 2), wall_row("C", 2)))
    dry = run_import(green_meadows, write_csv(["Podium"], wall_row("A", 2)), dry_run=True)
    number = start(client, admin, dry.id, {"missing": "remove"})
    db.session.execute(text("UPDATE pieces SET status = 'in_production' WHERE id = (SELECT max(id) FROM pieces)"))
    db.session.commit()
    run_job(number)
    done = get_job(number)
    assert (done.status, done.removed_count, done.pieces_removed) == ("completed", 1, 2), done.error
    ((code, name),) = warnings(client, admin, number)
    assert (code, stored_names(green_meadows)) == ("missing_in_production", {"A", name.removeprefix("WALL ")})


@pytest.mark.parametrize("on_error", ["skip", "abort"])
def test_a_removal_that_the_database_refuses_leaves_the_others(
    client: FlaskClient, admin: Headers, green_meadows: int, write_csv: WriteCsv, on_error: str
) -> None:
    """Between plan and removal, a piece may go into production; here a trigger does it."""
    run_import(green_meadows, write_csv(["Podium"], wall_row("A", 2), wall_row("B", 2), wall_row("C", 2)))
    db.session.execute(
        text("""
            CREATE FUNCTION start_b() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                UPDATE pieces SET status = 'in_production' FROM element_types t
                WHERE t.id = element_type_id AND t.name = 'B';
                RETURN NEW;
            END $$;
            CREATE TRIGGER start_b BEFORE INSERT ON import_batches FOR EACH ROW EXECUTE FUNCTION start_b();
        """)
    )
    db.session.commit()
    try:
        done = run_import(green_meadows, write_csv(["Podium"], wall_row("A", 2)), missing="remove", on_error=on_error)
    finally:
        db.session.rollback()
        db.session.execute(text("DROP TRIGGER start_b ON import_batches; DROP FUNCTION start_b()"))
        db.session.commit()
    assert (done.status, done.removed_count, stored_names(green_meadows)) == ("completed", 1, {"A", "B"}), done.error
    assert warnings(client, admin, done.id) == [("missing_in_production", "WALL B")]
    assert done.warning_count == 1


def test_changes_are_written_in_the_language_of_the_page(client: FlaskClient, revision_a: int) -> None:
    dry = run_import(revision_a, REVISION_B, dry_run=True)
    browser = pages.signed_in(client.application, revision_a, "eva", Role.EDITOR)
    jobs = db.session.scalars(text("SELECT id FROM import_jobs WHERE job_type = 'element_type_import' ORDER BY id"))
    for path in (f"/jobs/{dry.id}", f"/jobs/{next(iter(jobs))}/compare/{dry.id}"):
        for language, heading, numbers in (("en", "Volume", ("2.331", "2.354")), ("de", "Volumen", ("2,331", "2,354"))):
            browser.set_cookie("language", language)
            shown = pages.page(browser, path)
            assert f"<br>{heading}: <del>" in shown, (path, language)
            assert all(f">{number}</" in shown for number in numbers), (path, language)
