"""Corrections of a job's file: cells and rules, their history, the corrected file, and the import with them."""

from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from precast_app.extensions import db
from precast_app.jobs.runner import run_job
from precast_app.models import ElementType, ImportJob, Role
from tests.auth_headers import member_headers
from tests.conftest import get_job, run_import
from tests.corrected_files import cell, put_corrections, revalidate, rule, wall, write_workbook
from tests.job_requests import Headers, post_job_action, undo_job


@pytest.fixture
def dry(green_meadows: int, tmp_path: Path) -> ImportJob:
    """Return a dry run with six equal mistakes (rows 2 to 7), two single ones (8 and 9) and one right row (10)."""
    rows = [wall(number, E="—") for number in range(1, 7)]
    rows += [wall(7, D="12,5 m"), wall(8, B=""), wall(9)]
    job = run_import(green_meadows, write_workbook(tmp_path / "walls.xlsx", rows), dry_run=True)
    assert (job.status, job.rejected_count, job.created_count) == ("completed", 8, 1), job.error
    return job


CELLS = [cell(8, "D", "12500"), cell(9, "B", "W-8")]
RULES = [rule("E", "—", "")]


def rejected_rows(client: FlaskClient, headers: Headers, job_id: int, **query: Any) -> dict[str, Any]:
    response = client.get(f"/api/jobs/{job_id}/rejected-rows", query_string=query, headers=headers)
    assert response.status_code == 200, response.get_json()
    return dict(response.get_json())


def download(client: FlaskClient, headers: Headers, url: str) -> tuple[bytes, str]:
    """Return the content of a download and the header with its name."""
    with client.get(url, headers=headers) as response:
        assert response.status_code == 200, response.get_json()
        return response.data, response.headers["Content-Disposition"]


def sheet_of(content: bytes) -> Any:
    """Return the first sheet of a workbook."""
    return openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]


def names() -> set[str]:
    db.session.rollback()
    return set(db.session.scalars(select(ElementType.name)))


def test_rejected_rows_are_listed_with_their_errors_and_equal_mistakes(
    client: FlaskClient, admin: Headers, dry: ImportJob
) -> None:
    found = rejected_rows(client, admin, dry.id, limit=2)
    assert (found["count"], found["open_count"], found["rejected_count"], found["version"]) == (8, 8, 8, 0)
    assert [row["row"] for row in found["rows"]] == [2, 3]
    assert found["rows"][0]["cells"] == {
        "A": "WALL", "B": "W-1", "C": "2950", "D": "4001", "E": "—", "F": "5100.5", "G": "2",
    }  # fmt: skip
    assert [(issue["column"], issue["code"]) for issue in found["rows"][0]["issues"]] == [("E", "not_a_number")]
    mistakes = [(each["column"], each["value"], len(each["rows"]), each["suggestion"]) for each in found["mistakes"]]
    assert mistakes == [("E", "—", 6, ""), ("D", "12,5 m", 1, "12500"), ("B", "", 1, None)]
    assert [row["row"] for row in rejected_rows(client, admin, dry.id, after=7)["rows"]] == [8, 9]


def test_a_rule_and_two_cells_make_the_file_clean(client: FlaskClient, admin: Headers, dry: ImportJob) -> None:
    status, body = put_corrections(client, admin, dry.id, 0, cells=CELLS, rules=RULES)
    assert (status, body["version"], body["checked_version"]) == (200, 1, 0), body
    found = rejected_rows(client, admin, dry.id, state="all")
    assert (found["count"], found["open_count"], found["mistakes"]) == (8, 0, [])
    assert found["rows"][0]["original"] == {"E": "—"}
    assert post_job_action(client, admin, "apply", dry.id)[0] == 409
    job = revalidate(client, admin, dry.id)
    assert (job.status, job.rejected_count, job.created_count, job.total_items) == ("completed", 0, 9, 9), job.error
    assert rejected_rows(client, admin, dry.id, state="all")["count"] == 0
    status, body = post_job_action(client, admin, "apply", dry.id)
    assert status == 202, body
    run_job(body["job_id"])
    applied = get_job(body["job_id"])
    assert (applied.status, applied.created_count, applied.rejected_count) == ("completed", 9, 0), applied.error
    stored = db.session.scalars(select(ElementType).where(ElementType.name == "W-7")).one()
    assert (stored.length, stored.thickness) == (Decimal(12500), Decimal(200))
    assert put_corrections(client, admin, dry.id, 1)[0] == 409


