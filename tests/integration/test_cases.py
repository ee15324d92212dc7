"""Small files that were once read wrongly, each with the right result."""

from __future__ import annotations

import re
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import openpyxl
import pytest
import xlsxwriter
from flask.testing import FlaskClient
from sqlalchemy import select

from precast_app.extensions import db
from precast_app.importing import reference_store
from precast_app.models import BomProduct, Drawing, ElementType, HierarchyNode, ImportJob, Issue, Quantity
from precast_app.queries import element_types as element_type_queries
from precast_app.queries import summary
from tests.conftest import ROOT, run_import

CASES = ROOT / "tests" / "files" / "cases"


@pytest.fixture
def project(project_id: int) -> int:
    """Create a project with two drawing types, two stages, two products, and two towers."""
    for name in ("Assembly", "Shuttering"):
        reference_store.create(db.session(), project_id, "drawing_type_import", {"name": name})
    for name in ("Casting", "QC"):
        reference_store.create(db.session(), project_id, "stage_import", {"name": name})
    for name, kind, unit in (("Steel", "6MM", "kg"), ("Concrete", "M30", "m3")):
        values = {"product_name": name, "product_type": kind, "unit": unit}
        reference_store.create(db.session(), project_id, "bom_product_import", values)
    add_tower(project_id, "Tower A", "Floor 1", "Floor 2")
    add_tower(project_id, "Tower B", "Floor 1")
    return project_id


def add_tower(project_id: int, name: str, *floors: str) -> None:
    tower = reference_store.create(db.session(), project_id, "hierarchy_import", {"name": name})
    for floor in floors:
        reference_store.create(db.session(), project_id, "hierarchy_import", {"name": floor, "parent_id": tower.id})


def measures(*names: str) -> list[tuple[Any, ...]]:
    """Return measures of all element types as they are shown, in order of the file."""
    found = db.session.scalars(select(ElementType).order_by(ElementType.id))
    return [tuple(None if (value := getattr(each, name)) is None else f"{value:f}" for name in names) for each in found]


def warnings(job: ImportJob) -> list[tuple[str, int | None, str | None]]:
    found = select(Issue).where(Issue.job_id == job.id, Issue.severity != "info").order_by(Issue.row, Issue.id)
    return [(issue.code, issue.row, issue.column) for issue in db.session.scalars(found)]


def download(client: FlaskClient, headers: dict[str, str], address: str) -> bytes:
    with client.get(address, headers=headers) as answer:
        assert answer.status_code == 200
        content: bytes = answer.data
    return content


def has_formulas(workbook: bytes) -> bool:
    with ZipFile(BytesIO(workbook)) as parts:
        return any(b"<f>" in parts.read(name) or b"<f " in parts.read(name) for name in parts.namelist())


def test_a_merged_title_stays_a_text(project: int, client: FlaskClient, admin: dict[str, str]) -> None:
    done = run_import(project, CASES / "01-merged-text-becomes-formula" / "title.xlsx")
    assert (done.created_count, done.rejected_count) == (1, 1)
    rejected = download(client, admin, f"/api/jobs/{done.id}/rejected")
    assert not has_formulas(rejected)
    title = openpyxl.load_workbook(BytesIO(rejected)).worksheets[0]["A1"]
    assert (title.data_type, "HYPERLINK" in title.value) == ("s", True)


def test_merged_headings_are_no_formulas(
    project: int, client: FlaskClient, admin: dict[str, str], tmp_path: Path
) -> None:
    add_tower(project, "=1+1", "F1", "F2")
    (tmp_path / "types.csv").write_text("Type,Name,=1+1.F1,=1+1.F2\nWALL,W-1,3,4\n")
    assert run_import(project, tmp_path / "types.csv").pieces_added == 7
    assert not has_formulas(download(client, admin, f"/api/project/{project}/template/excel"))
    exported = download(client, admin, f"/api/project/{project}/export/excel")
    assert not has_formulas(exported)
    (tmp_path / "export.xlsx").write_bytes(exported)
    again = run_import(project, tmp_path / "export.xlsx")
    assert (again.status, again.unchanged_count, warnings(again)) == ("completed", 1, [])


@pytest.mark.parametrize(
    "name", ["blank_merge_right_of_headings.xlsx", "cover_with_blank_merge.xls", "merge_twice.xlsx"]
)
def test_blank_merged_cells_can_be_written_back(
    project: int, client: FlaskClient, admin: dict[str, str], name: str
) -> None:
    done = run_import(project, CASES / "02-merged-blank-cells-500" / name)
    assert (done.created_count, done.rejected_count) == (1, 1)
    for kind in ("rejected", "annotated"):
        book = openpyxl.load_workbook(BytesIO(download(client, admin, f"/api/jobs/{done.id}/{kind}")))
        assert "W-102" in [cell.value for cell in book["Element Types"]["B"]]


