"""What users do on the pages: import, watch, cancel, undo, search, export, change reference data, sign in and out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import openpyxl
import psycopg2
from playwright.sync_api import expect

from bench import workbooks
from tests.browser.conftest import PHONE, OpenPage, check_page
from tests.browser.dropping import drop
from tests.conftest import EXAMPLES
from tests.live_site import Site

WORKBOOK = EXAMPLES / "element_types.xlsx"
LARGE = 10_000


@contextmanager
def block_import_at(database_url: str, project_id: int, row: int) -> Iterator[None]:
    """Make an import of the large workbook wait at the given row until the end of the block.

    An open transaction has inserted the names of that row, so the import waits for its end.
    """
    connection = psycopg2.connect(database_url)
    try:
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO element_types (project_id, element_type, name, type_key, name_key)"
                " VALUES (%s, %s, %s, lower(%s), lower(%s))",
                [(project_id, kind, f"W-{row:06}", kind, f"W-{row:06}") for kind in workbooks.KINDS],
            )
        yield
    finally:
        connection.close()


def test_a_workbook_is_dropped_corrected_imported_exported_and_undone(
    open_page: OpenPage, site: Site, tmp_path: Path
) -> None:
    project = site.project("From drop to export")
    site.member(project, "eva", "editor")
    page = open_page(f"/projects/{project}", "eva")

    # A workbook with an invalid cell, dropped on the overview.
    book = openpyxl.load_workbook(WORKBOOK)
    sheet = book["Element Types"]
    row = next(cell.row for cell in sheet["B"] if cell.row > 3 and cell.value)
    before, sheet.cell(row, 3).value = sheet.cell(row, 3).value, "tall"
    bad = tmp_path / "mine.xlsx"
    book.save(bad)
    drop(page, bad)
    page.wait_for_url("**/jobs/*")
    expect(page.get_by_role("link", name="119 new")).to_be_visible()
    expect(page.get_by_role("cell", name=f"C{row}", exact=True)).to_be_visible()
    expect(page.get_by_text("How the file was read")).to_be_visible()
    check_page(page)

    # Corrected and dropped again on the page of the preview.
    sheet.cell(row, 3).value = before
    book.save(bad)
    drop(page, bad)
    expect(page.get_by_role("link", name="120 new")).to_be_visible()
    page.get_by_role("button", name="Import now").click()
    expect(page.get_by_text("Successfully processed 120 elements")).to_be_visible()
    expect(page.get_by_role("heading", name="Changes", exact=True)).to_be_visible()
    check_page(page)

    # Searched and exported.
    page.get_by_role("link", name="Element types").click()
    page.wait_for_url("**/element-types")
    page.keyboard.press("/")
    page.keyboard.type("SW-00")
    page.wait_for_url("**search=SW-00**")
    shown = int(page.get_by_role("status").filter(has_text="element type").inner_text().split()[0])
    assert 0 < shown < 120
    with page.expect_download() as waiting:
        page.get_by_role("link", name="workbook").click()
    out = tmp_path / "out.xlsx"
    waiting.value.save_as(out)
    names = [cell.value for cell in openpyxl.load_workbook(out)["Element Types"]["B"] if cell.value]
    assert sum("SW-00" in str(name) for name in names) == shown

    # Undone.
    page.get_by_role("link", name="Jobs", exact=True).click()
    page.locator("tbody tr", has_text="from preview").get_by_role("link").first.click()
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_text("120 elements deleted")).to_be_visible()


def test_undo_says_which_job_prevents_it(open_page: OpenPage, site: Site) -> None:
    project = site.project("Undo")
    first = site.upload(f"/api/project/{project}/import/excel", WORKBOOK)["job_id"]
    site.follow(first)
    content = (EXAMPLES / "element_types.csv").read_bytes().replace(b",3150,", b",3151,")
    second = site.post(
        f"/api/project/{project}/jobs?job_type=element_type_import", files={"file": ("higher.csv", content)}
    )
    assert site.follow(second["job_id"])[-1]["updated_count"] > 0
    page = open_page(f"/jobs/{first}", error_responses=True)
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_role("alert").filter(has_text=f"Job {second['job_id']} has changed")).to_be_visible()
    check_page(page)


def test_a_running_import_is_followed_and_cancelled(
    open_page: OpenPage, site: Site, environment: dict[str, str], tmp_path: Path
) -> None:
    project = site.project("Large", reference=False)
    large = workbooks.make(tmp_path / "large.xlsx", LARGE)
    page = open_page(f"/projects/{project}/import", size=PHONE)
    page.get_by_text("Options").click()
    page.get_by_label("Create the reference data").check()
    page.get_by_label("Drop a workbook or CSV file here").set_input_files(large)
    page.wait_for_url("**/jobs/*")
    expect(page.get_by_role("button", name="Import now")).to_be_visible()
    with block_import_at(environment["DATABASE_URL"], project, LARGE // 2):
        page.get_by_role("button", name="Import now").click()
        bar = page.get_by_role("progressbar", name="Progress", exact=True)
        expect(bar).to_be_visible()
        expect(page.get_by_text("a second")).to_be_visible()
        check_page(page)
        page.goto("/")
        page.get_by_role("link", name="Running").click()
        page.wait_for_url("**/jobs/*")
        page.get_by_role("button", name="Cancel").click()
        page.get_by_role("button", name="Yes").click()
        expect(page.get_by_role("term").filter(has_text="Cancelled")).to_be_visible()
    expect(page.get_by_text("Cancelled by ada; nothing was changed")).to_be_visible()
    page.get_by_role("link", name="Element types").click()
    expect(page.get_by_text("No element types yet.")).to_be_visible()


def test_focus_survives_a_refresh_and_shortcuts_can_be_switched_off(open_page: OpenPage, site: Site) -> None:
    project = site.project("Keys")
    page = open_page(f"/projects/{project}")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    check_page(page)
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("j")
    page.wait_for_url("**/jobs")
    link = page.get_by_role("link", name="stages.csv")
    link.focus()
    site.upload(f"/api/project/{project}/import/excel", WORKBOOK)
    expect(page.get_by_role("link", name="element_types.xlsx")).to_be_visible()
    assert page.evaluate("document.activeElement.tagName") == "A", "the focus is still in the list"
    page.get_by_role("button", name="Keyboard shortcuts").click()
    page.get_by_label("Keyboard shortcuts are on").uncheck()
    page.get_by_role("button", name="Close").click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_token_is_created_and_revoked(open_page: OpenPage) -> None:
    page = open_page("/account")
    page.get_by_label("Name").fill("the plant's dashboard")
    page.get_by_role("button", name="Create token").click()
    expect(page.get_by_role("rowheader", name="the plant's dashboard")).to_be_visible()
    assert len(page.locator("#new-token").inner_text()) > 30
    check_page(page)
    page.get_by_role("row", name="the plant's dashboard").get_by_role("button", name="Revoke").click()
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_role("rowheader", name="the plant's dashboard")).to_have_count(0)


def test_parts_that_a_filter_has_replaced_are_no_longer_polled(open_page: OpenPage, site: Site) -> None:
    project = site.project("Filtered")
    page = open_page(f"/projects/{project}/jobs")
    rows = page.locator("#results tbody tr")
    expect(rows).to_have_count(4)
    page.get_by_label("State").select_option("Failed")
    expect(rows).to_have_count(0)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_label("State").select_option("Completed")
    expect(rows).to_have_count(4)
    with page.expect_response(lambda answer: "/jobs/rows?" in answer.url and "state=completed" in answer.url):
        pass
    # The two replaced parts would have been polled earlier.
    assert [url for url in asked if "/jobs/rows?" in url and "state=completed" not in url] == []