def test_an_undone_import_is_redone_with_its_corrections(client: FlaskClient, admin: Headers, dry: ImportJob) -> None:
    put_corrections(client, admin, dry.id, 0, cells=CELLS, rules=RULES)
    revalidate(client, admin, dry.id)
    _, body = post_job_action(client, admin, "apply", dry.id)
    run_job(body["job_id"])
    imported = names()
    undone = undo_job(client, admin, body["job_id"])
    assert names() == set()
    redone = undo_job(client, admin, undone.id)
    assert (redone.status, names()) == ("completed", imported), redone.error


def test_the_file_stays_and_its_corrected_copy_is_clean(
    client: FlaskClient, admin: Headers, dry: ImportJob, tmp_path: Path
) -> None:
    before = download(client, admin, f"/api/jobs/{dry.id}/file")
    put_corrections(client, admin, dry.id, 0, cells=CELLS, rules=RULES)
    assert download(client, admin, f"/api/jobs/{dry.id}/file") == before
    content, disposition = download(client, admin, f"/api/jobs/{dry.id}/file?corrected=true")
    assert "filename=walls-corrected.xlsx" in disposition
    sheet = sheet_of(content)
    assert [sheet[name].value for name in ("E2", "D8", "B9", "D2", "E10")] == [None, 12500, "W-8", 4001, 200]
    assert sheet["A1"].font.bold
    path = tmp_path / "corrected.xlsx"
    path.write_bytes(content)
    job = run_import(1, path, use_profile="none")
    assert (job.status, job.created_count, job.rejected_count) == ("completed", 9, 0), job.error


@pytest.mark.parametrize(
    ("encoding", "separator", "line_end"), [("utf-8", ";", "\n"), ("utf-8-sig", ",", "\r\n"), ("cp1252", ";", "\r\n")]
)
def test_the_corrected_copy_of_a_csv_file_is_that_file_with_its_corrections(
    client: FlaskClient,
    admin: Headers,
    green_meadows: int,
    tmp_path: Path,
    encoding: str,
    separator: str,
    line_end: str,
) -> None:
    lines = ["Element Type|Element Type Name|Height", 'WALL|"W ""1"""|tall', "FAÇADE|W-2|1250.5", "", "WALL|W-3|low"]
    content = line_end.join(lines).replace("|", separator).encode(encoding)
    path = tmp_path / "walls.csv"
    path.write_bytes(content)
    job = run_import(green_meadows, path, dry_run=True)
    assert job.rejected_count == 2, job.error
    put_corrections(client, admin, job.id, 0, cells=[cell(2, "C", "2500"), cell(5, "C", "")])
    corrected, name = download(client, admin, f"/api/jobs/{job.id}/file?corrected=true")
    assert name.endswith("walls-corrected.csv")
    assert corrected == content.replace(b"tall", b"2500").replace(b"low", b"")
    path.write_bytes(corrected)
    done = run_import(green_meadows, path, use_profile="none")
    assert (done.status, done.created_count, done.rejected_count) == ("completed", 3, 0), done.error


def test_a_corrected_csv_file_is_in_utf_8_if_its_own_encoding_lacks_a_character(
    client: FlaskClient, admin: Headers, green_meadows: int, tmp_path: Path
) -> None:
    path = tmp_path / "walls.csv"
    path.write_bytes("Element Type,Element Type Name,Height\nFAÇADE,W-1,low\n".encode("cp1252"))
    job = run_import(green_meadows, path, dry_run=True)
    put_corrections(client, admin, job.id, 0, cells=[cell(2, "C", "1"), cell(2, "B", "Ł-1")])
    corrected = download(client, admin, f"/api/jobs/{job.id}/file?corrected=true")[0]
    assert corrected.decode("utf-8-sig").splitlines()[1] == "FAÇADE,Ł-1,1"


