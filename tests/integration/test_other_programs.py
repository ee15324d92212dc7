"""Workbooks from all kinds of programs.

`tests/files/odd_cells_libreoffice.*` are what `odd_cells` below makes, saved by LibreOffice:
`soffice --headless --convert-to xls --outdir tests/files odd_cells_libreoffice.xlsx`, likewise `ods`, and `xlsx` from
another folder.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pandas as pd
import pytest

from precast_app.errors import RequestError
from precast_app.spreadsheets import column_letter
from tests.conftest import EXAMPLES, ROOT, run_import
from tests.integration import odd_workbooks
from tests.integration.odd_workbooks import (
    COUNT,
    Rows,
    assert_read,
    columns,
    issue_keys,
    rows_of,
    saved,
    small,
    spans,
    stored,
    with_parts,
    workbook,
    written,
)
from tests.unit.xlsx_files import parts, sheet_xml, strings_xml, zipped

furnished = pytest.fixture(scope="module")(odd_workbooks.furnished)
meadows = pytest.fixture(odd_workbooks.meadows)

FILES = ROOT / "tests" / "files"
OTHERS = ["Podium", "Casting", "Steel_6MM", "Shuttering"]


def odd_cells(path: Path) -> Path:
    """Write a workbook with one unusual cell per row with XlsxWriter."""
    moment = datetime(2024, 5, 6)  # noqa: DTZ001 - the dates of a workbook have no zone
    names = ["text", moment, "formula", "error", "merged 1", "merged 2", "", "non\N{NO-BREAK SPACE}breaking ", None]
    rows: Rows = [["WALL" if name is not None else None, name, *[None] * 8] for name in names]
    rows[0] = [*rows[0][:2], "1,200", "1 200,5", "2.0", None, " 0.0042 ", *[None] * 3, " 2 ", "X", "1 200,5"]
    rows[2] += [None, "yes"]
    rows[5][0], rows[8][0] = None, "Total"

    def fill(book: Any, page: Any) -> None:
        page.write_formula("C4", "=2*1500.25", None, 3000.5)
        page.write_formula("K4", "=1+2", None, 3)
        page.write_formula("C5", "=1/0", None, "#DIV/0!")
        page.merge_range("A6:A7", "SLAB")
        page.write_rich_string("B8", "rich ", book.add_format({"bold": True}), "text")
        page.write_boolean("L9", True)
        page.write_formula("K10", "=SUM(K2:K9)", None, 5)

    return small(path, OTHERS, *rows, fill=fill)


def as_libreoffice_saved_it(suffix: str) -> Path:
    return FILES / f"odd_cells_libreoffice.{suffix}"


@pytest.mark.parametrize("program", ["XlsxWriter", "xlsx", "xls", "ods"])
def test_odd_cells_as_xlsxwriter_and_libreoffice_save_them(meadows: int, tmp_path: Path, program: str) -> None:
    path = odd_cells(tmp_path / "types.xlsx") if program == "XlsxWriter" else as_libreoffice_saved_it(program)
    done = run_import(meadows, path)
    assert issue_keys(done) == [
        ("date_in_text", "B", 3), ("error_cell", "C", 5), ("merged_cells", "A", 6), ("totals_row", None, 10),
        ("unclear_number", "C", 2),
    ]  # fmt: skip
    version = {"Element Type Version": "VR-1"}
    found = {
        names: {heading: str(cell) for heading, cell in row.items()} | version for names, row in stored(meadows).items()
    }
    text = {"Height": "1200", "Length": "1200.5", "Thickness": "2", "Volume": "0.0042"}
    assert found == {
        ("WALL", "text"): {**text, **version, "Podium": "2", "Casting": "yes", "Steel_6MM": "1200.5"},
        ("WALL", "2024-05-06"): version,
        ("WALL", "formula"): {**version, "Height": "3000.5", "Podium": "3", "Casting": "yes"},
        ("SLAB", "merged 1"): version,
        ("SLAB", "merged 2"): version,
        ("WALL", "rich text"): version,
        ("WALL", "non breaking"): {**version, "Casting": "yes"},
    }


def cell_xml(place: str, cell: Any, texts: list[str]) -> str:
    """Return a cell as Google Sheets writes it, with a format, and with a formula that other programs don't know."""
    if cell is None:
        return f'<c r="{place}" s="1"/>'
    if isinstance(cell, str):
        texts.append(cell)
        return f'<c r="{place}" s="1" t="s"><v>{len(texts) - 1}</v></c>'
    return f'<c r="{place}" s="1"><f>IFERROR(__xludf.DUMMYFUNCTION("X()"),{cell})</f><v>{cell}</v></c>'


