"""Lists of pieces with statuses are previewed, imported exactly once, and undone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from precast_app.extensions import db
from precast_app.jobs.runner import run_job
from precast_app.models import ImportJob
from tests import project_snapshot
from tests.conftest import ROOT, get_job, run_import
from tests.element_type_files import WriteCsv, wall_row
from tests.job_requests import Headers, post_job_action, undo_job, upload_form
from tests.unit import ods_files

REVISIONS = ROOT / "tests" / "files" / "revisions"
SAMPLE = REVISIONS / "piece_status.csv"
KIND = "piece_status_import"
TODAY = datetime.now(UTC).date()


@pytest.fixture
def walls(green_meadows: int, write_csv: WriteCsv) -> int:
    """Return a project with 30 walls on a floor, which go through Casting and QC."""
    row = wall_row("W", 30, "yes", "yes")
    assert run_import(green_meadows, write_csv(["Tower_A.Floor_1", "Casting", "QC"], row)).pieces_added == 30
    db.session.execute(text("UPDATE stages SET reaches_status = 'produced' WHERE name = 'QC'"))
    db.session.commit()
    return green_meadows


def code(number: int) -> str:
    return f"WALL/T1_F1/{number:04}"


@pytest.fixture
def listed(tmp_path: Path) -> Any:
    """Return a function that writes a list of pieces as text."""

    def write(*lines: str, name: str = "list.csv") -> Path:
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


def issues(job: ImportJob) -> list[tuple[str, str | None, str]]:
    """Return severity, cell and code of each issue that is no note."""
    found = db.session.execute(
        text("""
            SELECT severity, "column" || row, code FROM import_issues WHERE job_id = :id AND severity <> 'info'
            ORDER BY row NULLS FIRST, id
        """),
        {"id": job.id},
    )
    return [(row[0], row[1], row[2]) for row in found]


def statuses() -> dict[int, str]:
    db.session.rollback()
    found = db.session.execute(text("SELECT number, status FROM pieces WHERE status <> 'planned' ORDER BY number"))
    return {row[0]: row[1] for row in found}


def history() -> list[tuple[Any, ...]]:
    db.session.rollback()
    found = db.session.execute(
        text(
            "SELECT p.code, e.from_value, e.to_value FROM piece_events e JOIN pieces p ON p.id = piece_id ORDER BY e.id"
        )
    )
    return [tuple(row) for row in found]


def count_statuses() -> dict[str, int]:
    db.session.rollback()
    found = db.session.execute(text("SELECT status, count(*) FROM pieces GROUP BY status"))
    return {row[0]: row[1] for row in found}


def test_the_samples_list_goes_in_once_and_is_undone(client: FlaskClient, admin: Headers, green_meadows: int) -> None:
    assert run_import(green_meadows, REVISIONS / "element_types.xlsx").status == "completed"
    before = project_snapshot.snapshot_pieces(green_meadows)
    dry = run_import(green_meadows, SAMPLE, KIND, dry_run=True)
    assert (dry.status, dry.result) == (
        "completed", "Would create 0, update 871 and leave 0 elements; 0 rows would be rejected",
    )  # fmt: skip
    planned = client.get(f"/api/jobs/{dry.id}/piece-changes?limit=1", headers=admin).get_json()
    assert planned["count"] == 871
    assert (planned["piece_changes"][0]["row"], planned["piece_changes"][0]["from"]) == (2, "planned")
    assert project_snapshot.snapshot_pieces(green_meadows) == before

    status, body = post_job_action(client, admin, "apply", dry.id)
    assert status == 202, body
    run_job(body["job_id"])
    done = get_job(body["job_id"])
    assert (done.result, done.updated_count, done.progress) == ("Successfully processed 871 elements", 871, 100)
    assert done.warning_count <= 1
    counts = count_statuses()
    assert counts == {"dispatched": 221, "produced": 282, "in_production": 296, "erected": 72, "planned": 588}
    after, entries = project_snapshot.snapshot_pieces(green_meadows), history()
    assert len(entries) == 871
    listed = client.get(f"/api/jobs/{done.id}/piece-changes?limit=1000", headers=admin).get_json()
    assert {each["to"] for each in listed["piece_changes"]} == set(counts) - {"planned"}
    assert listed["count"] == 871

    again = run_import(green_meadows, SAMPLE, KIND)
    assert (again.status, again.updated_count, again.unchanged_count) == ("completed", 0, 871)
    assert (project_snapshot.snapshot_pieces(green_meadows), history()) == (after, entries)

    undone = undo_job(client, admin, done.id)
    assert (undone.job_type, undone.status) == ("piece_undo", "completed"), undone.error
    assert undone.result == f"Undid job {done.id}: 871 pieces put back as they were"
    project_snapshot.assert_same(project_snapshot.snapshot_pieces(green_meadows), before)
    assert len(history()) == 2 * 871
    assert post_job_action(client, admin, "undo", done.id)[0] == 409

    # The undo of an undo imports the list again.
    status, body = post_job_action(client, admin, "undo", undone.id)
    assert status == 202, body
    run_job(body["job_id"])
    assert count_statuses() == counts


def test_headings_in_any_order_and_language_and_stages_beside_statuses(walls: int, listed: Any) -> None:
    path = listed(
        "Yard list;;;", "Datum;Bemerkung;Zustand;Stück",
        f"{TODAY:%d.%m.%Y};ok;Fertig;{code(1)}", f";;Betonieren;{code(2)}", f"{TODAY};;QC;{code(3)}",
        f";;in Produktion;{code(4)}",
    )  # fmt: skip
    done = run_import(walls, path, KIND)
    assert (done.status, done.updated_count, issues(done)) == ("completed", 4, []), done.error
    assert statuses() == {1: "produced", 2: "in_production", 3: "produced", 4: "in_production"}
    noted = db.session.execute(text("SELECT note, happened_at FROM piece_events WHERE note IS NOT NULL")).one()
    assert (noted.note, noted.happened_at.date()) == ("ok", TODAY)


def test_what_is_wrong_is_said_by_cell(walls: int, listed: Any) -> None:
    tomorrow = TODAY + timedelta(days=2)
    path = listed(
        "Piece,Status,Date,Stage",
        f"{code(1)},produced,{TODAY},",
        "WALL/T1_F1/001,produced,,",
        f"{code(2)},painted,,",
        f"{code(3)},produced,{tomorrow},",
        f"{code(4)},produced,{TODAY - timedelta(days=800)},",
        f"{code(5)},,12th of May,Casting",
        f"{code(1)},erected,,",
        f"{code(6)},,,Painting",
        f"{code(7)},,,Curing",
        f"{code(8)},scrapped,,",
        ",produced,,",
        f"{code(9)},,,",
    )
    done = run_import(walls, path, KIND)
    assert issues(done) == [
        ("error", "A3", "unknown_piece"), ("error", "B4", "unknown_status"), ("error", "C5", "date_in_future"),
        ("error", "C6", "date_before_piece"), ("error", "C7", "not_a_date"), ("error", "A8", "duplicate_row"),
        ("error", "D9", "unknown_stage"), ("error", "D10", "stage_not_of_type"), ("error", "B11", "illegal_move"),
        ("error", "A12", "missing_value"), ("error", "B13", "missing_value"),
    ]  # fmt: skip
    assert (done.status, done.result) == ("completed", "Processed 1 of 12 elements; 11 rows were rejected")
    assert statuses() == {1: "produced"}
    messages = db.session.scalars(text("SELECT message FROM import_issues WHERE code = 'unknown_piece'")).all()
    assert messages == ["The project has no piece with this code. Did you mean WALL/T1_F1/0001?"]
    older = run_import(
        walls, listed("Piece,Status", f"{code(1)},planned", f"{code(2)},produced"), KIND, on_error="abort"
    )
    assert (older.status, older.failure_reason, issues(older)) == (
        "failed",
        "aborted",
        [("error", "B2", "illegal_move")],
    )
    assert statuses() == {1: "produced"}
    reasoned = run_import(walls, listed("Piece,Status,Reason", f"{code(1)},planned,mixed up"), KIND)
    assert (reasoned.updated_count, statuses()) == (1, {})


@pytest.mark.parametrize(
    "content", ["WALL/T1_F1/0001\r\nWALL/T1_F1/0002\r\n", "Piece\nWALL/T1_F1/0001\nWALL/T1_F1/0002\n"]
)
def test_a_pasted_list_of_codes_takes_the_status_of_the_job(
    client: FlaskClient, admin: Headers, walls: int, listed: Any, content: str
) -> None:
    path = listed(content.strip(), name="pasted.txt")
    refused = client.post(f"/api/project/{walls}/jobs?job_type={KIND}", data=upload_form(path), headers=admin)
    assert (refused.status_code, "no headings Piece and Status" in refused.get_json()["message"]) == (422, True)
    url = f"/api/project/{walls}/jobs?job_type={KIND}&status=dispatched&date={TODAY}"
    key = {**admin, "Idempotency-Key": "scan-1"}
    jobs = []
    for _ in range(2):
        made = client.post(url, data=upload_form(path), headers=key)
        assert made.status_code == 201, made.get_json()
        jobs.append(made.get_json()["job_id"])
    assert jobs[0] == jobs[1]
    run_job(jobs[0])
    assert (get_job(jobs[0]).updated_count, statuses()) == (2, {1: "dispatched", 2: "dispatched"})
    without = run_import(walls, listed("WALL/NO/1", name="bare.txt"), KIND, parameters={"status": "erected"})
    assert "column A: “WALL/NO/1”" in str(without.error)
    other = client.post(url.replace("dispatched", "erected"), data=upload_form(path), headers=key)
    assert other.status_code == 409


def test_a_workbook_is_recognized_and_read_with_its_dates(
    client: FlaskClient, admin: Headers, walls: int, tmp_path: Path
) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Date", "Piece", "Stage"])
    sheet.append([datetime.fromisoformat(TODAY.isoformat()), code(1), "Casting"])
    sheet.append([TODAY, code(1), "QC"])
    path = tmp_path / "list.xlsx"
    book.save(path)
    made = client.post(f"/api/project/{walls}/jobs?job_type={KIND}", data=upload_form(path), headers=admin)
    assert made.status_code == 201, made.get_json()
    run_job(made.get_json()["job_id"])
    assert (get_job(made.get_json()["job_id"]).updated_count, statuses()) == (2, {1: "produced"})
    assert [row[1:] for row in history() if row[1] in ("planned", "in_production")] == [
        ("planned", "in_production"), ("in_production", "produced"),
    ]  # fmt: skip
    auto = client.post(f"/api/project/{walls}/jobs?job_type=auto", data=upload_form(SAMPLE), headers=admin)
    assert get_job(auto.get_json()["job_id"]).job_type == KIND


def test_an_open_document_list_is_read_with_its_dates(
    client: FlaskClient, admin: Headers, walls: int, tmp_path: Path
) -> None:
    day = f'office:value-type="date" office:date-value="{TODAY.isoformat()}"'
    rows = [
        ods_files.row(*map(ods_files.text, ("Piece", "Status", "Date", "Note"))),
        ods_files.row(
            ods_files.text(code(1)), ods_files.text("produced"), ods_files.cell(day, "today"), ods_files.text("ok")
        ),
        ods_files.row(ods_files.text(code(2)), ods_files.text("melted"), ods_files.cell(day, "today")),
    ]
    path = tmp_path / "list.ods"
    path.write_bytes(ods_files.ods(ods_files.table(*rows)))
    done = run_import(walls, path, KIND)
    assert (done.status, done.updated_count, statuses()) == ("completed", 1, {1: "produced"}), done.error
    assert issues(done) == [("error", "B3", "unknown_status")]
    since = db.session.execute(text("SELECT status_since::date FROM pieces WHERE number = 1")).scalar_one()
    assert since == TODAY


def test_an_undo_is_refused_for_pieces_that_have_moved_on(
    client: FlaskClient, admin: Headers, walls: int, listed: Any
) -> None:
    first = run_import(walls, listed("Piece,Status", *(f"{code(n)},produced" for n in range(1, 4))), KIND)
    second = run_import(walls, listed("Piece,Status", f"{code(2)},dispatched"), KIND)
    status, body = post_job_action(client, admin, "undo", first.id)
    assert (status, body["message"]) == (
        409, f"Job {first.id} can't be undone. Pieces have moved on since: {code(2)}.",
    )  # fmt: skip
    assert undo_job(client, admin, second.id).status == "completed"
    assert statuses() == dict.fromkeys(range(1, 4), "produced")
    assert undo_job(client, admin, first.id).status == "completed"
    assert statuses() == {}


def test_a_preview_is_not_applied_after_a_piece_has_moved(
    client: FlaskClient, admin: Headers, walls: int, listed: Any
) -> None:
    dry = run_import(walls, listed("Piece,Status", f"{code(1)},produced"), KIND, dry_run=True)
    first = db.session.execute(text("SELECT id FROM pieces WHERE number = 1")).scalar_one()
    status, body = post_job_action(client, admin, "apply", dry.id)
    assert status == 202
    moved = client.patch(f"/api/elements/{first}", json={"status": "in_production"}, headers=admin)
    assert moved.status_code == 200
    run_job(body["job_id"])
    assert (get_job(body["job_id"]).status, statuses()) == ("failed", {1: "in_production"})
    assert post_job_action(client, admin, "apply", dry.id)[0] == 409


def test_scrapped_pieces_of_a_list_are_replaced_and_restored(
    client: FlaskClient, admin: Headers, walls: int, listed: Any
) -> None:
    assert run_import(walls, listed("Piece,Status", *_each("produced", 1, 2)), KIND).updated_count == 2
    before = project_snapshot.snapshot_pieces(walls)
    scrapped = run_import(walls, listed("Piece,Status,Reason", *_each("scrapped,cracked", 1, 2)), KIND)
    assert (scrapped.updated_count, scrapped.pieces_added) == (2, 2)
    db.session.rollback()
    found = db.session.execute(text("SELECT number, replaces_id FROM pieces WHERE replaces_id IS NOT NULL ORDER BY 1"))
    assert [row.number for row in found] == [31, 32]
    assert project_snapshot.snapshot_pieces(walls)["wrong quantities"] == []
    undone = undo_job(client, admin, scrapped.id)
    assert (undone.status, undone.pieces_removed) == ("completed", 2), undone.error
    project_snapshot.assert_same(project_snapshot.snapshot_pieces(walls), before)


def _each(rest: str, *numbers: int) -> Iterable[str]:
    return (f"{code(number)},{rest}" for number in numbers)


def test_a_cancelled_list_changes_nothing_and_can_be_retried(
    client: FlaskClient, admin: Headers, walls: int, listed: Any
) -> None:
    made = client.post(
        f"/api/project/{walls}/jobs?job_type={KIND}",
        data=upload_form(listed("Piece,Status", f"{code(1)},produced")),
        headers=admin,
    )
    job_id = made.get_json()["job_id"]
    assert post_job_action(client, admin, "cancel", job_id)[0] == 202
    run_job(job_id)
    cancelled = get_job(job_id)
    assert (cancelled.status, cancelled.failure_reason, statuses()) == ("failed", "cancelled", {})
    assert post_job_action(client, admin, "undo", job_id)[0] == 409
    assert post_job_action(client, admin, "retry", job_id)[0] == 202
    run_job(job_id)
    assert (get_job(job_id).status, statuses()) == ("completed", {1: "produced"})


def test_codes_of_labels_and_codes_in_other_case_or_with_spaces_are_the_same_pieces(walls: int, listed: Any) -> None:
    path = listed(
        "Piece,Status",
        f"https://precast.example/pieces/17?code={code(1).replace('/', '%2F')},produced",
        f"{code(2).lower()},produced",
        f"  {code(3).replace('/', ' / ')} ,produced",
        "https://precast.example/pieces/17,produced",
        f"{code(2)},produced",
        f"{code(99).lower()},produced",
    )
    done = run_import(walls, path, KIND)
    assert statuses() == {1: "produced", 2: "produced", 3: "produced"}
    assert issues(done) == [("error", "A5", "unknown_piece"), ("error", "A7", "unknown_piece")]
    assert (done.updated_count, done.unchanged_count, done.rejected_count) == (3, 1, 2)


def test_dates_are_read_in_the_forms_in_which_people_write_them(walls: int, listed: Any) -> None:
    day = TODAY - timedelta(days=40)
    month = day.strftime("%b")
    written = [
        f"{day:%d.%m.%Y}", f"{day:%d.%m.%y}", f"{day:%d}-{month}-{day:%y}", f"{day:%d} {day:%B} {day:%Y}",
        f"{day} 14:30+02:00", f"{day}T14:30:00+0200", f'"{day:%d} {month} {day:%Y}, 2:30 PM"', f"{day}T12:30Z",
    ]  # fmt: skip
    path = listed("Piece,Status,Date", *(f"{code(1 + i)},produced,{each}" for i, each in enumerate(written)))
    done = run_import(walls, path, KIND)
    assert (done.updated_count, [each for each in issues(done) if each[0] == "error"]) == (8, [])
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    found = list(db.session.scalars(text("SELECT status_since FROM pieces WHERE status = 'produced' ORDER BY number")))
    half_past_two, half_past_twelve = midnight.replace(hour=14, minute=30), midnight.replace(hour=12, minute=30)
    assert found == [midnight] * 4 + [half_past_twelve] * 2 + [half_past_two, half_past_twelve]
