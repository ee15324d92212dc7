"""Imports of element types, done by the job's own function against a real database."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from precast_app.extensions import db
from precast_app.models import ElementType, ElementTypeChange, Issue
from precast_app.queries import element_types
from tests.conftest import EXAMPLES, ROOT, run_import
from tests.element_type_files import BASE_HEADER, SAMPLE_TOTALS, WriteCsv, piece_codes, project_totals, wall_row


def issues(job_id: int) -> list[Issue]:
    """Return the errors and warnings, without the information on what the reader chose."""
    found = select(Issue).where(Issue.job_id == job_id, Issue.severity != "info").order_by(Issue.row, Issue.id)
    return list(db.session.scalars(found))


def test_after_the_workbook_the_csv_changes_nothing(green_meadows: int) -> None:
    first = run_import(green_meadows, EXAMPLES / "element_types.xlsx")
    assert (first.status, first.progress, first.result) == ("completed", 100, "Successfully processed 120 elements")
    assert (first.total_items, first.processed_items, first.created_count) == (120, 120, 120)
    assert (first.pieces_added, first.error, first.warning_count) == (1859, None, 0)
    assert project_totals(green_meadows) == SAMPLE_TOTALS

    second = run_import(green_meadows, EXAMPLES / "element_types.csv")
    assert (second.status, second.unchanged_count, second.created_count, second.updated_count) == (
        "completed",
        120,
        0,
        0,
    )
    assert project_totals(green_meadows) == SAMPLE_TOTALS
    assert db.session.scalar(select(ElementTypeChange.job_id).where(ElementTypeChange.job_id == second.id)) is None


@pytest.mark.parametrize("suffix", ["ods", "xls", "xlsx"])
def test_the_sample_as_another_program_saved_it(green_meadows: int, suffix: str) -> None:
    """LibreOffice's own files of the sample workbook."""
    done = run_import(green_meadows, ROOT / "tests" / "files" / f"green_meadows_libreoffice.{suffix}")
    assert (done.status, done.created_count, done.warning_count) == ("completed", 120, 0), done.error
    assert project_totals(green_meadows) == SAMPLE_TOTALS
    assert run_import(green_meadows, EXAMPLES / "element_types.csv").unchanged_count == 120


def test_numbers_come_back_as_they_were_written(green_meadows: int, write_csv: WriteCsv) -> None:
    run_import(
        green_meadows, write_csv([], wall_row("A", volume="0.0042", mass="10.50", height="1,200", length="1 200,5"))
    )
    stored = db.session.scalars(select(ElementType)).one()
    assert str(stored.volume) == "0.0042"
    assert str(stored.mass) == "10.5"
    assert (stored.height, stored.length, stored.width) == (Decimal(1200), Decimal("1200.5"), None)
    assert stored.version == "VR-1"
    assert stored.density == Decimal("2500")


def test_a_column_states_the_whole_truth_and_an_absent_one_nothing(green_meadows: int, write_csv: WriteCsv) -> None:
    run_import(
        green_meadows, write_csv(["Assembly", "Casting", "Steel_6MM"], wall_row("A", "a.dwg", "yes", "1.5", height=1))
    )
    changed = run_import(green_meadows, write_csv(["Assembly", "Steel_6MM"], wall_row("a", "", "2", height=2)))
    assert (changed.updated_count, changed.unchanged_count) == (1, 0)
    found = element_types.get_element_type(green_meadows, 1)
    assert found["drawings"] == []
    assert [each["stage"] for each in found["stages"]] == ["Casting"]
    assert [str(each["quantity"]) for each in found["bom"]] == ["2"]
    assert (found["height"], found["name"]) == (2, "A")
    assert [each["change"] for each in found["jobs"]] == ["created", "updated"]
    image = db.session.get_one(ElementTypeChange, (changed.id, 1)).fields
    assert image is not None
    assert image["height"] == ["1", "2"]
    assert list(image["drawings"].values()) == [["a.dwg", None]]


def test_piece_numbers_count_per_type_and_node_across_names(green_meadows: int, write_csv: WriteCsv) -> None:
    run_import(
        green_meadows, write_csv(["Podium", "Tower_A.Floor_1"], wall_row("A", 2, 1), wall_row("B", 1, "")), batch_size=1
    )
    assert piece_codes(green_meadows) == ["WALL/P/0001", "WALL/P/0002", "WALL/P/0003", "WALL/T1_F1/0001"]
    raised = run_import(green_meadows, write_csv(["Podium"], wall_row("A", 3)))
    assert raised.pieces_added == 1
    assert "WALL/P/0004" in piece_codes(green_meadows)
    lowered = run_import(green_meadows, write_csv(["Podium"], wall_row("A", 1)))
    assert (lowered.pieces_removed, lowered.pieces_added) == (2, 0)
    assert piece_codes(green_meadows) == ["WALL/P/0001", "WALL/P/0003", "WALL/T1_F1/0001"]


