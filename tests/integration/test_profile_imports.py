"""Lists of other offices, imported by import profiles."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text

from precast_app.extensions import db
from precast_app.jobs import files, lifecycle, service
from precast_app.jobs.creation import JobOptions
from precast_app.jobs.files import Upload
from precast_app.jobs.runner import run_job
from precast_app.models import ElementType, ImportJob, Issue, Phase
from tests.conftest import ROOT, get_job, run_import
from tests.export_round_trip import Export
from tests.unit.profile_examples import ASSEMBLY_LIST, FERTIGTEILLISTE, PIECE_LIST, WALL_SCHEDULE

LISTS = ROOT / "tests" / "files" / "other_offices"
EXPECTED = {
    "assembly_list.xlsx": (ASSEMBLY_LIST, 24, 107),
    "wall_schedule.csv": (WALL_SCHEDULE, 18, 94),
    "fertigteilliste.xlsx": (FERTIGTEILLISTE, 16, 81),
    "piece_list.csv": (PIECE_LIST, 12, 114),
}
# By list: the cell, what is written there, and the code of the issue.
PLANTED = {
    "assembly_list.xlsx": [
        ("E8", "long", "not_a_number"),
        ("D12", "1.5", "not_a_whole_number"),
        ("G16", "181", "contradicting_rows"),
    ],
    "wall_schedule.csv": [
        ("D4", "1530", "missing_unit"),
        ("C8", "-1", "negative_number"),
        ("E10", "16.27 m²", "contradicting_rows"),
    ],
    "fertigteilliste.xlsx": [
        ("C5", "lang", "not_a_number"),
        ("H6", "1,5", "not_a_whole_number"),
        ("K8", "jein", "not_yes_or_no"),
    ],
    "piece_list.csv": [
        ("F3", "long", "not_a_number"),
        ("I14", "2144", "contradicting_rows"),
        ("E25", "", "missing_value"),
    ],
}


def run_with_profile(project_id: int, content: bytes, name: str, profile: dict[str, Any], **options: Any) -> ImportJob:
    """Run an import of a file by a profile, as a worker would, and return the job."""
    job_id = service.submit(
        project_id=project_id,
        job_type="element_type_import",
        created_by="test",
        options=JobOptions(**options),
        upload=None,
    ).id
    job = db.session.get_one(ImportJob, job_id)
    files.store(job, Upload(io.BytesIO(content), name))
    job.profile = profile
    lifecycle.mark_queued(job_id, waiting=Phase.WAITING_FOR_FILE)
    db.session.commit()
    run_job(job_id)
    return get_job(job_id)


def pieces(project_id: int) -> int:
    count = text("SELECT count(*) FROM pieces WHERE project_id = :id")
    return int(db.session.scalar(count, {"id": project_id}) or 0)


def changed(name: str, cells: list[tuple[str, str]]) -> bytes:
    """Return a list with other texts in some cells."""
    content = (LISTS / name).read_bytes()
    if name.endswith(".xlsx"):
        book = openpyxl.load_workbook(io.BytesIO(content))
        for cell, value in cells:
            book.worksheets[0][cell] = value
        file = io.BytesIO()
        book.save(file)
        return file.getvalue()
    encoding, delimiter = ("cp1252", ";") if name == "piece_list.csv" else ("utf-8-sig", ",")
    rows = [line.split(delimiter) for line in content.decode(encoding).splitlines()]
    for cell, value in cells:
        rows[int(cell[1:]) - 1]["ABCDEFGHI".index(cell[0])] = value
    return "\n".join(delimiter.join(row) for row in rows).encode(encoding)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_list_goes_in_and_again_unchanged_and_so_does_the_export(project_id: int, export: Export, name: str) -> None:
    profile, types, count = EXPECTED[name]
    content = (LISTS / name).read_bytes()
    first = run_with_profile(project_id, content, name, profile, create_missing=True)
    assert (first.status, first.created_count, first.rejected_count) == ("completed", types, 0), first.error
    assert (first.pieces_added, pieces(project_id)) == (count, count)
    again = run_with_profile(project_id, content, name, profile)
    assert (again.status, again.unchanged_count, again.updated_count) == ("completed", types, 0), again.error
    path = export(f"/api/project/{project_id}/export/excel")
    exported = run_import(project_id, path)
    assert (exported.unchanged_count, exported.rejected_count, exported.warning_count) == (types, 0, 0), exported.error


@pytest.mark.parametrize(
    ("name", "layout"),
    [
        (
            "assembly_list.xlsx",
            "In the sheet Report the data begin in row 6; base columns in A, E to H, J; places in C; numbers of pieces "
            "in D; a row is an element type at one place.",
        ),
        ("piece_list.csv", "In the file the data begin in row 2; base columns in B to C, F to I; places in D to E; "
        "a row is one piece."),
    ],
)  # fmt: skip
def test_it_is_said_how_a_list_was_read(project_id: int, name: str, layout: str) -> None:
    job = run_with_profile(project_id, (LISTS / name).read_bytes(), name, EXPECTED[name][0], create_missing=True)
    found = select(Issue.message).where(Issue.job_id == job.id, Issue.code == "layout")
    assert db.session.scalars(found).one() == layout


@pytest.mark.parametrize("name", PLANTED)
def test_planted_errors_are_named_by_their_cells_and_the_rejected_rows_can_be_corrected(
    client: FlaskClient, admin: dict[str, str], project_id: int, name: str
) -> None:
    profile, types, count = EXPECTED[name]
    planted = PLANTED[name]
    bad = changed(name, [(cell, value) for cell, value, _ in planted])
    job = run_with_profile(project_id, bad, name, profile, create_missing=True)
    assert (job.status, job.rejected_count, job.created_count) == ("completed", 3, types - 3), job.error
    errors = db.session.scalars(select(Issue).where(Issue.job_id == job.id, Issue.severity == "error"))
    found = {f"{issue.column}{issue.row}": (issue.value, issue.code) for issue in errors}
    assert found == {cell: (value, code) for cell, value, code in planted}
    with client.get(f"/api/jobs/{job.id}/annotated", headers=admin) as answer:
        assert answer.status_code == 200
        sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).worksheets[0]
    assert all(sheet[cell].comment is not None for cell, _, _ in planted)
    with client.get(f"/api/jobs/{job.id}/rejected", headers=admin) as answer:
        assert answer.status_code == 200, answer.get_json()
        book = openpyxl.load_workbook(io.BytesIO(answer.data))
    good = openpyxl.load_workbook(io.BytesIO(_as_workbook(name)))
    _correct(book, good, planted)
    file = io.BytesIO()
    book.save(file)
    corrected = run_with_profile(
        project_id, file.getvalue(), "rejected.xlsx", {**profile, "sheet": None, "encoding": None, "delimiter": None},
        create_missing=True,
    )  # fmt: skip
    assert (corrected.status, corrected.created_count, corrected.rejected_count) == ("completed", 3, 0), corrected.error
    assert pieces(project_id) == count


def _as_workbook(name: str) -> bytes:
    if name.endswith(".xlsx"):
        return (LISTS / name).read_bytes()
    book = openpyxl.Workbook()
    encoding, delimiter = ("cp1252", ";") if name == "piece_list.csv" else ("utf-8-sig", ",")
    for line in (LISTS / name).read_bytes().decode(encoding).splitlines():
        book.worksheets[0].append(line.split(delimiter))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _correct(book: Any, good: Any, planted: list[tuple[str, str, str]]) -> None:
    """Write the right values over the planted ones in the workbook of rejected rows."""
    sheet = book.worksheets[0]
    for cell, value, _ in planted:
        column = "ABCDEFGHIJKL".index(cell[0]) + 1
        right = good.worksheets[0][cell].value
        reason = {row[0].row: str(row[-1].value) for row in sheet.iter_rows() if row[-1].value}
        for number, message in reason.items():
            if message.startswith(f"{cell[0]} (") and str(sheet.cell(number, column).value or "") == value:
                sheet.cell(number, column).value = right


KEEP = {
    "name": "Keep", "blank": "keep",
    "columns": [
        {"heading": "Type", "target": "element_type"}, {"heading": "Mark", "target": "name"},
        {"heading": "L", "target": "length"}, {"heading": "Rev", "target": "version"},
        {"heading": "EG", "target": {"node": "EG"}},
    ],
}  # fmt: skip


def test_a_blank_cell_may_keep_what_is_stored(project_id: int) -> None:
    full = b"Type,Mark,L,Rev,EG\nW,W1,2500,VR-7,3\nW,W2,3000,VR-7,2\n"
    first = run_with_profile(project_id, full, "a.csv", KEEP, create_missing=True)
    assert first.created_count == 2, first.error
    blanks = b"Type,Mark,L,Rev,EG\nW,W1,,,\nW,W2,3100,,0\nW,W3,,,\n"
    second = run_with_profile(project_id, blanks, "b.csv", KEEP)
    assert (second.unchanged_count, second.updated_count, second.created_count) == (1, 1, 1), second.error
    rows = db.session.execute(text("SELECT name, length, version FROM element_types ORDER BY name")).all()
    assert [tuple(row) for row in rows] == [("W1", 2500, "VR-7"), ("W2", 3100, "VR-7"), ("W3", None, "VR-1")]
    assert pieces(project_id) == 3


def test_an_unknown_place_rejects_its_element_type_without_create_missing(project_id: int, tmp_path: Path) -> None:
    content = (LISTS / "wall_schedule.csv").read_bytes()
    job = run_with_profile(project_id, content, "walls.csv", WALL_SCHEDULE)
    assert (job.status, job.created_count) == ("failed", 0)
    codes = set(db.session.scalars(select(Issue.code).where(Issue.job_id == job.id, Issue.severity == "error")))
    assert codes == {"unknown_place"}


def test_a_remembered_profile_previews_and_applies_a_list(
    client: FlaskClient, admin: dict[str, str], project_id: int
) -> None:
    created = client.post(f"/api/project/{project_id}/import-profiles", json=PIECE_LIST, headers=admin)
    assert created.status_code == 201, created.get_json()

    def upload(query: str) -> int:
        file = (io.BytesIO((LISTS / "piece_list.csv").read_bytes()), "pieces.csv")
        url = f"/api/project/{project_id}/import/excel?create_missing=true{query}"
        answer = client.post(url, data={"file": file}, headers=admin)
        assert answer.status_code == 202, answer.get_json()
        return int(answer.get_json()["job_id"])

    preview = upload("&dry_run=true")
    run_job(preview)
    planned = get_job(preview)
    assert (planned.status, planned.created_count, planned.pieces_added) == ("completed", 12, 114), planned.error
    assert pieces(project_id) == 0
    applied = client.post(f"/api/jobs/{preview}/apply", headers=admin)
    assert applied.status_code == 202, applied.get_json()
    run_job(int(applied.get_json()["job_id"]))
    assert pieces(project_id) == 114
    again = upload("")
    run_job(again)
    assert (get_job(again).unchanged_count, get_job(again).status) == (12, "completed"), get_job(again).error


IN_CELL = {
    "name": "Units in cells", "delimiter": ";",
    "columns": [
        {"heading": "Type", "target": "element_type"}, {"heading": "Mark", "target": "name"},
        {"heading": "L", "target": "length", "unit": "cell"}, {"heading": "Mass", "target": "mass"},
    ],
}  # fmt: skip


def test_rejected_rows_with_units_and_decimal_commas_mean_the_same_when_they_come_back(
    client: FlaskClient, admin: dict[str, str], project_id: int, tmp_path: Path
) -> None:
    content = b"Type;Mark;L;Mass\nWALL;W1;1,250 m;0,5\nWALL;W2;2,750 m;heavy\n"
    first = run_with_profile(project_id, content, "list.csv", IN_CELL)
    assert (first.created_count, first.rejected_count) == (1, 1), first.error
    with client.get(f"/api/jobs/{first.id}/rejected", headers=admin) as rejected:
        book = openpyxl.load_workbook(io.BytesIO(rejected.data))
    assert book.active["C2"].value == "2.750 m"
    book.active["D2"] = "1,5"
    book.save(tmp_path / "corrected.xlsx")
    again = run_with_profile(project_id, (tmp_path / "corrected.xlsx").read_bytes(), "corrected.xlsx", IN_CELL)
    assert (again.created_count, again.rejected_count) == (1, 0), again.error
    found = db.session.scalars(select(ElementType).order_by(ElementType.name))
    assert [(each.name, f"{each.length:f}", f"{each.mass:f}") for each in found] == [
        ("W1", "1250", "0.5"), ("W2", "2750", "1.5"),
    ]  # fmt: skip


def test_a_number_with_a_unit_in_its_format_is_expected_where_cells_name_their_unit(project_id: int) -> None:
    book = openpyxl.Workbook()
    for row in (["Type", "Mark", "L", "Mass"], ["WALL", "W1", 3, 4]):
        book.active.append(row)
    book.active["C2"].number_format = book.active["D2"].number_format = '0.00" m"'
    file = io.BytesIO()
    book.save(file)
    job = run_with_profile(project_id, file.getvalue(), "list.xlsx", {**IN_CELL, "delimiter": None})
    assert f"{db.session.scalars(select(ElementType.length)).one():f}" == "3000"
    notes = select(Issue.column).where(Issue.job_id == job.id, Issue.code == "unit_in_number_format")
    assert list(db.session.scalars(notes)) == ["D"]


def test_a_number_with_a_decimal_comma_can_be_replaced(project_id: int) -> None:
    profile = {**IN_CELL, "decimal": ",", "values": {"mass": {"0,0": "", "9,9": "1500"}}}
    content = b"Type;Mark;L;Mass\nWALL;W1;1,5 m;0,0\nWALL;W2;1,5 m;9,9\n"
    run_with_profile(project_id, content, "list.csv", profile)
    assert list(db.session.scalars(select(ElementType.mass).order_by(ElementType.name))) == [None, 1500]