@pytest.mark.parametrize("name", ["errors.csv", "google.xlsx"])
def test_words_for_errors_are_errors(project: int, name: str) -> None:
    done = run_import(project, CASES / "12-error-words-stored-as-text" / name)
    assert {code for code, _, _ in warnings(done)} == {"error_cell"}
    assert [name for name in db.session.scalars(select(ElementType.name)) if name.startswith("#")] == []
    assert [each for each in db.session.scalars(select(Drawing.file_name)) if each.startswith("#")] == []


@pytest.mark.parametrize("name", ["error.xlsx", "getting_data.xlsx", "spill.xlsx"])
def test_a_new_error_value_rejects_its_row_only(project: int, name: str) -> None:
    done = run_import(project, CASES / "13-unknown-error-value-breaks-workbook" / name)
    assert (done.status, warnings(done)) == ("completed", [("error_cell", 2, "H")])
    assert list(db.session.scalars(select(ElementType.name))) == ["W-102"]


@pytest.mark.parametrize("name", ["backslash.xlsx", "shared_strings_elsewhere.xlsx"])
def test_parts_are_found_through_relationships(project: int, name: str) -> None:
    done = run_import(project, CASES / "14-parts-found-by-name-not-relationship" / name)
    assert (done.result, warnings(done)) == ("Successfully processed 1 elements", [])


def test_a_sheet_of_macros_is_not_read(project: int) -> None:
    done = run_import(project, CASES / "16-excel4-macro-sheet" / "macro.xlsm")
    assert (done.status, done.created_count) == ("completed", 2)


@pytest.mark.parametrize(("name", "words"), [("html.xls", "web page"), ("xml2003.xls", "XML Spreadsheet 2003")])
def test_other_formats_are_named(
    project: int, client: FlaskClient, admin: dict[str, str], name: str, words: str
) -> None:
    content = (CASES / "19-xls-that-is-html-or-xml" / name).read_bytes()
    sent = {"file": (BytesIO(content), name)}
    answer = client.post(f"/api/project/{project}/import/excel", data=sent, headers=admin)
    assert answer.status_code == 415
    assert answer.json is not None
    assert re.search(rf"{words}.*\.xlsx", answer.json["message"], re.DOTALL | re.IGNORECASE), answer.json


def test_a_hidden_sheet_does_not_win_in_silence(project: int) -> None:
    run_import(project, CASES / "20-hidden-sheet-wins" / "hidden.xlsx")
    assert list(db.session.scalars(select(ElementType.name).order_by(ElementType.id))) == ["W-101", "W-102"]


def test_both_forms_of_an_umlaut_are_one_name(project: int) -> None:
    done = run_import(project, CASES / "23-nfc-nfd" / "names.csv")
    assert (done.created_count, warnings(done)) == (1, [("duplicate_row", 3, "B")])


def test_an_annotated_copy_is_the_upload_with_comments(
    project: int, client: FlaskClient, admin: dict[str, str], tmp_path: Path
) -> None:
    done = run_import(project, CASES / "24-annotated-loses-content" / "annotate_me.xlsx")
    assert (done.created_count, done.rejected_count) == (1, 1)
    copy = tmp_path / "annotated.xlsx"
    copy.write_bytes(download(client, admin, f"/api/jobs/{done.id}/annotated"))
    with ZipFile(CASES / "24-annotated-loses-content" / "annotate_me.xlsx") as before, ZipFile(copy) as after:
        assert set(before.namelist()) <= set(after.namelist())
    again = run_import(project, copy)
    assert (again.unchanged_count, again.rejected_count) == (1, 1)


def test_a_sheet_in_utf_16_is_read(project: int) -> None:
    done = run_import(project, CASES / "28-utf16-part" / "utf16.xlsx")
    assert (done.status, done.created_count, warnings(done)) == ("completed", 2, [])


def test_a_floor_may_have_a_point_in_its_name(project: int) -> None:
    add_tower(project, "Haus A", "1. OG", "EG")
    done = run_import(project, CASES / "04-dot-in-node-name" / "storeys.xlsx")
    assert (done.status, warnings(done)) == ("completed", [])
    query = select(HierarchyNode.path, Quantity.quantity).join(Quantity, Quantity.node_id == HierarchyNode.id)
    found = {row.path: row.quantity for row in db.session.execute(query)}
    assert found == {"Haus_A.1._OG": 7, "Haus_A.EG": 5}


