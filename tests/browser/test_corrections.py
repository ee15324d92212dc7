"""Corrections in a browser: equal mistakes, cells in the grid, two people at once, and the rest of an import."""

from __future__ import annotations

import csv
import string
import time
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import PHONE, OpenPage, check_page
from tests.browser.rejected_rows_page import cell, paste, preview
from tests.conftest import EXAMPLES
from tests.corrected_files import wall, write_workbook
from tests.live_site import Site

ROWS = 10_000
EQUAL_MISTAKES = 400
SINGLE_MISTAKES = {"D": "12,5 cm", "C": "high", "F": "5 tons", "G": "two", "E": "thin"}


def test_ten_thousand_rows_are_clean_after_one_rule_and_five_edits(
    open_page: OpenPage, site: Site, tmp_path: Path
) -> None:
    rows = [wall(number) for number in range(1, ROWS + 1)]
    for row in rows[100 : 100 + EQUAL_MISTAKES]:
        row[4] = "—"
    for position, (letter, text) in enumerate(SINGLE_MISTAKES.items()):
        rows[5_000 + position] = wall(5_001 + position, **{letter: text})
    project = site.project("Corrected at once")
    page = open_page(f"/projects/{project}")
    job = preview(page, project, write_workbook(tmp_path / "walls.xlsx", rows))
    expect(page.get_by_role("link", name="405 rejected")).to_be_visible(timeout=60_000)
    check_page(page)

    page.get_by_role("button", name="Replace in 400 cells").click()
    expect(page.get_by_text("5 rows still have mistakes.")).to_be_visible()
    for letter, position in zip(SINGLE_MISTAKES, range(5), strict=True):
        cell(page, f"{letter}{5_002 + position}").click()
        page.keyboard.type("125")
        page.keyboard.press("Enter")
    expect(page.get_by_text("All rows are right now.")).to_be_visible()
    began = time.monotonic()
    page.get_by_role("button", name="Preview again").click()
    expect(page.get_by_role("link", name=f"{ROWS:,} new")).to_be_visible(timeout=60_000)
    print(f"previewed again in {time.monotonic() - began:.1f} s")
    assert site.get(f"/api/jobs/{job}")["job"]["rejected_count"] == 0
    expect(page.get_by_text("Preview again to see what they change")).to_have_count(0)
    check_page(page)

    with page.expect_download() as download:
        page.get_by_role("link", name="Download the corrected file").click()
    copy = tmp_path / "copy.xlsx"
    download.value.save_as(copy)
    other = site.project("From the corrected copy")
    started = site.upload(f"/api/project/{other}/import/excel?profile=none", copy)
    done = site.follow(started["job_id"])[-1]
    assert (done["status"], done["created_count"], done["rejected_count"]) == ("completed", ROWS, 0), done["error"]


def test_the_grid_is_used_like_a_spreadsheet(open_page: OpenPage, site: Site, tmp_path: Path) -> None:
    rows = [wall(number, C="a", D="b") for number in range(1, 4)]
    project = site.project("As in a spreadsheet")
    page = open_page(f"/projects/{project}", size=PHONE)
    job = preview(page, project, write_workbook(tmp_path / "walls.xlsx", rows))
    expect(page.get_by_text("3 rows still have mistakes.")).to_be_visible()
    check_page(page)
    cell(page, "C2").focus()
    paste(page, "2950\t4001\n2950\t4002\n")
    expect(page.get_by_text("1 row still has mistakes.")).to_be_visible()
    expect(cell(page, "D3")).to_contain_text("4002")
    # A cell is checked while one types, before anything is stored.
    cell(page, "C4").focus()
    page.keyboard.type("-1")
    expect(cell(page, "C4").get_by_role("status")).to_contain_text("negative")
    page.keyboard.press("Escape")
    expect(cell(page, "C4")).to_contain_text("a")
    page.keyboard.type("2950")
    page.keyboard.press("Tab")
    expect(cell(page, "D4")).to_be_focused()
    page.keyboard.type("4003")
    page.keyboard.press("Enter")
    expect(page.get_by_text("All rows are right now.")).to_be_visible()
    cell(page, "D4").focus()
    page.keyboard.press("ArrowUp")
    expect(cell(page, "D3")).to_be_focused()
    page.keyboard.press("Control+z")
    expect(page.get_by_text("1 row still has mistakes.")).to_be_visible()
    stored = site.get(f"/api/jobs/{job}/corrections")["cells"]
    assert {(each["row"], each["column"]): each["value"] for each in stored} == {
        (2, "C"): "2950", (2, "D"): "4001", (3, "C"): "2950", (3, "D"): "4002", (4, "C"): "2950",
    }  # fmt: skip


