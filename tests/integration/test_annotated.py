"""Annotated copies of uploads."""

from __future__ import annotations

import io
import re
import zipfile
from decimal import Decimal
from pathlib import Path

import odfdo
import openpyxl
import openpyxl.comments
import openpyxl.styles
import pytest
import xlsxwriter
from flask.testing import FlaskClient

from tests.conftest import EXAMPLES, ROOT, run_import
from tests.element_type_files import BASE_HEADER
from tests.libreoffice import SOFFICE, convert
from tests.unit.xlsb_files import convert_to_xlsb

ODS = ROOT / "tests" / "files" / "green_meadows_libreoffice.ods"
# A PNG image of one pixel.
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000 1f15c4890000000d49444154789c6360606060000000050001"
    "a5f645400000000049454e44ae426082".replace(" ", "")
)
RED, YELLOW = "FFFFC7CE", "FFFFEB9C"


def download_annotated(client: FlaskClient, headers: dict[str, str], job_id: int, path: Path) -> str:
    """Write the annotated copy to a path and return the name of the download."""
    with client.get(f"/api/jobs/{job_id}/annotated", headers=headers) as answer:
        assert answer.status_code == 200, answer.get_json()
        path.write_bytes(answer.data)
        return str(answer.headers["Content-Disposition"]).removeprefix("attachment; filename=")


def test_invalid_cells_are_coloured_and_commented(
    client: FlaskClient, admin: dict[str, str], green_meadows: int, tmp_path: Path
) -> None:
    book = openpyxl.load_workbook(EXAMPLES / "element_types.xlsx")
    sheet = book["Element Types"]
    for place, bad in (("C5", "tall"), ("P9", -1), ("A20", None)):
        sheet[place] = bad
    sheet["C5"].comment = openpyxl.comments.Comment("Ask the engineer", "Me")
    sheet["B6"].font = openpyxl.styles.Font(bold=True, color="FF0000")
    sheet["D7"] = "=1500+1000"
    book.save(tmp_path / "bad.xlsx")
    done = run_import(green_meadows, tmp_path / "bad.xlsx")
    assert download_annotated(client, admin, done.id, tmp_path / "annotated.xlsx") == "bad-annotated.xlsx"
    found = openpyxl.load_workbook(tmp_path / "annotated.xlsx")["Element Types"]
    for place in ("C5", "P9", "A20", "D7"):
        assert found[place].fill.start_color.rgb == RED, place
        assert found[place].comment.text
    assert found["C5"].comment.text.startswith("Ask the engineer\nEnter a number")
    assert found["D5"].comment is None
    assert (found["B6"].font.b, found["D7"].value) == (True, "=1500+1000")
    assert found.merged_cells.ranges == sheet.merged_cells.ranges
    assert found.protection.sheet is True


def rich_workbook(path: Path) -> None:
    """Write a workbook with much besides values; the height of W-102 is invalid."""
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Element Types")
        bold, red = book.add_format({"bold": True}), book.add_format({"color": "red", "num_format": "0.000"})
        sheet.write_row(0, 0, [*BASE_HEADER.split(","), "Podium"])
        for row, name in enumerate(("W-101", "W-102", "W-103"), 1):
            sheet.write_row(row, 0, ["WALL", name, 3000, 2500, 150, 2812.5, 1.125, 7.5, 2500, "VR-1", 2])
        sheet.write_rich_string(1, 1, "W-", bold, "101")
        sheet.write_formula(1, 6, "=0.45*2.5", red, 1.125)
        sheet.write(2, 2, "abc", red)
        sheet.write_comment("C3", "Ask Eve")
        sheet.write_comment("D2", "Measured")
        sheet.insert_textbox("M2", "Check before sending")
        sheet.insert_image("M9", "dot.png", {"image_data": io.BytesIO(PIXEL)})
        sheet.add_sparkline("M1", {"range": "'Element Types'!C2:E2"})
        chart = book.add_chart({"type": "column"})
        chart.add_series({"values": "='Element Types'!$C$2:$C$4"})
        sheet.insert_chart("P2", chart)
        sheet.data_validation("C2:C9", {"validate": "decimal", "criteria": ">", "value": 0})
        sheet.conditional_format("D2:D9", {"type": "data_bar", "data_bar_2010": True})
        sheet.protect("secret")
        sheet.freeze_panes(1, 2)
        sheet.autofilter("A1:K4")
        book.define_name("Area", "='Element Types'!$A$1:$K$4")
        book.add_worksheet("Notes").write("A1", "untouched")