def test_a_floor_with_a_point_in_its_name_is_created_as_one_node(project_id: int) -> None:
    add_tower(project_id, "Haus A")
    done = run_import(project_id, CASES / "04-dot-in-node-name" / "storeys.xlsx", create_missing=True)
    assert done.status == "completed"
    paths = select(HierarchyNode.path).order_by(HierarchyNode.path)
    assert list(db.session.scalars(paths)) == ["Haus_A", "Haus_A.1._OG", "Haus_A.EG"]
    again = run_import(project_id, CASES / "04-dot-in-node-name" / "storeys.xlsx", create_missing=True)
    assert (again.unchanged_count, warnings(again)) == (1, [])


def test_numbers_are_converted_to_the_unit_of_the_column(project: int) -> None:
    done = run_import(project, CASES / "05-heading-states-another-unit" / "units.csv")
    assert (done.status, warnings(done)) == ("completed", [])
    assert measures("height", "length", "mass") == [("3000", "2500", "2812.5")]


@pytest.mark.parametrize("name", ["volume_as_text.xlsx", "volume_quoted.csv"])
def test_the_decimal_sign_is_decided_by_the_whole_column(project: int, name: str) -> None:
    done = run_import(project, CASES / "06-decimal-comma-text-mixed" / name)
    assert (done.status, warnings(done)) == ("completed", [])
    assert measures("volume") == [("0.181",), ("11.5",), ("2.125",)]


def test_a_number_that_can_be_read_in_two_ways_has_a_warning(project: int) -> None:
    done = run_import(project, CASES / "06-decimal-comma-text-mixed" / "german_thousands.xlsx")
    assert done.status == "completed"
    assert warnings(done) == [("unclear_number", 2, "C"), ("unclear_number", 2, "F")]


def test_the_rates_of_a_reference_file_have_the_sign_of_their_column(project_id: int) -> None:
    done = run_import(project_id, CASES / "08-reference-file-decimal-comma" / "products.csv", "bom_product_import")
    assert (done.status, warnings(done)) == ("completed", [])
    rates = db.session.scalars(select(BomProduct.rate).order_by(BomProduct.id))
    assert list(rates) == [Decimal("62.5"), Decimal("1.25"), Decimal(1250)]


def test_numbers_are_read_as_excel_shows_them(project: int) -> None:
    done = run_import(project, CASES / "09-floating-point-noise" / "formulas.xlsx")
    assert (done.status, done.created_count, warnings(done)) == ("completed", 2, [])
    assert measures("volume", "mass")[0] == ("0.3", "57.7")
    assert sorted(db.session.scalars(select(Quantity.quantity))) == [1, 1, 2, 2]


@pytest.mark.parametrize("name", ["checkboxes.xlsx", "formulas.xlsx"])
@pytest.mark.parametrize("on_error", ["skip", "abort"])
def test_rows_of_prepared_formulas_are_blank(project: int, name: str, on_error: str) -> None:
    done = run_import(project, CASES / "21-empty-rows-with-false-or-0" / name, on_error=on_error)
    assert (done.status, done.result) == ("completed", "Successfully processed 2 elements")
    assert warnings(done) == []


def test_yes_and_no_may_be_written_with_decimals(project: int) -> None:
    done = run_import(project, CASES / "22a-pandas-float-stage" / "stages.csv")
    assert (done.status, done.created_count, warnings(done)) == ("completed", 2, [])


def test_a_row_of_totals_may_count_the_rows(project: int) -> None:
    done = run_import(project, CASES / "25-totals-row-with-count" / "totals.xlsx")
    assert (done.status, done.created_count) == ("completed", 2)
    assert warnings(done) == [("totals_row", 4, None)]


def test_ids_may_be_written_with_decimals(project_id: int, tmp_path: Path) -> None:
    path = tmp_path / "hierarchy.csv"
    path.write_text(f"ID,ProjectID,Name,ParentID\n101.0,{project_id}.0,Tower A,\n102.0,{project_id}.0,Floor 1,101\n")
    done = run_import(project_id, path, "hierarchy_import")
    assert (done.status, done.created_count, warnings(done)) == ("completed", 2, [])


def test_the_sample_row_of_the_replaced_system_is_no_element_type(project_id: int, tmp_path: Path) -> None:
    path = tmp_path / "old_system.xlsx"
    write_old_system_workbook(path)
    done = run_import(project_id, path)
    assert (done.status, done.created_count) == ("completed", 1)
    assert list(db.session.scalars(select(ElementType.name))) == ["W-101"]


