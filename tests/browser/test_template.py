"""The form that downloads a template with some of the project's columns, and the first page of an empty project."""

from __future__ import annotations

from pathlib import Path

import openpyxl
from playwright.sync_api import expect

from tests.browser.conftest import PHONE, OpenPage, check_page
from tests.live_site import Site


def test_a_template_has_the_columns_that_are_checked(open_page: OpenPage, site: Site, tmp_path: Path) -> None:
    project = site.project("Template")
    page = open_page(f"/projects/{project}/import", size=PHONE)
    page.get_by_text("Choose the columns of the template").click()
    check_page(page)
    hierarchy = page.get_by_role("group", name="Hierarchy")
    hierarchy.get_by_label("All").uncheck()
    hierarchy.get_by_label("Floor 1", exact=True).first.check()
    assert hierarchy.get_by_label("Tower A").evaluate("box => box.indeterminate")
    page.get_by_role("group", name="Stages").get_by_label("All").uncheck()
    page.get_by_role("group", name="Drawing types").get_by_label("All").uncheck()
    page.get_by_role("group", name="BOM products").get_by_label("All").uncheck()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download workbook").click()
    out = tmp_path / "template.xlsx"
    waiting.value.save_as(out)
    sheet = openpyxl.load_workbook(out)["Element Types"]
    assert [cell.value for cell in sheet[2] if cell.value] == ["Floor 1"]
    assert sheet["C1"].value == "Height (mm)"


def test_the_first_page_of_an_empty_project_takes_a_list(open_page: OpenPage, site: Site) -> None:
    project = site.project("Empty", reference=False)
    page = open_page(f"/projects/{project}", size=PHONE)
    expect(page.get_by_role("heading")).to_have_text(["Drop your list"])
    check_page(page)