def test_rows_that_were_corrected_offline_are_checked_when_the_connection_is_back(
    open_page: OpenPage, site: Site, tmp_path: Path
) -> None:
    project = site.project("Offline in the grid")
    page = open_page(f"/projects/{project}", error_responses=True)
    preview(page, project, write_workbook(tmp_path / "walls.xlsx", [wall(number, C="a") for number in range(1, 3)]))
    expect(page.get_by_text("2 rows still have mistakes.")).to_be_visible()
    page.context.set_offline(True)
    cell(page, "C2").focus()
    page.keyboard.type("2950")
    page.keyboard.press("Enter")
    expect(cell(page, "C2")).to_contain_text("2950")
    expect(page.locator("#rejected-rows [data-error]").first).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_text("1 row still has mistakes.")).to_be_visible()


def test_a_block_of_500_rows_and_20_columns_is_pasted_undone_and_imported(
    open_page: OpenPage, site: Site, tmp_path: Path
) -> None:
    with (EXAMPLES / "element_types.csv").open(encoding="utf-8") as file:
        headings, example = next(reader := csv.reader(file)), next(reader)
    left, right, count = 2, 22, 500
    wrong = [[example[0], f"W-{number}", *["a"] * 7] for number in range(count)]
    path = tmp_path / "walls.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([headings, *([*row, *[""] * (len(headings) - len(row))] for row in wrong)])
    block = [[str(3000 + number), *example[left + 1 : right]] for number in range(count)]
    text = "".join("\t".join(row) + "\n" for row in block)
    filled = sum(1 for row in block for value in row if value)
    project = site.project("A large block")
    page = open_page(f"/projects/{project}")
    job = preview(page, project, path)
    expect(page.get_by_text("500 rows still have mistakes.")).to_be_visible()

    # Of the columns with mistakes only, twelve of the twenty are missing.
    cell(page, "C2").focus()
    paste(page, text)
    expect(page.get_by_text("cells of the block lie beyond the table and were left out.")).to_be_visible()
    expect(page.get_by_text("All rows are right now.")).to_be_visible()
    page.keyboard.press("Control+z")
    expect(page.get_by_text("500 rows still have mistakes.")).to_be_visible()
    assert site.get(f"/api/jobs/{job}/corrections")["cells"] == []

    page.get_by_label("All columns").check()
    cell(page, "C2").focus()
    began = time.monotonic()
    paste(page, text)
    expect(page.get_by_text("All rows are right now.")).to_be_visible()
    expect(page.get_by_text("Saved.", exact=True)).to_be_visible()
    print(f"pasted, checked and saved in {time.monotonic() - began:.1f} s")
    expect(cell(page, f"C{count + 1}")).to_contain_text(str(3000 + count - 1))
    expect(cell(page, "C2")).to_be_focused()
    stored = site.get(f"/api/jobs/{job}/corrections")["cells"]
    assert {(each["row"], each["column"]): each["value"] for each in stored} == {
        (row, string.ascii_uppercase[column]): value
        for row, line in enumerate(block, 2)
        for column, value in enumerate(line, left)
        if value
    }
    assert len(stored) == filled
    page.get_by_role("button", name="Preview again").click()
    expect(page.get_by_role("link", name="500 new")).to_be_visible()
    page.get_by_role("button", name="Import now").click()
    expect(page.get_by_text("Successfully processed 500 elements")).to_be_visible()
    found = site.get(f"/api/project/{project}/element-types?search=W-499")["element_types"]
    assert [each["height"] for each in found] == ["3499"]