def by_hand(*, inline: bool, sheet_format: str = "") -> dict[str, str | bytes]:
    """Return the parts of the sample's workbook with inline or shared strings, and many blank rows."""
    texts: list[str] = []
    content = []
    for number, row in enumerate(rows_of(columns()), 1):
        cells = []
        for index, cell in enumerate(row, 1):
            place = f"{column_letter(index)}{number}"
            if inline and isinstance(cell, str):
                cells.append(f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(cell)}</t></is></c>')
            else:
                cells.append(cell_xml(place, cell, texts))
        content.append(f'<row r="{number}" customHeight="1" ht="15.75">{"".join(cells)}</row>')
    content += [f'<row r="{number}"><c r="A{number}" s="1"/></row>' for number in range(COUNT + 4, 1000)]
    merged = "".join(
        f'<mergeCell ref="{column_letter(first + 1)}1:{column_letter(last + 1)}1"/>'
        for _, first, last in spans(columns())
    )
    items = "".join(f"<si><t>{escape(each)}</t></si>" for each in texts)
    sheet = sheet_xml("".join(content), f"<mergeCells>{merged}</mergeCells>{sheet_format}")
    return parts(sheet, None if inline else strings_xml(items))


@pytest.mark.parametrize("inline", [False, True], ids=["shared texts", "texts in the cells"])
def test_google_sheets(meadows: int, tmp_path: Path, inline: bool) -> None:
    path = tmp_path / "Element types - Green Meadows.xlsx"
    path.write_bytes(zipped(by_hand(inline=inline, sheet_format='<drawing xmlns:r="r" r:id="rId1"/>')).getvalue())
    assert_read(meadows, run_import(meadows, path))


def test_xlsm_is_read_without_its_macros(meadows: int, tmp_path: Path) -> None:
    """The macros are never read, so the content of their part is not valid here."""
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
    with_macros = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"
    vba = '<Relationship Id="rId99" Type="http://schemas.microsoft.com/office/2006/relationships/vbaProject" '
    content = with_parts(
        saved(workbook(), tmp_path / "types.xlsx").read_bytes(),
        {
            "[Content_Types].xml": lambda part: part.replace(kind, with_macros).replace(
                "<Default", '<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/><Default', 1
            ),
            "xl/_rels/workbook.xml.rels": lambda part: part.replace(
                "</Relationships>", f'{vba}Target="vbaProject.bin"/></Relationships>'
            ),
        },
        {
            "xl/vbaProject.bin": b"\xd0\xcf\x11\xe0 Sub Auto_Open(): Kill Everything",
            "xl/activeX/activeX1.bin": b"\0" * 99,
        },
    )
    path = tmp_path / "types.xlsm"
    path.write_bytes(content)
    assert with_macros.encode() not in (tmp_path / "types.xlsx").read_bytes()
    assert_read(meadows, run_import(meadows, path))


def test_xlsxwriter_in_constant_memory(meadows: int, tmp_path: Path) -> None:
    """It writes inline strings."""
    book = written(tmp_path / "types.xlsx", columns(), constant_memory=True)
    assert b"sharedStrings" not in book.read_bytes()
    assert_read(meadows, run_import(meadows, book))


def test_pandas_with_two_rows_of_headings(meadows: int, tmp_path: Path) -> None:
    """Read what pandas writes: merged headings, a blank row below them, and row numbers in the first column."""
    path = tmp_path / "types.xlsx"
    # pandas would merge a blank heading with the heading before it.
    tops = [(column[0], column[1] or "") if column[0] else (column[1], "") for column in columns()]
    data = [list(row) for row in zip(*(column[3:] for column in columns()), strict=True)]
    pd.DataFrame(data, columns=pd.MultiIndex.from_tuples(tops), dtype=object).to_excel(path, sheet_name="Sheet1")
    assert_read(meadows, run_import(meadows, path))


def test_a_workbook_with_a_csv_file_name(meadows: int, tmp_path: Path) -> None:
    assert_read(meadows, run_import(meadows, saved(workbook(), tmp_path / "types.xlsx").rename(tmp_path / "TYPES.CSV")))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4096) + "EncryptedPackage".encode("utf-16-le"), "by a password"),
        ((EXAMPLES / "element_types.xlsx").read_bytes()[:30_000], "damaged"),
        ((FILES / "green_meadows_libreoffice.ods").read_bytes()[:30_000], "damaged"),
        ((FILES / "green_meadows_libreoffice.xls").read_bytes()[:600], "damaged"),
    ],
    ids=["password", "damaged xlsx", "damaged ods", "damaged xls"],
)
def test_rejected_files(meadows: int, tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "types.xlsx"
    path.write_bytes(content)
    with pytest.raises(RequestError, match=message):
        run_import(meadows, path)
    assert stored(meadows) == {}
