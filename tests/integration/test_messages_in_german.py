"""The same issues, results and errors in English and in German."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from precast_app.extensions import db
from precast_app.models import ImportJob, Issue
from tests.conftest import EXAMPLES, run_import

GERMAN = {"Precast-Language": "de"}
# Cells of the sample, and what is wrong with them.
_CELLS = {
    "C5": "tall", "C6": -1, "C7": 2_000_000, "E5": "#REF!", "F5": "0." + "1" * 31, "G5": True, "P9": 1.5,
    "AB9": "maybe", "B10": "x" * 200, "B11": "W\ue000", "A20": None, "B12": date(2026, 10, 12), "BA13": "moved",
    "C14": "=1", "A122": "Total", "D15": "1,250",
}  # fmt: skip
_HEADINGS = {"F1": "Mass (lb)", "H1": "Area (bags)", "AR1": "Foo", "AS1": "Mass"}


@pytest.fixture
def bad_job(green_meadows: int, tmp_path: Path) -> ImportJob:
    """Return the job of a file with many kinds of issues."""
    book = openpyxl.load_workbook(EXAMPLES / "element_types.xlsx")
    sheet = book["Element Types"]
    for place, value in (*_CELLS.items(), *_HEADINGS.items()):
        sheet[place].value = value
    sheet["A17"], sheet["B17"] = sheet["A16"].value, sheet["B16"].value
    sheet.merge_cells("C30:C31")
    book["Summary"]["B1"] = "Another project"
    book.save(tmp_path / "bad.xlsx")
    return run_import(green_meadows, tmp_path / "bad.xlsx")


def read_issues(client: FlaskClient, headers: dict[str, str], job_id: int, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"/api/jobs/{job_id}/issues{query}", headers=headers).get_json()["issues"]
    return found


def download(client: FlaskClient, headers: dict[str, str], path: str) -> bytes:
    with client.get(path, headers=headers) as answer:
        assert answer.status_code == 200
        return bytes(answer.data)


def test_the_issues_of_an_import_are_read_in_two_languages(
    client: FlaskClient, admin: dict[str, str], bad_job: ImportJob
) -> None:
    english = read_issues(client, admin, bad_job.id)
    german = read_issues(client, admin, bad_job.id, "?language=de")
    assert [{**each, "message": ""} for each in english] == [{**each, "message": ""} for each in german]
    both = {each["code"]: (each["message"], other["message"]) for each, other in zip(english, german, strict=True)}
    assert len(both) >= 18, sorted(both)
    assert {code for code, (text, translated) in both.items() if text == translated} == set()
    assert both["duplicate_row"] == (
        "Row 16 already has this element type. Keep one of the two rows.",
        "Zeile 16 hat schon diesen Elementtyp. Behalten Sie eine der beiden Zeilen.",
    )
    assert both["number_too_large"][1] == "Die Zahl ist zu groß. Geben Sie eine von 0 bis 1 000 000 mm ein."
    assert read_issues(client, {**admin, **GERMAN}, bad_job.id) == german
    assert read_issues(client, {**admin, "Accept-Language": "de"}, bad_job.id) == english


def test_downloads_of_issues_are_in_the_language_that_is_asked_for(
    client: FlaskClient, admin: dict[str, str], bad_job: ImportJob
) -> None:
    german = [each["message"] for each in read_issues(client, admin, bad_job.id, "?language=de")]
    text = download(client, admin, f"/api/jobs/{bad_job.id}/issues.csv?language=de").decode("utf-8-sig")
    assert [row["message"] for row in csv.DictReader(io.StringIO(text))] == german
    data = download(client, admin, f"/api/jobs/{bad_job.id}/issues.xlsx?language=de")
    rows = openpyxl.load_workbook(io.BytesIO(data))["Issues"].iter_rows(min_row=2, values_only=True)
    assert [row[-1] for row in rows] == german

    data = download(client, admin, f"/api/jobs/{bad_job.id}/annotated?language=de")
    comment = openpyxl.load_workbook(io.BytesIO(data))["Element Types"]["C5"].comment
    assert comment is not None
    assert comment.text.startswith("Geben Sie eine Zahl in Ziffern und ohne Einheit ein")
    data = download(client, admin, f"/api/jobs/{bad_job.id}/rejected?language=de")
    sheet = openpyxl.load_workbook(io.BytesIO(data))["Element Types"]
    reasons = [str(row[sheet.max_column - 1].value) for row in sheet.iter_rows(min_row=4)]
    assert any("Geben Sie eine Zahl" in reason for reason in reasons)


def test_result_and_error_of_a_job_are_read_in_german(
    client: FlaskClient, admin: dict[str, str], bad_job: ImportJob
) -> None:
    rejected, total = bad_job.rejected_count, bad_job.total_items
    english = client.get(f"/api/jobs/{bad_job.id}", headers=admin).get_json()["job"]
    assert english["result"] == f"Processed {total - rejected} of {total} elements; {rejected} rows were rejected"
    german = client.get(f"/api/jobs/{bad_job.id}?language=de", headers=admin).get_json()["job"]
    processed = f"{total - rejected} von {total} Elementen verarbeitet"
    assert german["result"] == f"{processed}; {rejected} Zeilen wurden abgelehnt"
    assert german["error"].startswith("Zeile 5, Spalte C (Height): „tall“: Geben Sie eine Zahl"), german["error"]
    assert german["error"].endswith("weitere; sie stehen bei den Meldungen des Vorgangs.")


def test_an_issue_from_before_messages_had_values_stays_english(
    client: FlaskClient, admin: dict[str, str], bad_job: ImportJob
) -> None:
    db.session.execute(update(Issue).where(Issue.code == "duplicate_row").values(message_parts=None))
    db.session.commit()
    found = {each["code"]: each["message"] for each in read_issues(client, admin, bad_job.id, "?language=de")}
    assert found["duplicate_row"] == "Row 16 already has this element type. Keep one of the two rows."


# "stage" and "yes" are words of the catalogue, too, but here they are what the file says.
_LIST = "Pos.;Art;Länge [m];Masse;stage;Haus;Geschoss\nW-1;Wand;3,5;tall;yes;Haus A;1. OG\n"


def test_what_the_columns_of_a_file_mean_is_said_in_the_language_that_is_asked_for(
    client: FlaskClient, admin: dict[str, str], project_id: int
) -> None:
    form = {"file": (io.BytesIO(_LIST.encode()), "list.csv"), "mapping": "ask"}
    job_id = client.post(f"/api/project/{project_id}/import/excel", data=form, headers=admin).get_json()["job_id"]
    path = f"/api/jobs/{job_id}/columns"
    english = client.get(path, headers=admin).get_json()
    german = client.get(f"{path}?language=de", headers=admin).get_json()
    both = {a["heading"]: (a, b) for a, b in zip(english["columns"], german["columns"], strict=True)}
    said = [[side["proposals"][0]["reason"] for side in both[heading]] for heading in ("Länge [m]", "Art")]
    assert said == [
        ["Länge [m] means length in German. The heading says m.",
         "Länge [m] bedeutet auf Deutsch: Länge. Die Überschrift nennt m."],
        ["Art means element type in German.", "Art bedeutet auf Deutsch: Elementtyp."],
    ]  # fmt: skip
    assert [each["where"] for each in english["new_items"]][-1] == "column G, 1 row"
    assert [each["where"] for each in german["new_items"]][-1] == "Spalte G, 1 Zeile"
    for name in ("heading", "samples", "target", "unit"):
        assert [each[name] for each in german["columns"]] == [each[name] for each in english["columns"]]
    reasons = [
        [guess["reason"] for each in side["columns"] for guess in each["proposals"]] for side in (english, german)
    ]
    assert not set(reasons[0]) & set(reasons[1])

    chosen = {"stage": {"stage": "Bewehrt"}, "Masse": "mass"}
    for each in german["profile"]["columns"]:
        each["target"] = chosen.get(each["heading"], each["target"])
    drafts = [client.post(path, json=german["profile"], headers={**admin, **other}) for other in ({}, GERMAN)]
    read = [{each["heading"]: each for each in draft.get_json()["columns"]} for draft in drafts]
    assert [each["stage"]["samples"] for each in read] == [["yes"], ["yes"]]
    assert [each["stage"]["read_as"] for each in read] == [["yes"], ["ja"]]
    assert read[0]["Masse"]["problem"].startswith("tall: Enter a number")
    assert read[1]["Masse"]["problem"].startswith("tall: Geben Sie eine Zahl")


def test_a_file_that_is_not_understood_is_refused_in_german_with_its_own_words(
    client: FlaskClient, admin: dict[str, str], project_id: int
) -> None:
    form = {"file": (io.BytesIO(_LIST.encode()), "list.csv")}
    url = f"/api/project/{project_id}/import/excel"
    body = client.post(url, data=form, headers={**admin, **GERMAN}).get_json()
    assert "Es wurde keine Kopfzeile gefunden" in body["message"]
    assert body["errors"]["file"] == [body["message"]]
    columns = {each["heading"]: each for each in body["errors"]["columns"]}
    assert columns["stage"]["samples"] == ["yes"]
    assert columns["Art"]["proposals"][0]["reason"] == "Art bedeutet auf Deutsch: Elementtyp."
    assert "stage" in [each["heading"] for each in body["errors"]["profile"]["columns"]]


@pytest.mark.parametrize(
    ("method", "path", "english", "german"),
    [
        ("GET", "/api/jobs/77", "There is no job 77, or you don't have access to it.",
         "Vorgang 77 gibt es nicht, oder Sie haben keinen Zugriff darauf."),
        ("GET", "/api/nothing", "This address does not exist. /api/docs lists all routes.",
         "Diese Adresse gibt es nicht. /api/docs führt alle Adressen auf."),
        ("GET", "/api/project/1/jobs?limit=0",
         "limit: Must be greater than or equal to 1 and less than or equal to 1000.",
         "`errors` nennt sie. limit: Muss mindestens 1 und höchstens 1000 sein."),
        ("POST", "/api/project/1/import/excel", "No file was sent. Send a spreadsheet as the multipart field `file`.",
         "Es wurde keine Datei gesendet. Senden Sie eine Tabelle im Multipart-Feld `file`."),
    ],
)  # fmt: skip
def test_errors_of_requests_are_in_the_language_that_is_asked_for(
    client: FlaskClient, admin: dict[str, str], project_id: int, method: str, path: str, english: str, german: str
) -> None:
    assert client.open(path, method=method, headers=admin).get_json()["message"].endswith(english)
    assert client.open(path, method=method, headers={**admin, **GERMAN}).get_json()["message"].endswith(german)