def test_two_people_who_correct_at_once_keep_both_edits(open_page: OpenPage, site: Site, tmp_path: Path) -> None:
    project = site.project("Corrected by two")
    site.member(project, "emil", "editor")
    path = write_workbook(tmp_path / "walls.xlsx", [wall(number, C="a", D="b") for number in range(1, 4)])
    ada = open_page(f"/projects/{project}")
    job = preview(ada, project, path)
    expect(ada.get_by_text("3 rows still have mistakes.")).to_be_visible()
    emil = open_page(f"/jobs/{job}", name="emil", error_responses=True)
    # His page has to be loaded before Ada's changes, and the cell that both correct is in his first save, so that he
    # doesn't know what she has written there.
    expect(emil.get_by_text("3 rows still have mistakes.")).to_be_visible()
    for page, name, text in ((ada, "C2", "2951"), (ada, "D3", "4000"), (emil, "D3", "5000"), (emil, "C3", "2952")):
        cell(page, name).click()
        page.keyboard.type(text)
        page.keyboard.press("Enter")
        if page is ada:
            expect(page.get_by_text("Saved.", exact=True)).to_be_visible()
    expect(emil.get_by_text("D3: you wrote 5000, ada wrote 4000.")).to_be_visible()
    emil.get_by_role("button", name="Use mine").click()
    expect(emil.get_by_text("D3: you wrote 5000, ada wrote 4000.")).to_be_hidden()
    expect(emil.get_by_text("Saved.", exact=True)).to_be_visible()
    stored = site.get(f"/api/jobs/{job}/corrections")["cells"]
    assert {(each["row"], each["column"]): (each["value"], each["changed_by"]) for each in stored} == {
        (2, "C"): ("2951", "ada"), (3, "C"): ("2952", "emil"), (3, "D"): ("5000", "emil"),
    }  # fmt: skip


def test_the_rejected_rows_of_an_import_are_imported_from_its_page(
    open_page: OpenPage, site: Site, tmp_path: Path
) -> None:
    project = site.project("The rest of an import")
    path = write_workbook(tmp_path / "walls.xlsx", [wall(1), wall(2, E="—"), wall(3, E="—")])
    started = site.upload(f"/api/project/{project}/import/excel", path)
    assert site.follow(started["job_id"])[-1]["rejected_count"] == 2
    page = open_page(f"/jobs/{started['job_id']}", dark=True)
    page.get_by_role("button", name="Replace in 2 cells").click()
    expect(page.get_by_text("All rows are right now and can be imported.")).to_be_visible()
    page.get_by_role("button", name="Remember for the next files").click()
    expect(page.get_by_text("The import profile walls replaces — by blank from now on.")).to_be_visible()
    check_page(page)
    page.get_by_role("button", name="Import these rows").click()
    expect(page.get_by_text("Successfully processed 2 elements")).to_be_visible()
    page.get_by_role("link", name=f"Rejected rows of job {started['job_id']}").click()
    expect(page.get_by_text("These rows have been imported with these corrections.")).to_be_visible()
    expect(page.get_by_role("button", name="Import these rows")).to_be_disabled()
    expect(page.get_by_role("link", name="Rejected rows imported as job")).to_be_visible()
    assert site.get(f"/api/project/{project}/element-types?limit=1")["count"] == 3
    again = site.upload(f"/api/project/{project}/import/excel", path)
    assert site.follow(again["job_id"])[-1]["unchanged_count"] == 3
