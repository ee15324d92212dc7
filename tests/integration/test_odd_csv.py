"""CSV files in unusual encodings, dialects and column orders, and with text that programs add to them."""

from __future__ import annotations

import codecs
from pathlib import Path

import pandas as pd
import pytest
from flask.testing import FlaskClient

from tests.conftest import run_import
from tests.integration import odd_workbooks
from tests.integration.odd_workbooks import (
    BASE,
    TEXTS,
    IssueKey,
    Rows,
    assert_read,
    delimited,
    flat,
    issue_keys,
    message,
    stored,
    truth,
)

furnished = pytest.fixture(scope="module")(odd_workbooks.furnished)
meadows = pytest.fixture(odd_workbooks.meadows)

MESSAGE = '{"message":"Elements, exported","errors":[]}'


def names_stored(project_id: int) -> list[str]:
    return [name for _, name in stored(project_id)]


def with_commas(rows: Rows) -> Rows:
    """Return the rows with decimal commas, and with a thousands separator in the first row."""
    header, *data = rows
    changed = [
        [cell if heading in TEXTS else cell.replace(".", ",") for heading, cell in zip(header, row, strict=True)]
        for row in data
    ]
    changed[0][3] = "3.010,0"
    return [header, *changed]


@pytest.mark.parametrize(
    ("mark", "encoding", "warnings", "notes"),
    [
        (b"", "utf-8", [], []),
        (codecs.BOM_UTF8, "utf-8", [], []),
        (codecs.BOM_UTF16_LE, "utf-16-le", [], ["encoding"]),
        (codecs.BOM_UTF16_BE, "utf-16-be", [], ["encoding"]),
        (b"", "utf-16-le", [], ["encoding"]),
        (b"", "cp1252", ["windows_1252"], []),
    ],
    ids=["UTF-8", "UTF-8 with BOM", "UTF-16 little", "UTF-16 big", "UTF-16 without BOM", "Windows-1252"],
)
def test_encodings(
    meadows: int, tmp_path: Path, mark: bytes, encoding: str, warnings: list[str], notes: list[str]
) -> None:
    """The rows contain the word FAÇADE."""
    path = tmp_path / "types.csv"
    path.write_bytes(mark + delimited(flat()).encode(encoding))
    done = run_import(meadows, path)
    assert_read(meadows, done, *((code, None, None) for code in warnings))
    assert issue_keys(done, info=True) == [("delimiter", None, None), *((note, None, None) for note in notes), LAYOUT]


LAYOUT: IssueKey = ("layout", None, None)


def test_text_saved_as_utf_7(meadows: int, tmp_path: Path) -> None:
    """UTF-7 in cells and in a heading is decoded; text that only looks like UTF-7 is unchanged."""
    names = {
        "Bolts +ACY- nuts": "Bolts & nuts",
        "C+D": "C+D",
        "1+2-3": "1+2-3",
        "+-": "+-",
        "Tr+AOQ-ger 3+-": "Träger 3+",
    }
    path = tmp_path / "types.csv"
    path.write_text(
        delimited([[*BASE, "Mesh +ACY- Mould"], *(["WALL", name, *[""] * 8, "yes"] for name in names)]), "utf-8"
    )
    done = run_import(meadows, path)
    assert names_stored(meadows) == list(names.values())
    assert all(row["Mesh & Mould"] == "yes" for row in stored(meadows).values())
    assert issue_keys(done) == [("utf_7", None, None)]
    assert message(done, "utf_7").startswith("3 cells were written in UTF-7")


def test_html_entities(meadows: int, tmp_path: Path) -> None:
    names = {
        "Bolts &amp; nuts": "Bolts & nuts",
        "&lt;T&auml;fel&#176;&gt;": "<Täfel°>",
        "R&D; x": "R&D; x",
        "Smith & Sons": "Smith & Sons",
        "A&nbsp;B": "A B",
    }
    path = tmp_path / "types.csv"
    path.write_text(
        delimited([[*BASE, "Mesh &amp; Mould"], *(["WALL", name, *[""] * 8, "yes"] for name in names)]), "utf-8"
    )
    done = run_import(meadows, path)
    assert names_stored(meadows) == list(names.values())
    assert all(row["Mesh & Mould"] == "yes" for row in stored(meadows).values())
    assert issue_keys(done) == [("html_entities", None, None)]
    assert message(done, "html_entities").startswith("4 cells were written as HTML")