def test_the_annotated_copy_of_a_corrected_csv_file_is_a_workbook(
    client: FlaskClient, admin: Headers, green_meadows: int, tmp_path: Path
) -> None:
    path = tmp_path / "walls.csv"
    path.write_text("Element Type;Element Type Name;Height\nWALL;W-1;2,5 m\nWALL;W-2;1.250,5\n", encoding="utf-8")
    job = run_import(green_meadows, path, dry_run=True)
    assert job.rejected_count == 1, job.error
    put_corrections(client, admin, job.id, 0, cells=[cell(2, "C", "2500")])
    again = client.post(f"/api/jobs/{job.id}/revalidate", headers=admin).get_json()["job_id"]
    run_job(again)
    sheet = sheet_of(download(client, admin, f"/api/jobs/{again}/annotated")[0])
    assert [[each.value for each in row] for row in sheet["B2:C3"]] == [["W-1", "2500"], ["W-2", "1250.5"]]


def test_two_people_who_correct_at_once_lose_nothing(client: FlaskClient, admin: Headers, dry: ImportJob) -> None:
    editor = member_headers(1, Role.EDITOR)
    assert put_corrections(client, admin, dry.id, 0, rules=RULES)[0] == 200
    status, body = put_corrections(client, editor, dry.id, 0, cells=CELLS)
    assert (status, body["errors"]["version"]) == (412, 1)
    changed = {"row": None, "column": "E", "from": "—", "to": "", "changed_by": "admin"}
    assert body["errors"]["changes"] == [changed]
    assert put_corrections(client, editor, dry.id, 1, cells=CELLS, rules=RULES)[0] == 200
    stored = client.get(f"/api/jobs/{dry.id}/corrections", headers=admin)
    assert stored.headers["ETag"] == '"2"'
    who = {(each.get("row"), each["column"]): each["changed_by"] for each in stored.get_json()["cells"]}
    assert who == {(8, "D"): "editor", (9, "B"): "editor"}
    assert [each["changed_by"] for each in stored.get_json()["rules"]] == ["admin"]


def test_the_history_says_who_changed_what(client: FlaskClient, admin: Headers, dry: ImportJob) -> None:
    put_corrections(client, admin, dry.id, 0, cells=[cell(8, "D", "12")])
    put_corrections(client, admin, dry.id, 1, cells=[cell(8, "D", "12500")], rules=RULES)
    put_corrections(client, admin, dry.id, 2)
    history = client.get(f"/api/jobs/{dry.id}/corrections/history", headers=admin).get_json()
    changes = [[each[name] for name in ("version", "row", "column", "from", "to")] for each in history["changes"]]
    assert changes == [
        [3, 8, "D", "12500", None],
        [3, None, "E", "—", None],
        [2, 8, "D", "12", "12500"],
        [2, None, "E", "—", ""],
        [1, 8, "D", "12,5 m", "12"],
    ]
    assert {each["changed_by"] for each in history["changes"]} == {"admin"}


def test_edits_are_checked_by_the_validation_of_the_import(client: FlaskClient, admin: Headers, dry: ImportJob) -> None:
    def check(*rows: dict[str, Any]) -> dict[int, list[str]]:
        response = client.post(f"/api/jobs/{dry.id}/check-rows", json={"rows": list(rows)}, headers=admin)
        assert response.status_code == 200, response.get_json()
        return {each["row"]: [issue["code"] for issue in each["issues"]] for each in response.get_json()["rows"]}

    assert check({"row": 8, "cells": {"D": "-1"}}) == {8: ["negative_number"]}
    assert check({"row": 8, "cells": {"D": "12,5"}}, {"row": 9, "cells": {"B": "W-7"}}) == {8: [], 9: ["duplicate_row"]}
    assert check({"row": 8, "cells": {}}) == {8: ["not_a_number"]}
    response = client.post(f"/api/jobs/{dry.id}/check-rows", json={"rows": [{"row": 10, "cells": {}}]}, headers=admin)
    assert (response.status_code, "Row 10 is not one" in response.get_json()["message"]) == (422, True)
    assert client.get(f"/api/jobs/{dry.id}/corrections", headers=admin).get_json()["version"] == 0