def write_old_system_workbook(path: Path) -> None:
    """Write a workbook whose sample row calls the cells of stages `Hierarchy_…`."""
    base = ["Element Type", "Element Type Name", "Height", "Length", "Thickness", "Mass", "Volume", "Area", "Width"]
    base.append("Element Type Version")
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Element Types")
        sheet.write_row(0, 0, [*base, "Stages", ""])
        sheet.write_row(1, 10, ["Casting", "QC"])
        sample = ["ET001", "Beam Type A", "300", "2500", "6000", "2400", "1.50", "5.25", "200", "V1.0"]
        sheet.write_row(2, 0, [*sample, "Hierarchy_Casting", "Hierarchy_QC"])
        sheet.write_row(3, 0, ["WALL", "W-101", 3000, 2500, 150, 2812.5, 1.125, 7.5, 2500, "VR-1", "yes", ""])


def test_a_file_without_measures_does_not_change_them(project: int, tmp_path: Path) -> None:
    full, names = tmp_path / "full.csv", tmp_path / "names.csv"
    full.write_text("Element Type,Element Type Name,Height,Mass,Element Type Version\nWALL,W-1,3000,2812.5,VR-7\n")
    names.write_text("Type,Name,Height,Casting\nWALL,W-1,3100,yes\nWALL,W-2,,no\n")
    assert run_import(project, full).created_count == 1
    done = run_import(project, names)
    assert (done.created_count, done.updated_count, warnings(done)) == (1, 1, [])
    assert measures("height", "mass") == [("3100", "2812.5"), (None, None)]
    versions = db.session.scalars(select(ElementType.version).order_by(ElementType.id))
    assert list(versions) == ["VR-7", "VR-1"]


def test_basements_and_floors_with_the_same_number_differ(project: int, tmp_path: Path) -> None:
    add_tower(project, "Haus B", "-1", "1", "-2")
    path = tmp_path / "floors.csv"
    path.write_text("Type,Name,Haus_B.-1,Haus_B.1,Haus_B.-2\nWALL,W-1,7,5,3\n")
    done = run_import(project, path)
    assert (done.status, warnings(done)) == ("completed", [])
    query = select(HierarchyNode.name, Quantity.quantity).join(Quantity, Quantity.node_id == HierarchyNode.id)
    assert {row.name: row.quantity for row in db.session.execute(query)} == {"-1": 7, "1": 5, "-2": 3}


def test_a_workbook_of_another_project_has_a_warning(project: int, tmp_path: Path) -> None:
    path = tmp_path / "other.xlsx"
    for name, expected in (("Another project", ["other_project_name"]), ("  green MEADOWS ", [])):
        with xlsxwriter.Workbook(path) as book:
            summary = book.add_worksheet("Summary")
            summary.write_row(1, 0, ["Project ID", "7"])
            summary.write_row(2, 0, ["Project Name", name])
            sheet = book.add_worksheet("Element Types")
            sheet.write_row(0, 0, ["Element Type", "Element Type Name"])
            sheet.write_row(1, 0, ["WALL", "W-1"])
        done = run_import(project, path)
        assert (done.status, [code for code, _, _ in warnings(done)]) == ("completed", expected)


def test_names_in_nfc_and_nfd_are_one_name(project: int, tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text("Type,Name\nWALL,St\u00fctze\nWALL,Stu\u0308tze\n", encoding="utf-8")
    done = run_import(project, path)
    assert (done.created_count, warnings(done)) == (1, [("duplicate_row", 3, "B")])


def test_the_filter_for_a_floor_counts_the_pieces_of_that_floor(project: int, tmp_path: Path) -> None:
    path = tmp_path / "types.csv"
    path.write_text("Type,Name,Tower_A.Floor_1,Tower_A.Floor_2\nWALL,W-1,7,5\n")
    assert run_import(project, path).pieces_added == 12
    floor = db.session.scalars(select(HierarchyNode).where(HierarchyNode.path == "Tower_A.Floor_2")).one()
    (element_type_id,) = db.session.scalars(select(ElementType.id))
    assert element_type_queries.piece_counts([element_type_id]) == {element_type_id: 12}
    assert element_type_queries.piece_counts([element_type_id], floor.id) == {element_type_id: 5}


def test_towers_may_have_points_in_their_names(project: int) -> None:
    add_tower(project, "1. Haus", "2. OG")
    by_path = {each["path"]: each for each in summary.project_summary(project)["by_node"]}
    assert (by_path["1._Haus"]["tower"], by_path["1._Haus"]["floor"]) == ("1. Haus", None)
    floor = by_path["1._Haus.2._OG"]
    assert (floor["tower"], floor["floor"], floor["place"]) == ("1. Haus", "2. OG", "1. Haus / 2. OG")
