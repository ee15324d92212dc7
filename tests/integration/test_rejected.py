"""The rejected rows as a workbook, which can be corrected and imported."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import openpyxl
import openpyxl.comments
import openpyxl.styles
import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import EXAMPLES, run_import
from tests.element_type_files import BASE_HEADER, SAMPLE_TOTALS, project_totals


def fetch(client: FlaskClient, headers: dict[str, str], job_id: int, path: Path) -> openpyxl.Workbook:
    with client.get(f"/api/jobs/{job_id}/rejected", headers=headers) as answer:
        assert answer.status_code == 200, answer.get_json()
        path.write_bytes(answer.data)
    return openpyxl.load_workbook(path)


def test_rejected_rows_of_a_workbook(
    client: FlaskClient, admin: dict[str, str], green_meadows: int, tmp_path: Path
) -> None:
    book = openpyxl.load_workbook(EXAMPLES / "element_types.xlsx")
    good = {place: book["Element Types"][place].value for place in ("C5", "P9", "A20")}
    for place, bad in (("C5", "tall"), ("P9", -1), ("A20", None)):
        book["Element Types"][place] = bad
    book.save(tmp_path / "bad.xlsx")
    first = run_import(green_meadows, tmp_path / "bad.xlsx")
    assert (first.created_count, first.rejected_count) == (117, 3)

    path = tmp_path / "rejected.xlsx"
    rejected = fetch(client, admin, first.id, path)
    sheet = rejected["Element Types"]
    assert (sheet.max_row, sheet["AR1"].value) == (6, "Rejected because")
    assert str(sheet["AR4"].value).startswith("C (Height): Enter a number")
    assert {str(area) for area in sheet.merged_cells.ranges} >= {"K1:M1", "N1:S1", "AA1:AH1"}
    for place, wanted in (("C4", good["C5"]), ("P5", good["P9"]), ("A6", good["A20"])):
        sheet[place] = wanted
    rejected.save(path)
    second = run_import(green_meadows, path)
    assert (second.status, second.created_count, second.warning_count) == ("completed", 3, 0), second.error
    assert project_totals(green_meadows) == SAMPLE_TOTALS
    assert client.get(f"/api/jobs/{second.id}/rejected", headers=admin).status_code == 404


def test_rejected_rows_of_a_file_with_decimal_commas(
    client: FlaskClient, admin: dict[str, str], green_meadows: int, tmp_path: Path
) -> None:
    path = tmp_path / "types.csv"
    header = BASE_HEADER.replace(",", ";")
    path.write_text(f"{header};Podium\nWALL;1,5;2,5;1.200;;;;;;;1\nWALL;1,200;1,200;3,5;;;;;;;x\n")
    first = run_import(green_meadows, path)
    rejected = fetch(client, admin, first.id, tmp_path / "rejected.xlsx")
    row = [cell.value for cell in rejected.worksheets[0][2]]
    assert row[:4] == ["WALL", "1,200", "1.200", "3.5"]
    rejected.worksheets[0]["K2"] = 2
    rejected.save(tmp_path / "rejected.xlsx")
    second = run_import(green_meadows, tmp_path / "rejected.xlsx")
    assert (second.created_count, second.pieces_added) == (1, 2)
    found = client.get("/api/project/1/element-types?search=1,200", headers=admin).get_json()["element_types"]
    assert [(each["name"], each["height"], each["length"]) for each in found] == [("1,200", "1.2", "3.5")]


def test_rejected_rows_beyond_the_stored_issues(
    app: Flask,
    client: FlaskClient,
    admin: dict[str, str],
    green_meadows: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(app.config, "PRECAST", replace(app.config["PRECAST"], max_stored_issues=10))
    path = tmp_path / "types.csv"
    good = "".join(f"WALL,G-{number},1,1,1,1,1,1,1,,beyond\n" for number in range(12))
    bad = "".join(f"WALL,W-{number},tall,long,1,1,1,1,1,\n" for number in range(30))
    path.write_text(f"{BASE_HEADER}\n{good}{bad}")
    job = run_import(green_meadows, path)
    assert (job.status, job.created_count, job.rejected_count) == ("completed", 12, 30)
    listed = client.get(f"/api/jobs/{job.id}/issues", headers=admin).get_json()["issues"]
    assert [each["severity"] for each in listed].count("error") == 10
    (more,) = [each["message"] for each in listed if each["code"] == "more_issues"]
    # Sixty cells, twelve warnings, and how the file was understood: the layout and the delimiter.
    assert more.startswith("The file has 74 issues; the first 10 are listed")
    book = fetch(client, admin, job.id, tmp_path / "rejected.xlsx")
    names = [row[1].value for row in book.worksheets[0].iter_rows(min_row=2)]
    assert names == [f"W-{number}" for number in range(30)]


def test_rejected_rows_of_reference_data(
    client: FlaskClient, admin: dict[str, str], project_id: int, tmp_path: Path
) -> None:
    path = tmp_path / "stages.csv"
    path.write_text("Name,Order\nCasting,1\nCuring,two\n")
    first = run_import(project_id, path, "stage_import")
    rejected = fetch(client, admin, first.id, tmp_path / "rejected.xlsx")
    assert [cell.value for cell in rejected.worksheets[0][1]] == ["Name", "Order", "Rejected because"]
    rejected.worksheets[0]["B2"] = 2
    rejected.save(tmp_path / "rejected.xlsx")
    assert run_import(project_id, tmp_path / "rejected.xlsx", "stage_import").created_count == 1
