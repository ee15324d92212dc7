"""Filters and the workbook of a job's changes, and the comparison of two uploads."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text

from precast_app.extensions import db
from precast_app.models import ImportJob
from tests.conftest import EXAMPLES, ROOT, run_import
from tests.element_type_files import WriteCsv, wall_row
from tests.job_requests import Headers

REVISIONS = ROOT / "tests" / "files" / "revisions"
REVISION_A, REVISION_B = REVISIONS / "element_types.xlsx", REVISIONS / "element_types_rev_b.xlsx"


def get(client: FlaskClient, headers: Headers, url: str) -> dict[str, Any]:
    answer = client.get(url, headers=headers)
    assert answer.status_code == 200, answer.get_json()
    found: dict[str, Any] = answer.get_json()
    return found


def names(found: dict[str, Any]) -> list[str]:
    return [each["name"] for each in found["changes"]]


def workbook(client: FlaskClient, headers: Headers, url: str) -> openpyxl.Workbook:
    with client.get(url, headers=headers) as answer:
        assert answer.status_code == 200
        return openpyxl.load_workbook(io.BytesIO(answer.data))


@pytest.fixture
def dry_run_of_b(green_meadows: int) -> int:
    """Return the id of a dry run of revision B; W-106 and W-101 have pieces in production, W-104 a scrapped one."""
    assert run_import(green_meadows, REVISION_A).created_count == 120
    for name, status in (("W-106", "produced"), ("W-101", "in_production"), ("W-104", "scrapped")):
        moved = "SELECT min(p.id) FROM pieces p JOIN element_types t ON t.id = p.element_type_id WHERE t.name = :name"
        db.session.execute(
            text(f"UPDATE pieces SET status = :status WHERE id = ({moved})"), {"name": name, "status": status}
        )
    db.session.commit()
    return run_import(green_meadows, REVISION_B, dry_run=True).id


def test_changes_are_filtered_by_field_and_by_pieces_in_production(
    client: FlaskClient, admin: Headers, dry_run_of_b: int
) -> None:
    url = f"/api/jobs/{dry_run_of_b}/changes"
    assert names(get(client, admin, f"{url}?field=Length")) == ["W-104", "FA-112"]
    assert names(get(client, admin, f"{url}?field=Element Type Name")) == ["W-112A"]
    by_floor = get(client, admin, f"{url}?field=Tower_A.Floor_2")
    assert (len(names(by_floor)), by_floor["count"]) == (7, 7)
    assert names(get(client, admin, f"{url}?field=Height")) == names(get(client, admin, f"{url}?field=nothing")) == []
    assert names(get(client, admin, f"{url}?in_production=true&change=updated")) == ["W-101"]
    assert set(names(get(client, admin, f"{url}?in_production=true"))) == {"W-101", "W-106"}
    assert names(get(client, admin, f"{url}?in_production=true&field=Length")) == []


def test_changes_are_counted_by_kind_and_field(client: FlaskClient, admin: Headers, dry_run_of_b: int) -> None:
    found = get(client, admin, f"/api/jobs/{dry_run_of_b}/changes/summary")
    assert found["kinds"] == {
        "created": 4, "updated": 9, "renamed": 1, "missing": 3, "deleted": 0, "unchanged": 107,
    }  # fmt: skip
    counts = {each["field"]: each["count"] for each in found["fields"]}
    assert counts == {
        "Tower_A.Floor_2": 7, "Element Type Version": 7, "Length": 2, "Volume": 2, "Element Type Name": 1,
    }  # fmt: skip
    assert found["in_production"] == 2


def test_the_workbook_of_a_review_has_a_sheet_for_each_kind_of_change(
    client: FlaskClient, admin: Headers, dry_run_of_b: int
) -> None:
    book = workbook(client, admin, f"/api/jobs/{dry_run_of_b}/changes.xlsx")
    assert book.sheetnames == ["New", "Changed", "Renamed", "Missing", "Removed"]
    changed = list(book["Changed"].iter_rows(values_only=True))
    assert changed[0] == ("Row", "Element Type", "Element Type Name", "Field", "Before", "After", "Pieces")
    assert (4, "WALL", "W-101", "Element Type Version", "VR-2", "VR-3", "1 in production, 31 planned") in changed or (
        4, "WALL", "W-101", "Element Type Version", "VR-2", "VR-3", "31 planned, 1 in production",
    ) in changed  # fmt: skip
    colours = [book["Changed"].cell(2, column).fill.fgColor.rgb for column in (5, 6)]
    assert colours == ["FFF8D7DA", "FFD4EDDA"]
    new = [row[2] for row in book["New"].iter_rows(min_row=2, values_only=True)]
    assert list(dict.fromkeys(new)) == ["W-191", "FA-192", "C-193", "HCS-194"]
    assert {row[2] for row in book["Missing"].iter_rows(min_row=2, values_only=True)} == {"W-106", "FA-107", "HCS-109"}
    assert book["Renamed"].cell(2, 4).value == "W-112"


def test_two_uploads_are_compared_whatever_is_stored(client: FlaskClient, admin: Headers, project_id: int) -> None:
    """The project lacks all reference data that the headings name."""
    first = run_import(project_id, REVISION_A, dry_run=True).id
    second = run_import(project_id, REVISION_B, dry_run=True).id
    url = f"/api/jobs/{first}/compare/{second}"
    found = get(client, admin, url)
    assert found["counts"] == {"added": 5, "removed": 4, "changed": 9, "same": 107, "unreadable": 0}
    assert found["count"] == len(found["rows"]) == 18
    (row,) = [each for each in found["rows"] if each["name"] == "W-104"]
    assert (row["change"], row["row_a"], row["row_b"], row["element_type"]) == ("changed", 7, 7, "WALL")
    assert row["fields"]["Length"] == {"before": "3700", "after": "3750"}
    assert {each["field"]: each["count"] for each in found["fields"]}["Length"] == 2
    page = get(client, admin, f"{url}?change=removed&limit=2&offset=1")
    assert (page["count"], [each["name"] for each in page["rows"]]) == (4, ["W-112", "FA-107"])
    assert get(client, admin, f"/api/jobs/{second}/compare/{first}")["counts"]["added"] == 4
    assert get(client, admin, f"/api/jobs/{first}/compare/{first}")["count"] == 0
    book = workbook(client, admin, f"{url}.xlsx")
    assert book.sheetnames == ["Added", "Removed", "Changed", "Unreadable"]
    rows = list(book["Changed"].iter_rows(values_only=True))
    assert (7, "WALL", "W-104", 7, "Length", "3700", "3750") in rows
    assert {row[2] for row in book["Added"].iter_rows(min_row=2, values_only=True)} >= {"W-191", "W-112A"}


def test_a_csv_file_is_compared_with_a_workbook_and_rejected_rows_are_unreadable(
    client: FlaskClient, admin: Headers, green_meadows: int, write_csv: WriteCsv
) -> None:
    first = run_import(green_meadows, EXAMPLES / "element_types.xlsx", dry_run=True).id
    second = run_import(green_meadows, EXAMPLES / "element_types.csv", dry_run=True).id
    assert get(client, admin, f"/api/jobs/{first}/compare/{second}")["counts"]["same"] == 120
    rows = wall_row("A", 1), wall_row("B", 2)
    first = run_import(green_meadows, write_csv(["Podium"], *rows), dry_run=True).id
    second = run_import(green_meadows, write_csv(["Podium"], wall_row("A", 1), wall_row("B", "x")), dry_run=True).id
    found = get(client, admin, f"/api/jobs/{first}/compare/{second}")
    assert [(each["change"], each["row_a"], each["row_b"]) for each in found["rows"]] == [("unreadable", 3, 3)]
    assert [(each["element_type"], each["name"]) for each in found["rows"]] == [("WALL", "B")]


def test_only_files_of_element_types_of_one_project_are_compared(
    client: FlaskClient, admin: Headers, green_meadows: int, tmp_path: Path, write_csv: WriteCsv
) -> None:
    ours = run_import(green_meadows, write_csv(["Podium"], wall_row("A", 1))).id
    stages = run_import(green_meadows, EXAMPLES / "stages.csv", "stage_import").id
    other_project = client.post("/api/project", json={"name": "Other"}, headers=admin).get_json()["project"]["id"]
    theirs = run_import(other_project, write_csv([], wall_row("A")), dry_run=True).id
    waiting = client.post("/api/project/1/jobs?job_type=element_type_import", headers=admin).get_json()["job_id"]
    for other, status in ((stages, 409), (theirs, 404), (waiting, 404), (9999, 404)):
        for url in (f"/api/jobs/{ours}/compare/{other}", f"/api/jobs/{ours}/compare/{other}.xlsx"):
            assert client.get(url, headers=admin).status_code == status, url


def test_the_page_shows_what_differs(client: FlaskClient, admin: Headers, green_meadows: int) -> None:
    first = run_import(green_meadows, REVISION_A, dry_run=True).id
    second = run_import(green_meadows, REVISION_B, dry_run=True).id
    answer = client.get(f"/jobs/{second}/compare", headers=admin)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/jobs/{first}/compare/{second}")
    page = client.get(f"/jobs/{first}/compare/{second}", headers=admin).text
    assert all(words in page for words in ("<strong>107</strong><span>same</span>", "W-191", "<del>3700</del>"))
    page = client.get(f"/jobs/{first}/compare/{second}?change=removed", headers=admin).text
    assert ("FA-107" in page, "W-191" in page) == (True, False)


def test_a_reference_file_is_not_compared_with_a_job_that_does_not_exist(
    client: FlaskClient, admin: Headers, green_meadows: int
) -> None:
    job_id = db.session.scalars(select(ImportJob.id).where(ImportJob.job_type != "element_type_import")).first()
    for address in (f"/jobs/{job_id}/compare/0", f"/api/jobs/{job_id}/compare/999999"):
        assert client.get(address, headers=admin).status_code == 404