def test_pieces_in_production_are_not_taken_away(green_meadows: int, write_csv: WriteCsv) -> None:
    run_import(green_meadows, write_csv(["Podium"], wall_row("A", 3), wall_row("B", 1)))
    db.session.execute(text("UPDATE pieces SET status = 'in_production' WHERE code IN ('WALL/P/0002', 'WALL/P/0003')"))
    db.session.commit()
    done = run_import(green_meadows, write_csv(["Podium"], wall_row("A", 1), wall_row("B", 2)))
    assert done.result == "Processed 1 of 2 elements; 1 row was rejected"
    (issue,) = issues(done.id)
    assert (issue.code, issue.row, issue.column, issue.value) == ("pieces_in_production", 2, "K", "1")
    assert "only 1 are still planned" in issue.message
    assert piece_codes(green_meadows) == ["WALL/P/0001", "WALL/P/0002", "WALL/P/0003", "WALL/P/0004", "WALL/P/0005"]


@pytest.mark.parametrize(
    ("row", "code", "column", "value"),
    [
        (["WALL", ""], "missing_value", "B", ""),
        (wall_row("A", "", height="tall"), "not_a_number", "C", "tall"),
        (wall_row("A", "", height="1000001"), "number_too_large", "C", "1000001"),
        (wall_row("A", "", mass="-1"), "negative_number", "F", "-1"),
        (wall_row("A", "-2"), "negative_number", "K", "-2"),
        (wall_row("A", "1.5"), "not_a_whole_number", "K", "1.5"),
        (wall_row("A" * 151), "text_too_long", "B", "A" * 151),
        (wall_row("Good"), "duplicate_row", "B", "Good"),
    ],
)
def test_a_bad_row_is_rejected_with_an_issue(
    green_meadows: int, write_csv: WriteCsv, row: list[Any], code: str, column: str, value: str
) -> None:
    done = run_import(green_meadows, write_csv(["Podium"], wall_row("Good", 1), row))
    assert (done.status, done.result) == ("completed", "Processed 1 of 2 elements; 1 row was rejected")
    assert (done.total_items, done.processed_items, done.rejected_count) == (2, 2, 1)
    (issue,) = issues(done.id)
    assert (issue.code, issue.row, issue.column, issue.value) == (code, 3, column, value)
    assert done.error is not None
    assert f"Row 3, column {column}" in done.error
    assert project_totals(green_meadows)["element_types"] == 1


def test_all_rows_rejected_is_a_failure(green_meadows: int, write_csv: WriteCsv) -> None:
    done = run_import(green_meadows, write_csv([], wall_row("A", height="x"), wall_row("B", height="y")))
    assert (done.status, done.created_count, done.progress < 100) == ("failed", 0, True)
    assert done.error is not None
    assert "None of the 2 rows" in done.error


def test_separator_and_encoding_are_reported_as_issues(green_meadows: int, tmp_path: Path) -> None:
    path = tmp_path / "german.csv"
    rows = [
        BASE_HEADER.replace(",", ";") + ";Podium",
        'WAND;"Träger +ACY- Stütze";3.000,5;;;;;;;;2',
        "WAND;B;;;;;;;;;;x",
    ]
    path.write_bytes("\n".join(rows).encode("cp1252"))
    done = run_import(green_meadows, path)
    assert (done.status, done.created_count, done.warning_count) == ("completed", 2, 3)
    found = db.session.execute(select(Issue.severity, Issue.code, Issue.row).where(Issue.job_id == done.id))
    assert {tuple(each) for each in found} == {
        ("info", "delimiter", None),
        ("info", "layout", None),
        ("info", "decimal_sign", None),
        ("warning", "windows_1252", None),
        ("warning", "utf_7", None),
        ("warning", "cell_beyond_headings", 3),
    }
    first = db.session.scalars(select(ElementType).order_by(ElementType.id)).first()
    assert first is not None
    assert (first.name, first.height) == ("Träger & Stütze", Decimal("3000.5"))


def test_a_heading_that_names_nothing_is_a_warning(green_meadows: int, write_csv: WriteCsv) -> None:
    done = run_import(green_meadows, write_csv(["Podiun"], wall_row("A", 1)))
    assert (done.status, done.warning_count) == ("completed", 1)
    (issue,) = issues(done.id)
    assert (issue.severity, issue.code, issue.column) == ("warning", "unknown_heading", "K")
    assert "Podium" in issue.message


def test_only_the_row_that_the_database_rejects_is_left_out(
    green_meadows: int, write_csv: WriteCsv, caplog: pytest.LogCaptureFixture
) -> None:
    """A trigger stands for a rule that only the database knows."""
    db.session.execute(
        text("""
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF NEW.name = 'Cursed' THEN RAISE EXCEPTION 'no' USING ERRCODE = 'check_violation'; END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON element_types FOR EACH ROW EXECUTE FUNCTION refuse()
        """)
    )
    db.session.commit()
    try:
        done = run_import(
            green_meadows, write_csv(["Podium"], wall_row("A", 1), wall_row("Cursed", 1), wall_row("B", 1))
        )
    finally:
        db.session.rollback()
        db.session.execute(text("DROP TRIGGER refuse ON element_types; DROP FUNCTION refuse()"))
        db.session.commit()
    assert done.result == "Processed 2 of 3 elements; 1 row was rejected"
    assert (done.created_count, done.rejected_count, done.processed_items) == (2, 1, 3)
    (issue,) = issues(done.id)
    assert (issue.code, issue.row, issue.batch) == ("refused_by_database", 3, 1)
    (logged,) = [each for each in caplog.records if "was rejected" in each.getMessage()]
    assert (logged.exc_info, "CheckViolation" in logged.getMessage(), "Cursed" in caplog.text) == (None, True, False)
    assert project_totals(green_meadows)["element_types"] == 2
