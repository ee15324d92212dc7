"""Workbooks with odd cells: each is read as a person would read it, or named."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont

from precast_app.spreadsheets import column_letter
from tests.conftest import run_import
from tests.integration import odd_workbooks
from tests.integration.odd_workbooks import (
    BASE,
    assert_read,
    columns,
    flat,
    issue_keys,
    rows_of,
    saved,
    small,
    stored,
    workbook,
)
from tests.unit import xlsb_files, xlsx_files

furnished = pytest.fixture(scope="module")(odd_workbooks.furnished)
meadows = pytest.fixture(odd_workbooks.meadows)

OTHERS = ["Podium", "Casting", "Steel_6MM", "Shuttering"]
NO_BREAK, ZERO_WIDTH = "\N{NO-BREAK SPACE}", "\N{ZERO WIDTH SPACE}"


def wall(name: Any, measures: tuple[Any, ...] = (), *others: Any) -> list[Any]:
    """Return a row with these measures from Height on (the eighth is its version) and other cells."""
    return ["WALL", name, *measures, *[None] * (8 - len(measures)), *others]


def one(project_id: int) -> dict[str, Any]:
    """Return what is stored of the only element type, without its version."""
    (row,) = stored(project_id).values()
    return {heading: cell for heading, cell in row.items() if heading != "Element Type Version"}


def numbers(project_id: int) -> dict[str, str]:
    return {heading: str(cell) for heading, cell in one(project_id).items()}


def test_numbers_as_text(meadows: int, tmp_path: Path) -> None:
    measures = ("1,200", "1 200,5", "2.0", f"1{NO_BREAK}200.50", " 0,0042 ", "+7", "1'500")
    row = wall("A", measures, " 2 ", "1", "1 200,5", None)
    done = run_import(meadows, small(tmp_path / "types.xlsx", [*OTHERS, "Tower_A.Floor_1"], [*row, "2.0"]))
    # The file shows both decimal signs, so 1,200 can be read in two ways.
    assert (issue_keys(done), done.pieces_added) == ([("unclear_number", "C", 2)], 4)
    assert numbers(meadows) == {
        "Height": "1200", "Length": "1200.5", "Thickness": "2", "Mass": "1200.5", "Volume": "0.0042", "Area": "7",
        "Width": "1500", "Podium": "2", "Casting": "yes", "Steel_6MM": "1200.5", "Tower_A.Floor_1": "2",
    }  # fmt: skip


def test_every_number_as_text(meadows: int, tmp_path: Path) -> None:
    """As pandas writes a table that it has read as texts."""
    path = tmp_path / "types.xlsx"
    header, *data = flat()
    pd.DataFrame(data, columns=header, dtype=str).to_excel(path, index=False, sheet_name="Element Types")
    assert_read(meadows, run_import(meadows, path))


def test_dates_where_text_is_meant(meadows: int, tmp_path: Path) -> None:
    """Excel has made dates of the name 5-6, of a version and of a drawing."""
    moment = datetime(2024, 5, 6)  # noqa: DTZ001 - the dates of a workbook have no zone
    row = [*wall(moment, (3000,))[:9], moment, None, None, None, moment]
    done = run_import(meadows, small(tmp_path / "types.xlsx", OTHERS, wall("A"), row))
    assert issue_keys(done) == [("date_in_text", letter, 3) for letter in ("B", "J", "N")]
    assert stored(meadows)["WALL", "2024-05-06"] == {
        "Height": 3000,
        "Element Type Version": "2024-05-06",
        "Shuttering": "2024-05-06",
    }


def test_dates_where_numbers_are_meant(meadows: int, tmp_path: Path) -> None:
    moment = datetime(2024, 5, 6)  # noqa: DTZ001 - the dates of a workbook have no zone
    done = run_import(
        meadows, small(tmp_path / "types.xlsx", OTHERS, wall("A"), wall("B", (moment,)), wall("C", (), moment))
    )
    assert issue_keys(done) == [("not_a_number", "C", 3), ("not_a_number", "K", 4)]
    assert list(stored(meadows)) == [("WALL", "A")]


def test_formulas_with_stored_values(meadows: int, tmp_path: Path) -> None:
    """The stored value counts, which is not what the formula would give."""

    def fill(_: Any, page: Any) -> None:
        for place, value in ((0, "WALL"), (1, "A"), (2, 3000.5), (5, 10), (10, 2), (11, "yes"), (12, 0.25)):
            page.write_formula(1, place, "=Z99+1", None, value)

    done = run_import(meadows, small(tmp_path / "types.xlsx", OTHERS, fill=fill))
    assert issue_keys(done) == []
    assert numbers(meadows) == {"Height": "3000.5", "Mass": "10", "Podium": "2", "Casting": "yes", "Steel_6MM": "0.25"}
    assert list(stored(meadows)) == [("WALL", "A")]


def test_formulas_without_stored_values(meadows: int, tmp_path: Path) -> None:
    """As libraries save them: nobody has calculated them, so that their rows stay out."""
    rows = [[*BASE, *OTHERS], wall("A", (1,), 1), wall("B", ("=1+1",), 1), wall("C", (1,), "=K2")]
    done = run_import(meadows, saved(workbook(rows, ()), tmp_path / "types.xlsx"))
    assert issue_keys(done) == [("error_cell", "C", 3), ("error_cell", "K", 4)]
    assert list(stored(meadows)) == [("WALL", "A")]


def test_error_cells(meadows: int, tmp_path: Path) -> None:
    """They keep their row out, but do no harm under a heading that is left out."""

    def fill(_: Any, page: Any) -> None:
        page.write_formula(1, 14, "=1/0", None, "#DIV/0!")
        for row, place, error in ((2, 2, "#REF!"), (3, 10, "#N/A"), (4, 1, "#NAME?"), (5, 11, "#VALUE!")):
            page.write_formula(row, place, "=X1", None, error)

    rows = [wall(name, (1,), 1) for name in "ABCDE"]
    done = run_import(meadows, small(tmp_path / "types.xlsx", [*OTHERS, "Remarks"], *rows, fill=fill))
    cells = [("B", 5), ("C", 3), ("K", 4), ("L", 6)]
    assert issue_keys(done) == [*(("error_cell", *cell) for cell in cells), ("unknown_heading", "O", 1)]
    assert done.error is not None
    assert "#REF!" in done.error
    assert list(stored(meadows)) == [("WALL", "A")]


def test_merged_data_cells(meadows: int, tmp_path: Path) -> None:
    """A type over three rows, a height over two; a number over two columns belongs to the first."""

    def fill(_: Any, page: Any) -> None:
        page.merge_range("A3:A5", "SLAB")
        page.merge_range("C4:C5", 250)
        page.merge_range("D2:E2", 7)

    rows = [wall("A", (100,), 1), wall("B", (200,), 2), wall("C", (), 3), wall("D", (), 4)]
    rows[2][0] = rows[3][0] = None
    done = run_import(meadows, small(tmp_path / "types.xlsx", OTHERS, *rows, fill=fill))
    assert issue_keys(done) == [("merged_cells", "A", 3), ("merged_cells", "C", 4)]
    measures = ("Height", "Length", "Thickness", "Podium")
    assert {names: [row.get(each) for each in measures] for names, row in stored(meadows).items()} == {
        ("WALL", "A"): [100, 7, None, 1],
        ("SLAB", "B"): [200, None, None, 2],
        ("SLAB", "C"): [250, None, None, 3],
        ("SLAB", "D"): [250, None, None, 4],
    }


def test_merged_data_cells_of_the_other_groups(meadows: int, tmp_path: Path) -> None:
    """A stage, a drawing and a material that are merged over rows are those of each row, and the reader says so."""

    def fill(_: Any, page: Any) -> None:
        page.merge_range("L2:L3", "yes")
        page.merge_range("N2:N3", "both.dwg")

    done = run_import(meadows, small(tmp_path / "types.xlsx", OTHERS, wall("A"), wall("B"), fill=fill))
    assert [(row.get("Casting"), row.get("Shuttering")) for row in stored(meadows).values()] == [
        ("yes", "both.dwg")
    ] * 2
    assert issue_keys(done) == [("merged_cells", "L", 2), ("merged_cells", "N", 2)]


@pytest.mark.parametrize("program", ["openpyxl", "XlsxWriter"])
def test_rich_text(meadows: int, tmp_path: Path, program: str) -> None:
    """In headings, names and numbers, as openpyxl writes it into the cells and XlsxWriter among the shared texts."""
    texts = {(1, 3): ("Hei", "ght"), (1, 11): ("Pod", "ium"), (2, 2): ("W-", "1 left"), (2, 4): ("1 ", "200.5")}
    path = tmp_path / "types.xlsx"
    if program == "openpyxl":
        book = workbook([[*BASE, *OTHERS], wall("", (3,), 2)], ())
        for place, (plain, bold) in texts.items():
            book["Element Types"].cell(*place).value = CellRichText(plain, TextBlock(InlineFont(b=True), bold))
        saved(book, path)
    else:

        def fill(book: Any, page: Any) -> None:
            for (row, column), (plain, bold) in texts.items():
                page.write_rich_string(row - 1, column - 1, plain, book.add_format({"bold": True}), bold)

        small(path, OTHERS, wall("", (3,), 2), fill=fill)
    assert issue_keys(run_import(meadows, path)) == []
    assert list(stored(meadows)) == [("WALL", "W-1 left")]
    assert numbers(meadows) == {"Height": "3", "Length": "1200.5", "Podium": "2"}


def spaced(row: list[Any]) -> list[Any]:
    """Return the same row with invisible signs and blanks in its texts and around its numbers, which are texts."""
    return [
        cell and f"{NO_BREAK}{ZERO_WIDTH}{str(cell).replace(' ', f' {NO_BREAK}')}\N{SOFT HYPHEN} \t " for cell in row
    ]


def test_non_breaking_and_zero_width_spaces(meadows: int, tmp_path: Path) -> None:
    """In headings and cells: it is the sample all the same. A blank cell may hold nothing else."""
    top, sub, sample, *data = rows_of(columns())
    rows = [spaced(top), spaced(sub), sample, *map(spaced, data)]
    rows[-1] = [cell or f" {NO_BREAK}{ZERO_WIDTH}" for cell in rows[-1]]
    rows[1][13] = f"Flo{ZERO_WIDTH}or\N{BYTE ORDER MARK} 1"
    assert_read(meadows, run_import(meadows, saved(workbook(rows), tmp_path / "types.xlsx")))


def test_zero_width_spaces_in_the_sample_row(meadows: int, tmp_path: Path) -> None:
    top, sub, sample, *data = rows_of(columns())
    assert_read(
        meadows, run_import(meadows, saved(workbook([top, sub, spaced(sample), *data]), tmp_path / "types.xlsx"))
    )


def test_trailing_blanks_make_no_second_name(meadows: int, tmp_path: Path) -> None:
    done = run_import(meadows, small(tmp_path / "types.xlsx", OTHERS, wall("A  b "), wall(f"a{NO_BREAK}B", (1,))))
    assert issue_keys(done) == [("duplicate_row", "B", 3)]
    assert list(stored(meadows)) == [("WALL", "A b")]


def test_yes_and_no_in_all_their_ways(meadows: int, tmp_path: Path) -> None:
    """Among them the boxes to tick of Google Sheets, which are TRUE and FALSE."""
    yes, no = ["Y", "TRUE", "X ", "1", 1, True], ["NO", "n", "false", " - ", 0, False, "", None]
    rows = [wall(f"W-{number}", (), 0, way) for number, way in enumerate([*yes, *no])]
    done = run_import(meadows, small(tmp_path / "types.xlsx", OTHERS, *rows))
    assert issue_keys(done) == []
    assert ["Casting" in row for row in stored(meadows).values()] == [True] * len(yes) + [False] * len(no)


@pytest.mark.parametrize("extension", ["xlsx", "xlsb"])
def test_texts_with_a_nul_are_reported(meadows: int, tmp_path: Path, extension: str) -> None:
    """PostgreSQL can't store a NUL, so issues show another character in its place."""
    nul = "_x0000_" if extension == "xlsx" else "\0"
    sheet = f"Element{nul}Types" if extension == "xlsb" else "Element Types"
    rows: list[list[Any]] = [[*BASE, f"A{nul}B"], [f"W{nul}", "A", f"1{nul}"], ["WALL", f"{nul}B"], ["WALL", "C", 1]]
    path = tmp_path / f"types.{extension}"
    if extension == "xlsb":
        path.write_bytes(xlsb_files.workbook({sheet: rows}, {}))
    else:
        cells = "".join(
            f'<row r="{number}">'
            + "".join(
                f'<c r="{column_letter(column)}{number}" t="inlineStr"><is><t>{cell}</t></is></c>'
                for column, cell in enumerate(row, 1)
            )
            + "</row>"
            for number, row in enumerate(rows, 1)
        )
        path.write_bytes(xlsx_files.zipped(xlsx_files.parts(xlsx_files.sheet_xml(cells))).getvalue())
    done = run_import(meadows, path)
    assert (done.status, done.created_count, done.rejected_count) == ("completed", 1, 2), done.error
    assert {("unprintable_text", "A", 2), ("not_a_number", "C", 2), ("unprintable_text", "B", 3)} <= set(
        issue_keys(done)
    )
