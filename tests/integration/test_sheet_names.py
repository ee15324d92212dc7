"""Files generated from an upload are valid, whatever the names of its sheets."""

from __future__ import annotations

import io
from html import escape
from pathlib import Path

import openpyxl
import pytest
from flask.testing import FlaskClient

from precast_app.importing.schema import BASE_COLUMNS
from precast_app.spreadsheets import UnreadableFile, open_book
from tests.conftest import run_import
from tests.unit.xlsx_files import parts, sheet_xml, zipped

NAMES = [
    "a" * 30 + "'",
    "a" * 30 + "''b",
    "'" * 40,
    "\U0001f3d7" * 31,
    "a" * 30 + "\U0001f3d7",
    "History",
    "  ",
    "a/b\\c:d*e?f[g]",
    "=1+1",
    "tab\tand\nline",
    "e\u0301" * 20,
    "long " * 30,
]


def upload(path: Path, names: list[str]) -> Path:
    """Write a workbook of sheets with these names; the last one has headings and a row that is rejected."""
    headings = "".join(
        f'<c r="{"ABCDEFGHIJ"[i]}1" t="str"><v>{escape(c.heading)}</v></c>' for i, c in enumerate(BASE_COLUMNS)
    )
    cells = "".join(f'<c r="{letter}2" t="str"><v>x</v></c>' for letter in "ABCDEFGHIJ")
    contents = parts("")
    sheets = "".join(
        f'<sheet name="{escape(name)}" sheetId="{i}" r:id="r{i}"/>'.replace("\t", "&#9;").replace("\n", "&#10;")
        for i, name in enumerate(names, 1)
    )
    before, _, _ = str(contents["xl/workbook.xml"]).partition("<sheet ")
    contents["xl/workbook.xml"] = f"{before}{sheets}</sheets></workbook>"
    relations = str(contents["xl/_rels/workbook.xml.rels"])
    one = relations[relations.index("<Relationship ") : relations.index("</Relationships>")]
    contents["xl/_rels/workbook.xml.rels"] = relations.replace(
        one, "".join(one.replace("rId1", f"r{i}").replace("sheet1", f"sheet{i}") for i in range(1, len(names) + 1))
    )
    for i in range(1, len(names) + 1):
        rows = f'<row r="1">{headings}</row><row r="2">{cells}</row>' if i == len(names) else ""
        # Ranges that overlap and extend beyond the cells, which no spreadsheet program writes.
        after = '<mergeCells><mergeCell ref="A1:B1"/><mergeCell ref="B1:C1"/><mergeCell ref="ZA1:ZZ1"/></mergeCells>'
        contents[f"xl/worksheets/sheet{i}.xml"] = sheet_xml(rows, after)
        # Damaged, so that the annotated copy has only the values.
        contents[f"xl/worksheets/_rels/sheet{i}.xml.rels"] = "<Relationships>"
    path.write_bytes(zipped(contents).getvalue())
    return path


def test_a_sheet_name_that_is_too_long_for_the_database_is_rejected(tmp_path: Path) -> None:
    with (
        upload(tmp_path / "types.xlsx", ["long " * 31]).open("rb") as file,
        pytest.raises(UnreadableFile, match="Rename the sheet"),
    ):
        open_book(file)


@pytest.mark.parametrize("name", [*NAMES, "all"])
def test_generated_files_are_valid_for_any_sheet_name(
    client: FlaskClient,
    admin: dict[str, str],
    project_id: int,
    tmp_path: Path,
    name: str,
) -> None:
    path = upload(tmp_path / "types.xlsx", NAMES if name == "all" else [name])
    job = run_import(project_id, path)
    assert job.rejected_count == 1, job.error
    for what in ("rejected", "annotated", "issues.xlsx", "issues.csv"):
        with client.get(f"/api/jobs/{job.id}/{what}", headers=admin) as answer:
            assert answer.status_code == 200, (what, answer.get_data(as_text=True))
            if what.endswith("csv"):
                continue
            book = openpyxl.load_workbook(io.BytesIO(answer.data))
        for title in book.sheetnames:
            assert 0 < len(title.encode("utf-16-le")) <= 62
            assert title.strip(" '") == title and title.casefold() != "history"
        assert len({title.casefold() for title in book.sheetnames}) == len(book.sheetnames)