@pytest.mark.parametrize(
    ("delimiter", "first"),
    [
        (";", ""), ("\t", ""), ("|", ""), (";", "sep=;\r\n"), ("\t", '"sep=\t"\r\n'), ("|", "sep=|\r\n"),
        ("^", "sep=^\r\n"),
    ],
    ids=["semicolons", "tabs", "bars", "sep=semicolon", "sep=tab in quotation marks", "sep=bar", "sep=another sign"],
)  # fmt: skip
def test_decimal_commas_with_delimiter(meadows: int, tmp_path: Path, delimiter: str, first: str) -> None:
    path = tmp_path / "types.csv"
    path.write_text(first + delimited(with_commas(flat()), delimiter), "utf-8-sig", newline="")
    done = run_import(meadows, path)
    assert_read(meadows, done)
    assert issue_keys(done, info=True) == [("decimal_sign", None, None), ("delimiter", None, None), LAYOUT]
    assert message(done, "decimal_sign") == "The decimal separator is the comma."


def test_decimal_points_with_semicolons(meadows: int, tmp_path: Path) -> None:
    path = tmp_path / "types.csv"
    path.write_text(delimited(flat(), ";"), "utf-8", newline="")
    done = run_import(meadows, path)
    assert_read(meadows, done)
    assert message(done, "decimal_sign") == "The decimal separator is the point."


def test_an_ambiguous_comma_is_read_as_decimal_separator_with_a_warning(meadows: int, tmp_path: Path) -> None:
    path = tmp_path / "types.csv"
    path.write_text(delimited([BASE, ["WALL", "A", "1,200", *[""] * 7]], ";"))
    done = run_import(meadows, path)
    assert issue_keys(done) == [("decimal_sign", None, None)]
    assert [str(row["Height"]) for row in stored(meadows).values()] == ["1.2"]


def test_quoted_decimal_commas_with_comma_delimiter(meadows: int, tmp_path: Path) -> None:
    header, *data = flat()
    data = [
        [cell if heading in TEXTS else cell.replace(".", ",") for heading, cell in zip(header, row, strict=True)]
        for row in data
    ]
    changed = [header, *([cell if len(cell.partition(",")[2]) != 3 else f"{cell}0" for cell in row] for row in data)]
    path = tmp_path / "types.csv"
    path.write_text(delimited(changed), "utf-8", newline="")
    assert_read(meadows, run_import(meadows, path))


def test_as_excel_saves_it_in_germany(meadows: int, tmp_path: Path) -> None:
    """Semicolons, decimal commas and Windows-1252, written by pandas."""
    header, *data = flat()
    frame = pd.DataFrame(data, columns=header)
    for heading in header:
        if heading not in TEXTS:
            frame[heading] = pd.to_numeric(frame[heading], errors="coerce").where(
                frame[heading] != "yes", frame[heading]
            )
    path = tmp_path / "types.csv"
    frame.to_csv(path, sep=";", decimal=",", index=False, encoding="cp1252")
    assert_read(meadows, run_import(meadows, path), ("windows_1252", None, None))


def test_as_excel_saves_unicode_text(meadows: int, tmp_path: Path) -> None:
    """UTF-16 with tabs, in a .txt file."""
    path = tmp_path / "types.txt"
    path.write_bytes(codecs.BOM_UTF16_LE + delimited(with_commas(flat()), "\t").encode("utf-16-le"))
    assert_read(meadows, run_import(meadows, path))


@pytest.mark.parametrize(
    ("quoted", "encoding"),
    [(False, "utf-8"), (True, "utf-8-sig")],
    ids=["before a bare heading", "with BOM and before a heading in quotation marks"],
)
def test_a_json_message(meadows: int, tmp_path: Path, quoted: bool, encoding: str) -> None:
    content = delimited(flat())
    if quoted:
        content = content.replace("Element Type,", '"Element Type",', 1)
    path = tmp_path / "types.csv"
    path.write_text(MESSAGE + content, encoding, newline="")
    done = run_import(meadows, path)
    assert_read(meadows, done, ("message_before_headings", None, None))
    assert message(done, "message_before_headings").endswith(MESSAGE)


def test_headings_in_any_order(meadows: int, tmp_path: Path) -> None:
    """Also in capitals, with other spaces, and one with an alias."""
    rows = [row[::-1] for row in flat()]
    rows[0] = [heading.upper().replace("_", "-").replace("MASS", " Weight ") for heading in rows[0]]
    path = tmp_path / "types.csv"
    path.write_text(delimited(rows), "utf-8", newline="")
    assert_read(meadows, run_import(meadows, path))


