"""Files whose merged ranges are unusual: `rejected` and `annotated` are workbooks, and a corrected one is imported."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from flask.testing import FlaskClient

from tests.conftest import run_import
from tests.hostile_files import HEADINGS
from tests.libreoffice import SOFFICE, convert
from tests.unit.xlsx_files import SHEET_PART, zipped

# The headings end in column L, so `Rejected because` is in column M.
MERGES = {
    "from a heading to beyond the last one": ("K1:P1",),
    "right of the headings": ("M1:O1",),
    "blank, far right of the headings": ("U1:W1",),
    "beyond the last column": ("L1:XFD1",),
    "twice": ("U1:V1", "U1:V1"),
    "overlapping": ("K1:L1", "L1:N1", "L1:M2"),
    "over two rows": ("L1:N2",),
    "one cell": ("U1:U1",),
    "reversed": ("N1:L1",),
    "in a row without cells": ("B9:F9", "B9:G9"),
}


def odd_file(merges: tuple[str, ...]) -> bytes:
    """Return a workbook with one valid and one invalid row and these merged ranges, which no library would write."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made) as book:
        sheet = book.add_worksheet("Element Types")
        sheet.write_row(0, 0, [*HEADINGS, "Casting", "QC"])
        sheet.write_row(1, 0, ["WALL", "W-101", 3000, *[""] * 7, "yes", "no"])
        sheet.write_row(2, 0, ["WALL", "W-102", "abc", *[""] * 7, "yes", "no"])
    ranges = "".join(f'<mergeCell ref="{each}"/>' for each in merges)
    with zipfile.ZipFile(made) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    contents[SHEET_PART] = contents[SHEET_PART].replace(
        b"</sheetData>", f"</sheetData><mergeCells>{ranges}</mergeCells>".encode()
    )
    return zipped(contents).getvalue()


@pytest.mark.parametrize(
    ("merges", "kind"),
    [
        *(pytest.param(merges, "xlsx", id=name) for name, merges in MERGES.items()),
        *(pytest.param(MERGES["from a heading to beyond the last one"], kind, id=kind) for kind in ("xls", "ods")),
        pytest.param(MERGES["blank, far right of the headings"], "xls", id="blank in xls"),
    ],
)
def test_a_file_with_odd_merges_can_be_annotated_and_corrected(
    client: FlaskClient, admin: dict[str, str], project_id: int, tmp_path: Path, merges: tuple[str, ...], kind: str
) -> None:
    path = tmp_path / "types.xlsx"
    path.write_bytes(odd_file(merges))
    if kind != "xlsx":
        if SOFFICE is None:
            pytest.skip("LibreOffice is not installed: there is no `soffice` to run")
        path = convert(path, kind)
    done = run_import(project_id, path)
    assert (done.created_count, done.rejected_count) == (1, 1), done.error
    copies = {}
    for name in ("annotated", "rejected"):
        with client.get(f"/api/jobs/{done.id}/{name}", headers=admin) as answer:
            assert answer.status_code == 200, answer.get_json()
            copies[name] = answer.data
    # openpyxl can't open a workbook with a reversed range; the copy has the ranges of the upload.
    if kind != "ods" and merges != MERGES["reversed"]:
        annotated = openpyxl.load_workbook(io.BytesIO(copies["annotated"])).worksheets[0]
        assert annotated["C3"].comment.text.startswith("Enter a number")
    rejected = openpyxl.load_workbook(io.BytesIO(copies["rejected"]))
    sheet = rejected.worksheets[0]
    assert sheet["M1"].value == "Rejected because"
    assert sheet["M2"].value.startswith("C (Height): Enter a number")
    sheet["C2"] = 3000
    rejected.save(tmp_path / "corrected.xlsx")
    again = run_import(project_id, tmp_path / "corrected.xlsx")
    assert (again.created_count, again.rejected_count) == (1, 0), again.error