def test_a_repeated_element_type_is_known_until_its_name_is_corrected(
    client: FlaskClient, admin: Headers, green_meadows: int, tmp_path: Path
) -> None:
    job = run_import(green_meadows, write_workbook(tmp_path / "w.xlsx", [wall(1), wall(1, D=5)]), dry_run=True)
    (row,) = rejected_rows(client, admin, job.id)["rows"]
    assert (row["row"], [issue["code"] for issue in row["issues"]]) == (3, ["duplicate_row"])
    put_corrections(client, admin, job.id, 0, cells=[cell(3, "B", "W-2")])
    assert rejected_rows(client, admin, job.id)["open_count"] == 0
    assert revalidate(client, admin, job.id).rejected_count == 0


def test_only_the_rejected_rows_of_an_import_go_in_afterwards(
    client: FlaskClient, admin: Headers, dry: ImportJob
) -> None:
    _, body = post_job_action(client, admin, "apply", dry.id)
    run_job(body["job_id"])
    first = get_job(body["job_id"])
    assert (first.status, first.created_count, first.rejected_count) == ("completed", 1, 8)
    put_corrections(client, admin, first.id, 0, cells=CELLS[:1], rules=RULES)
    status, body = post_job_action(client, admin, "import-rejected", first.id)
    assert status == 202, body
    run_job(body["job_id"])
    second = get_job(body["job_id"])
    assert (second.status, second.created_count, second.unchanged_count) == ("completed", 7, 0), second.error
    assert (second.total_items, second.rejected_count, second.corrects_job_id) == (8, 1, first.id)
    put_corrections(client, admin, second.id, second.corrections_version, cells=CELLS, rules=RULES)
    third = get_job(post_job_action(client, admin, "import-rejected", second.id)[1]["job_id"])
    run_job(third.id)
    assert (get_job(third.id).created_count, len(names())) == (1, 9)
    # Undone and done again, the second import does what it did.
    undone = undo_job(client, admin, second.id)
    assert len(names()) == 2
    redone = undo_job(client, admin, undone.id)
    assert (redone.created_count, redone.rejected_count, len(names())) == (7, 1, 9)


def test_a_file_that_was_not_imported_for_its_errors_goes_in_as_a_whole(
    client: FlaskClient, admin: Headers, green_meadows: int, tmp_path: Path
) -> None:
    path = write_workbook(tmp_path / "walls.xlsx", [wall(1, E="—"), wall(2)])
    first = run_import(green_meadows, path, on_error="abort")
    assert (first.status, first.failure_reason) == ("failed", "aborted")
    put_corrections(client, admin, first.id, 0, rules=RULES)
    second = post_job_action(client, admin, "import-rejected", first.id)[1]["job_id"]
    run_job(second)
    assert (get_job(second).created_count, names()) == (2, {"W-1", "W-2"})


def test_blank_cells_and_repeated_corrections_are_refused(client: FlaskClient, admin: Headers, dry: ImportJob) -> None:
    for body, expected in (
        ({"rules": [rule("E", " ", "1")]}, "blank cells one by one"),
        ({"rules": [rule("E", "—", ""), rule("E", " — ", "1")]}, "two rules"),
        ({"cells": [cell(8, "D", "1"), cell(8, "D", "2")]}, "given twice"),
        ({"cells": [cell(1, "D", "Height")]}, "above the data"),
        ({"cells": [cell(8, "D", "1"), cell(11, "D", "1")]}, "Row 11 is below the data, which end in row 10"),
        ({"cells": [cell(1_048_576, "D", "1")]}, "Row 1048576 is below the data"),
        ({"cells": [cell(8, "ZZZ", "1")]}, "no such column"),
        ({"cells": [cell(8, "XFD", "1")]}, "doesn't read column XFD"),
        ({"rules": [rule("Z", "—", "")]}, "doesn't read column Z"),
        ({"cells": [cell(0, "D", "1")]}, "Must be greater"),
    ):
        status, answer = put_corrections(client, admin, dry.id, 0, **body)
        assert (status, expected in answer["message"]) == (422, True), answer
    response = client.put(f"/api/jobs/{dry.id}/corrections", json={}, headers=admin)
    assert response.status_code == 428, response.get_json()


