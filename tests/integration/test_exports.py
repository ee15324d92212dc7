"""What goes out comes back in: export, import, and nothing has changed."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import openpyxl
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from precast_app.exporting import template
from precast_app.extensions import db
from precast_app.importing.cell_parsing import parse_yes_no
from precast_app.importing.reference_schema import REFERENCE_SPECS
from precast_app.importing.schema import GROUP_SPECS, ColumnGroup
from precast_app.projects import projects
from tests.conftest import EXAMPLES, run_import
from tests.element_type_files import BASE_HEADER
from tests.export_round_trip import (
    CSV_EXPORT_URL,
    EXCEL_EXPORT_URL,
    TEXTS,
    Export,
    assert_unchanged,
    element_type_row,
    import_rows,
)


@pytest.mark.parametrize("address", [EXCEL_EXPORT_URL, CSV_EXPORT_URL])
def test_an_export_of_the_sample_changes_nothing_when_imported(
    green_meadows: int, export: Export, address: str
) -> None:
    run_import(green_meadows, EXAMPLES / "element_types.csv")
    assert_unchanged(green_meadows, export(address), 120)


@pytest.mark.parametrize("address", [EXCEL_EXPORT_URL, CSV_EXPORT_URL])
def test_one_edited_cell_is_the_only_change(
    client: FlaskClient, admin: dict[str, str], green_meadows: int, export: Export, address: str
) -> None:
    run_import(green_meadows, EXAMPLES / "element_types.csv")
    path = export(address)
    if path.suffix == ".xlsx":
        book = openpyxl.load_workbook(path)
        book["Element Types"]["C10"] = 1234.5
        book.save(path)
    else:
        rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
        rows[7][2] = "1234.5"
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
    done = run_import(green_meadows, path)
    assert (done.updated_count, done.unchanged_count) == (1, 119)
    (change,) = client.get(f"/api/jobs/{done.id}/changes?change=updated", headers=admin).get_json()["changes"]
    assert list(change["fields"]) == ["Height"]
    assert Decimal(change["fields"]["Height"]["after"]) == Decimal("1234.5")


def test_the_workbook_is_laid_out_as_the_sample(green_meadows: int, export: Export) -> None:
    run_import(green_meadows, EXAMPLES / "element_types.xlsx")
    ours, theirs = (
        openpyxl.load_workbook(path) for path in (export(EXCEL_EXPORT_URL), EXAMPLES / "element_types.xlsx")
    )
    assert ours.sheetnames == theirs.sheetnames
    for name, count in (("Summary", 11), ("Element Types", 3)):
        mine, sample = ours[name], theirs[name]
        expected = [[cell.value for cell in row][:43] for row in sample.iter_rows(max_row=count)]
        written = [
            [cell.value or None for cell in row][:43] for row in mine.iter_rows(max_row=count + len(GROUP_SPECS))
        ]
        # The sample has no groups that were added later.
        later = {spec.summary_label for spec in GROUP_SPECS.values()} - {row[0] for row in expected}
        assert [row for row in written if row[0] not in later][:count] == expected
        assert sorted(map(str, mine.merged_cells.ranges)) == sorted(map(str, sample.merged_cells.ranges))
    texts = [cell.value for cell in ours["Summary"]["A"]]
    assert texts[texts.index("Units:") + 1 :] == [
        "Height, Length, Thickness, Width: mm",
        "Mass: kg",
        "Volume: m³",
        "Area: m²",
    ]
    sheet = ours["Element Types"]
    assert (sheet.protection.sheet, sheet.protection.password, sheet.freeze_panes) == (True, None, "C4")
    assert [sheet.cell(row, 2).protection.locked for row in (1, 2, 3, 4)] == [True, True, True, False]
    # So is a cell that nobody has touched: it has the first of all formats.
    with zipfile.ZipFile(export(EXCEL_EXPORT_URL)) as archive:
        styles = archive.read("xl/styles.xml").decode()
    assert re.search(r'<cellXfs count="\d+"><xf [^>]*><protection locked="0"/></xf>', styles)


def test_a_filter_narrows_an_export(green_meadows: int, export: Export) -> None:
    run_import(green_meadows, EXAMPLES / "element_types.csv")
    rows = list(csv.DictReader(io.StringIO(export(f"{CSV_EXPORT_URL}?type=beam").read_text(encoding="utf-8-sig"))))
    assert {row["Element Type"] for row in rows} == {"BEAM"}
    assert 0 < len(rows) < 120


@pytest.mark.parametrize("kind", ["excel", "csv"])
def test_a_template_is_a_file_to_fill_in(
    client: FlaskClient, admin: dict[str, str], green_meadows: int, export: Export, kind: str
) -> None:
    path = export(f"/api/project/1/template/{kind}")
    empty = client.post(
        "/api/project/1/import/excel", data={"file": (io.BytesIO(path.read_bytes()), path.name)}, headers=admin
    )
    assert (empty.status_code, "no data rows" in empty.get_json()["message"]) == (422, True)
    if kind == "excel":
        book = openpyxl.load_workbook(path)
        for column, value in (("A", "WALL"), ("B", "W-1"), ("N", 2)):
            book["Element Types"][f"{column}4"] = value
        book.save(path)
    else:
        header = path.read_text(encoding="utf-8-sig").splitlines()[0]
        path.write_text(f"{header}\nWALL,W-1\n")
    done = run_import(green_meadows, path)
    assert (done.status, done.created_count, done.pieces_added) == ("completed", 1, 2 if kind == "excel" else 0)


def guided_template(**chosen: int) -> str:
    """Return the options of a template with a guide that has no columns of items but the chosen ones."""
    items = {spec.snapshot_key: chosen.get(spec.snapshot_key, "") for spec in REFERENCE_SPECS.values()}
    return urlencode({"guide": "true", **items})


def test_a_guided_template_is_limited_and_its_sample_row_is_no_data(
    client: FlaskClient, admin: dict[str, str], green_meadows: int, export: Export
) -> None:
    nodes = client.get("/api/project/1/hierarchy", headers=admin).get_json()["hierarchy"]
    tower = next(node["id"] for node in nodes if node["path"] == "Tower_A")
    stage = client.get("/api/project/1/stages", headers=admin).get_json()["stages"][0]
    path = export(f"/api/project/1/template/excel?{guided_template(nodes=tower, stages=stage['id'])}")
    book = openpyxl.load_workbook(path)
    sheet = book["Element Types"]
    floors = sum(node["parent_id"] == tower for node in nodes)
    assert [cell.value for cell in sheet[1]][:4] == ["Element Type", "Element Type Name", "Height (mm)", "Length (mm)"]
    assert sheet.max_column == 10 + floors + 1
    assert [cell.value for cell in sheet[3]] == [*map(_read_back, template.EXAMPLE), *[2] * floors, "yes"]
    notes = {str(each.sqref).partition("4:")[0]: each for each in sheet.data_validations.dataValidation}
    assert "never imported" in notes["A3"].prompt
    assert "in mm, for example 500" in notes["C"].prompt
    stage_note = notes[sheet.cell(3, sheet.max_column).column_letter]
    assert ("go through this stage" in stage_note.prompt, stage_note.formula1) == (True, '"yes,no"')
    sheet["A4"], sheet["B4"], sheet["D4"], sheet["K4"] = "WALL", "W-1", 3000, 2
    sheet.cell(4, sheet.max_column, "yes")
    book.save(path)
    done = run_import(green_meadows, path)
    assert (done.status, done.created_count, done.warning_count, done.pieces_added) == ("completed", 1, 0, 2)


def test_a_csv_template_has_the_chosen_columns_with_units(
    client: FlaskClient, admin: dict[str, str], green_meadows: int, export: Export
) -> None:
    path = export(f"/api/project/1/template/csv?{guided_template()}")
    header, example = path.read_text(encoding="utf-8-sig").splitlines()
    assert example == "BEAM,B-101 (example),500,6000,300,2250,0.9,3,300,VR-1"
    assert header == (
        "Element Type,Element Type Name,Height (mm),Length (mm),Thickness (mm),Mass (kg),Volume (m³),Area (m²),"
        "Width (mm),Element Type Version"
    )
    refused = client.get("/api/project/1/template/csv?stages=999999", headers=admin)
    assert (refused.status_code, refused.get_json()["message"]) == (
        422, "The project has no stage 999999. Choose from those that it has.",
    )  # fmt: skip
    assert client.get("/api/project/1/template/csv?stages=one", headers=admin).status_code == 422


@pytest.mark.parametrize("kind", ["excel", "csv"])
def test_the_example_of_a_template_is_never_imported(
    client: FlaskClient, admin: dict[str, str], green_meadows: int, export: Export, kind: str
) -> None:
    path = export(f"/api/project/1/template/{kind}?guide=true")
    upload = {"file": (io.BytesIO(path.read_bytes()), path.name)}
    empty = client.post("/api/project/1/import/excel", data=upload, headers=admin)
    assert (empty.status_code, "no data rows" in empty.get_json()["message"]) == (422, True)
    if kind == "excel":
        book = openpyxl.load_workbook(path)
        sheet = book["Element Types"]
        for column in range(1, sheet.max_column + 1):
            # The example has moved down, below another row.
            sheet.cell(5, column, sheet.cell(3, column).value)
            sheet.cell(3, column).value = None
        sheet["A4"], sheet["B4"] = "WALL", "W-1"
        book.save(path)
    else:
        header, example = path.read_text(encoding="utf-8-sig").splitlines()
        path.write_text(f"{header}\nWALL,W-1\n{example}\n{example}\n")
    done = run_import(green_meadows, path)
    assert (done.status, done.total_items, done.created_count, done.warning_count) == ("completed", 1, 1, 0), done.error


def _read_back(cell: Any) -> Any:
    return float(cell) if isinstance(cell, Decimal) else cell


def test_the_words_of_a_template_are_read_as_it_says() -> None:
    yes, no = re.findall(r"(?:Yes|No): (.*?)\.", GROUP_SPECS[ColumnGroup.STAGES].note)
    assert {parse_yes_no(word) for word in re.split(", | or ", yes)} == {True}
    assert {parse_yes_no(word) for word in re.split(", | or ", no.removesuffix(" or blank"))} == {False}


def test_floors_with_points_in_their_names_are_headings_as_people_call_them(
    client: FlaskClient, admin: dict[str, str], project_id: int, export: Export
) -> None:
    def add(name: str, parent: int | None = None) -> int:
        body = {"name": name, "parent_id": parent}
        answer = client.post("/api/project/1/hierarchy", json=body, headers=admin)
        return int(answer.get_json()["node"]["id"])

    block = add("Block C")
    upper = add("1. OG", block)
    add("2.OG", block)
    add("Nord", upper)
    add("1.5 West", upper)
    add("3. OG")
    add("-1")
    path = export("/api/project/1/template/excel")
    book = openpyxl.load_workbook(path)
    sheet = book["Element Types"]
    headings = [(sheet.cell(1, column).value, sheet.cell(2, column).value) for column in range(11, 16)]
    assert headings == [
        ("Block C", "2.OG"), ("Block_C.1. OG", "Nord"), (None, "1.5 West"), ("", "3. OG"), ("", "'-1"),
    ]  # fmt: skip
    for column, value in zip("ABKLMNO", ("WALL", "W-1", "1", "2", "3", "4", "5"), strict=True):
        sheet[f"{column}4"] = value
    book.save(path)
    done = run_import(project_id, path)
    assert (done.created_count, done.warning_count, done.pieces_added) == (1, 0, 15), done.error
    header = export(CSV_EXPORT_URL).read_text(encoding="utf-8-sig").splitlines()[0]
    assert header.endswith(",Block_C.2.OG,Block_C.1. OG.Nord,Block_C.1. OG.1.5 West,3. OG,'-1")
    for address in (EXCEL_EXPORT_URL, CSV_EXPORT_URL):
        assert_unchanged(project_id, export(address), 1)
    sheet["K4"], sheet["L4"] = "7", "9"
    book.save(path)
    changed = run_import(project_id, path).id
    (change,) = client.get(f"/api/jobs/{changed}/changes", headers=admin).get_json()["changes"]
    assert list(change["fields"]) == ["Block_C.2.OG", "Block_C.1. OG.Nord"]
    (element_type,) = client.get("/api/project/1/element-types", headers=admin).get_json()["element_types"]
    shown = client.get(f"/api/project/1/element-types/{element_type['id']}", headers=admin).get_json()["element_type"]
    assert {line["place"] for line in shown["quantities"]} == {
        "Block C / 2.OG", "Block C / 1. OG / Nord", "Block C / 1. OG / 1.5 West", "3. OG", "-1",
    }  # fmt: skip
    for page in ("element-types", f"element-types/{element_type['id']}", "reference/hierarchy", ""):
        html = client.get(f"/projects/1/{page}".rstrip("/"), headers=admin).get_data(as_text=True)
        assert ("1._OG" in html, "Block C / 1. OG / Nord" in html) == (page == "reference/hierarchy", True), page


def test_exports_keep_pieces_of_towers_long_numbers_and_formula_like_names(
    client: FlaskClient, admin: dict[str, str], green_meadows: int, export: Export, tmp_path: Path
) -> None:
    """Pieces of a tower itself, more digits than a spreadsheet shows, and a stage that would be a formula."""
    client.post("/api/project/1/stages", json={"name": "=HYPERLINK(1)"}, headers=admin)
    path = tmp_path / "in.csv"
    path.write_text(f"{BASE_HEADER},Tower_A,'=HYPERLINK(1)\nWALL,W-1,5.39999999999999951,0.1,,,,,,,2,yes\n")
    done = run_import(green_meadows, path)
    assert (done.created_count, done.warning_count, done.pieces_added) == (1, 0, 2), done.error
    assert "'=HYPERLINK(1)" in export(CSV_EXPORT_URL).read_text(encoding="utf-8-sig").splitlines()[0]
    for address in (EXCEL_EXPORT_URL, CSV_EXPORT_URL):
        assert_unchanged(green_meadows, export(address), 1)


# Floats whose 16th digit is not 0, and numbers that are very large, small or long.
NUMBERS = (
    "0.81",
    "8.001",
    "5.4",
    "0.1",
    "1.1",
    "123456.789012345",
    "999999.999999999",
    "0.000001",
    "0.0000000000123",
    "7",
)


def test_numbers_are_exported_as_numbers(green_meadows: int, export: Export, tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    rows = "".join(f"WALL,W-{place},{number},,,,,,,\n" for place, number in enumerate(NUMBERS))
    path.write_text(f"{BASE_HEADER}\n{rows}WALL,W-99,5.39999999999999951,,,,,,,\n")
    assert run_import(green_meadows, path).created_count == len(NUMBERS) + 1
    sheet = openpyxl.load_workbook(export(EXCEL_EXPORT_URL))["Element Types"]
    heights = [row[2] for row in sheet.iter_rows(min_row=4)]
    assert [cell.data_type for cell in heights] == ["n"] * len(NUMBERS) + ["s"]
    assert [Decimal(str(cell.value)) for cell in heights[:-1]] == [Decimal(number) for number in NUMBERS]
    # More digits than a spreadsheet program keeps.
    assert heights[-1].value == "5.39999999999999951"


def test_the_sums_of_an_export_are_those_of_the_upload(green_meadows: int, export: Export) -> None:
    run_import(green_meadows, EXAMPLES / "element_types.csv")
    with (EXAMPLES / "element_types.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    sheet = openpyxl.load_workbook(export(EXCEL_EXPORT_URL))["Element Types"]
    for column in range(3, 10):
        heading = sheet.cell(1, column).value
        numbers = [
            cell.value for (cell,) in sheet.iter_rows(4, min_col=column, max_col=column) if cell.value is not None
        ]
        assert all(isinstance(number, (int, float)) for number in numbers), heading
        assert sum(Decimal(str(number)) for number in numbers) == sum(Decimal(row[heading] or 0) for row in rows)


def test_the_summary_of_a_project_without_reference_data_has_blank_ranges(project_id: int, export: Export) -> None:
    summary = openpyxl.load_workbook(export(EXCEL_EXPORT_URL))["Summary"]
    found = {row[0]: row[1:] for row in summary.iter_rows(max_col=3, values_only=True)}
    assert found["Total Stages"] == (0, None)
    assert not [cell for row in found.values() for cell in row if isinstance(cell, str) and "None" in cell]


@pytest.mark.parametrize("address", [EXCEL_EXPORT_URL, CSV_EXPORT_URL])
def test_text_that_looks_like_another_type_is_read_back_unchanged(
    green_meadows: int, export: Export, address: str
) -> None:
    names = [f"{name} {place}" if place else name for place in (0, 1) for name in TEXTS]
    for name in names:
        db.session.execute(
            text("""
                INSERT INTO element_types (project_id, element_type, name, type_key, name_key)
                VALUES (1, :type, :name, lower(:type), lower(:name))
            """),
            {"type": "=T", "name": name},
        )
    db.session.commit()
    path = export(address)
    if path.suffix == ".csv":
        cells = [cell for row in csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))) for cell in row]
        assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "＝")]
    done = run_import(green_meadows, path)
    assert (done.status, done.unchanged_count, done.created_count) == ("completed", len(names), 0), done.error


def test_headings_that_mean_two_things_are_written_so_that_they_mean_one(
    client: FlaskClient, admin: dict[str, str], project_id: int, export: Export
) -> None:
    def add(where: str, **body: Any) -> int:
        answer = client.post(f"/api/project/1/{where}", json=body, headers=admin)
        assert answer.status_code == 201, answer.get_json()
        return int(next(iter(answer.get_json().values()))["id"])

    for name in ("Casting", "Mass", "Steel_6MM", "Q.C."):
        add("stages", name=name)
        add("drawing-types", name=name)
    add("bom-products", product_name="Steel", product_type="6MM", unit="kg")
    tower = add("hierarchy", name="Stages", prefix="S")
    for name in ("Casting", "1", "Mass"):
        add("hierarchy", name=name, prefix=f"F{name}", parent_id=tower)
    add("hierarchy", name="Mass", prefix="M")
    add("hierarchy", name="Deep", prefix="D", path="A.B.C.Deep")
    path = export("/api/project/1/template/csv")
    header = path.read_text(encoding="utf-8-sig").splitlines()[0]
    cells = ["yes"] * 4 + ["a.dwg"] * 4 + ["2"] * 5 + ["1.5"]
    path.write_text("\n".join((header, ",".join(["WALL", "W-1", *[""] * 8, *cells]))))
    done = run_import(project_id, path)
    assert (done.status, done.created_count, done.warning_count) == ("completed", 1, 0), done.error
    assert done.pieces_added == 10
    for address in (EXCEL_EXPORT_URL, CSV_EXPORT_URL):
        assert_unchanged(project_id, export(address), 1)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(element_type_row, min_size=1, max_size=8))
def test_any_stored_values_are_read_back_unchanged(
    project_id: int, export: Export, tmp_path: Path, rows: list[tuple[Any, ...]]
) -> None:
    """Rows that the import takes; those that it does not are no matter here."""
    count = import_rows(project_id, tmp_path / "in.csv", rows)
    if count:
        for address in (EXCEL_EXPORT_URL, CSV_EXPORT_URL):
            done = run_import(project_id, export(address))
            assert (done.status, done.unchanged_count, done.created_count) == ("completed", count, 0), done.error


def test_downloads_are_named_after_their_project(client: FlaskClient, admin: dict[str, str]) -> None:
    number = projects.create("Hafenstraße 12/b").id
    for path, name in (
        ("template/excel", "Hafenstraße_12_b_template.xlsx"),
        ("template/csv", "Hafenstraße_12_b_template.csv"),
        ("export_csv_element_type", "Hafenstraße_12_b_element_types.csv"),
    ):
        with client.get(f"/api/project/{number}/{path}", headers=admin) as answer:
            assert f"filename*=UTF-8''{quote(name)}" in answer.headers["Content-Disposition"], path