def test_quoted_line_breaks(meadows: int, tmp_path: Path) -> None:
    """In headings and names a line break becomes a blank; rows keep the numbers that Excel shows."""
    rows = flat()
    rows[0][0], rows[0][9] = "Element\nType", "Element Type\r\nVersion"
    rows[6][0] = "SOLID\r\nWALL"
    rows[8] = [*rows[8], "beyond"]
    path = tmp_path / "types.csv"
    path.write_text(delimited(rows), "utf-8", newline="")
    assert_read(meadows, run_import(meadows, path), ("cell_beyond_headings", "AR", 9))


def test_a_quoted_line_break_in_the_first_heading_and_semicolons(meadows: int, tmp_path: Path) -> None:
    header, *data = with_commas(flat())
    path = tmp_path / "types.csv"
    path.write_text(delimited([["Element\nType", *header[1:]], *data], ";"), "utf-8", newline="")
    assert_read(meadows, run_import(meadows, path))


def test_rows_shorter_or_longer_than_the_header(meadows: int, tmp_path: Path) -> None:
    """Missing cells are blank; after the last heading blank cells are ignored and texts are reported."""
    rows: Rows = [
        [*BASE, "Podium", "Casting"],
        ["WALL", "Short"],
        ["WALL", "Shorter by one", "1", *[""] * 7, "2"],
        ["WALL", "Long", "1", *[""] * 7, "2", "yes", "", " ", ""],
        ["WALL", "Too long", "1", *[""] * 7, "2", "yes", "", "moved"],
    ]
    path = tmp_path / "types.csv"
    path.write_text(delimited(rows), newline="")
    expected = truth([rows[0], *([*row, *[""] * 12][:12] for row in rows[1:])])
    assert len(expected) == 4
    assert_read(meadows, run_import(meadows, path), ("cell_beyond_headings", "N", 5), expected=expected)


def test_no_sample_row(meadows: int, tmp_path: Path) -> None:
    """In a flat file a row named like the sample row is data."""
    rows: Rows = [[*BASE, "Podium"], ["ET001", "Beam Type A", "300", *[""] * 7, "2"]]
    path = tmp_path / "types.csv"
    path.write_text(delimited(rows), newline="")
    assert_read(meadows, run_import(meadows, path), expected=truth(rows))


def test_the_workbook_saved_as_csv(meadows: int, tmp_path: Path) -> None:
    """Its heading rows are no longer merged, so a blank heading continues the one to its left."""
    rows = [["" if cell is None else cell for cell in row] for row in odd_workbooks.rows_of(odd_workbooks.columns())]
    path = tmp_path / "types.csv"
    path.write_text(delimited([*rows[:2], *rows[3:]]), "utf-8", newline="")
    done = run_import(meadows, path)
    assert issue_keys(done) == []
    assert stored(meadows) == truth(flat())


def test_a_heading_that_names_two_things(
    client: FlaskClient, admin: dict[str, str], green_meadows: int, tmp_path: Path
) -> None:
    """It is rejected with two unambiguous headings to choose from, and both of them are read."""
    answer = client.post("/api/project/1/drawing-types", json={"name": "Reinforcement"}, headers=admin)
    assert answer.status_code == 201
    path = tmp_path / "types.csv"
    path.write_text(delimited(flat()), "utf-8", newline="")
    done = run_import(green_meadows, path)
    assert (done.status, done.created_count, stored(green_meadows)) == ("failed", 0, {})
    assert done.error is not None
    assert "The heading Reinforcement in column L names more than one thing" in done.error
    assert "Drawing Types_Reinforcement" in done.error
    assert "Stages_Reinforcement" in done.error

    others = ["Stages_Reinforcement", "Drawing Types_Reinforcement"]
    rows = [[*BASE, *others], ["WALL", "A", *[""] * 8, "yes", ""], ["WALL", "B", *[""] * 8, "", "R.dwg"]]
    path.write_text(delimited(rows))
    assert (run_import(green_meadows, path).status, issue_keys(done)) == ("completed", [])
    version = {"Element Type Version": "VR-1"}
    # The same name is a stage of A and a drawing of B.
    assert stored(green_meadows) == {
        ("WALL", "A"): {**version, "Reinforcement": "yes"},
        ("WALL", "B"): {**version, "Reinforcement": "R.dwg"},
    }