def test_the_last_row_of_a_file_is_corrected_even_if_it_has_totals(
    client: FlaskClient, admin: Headers, green_meadows: int, tmp_path: Path
) -> None:
    totals = ["Total", None, None, None, None, 5100.5, 2]
    path = write_workbook(tmp_path / "walls.xlsx", [wall(1), wall(2, E="—"), totals])
    job = run_import(green_meadows, path, dry_run=True)
    assert (job.status, job.total_items, job.rejected_count) == ("completed", 2, 1), job.error
    assert put_corrections(client, admin, job.id, 0, cells=[cell(4, "A", "WALL"), cell(4, "B", "W-3")])[0] == 200
    status, answer = put_corrections(client, admin, job.id, 1, cells=[cell(5, "B", "W-4")])
    assert (status, "which end in row 4" in answer["message"]) == (422, True), answer
    assert "die in Zeile 4 enden" in client.put(
        f"/api/jobs/{job.id}/corrections?language=de",
        json={"cells": [cell(5, "B", "W-4")]},
        headers={**admin, "If-Match": '"1"'},
    ).get_json()["message"]  # fmt: skip
    job = revalidate(client, admin, job.id)
    assert (job.created_count, job.rejected_count) == (2, 1), job.error


def test_a_running_job_and_reference_data_are_not_corrected(
    client: FlaskClient, admin: Headers, dry: ImportJob
) -> None:
    client.post(f"/api/jobs/{dry.id}/revalidate", headers=admin)
    assert put_corrections(client, admin, dry.id, 0, rules=RULES)[0] == 409
    assert client.post(f"/api/jobs/{dry.id}/revalidate", headers=admin).status_code == 409
    run_job(dry.id)
    assert put_corrections(client, admin, dry.id, 0, rules=RULES)[0] == 200
    assert client.post(f"/api/jobs/{dry.id}/import-rejected", headers=admin).status_code == 409


def test_annotated_and_rejected_rows_are_those_of_the_corrected_file(
    client: FlaskClient, admin: Headers, dry: ImportJob
) -> None:
    put_corrections(client, admin, dry.id, 0, cells=[cell(8, "D", "twelve")], rules=RULES)
    revalidate(client, admin, dry.id)
    sheet = sheet_of(download(client, admin, f"/api/jobs/{dry.id}/annotated")[0])
    assert (sheet["D8"].value, sheet["D8"].comment is not None, sheet["E2"].value) == ("twelve", True, None)
    sheet = sheet_of(download(client, admin, f"/api/jobs/{dry.id}/rejected")[0])
    assert [sheet[name].value for name in ("B2", "D2", "B3")] == ["W-7", "twelve", None]


def test_a_rule_in_the_profile_corrects_the_next_file(
    client: FlaskClient, admin: Headers, dry: ImportJob, tmp_path: Path
) -> None:
    url = f"/api/jobs/{dry.id}/corrections/remember"
    first = client.post(url, json={"rules": RULES}, headers=admin)
    assert (first.status_code, first.get_json()["name"]) == (200, "walls"), first.get_json()
    path = write_workbook(tmp_path / "next.xlsx", [wall(1, E="—"), wall(2, D="12,5 m")])
    job = run_import(1, path, dry_run=True)
    assert (job.profile_name, job.created_count, job.rejected_count) == ("walls", 1, 1), job.error
    put_corrections(client, admin, job.id, 0, rules=[rule("D", "12,5 m", "12500")])
    again = client.post(
        f"/api/jobs/{job.id}/corrections/remember", json={"rules": [rule("D", "12,5 m", "12500")]}, headers=admin
    )
    assert (again.status_code, again.get_json()["version"]) == (200, 2), again.get_json()
    assert run_import(1, path, dry_run=True).rejected_count == 0
    unread = client.post(url, json={"rules": [rule("Z", "a", "b")]}, headers=admin)
    assert (unread.status_code, "doesn't read column Z" in unread.get_json()["message"]) == (422, True)
