"""Dry runs: what they show, and how they are applied."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from precast_app.extensions import db
from precast_app.jobs.runner import run_job
from precast_app.models import ImportJob
from tests.conftest import EXAMPLES, get_job, run_import
from tests.element_type_files import SAMPLE_TOTALS, WriteCsv, piece_codes, project_totals, wall_row


def changes(client: FlaskClient, headers: dict[str, str], job_id: int, query: str = "") -> list[dict[str, Any]]:
    answer = client.get(f"/api/jobs/{job_id}/changes{query}", headers=headers)
    assert answer.status_code == 200, answer.get_json()
    body = answer.get_json()
    assert body["count"] == len(body["changes"])
    found: list[dict[str, Any]] = body["changes"]
    return found


def apply(client: FlaskClient, headers: dict[str, str], job_id: int) -> tuple[int, ImportJob | None]:
    answer = client.post(f"/api/jobs/{job_id}/apply", headers=headers)
    if answer.status_code != 202:
        return answer.status_code, None
    number = answer.get_json()["job_id"]
    run_job(number)
    return 202, get_job(number)


def test_a_dry_run_shows_the_changes_and_changes_nothing(
    client: FlaskClient, admin: dict[str, str], green_meadows: int, write_csv: WriteCsv
) -> None:
    run_import(
        green_meadows,
        write_csv(["Podium", "Casting"], wall_row("A", 2, "yes", height=1), wall_row("B", 1), wall_row("D", 1)),
    )
    before = piece_codes(green_meadows)
    path = write_csv(
        ["Podium", "Casting"],
        wall_row("A", 3, "no", height="1.50"),
        wall_row("B", 1),
        wall_row("C", 1, "x", mass="2.50"),
        wall_row("E", "two"),
        wall_row("D", 0),
    )
    dry = run_import(green_meadows, path, dry_run=True)
    assert dry.result == "Would create 1, update 2 and leave 1 elements; 1 row would be rejected"
    assert (dry.status, dry.dry_run, dry.progress, dry.processed_items) == ("completed", True, 100, 5)
    counts = (dry.created_count, dry.updated_count, dry.unchanged_count, dry.rejected_count)
    assert (counts, dry.pieces_added, dry.pieces_removed) == ((1, 2, 1, 1), 2, 1)
    assert piece_codes(green_meadows) == before

    found = changes(client, admin, dry.id)
    assert [(each["change"], each["name"], each["row"]) for each in found] == [
        ("updated", "A", 2), ("created", "C", 4), ("updated", "D", 6), ("unchanged", "B", None),
    ]  # fmt: skip
    assert found[0]["fields"] == {
        "Height": {"before": "1", "after": "1.5"},
        "Podium": {"before": 2, "after": 3},
        "Casting": {"before": True, "after": False},
    }
    assert (found[1]["element_type_id"], found[1]["fields"]) == (
        None,
        {"Mass": {"before": None, "after": "2.5"}, "Element Type Version": {"before": None, "after": "VR-1"}},
    )
    # A measure of a new element type is no change of a field.
    assert changes(client, admin, dry.id, "?field=Mass") == []
    assert [each["name"] for each in changes(client, admin, dry.id, "?change=unchanged")] == ["B"]

    status, applied = apply(client, admin, dry.id)
    assert (status, applied is not None and applied.result) == (202, "Processed 4 of 5 elements; 1 row was rejected")
    assert applied is not None
    done = changes(client, admin, applied.id)
    # The import refers to the element types that it has created; their measures can be read there.
    found[1]["fields"] = {}
    shown = [(each["change"], each["name"], each["row"], each["fields"]) for each in found]
    assert [(each["change"], each["name"], each["row"], each["fields"]) for each in done] == shown


def test_the_sample_is_planned_and_applied_once(client: FlaskClient, admin: dict[str, str], green_meadows: int) -> None:
    dry = run_import(green_meadows, EXAMPLES / "element_types.xlsx", dry_run=True)
    assert dry.result == "Would create 120, update 0 and leave 0 elements; 0 rows would be rejected"
    assert dry.pieces_added == SAMPLE_TOTALS["pieces"]
    assert project_totals(green_meadows)["element_types"] == 0
    status, applied = apply(client, admin, dry.id)
    assert (status, applied is not None and applied.status) == (202, "completed")
    assert project_totals(green_meadows) == SAMPLE_TOTALS
    assert apply(client, admin, dry.id)[0] == 409


def test_two_columns_with_the_same_name_are_shown_with_their_groups(
    client: FlaskClient, admin: dict[str, str], green_meadows: int, write_csv: WriteCsv
) -> None:
    client.post("/api/project/1/drawing-types", json={"name": "Casting"}, headers=admin)
    headings = ["Stages_Casting", "Drawing Types_Casting"]
    run_import(green_meadows, write_csv(headings, wall_row("A", "yes", "a.dwg")))
    dry = run_import(green_meadows, write_csv(headings, wall_row("A", "no", "b.dwg")), dry_run=True)
    (change,) = changes(client, admin, dry.id)
    assert set(change["fields"]) == set(headings)


def test_a_dry_run_of_reference_data_is_applied_once(
    client: FlaskClient, admin: dict[str, str], green_meadows: int, tmp_path: Path
) -> None:
    path = tmp_path / "stages.csv"
    path.write_text("Name,Order\nPainting,9\n")
    dry = run_import(green_meadows, path, "stage_import", dry_run=True)
    status, applied = apply(client, admin, dry.id)
    assert (status, applied is not None and applied.result) == (202, "Successfully processed 1 elements")
    assert apply(client, admin, dry.id)[0] == 409


def test_a_dry_run_can_not_be_applied_if_a_piece_that_it_removes_is_in_production(
    client: FlaskClient, admin: dict[str, str], green_meadows: int, write_csv: WriteCsv
) -> None:
    run_import(green_meadows, write_csv(["Podium"], wall_row("A", 2)))
    dry = run_import(green_meadows, write_csv(["Podium"], wall_row("A", 1)), dry_run=True)
    db.session.execute(text("UPDATE pieces SET status = 'in_production'"))
    db.session.commit()
    assert apply(client, admin, dry.id)[0] == 409


@pytest.mark.parametrize("what", ["another import", "reference data"])
def test_an_outdated_dry_run_can_not_be_applied(
    client: FlaskClient, admin: dict[str, str], green_meadows: int, write_csv: WriteCsv, what: str
) -> None:
    run_import(green_meadows, write_csv(["Podium"], wall_row("A", 2)))
    dry = run_import(green_meadows, write_csv(["Podium"], wall_row("A", 3)), dry_run=True)
    if what == "another import":
        run_import(green_meadows, write_csv(["Podium"], wall_row("A", 4)))
    else:
        client.post("/api/project/1/stages", json={"name": "Podium"}, headers=admin)
    answer = client.post(f"/api/jobs/{dry.id}/apply", headers=admin)
    assert (answer.status_code, "Start a new dry run" in answer.get_json()["message"]) == (409, True)


def test_a_dry_run_that_becomes_outdated_before_its_job_runs_is_not_applied(
    client: FlaskClient, admin: dict[str, str], green_meadows: int, write_csv: WriteCsv
) -> None:
    run_import(green_meadows, write_csv(["Podium"], wall_row("A", 2)))
    dry = run_import(green_meadows, write_csv(["Podium"], wall_row("A", 1)), dry_run=True)
    number = client.post(f"/api/jobs/{dry.id}/apply", headers=admin).get_json()["job_id"]
    db.session.execute(text("UPDATE pieces SET status = 'in_production'"))
    db.session.commit()
    run_job(number)
    failed = get_job(number)
    assert failed.status == "failed"
    assert "has changed, so nothing was changed" in str(failed.error)
    assert len(piece_codes(green_meadows)) == 2


def test_only_a_completed_dry_run_can_be_applied(
    client: FlaskClient, admin: dict[str, str], green_meadows: int, write_csv: WriteCsv
) -> None:
    real = run_import(green_meadows, write_csv(["Podium"], wall_row("A", 2)))
    assert apply(client, admin, real.id)[0] == 409
    bad = run_import(
        green_meadows, write_csv(["Podium"], wall_row("B", 2), wall_row("C", "x")), dry_run=True, on_error="abort"
    )
    assert bad.status == "completed"
    assert apply(client, admin, bad.id)[0] == 409
    assert client.post("/api/jobs/99/apply", headers=admin).status_code == 404


def test_on_error_abort_imports_all_rows_or_nothing(green_meadows: int, write_csv: WriteCsv) -> None:
    path = write_csv(["Podium"], *[wall_row(f"N{number}", 1) for number in range(50)], wall_row("Bad", "x"))
    failed = run_import(green_meadows, path, on_error="abort")
    assert (failed.status, failed.created_count, piece_codes(green_meadows)) == ("failed", 0, [])
    assert "1 of 51 rows has errors, so nothing was changed" in str(failed.error)
    assert "Row 52, column K" in str(failed.error)
    good = run_import(
        green_meadows, write_csv(["Podium"], *[wall_row(f"N{number}", 1) for number in range(50)]), on_error="abort"
    )
    assert (good.status, good.created_count, len(piece_codes(green_meadows))) == ("completed", 50, 50)


def test_on_error_abort_imports_nothing_if_the_database_rejects_a_row(green_meadows: int, write_csv: WriteCsv) -> None:
    db.session.execute(text("ALTER TABLE element_types ADD CONSTRAINT cursed CHECK (name <> 'N70')"))
    db.session.commit()
    try:
        rows = [wall_row(f"N{number}", 1) for number in range(100)]
        failed = run_import(green_meadows, write_csv(["Podium"], *rows), on_error="abort")
    finally:
        db.session.rollback()
        db.session.execute(text("ALTER TABLE element_types DROP CONSTRAINT cursed"))
        db.session.commit()
    assert (failed.status, piece_codes(green_meadows), project_totals(green_meadows)["element_types"]) == (
        "failed",
        [],
        0,
    )
    assert "Row 72" in str(failed.error)


def test_dry_run_and_on_error_abort_work_for_reference_data(green_meadows: int, tmp_path: Path) -> None:
    path = tmp_path / "stages.csv"
    path.write_text("Name,Order\nPainting,9\nCasting,3\n,4\n")
    dry = run_import(green_meadows, path, "stage_import", dry_run=True)
    assert dry.result == "Would create 1, update 0 and leave 1 elements; 1 row would be rejected"
    whole = run_import(green_meadows, path, "stage_import", on_error="abort")
    assert (whole.status, "so nothing was changed" in str(whole.error)) == ("failed", True)
    assert db.session.execute(text("SELECT count(*) FROM stages")).scalar_one() == 8


def test_the_file_and_the_issues_of_a_job_can_be_downloaded(
    client: FlaskClient, admin: dict[str, str], green_meadows: int, write_csv: WriteCsv, tmp_path: Path
) -> None:
    import openpyxl

    path = write_csv(["Podium"], wall_row("A", 2), wall_row("=1+1", "x"))
    done = run_import(green_meadows, path)
    with client.get(f"/api/jobs/{done.id}/file", headers=admin) as sent:
        assert sent.data == path.read_bytes()
        assert sent.headers["Content-Disposition"] == "attachment; filename=types.csv"
    table = client.get(f"/api/jobs/{done.id}/issues.csv", headers=admin)
    assert table.headers["Content-Disposition"].startswith("attachment")
    rows = list(csv.DictReader(table.text.removeprefix("\ufeff").splitlines()))
    assert [(row["severity"], row["cell"], row["code"]) for row in rows] == [
        ("info", "", "delimiter"), ("info", "", "layout"), ("error", "K3", "not_a_number"),
    ]  # fmt: skip
    with client.get(f"/api/jobs/{done.id}/issues.xlsx", headers=admin) as sent:
        (tmp_path / "issues.xlsx").write_bytes(sent.data)
    sheet = openpyxl.load_workbook(tmp_path / "issues.xlsx").active
    assert sheet is not None
    assert [cell.value for cell in sheet[4]][:5] == ["error", None, 3, "K", "K3"]
    waiting = client.post("/api/project/1/jobs?job_type=stage_import", headers=admin).get_json()["job_id"]
    assert client.get(f"/api/jobs/{waiting}/file", headers=admin).status_code == 404