def zip_entries(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_workbook_is_the_upload_with_colours_and_comments(
    client: FlaskClient, admin: dict[str, str], green_meadows: int, tmp_path: Path
) -> None:
    rich_workbook(tmp_path / "rich.xlsx")
    done = run_import(green_meadows, tmp_path / "rich.xlsx")
    assert (done.created_count, done.rejected_count) == (2, 1)
    download_annotated(client, admin, done.id, tmp_path / "annotated.xlsx")
    before, after = zip_entries(tmp_path / "rich.xlsx"), zip_entries(tmp_path / "annotated.xlsx")
    assert list(before) == list(after)
    assert {name for name in before if before[name] != after[name]} == {
        "xl/worksheets/sheet1.xml",
        "xl/styles.xml",
        "xl/comments1.xml",
    }
    # The sheet differs in the format of the invalid cell alone.
    sheet = after["xl/worksheets/sheet1.xml"]
    assert re.sub(rb'(r="C3") s="1" (t="s")', rb'\1 s="X" \2', before["xl/worksheets/sheet1.xml"]) == re.sub(
        rb'(r="C3") s="\d+" (t="s")', rb'\1 s="X" \2', sheet
    )
    again = run_import(green_meadows, tmp_path / "annotated.xlsx")
    assert (again.unchanged_count, again.rejected_count) == (2, 1)


def test_a_copy_has_the_media_type_of_its_format(
    client: FlaskClient, admin: dict[str, str], green_meadows: int, tmp_path: Path
) -> None:
    rich_workbook(tmp_path / "rich.xlsx")
    found = zip_entries(tmp_path / "rich.xlsx")
    with zipfile.ZipFile(tmp_path / "rich.xlsm", "w") as archive:
        for name, content in found.items():
            plain = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
            archive.writestr(name, content.replace(plain, b"application/vnd.ms-excel.sheet.macroEnabled.main+xml"))
    done = run_import(green_meadows, tmp_path / "rich.xlsm")
    with client.get(f"/api/jobs/{done.id}/annotated", headers=admin) as response:
        assert response.data
        assert response.headers["Content-Type"] == "application/vnd.ms-excel.sheet.macroEnabled.12"


@pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")
@pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is not installed: there is no `soffice` to run")
def test_libreoffice_reads_an_annotated_workbook(
    client: FlaskClient, admin: dict[str, str], green_meadows: int, tmp_path: Path
) -> None:
    rich_workbook(tmp_path / "rich.xlsx")
    done = run_import(green_meadows, tmp_path / "rich.xlsx")
    download_annotated(client, admin, done.id, tmp_path / "annotated.xlsx")
    table = odfdo.Document(convert(tmp_path / "annotated.xlsx", "ods")).body.get_table(name="Element Types")
    notes = {place: table.get_cell(place).get_annotations() for place in ("C3", "D2", "D3")}
    assert [note.note_body for note in notes["D2"]] == ["Measured"]
    assert notes["C3"][0].note_body.startswith("Ask Eve\n")
    assert notes["D3"] == []
    assert (table.get_cell("G2").value, table.get_cell("G2").formula) == (Decimal("1.125"), "of:=0.45*2.5")
    saved = convert(tmp_path / "annotated.xlsx", "xlsx")
    sheet = openpyxl.load_workbook(saved)["Element Types"]
    assert [cell.coordinate for row in sheet.iter_rows() for cell in row if cell.fill.start_color.rgb == RED] == ["C3"]


def test_an_opendocument_spreadsheet_keeps_its_formats(
    client: FlaskClient, admin: dict[str, str], green_meadows: int, tmp_path: Path
) -> None:
    document = odfdo.Document(ODS)
    table = document.body.get_table(name="Element Types")
    for place, bad in (("C5", "tall"), ("P9", -1), ("A20", None)):
        cell = table.get_cell(place)
        cell.value = bad
        table.set_cell(place, cell)
    noted = table.get_cell("C5")
    noted.insert(odfdo.Annotation("Ask the engineer", creator="Me"), position=0)
    table.set_cell("C5", noted)
    document.save(tmp_path / "bad.ods")
    done = run_import(green_meadows, tmp_path / "bad.ods")
    assert (done.created_count, done.rejected_count) == (117, 3)

    assert download_annotated(client, admin, done.id, tmp_path / "annotated.ods") == "bad-annotated.ods"
    found = odfdo.Document(tmp_path / "annotated.ods")
    before, after = (each.body.get_table(name="Element Types") for each in (document, found))
    for place in ("C5", "P9", "A20"):
        cell = after.get_cell(place)
        own, coloured = (doc.get_style("table-cell", each.style) for doc, each in (
            (document, before.get_cell(place)), (found, cell),
        ))  # fmt: skip
        assert coloured.get_properties() == {**(own.get_properties() or {}), "fo:background-color": "#FFC7CE"}, place
        assert [note.creator for note in cell.get_annotations()] == ["Import"]
    assert after.get_cell("C5").get_annotations()[0].note_body.startswith("Ask the engineer\nEnter a number")
    for place in ("D5", "P10", "A21", "K1"):
        assert after.get_cell(place).serialize() == before.get_cell(place).serialize()
    again = run_import(green_meadows, tmp_path / "annotated.ods")
    assert (again.unchanged_count, again.rejected_count) == (117, 3)


@pytest.mark.parametrize("kind", ["csv", "xls", "xlsb", "ods"])
def test_other_and_large_files_become_new_workbooks(
    client: FlaskClient,
    admin: dict[str, str],
    project_id: int,
    tmp_path: Path,
    kind: str,
) -> None:
    path = tmp_path / f"types.{kind}"
    if kind == "csv":
        path.write_bytes((EXAMPLES / "element_types.csv").read_bytes())
    elif kind == "xlsb":
        path.write_bytes(convert_to_xlsb(EXAMPLES / "element_types.xlsx"))
    else:
        path.write_bytes(ODS.with_suffix(f".{kind}").read_bytes())
    if kind == "ods":
        # More XML tags than the library for the format may parse.
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("padding.xml", f"<a>{'<b/>' * 1_100_000}</a>")
    done = run_import(project_id, path)
    # The project has no floors, stages, drawing types and products: 33 headings match nothing.
    assert (done.created_count, done.warning_count) == (120, 33)
    assert download_annotated(client, admin, done.id, tmp_path / "annotated.xlsx") == "types-annotated.xlsx"
    sheet = openpyxl.load_workbook(tmp_path / "annotated.xlsx")["Element Types"]
    marked = [cell for row in sheet.iter_rows() for cell in row if cell.comment]
    assert len(marked) == 33
    assert {cell.fill.start_color.rgb for cell in marked} == {YELLOW}
    before = run_import(project_id, EXAMPLES / "element_types.xlsx")
    again = run_import(project_id, tmp_path / "annotated.xlsx")
    assert (before.unchanged_count, again.unchanged_count, again.warning_count) == (120, 120, 33)


def test_a_csv_with_decimal_commas_can_be_corrected_in_its_copy(
    client: FlaskClient, admin: dict[str, str], green_meadows: int, tmp_path: Path
) -> None:
    path = tmp_path / "types.csv"
    path.write_text(
        f'{BASE_HEADER.replace(",", ";")};Podium\nWALL;W-1;2,5;1.200;;;;;;;1\nWALL;W-2;1,2;3,5;;;;;;"A;1";x\n'
    )
    done = run_import(green_meadows, path)
    assert (done.created_count, done.rejected_count) == (1, 1)
    assert download_annotated(client, admin, done.id, tmp_path / "annotated.xlsx") == "types-annotated.xlsx"
    book = openpyxl.load_workbook(tmp_path / "annotated.xlsx")
    sheet = book.worksheets[0]
    assert [cell.value for cell in sheet[2]][:4] == ["WALL", "W-1", "2.5", "1200"]
    assert (sheet["K3"].fill.start_color.rgb, sheet["K3"].value) == (RED, "x")
    assert sheet["K3"].comment.text.startswith("Enter a number")
    assert sheet["K2"].comment is None
    sheet["K3"] = 2
    book.save(tmp_path / "corrected.xlsx")
    again = run_import(green_meadows, tmp_path / "corrected.xlsx")
    assert (again.created_count, again.unchanged_count, again.pieces_added, again.warning_count) == (1, 1, 2, 0)


def test_issues_in_a_merged_range_are_shown_in_its_first_cell(
    client: FlaskClient, admin: dict[str, str], green_meadows: int, tmp_path: Path
) -> None:
    book = openpyxl.load_workbook(EXAMPLES / "element_types.xlsx")
    book["Element Types"].merge_cells("A8:B9")
    book.save(tmp_path / "bad.xlsx")
    done = run_import(green_meadows, tmp_path / "bad.xlsx")
    assert done.rejected_count == 2
    download_annotated(client, admin, done.id, tmp_path / "annotated.xlsx")
    found = openpyxl.load_workbook(tmp_path / "annotated.xlsx")["Element Types"]
    assert [cell.coordinate for row in found.iter_rows() for cell in row if cell.comment] == ["A8"]


def test_a_file_that_is_too_large_is_not_annotated(
    client: FlaskClient, admin: dict[str, str], green_meadows: int, tmp_path: Path
) -> None:
    path = tmp_path / "long.csv"
    path.write_text(BASE_HEADER + "".join(f"\nWALL,W-{number},,,,,,,,,{'x' * 30_000}" for number in range(140)))
    done = run_import(green_meadows, path)
    assert done.created_count == 140
    answer = client.get(f"/api/jobs/{done.id}/annotated", headers=admin)
    assert (answer.status_code, "`rejected`" in answer.get_json()["message"]) == (409, True)
