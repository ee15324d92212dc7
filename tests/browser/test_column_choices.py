"""What a person corrects on the page about columns: sheet, encoding, profile, rows, and what is new in the project."""

from __future__ import annotations

import re
from pathlib import Path

import openpyxl
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, OpenPage, check_page
from tests.browser.dropping import drop
from tests.conftest import ROOT
from tests.live_site import Site

LISTS = ROOT / "tests/files/other_offices"


def columns_page(open_page: OpenPage, site: Site, name: str, file: Path, **options: object) -> tuple[Page, int]:
    """Drop the file in a new project and return the page about its columns, and the project."""
    project = site.project(name, reference=False)
    page = open_page(f"/projects/{project}", **options)
    drop(page, file)
    page.wait_for_url("**/columns")
    page.locator("#missing").wait_for()
    return page, project


def choose_row(page: Page, row: int, button: str) -> None:
    page.locator("table.mapping tbody tr").nth(row).locator("td").first.click()
    page.get_by_role("button", name=button).click()


def test_headings_and_skipped_rows_are_chosen_by_clicking_on_them(open_page: OpenPage, site: Site) -> None:
    page, _ = columns_page(open_page, site, "Clicked rows", LISTS / "fertigteilliste.xlsx")
    expect(page.locator("#missing")).to_contain_text("16 rows")
    page.locator("table.mapping tbody tr").nth(2).locator("td").first.click()
    expect(page.get_by_role("group", name="Row 4")).to_be_visible()
    check_page(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("group", name="Row 4")).to_have_count(0)
    choose_row(page, 2, "Skip this row")
    expect(page.locator("#missing")).to_contain_text("15 rows")
    choose_row(page, 2, "Read this row")
    expect(page.locator("#missing")).to_contain_text("16 rows")
    choose_row(page, 0, "These are the headings")
    expect(page.get_by_label("Row 1", exact=True)).to_have_value("headings")
    choose_row(page, 1, "These are the headings")
    expect(page.get_by_label("Meaning of Pos.")).to_have_value('"name"')


def test_a_preview_without_an_element_type_asks_for_it_in_its_field(open_page: OpenPage, site: Site) -> None:
    page, _ = columns_page(open_page, site, "Type is missing", LISTS / "assembly_list.xlsx")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_label("Element Type of all rows")).to_be_focused()
    assert page.get_by_text("Nothing says the element type").count() == 1
    page.keyboard.type("WALL")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("link", name="24 new")).to_be_visible()


def test_the_page_says_how_many_rows_it_does_not_show(open_page: OpenPage, site: Site) -> None:
    page, _ = columns_page(open_page, site, "Many rows", LISTS / "piece_list.csv")
    expect(page.get_by_text("The first 19 of 114 rows are shown.")).to_be_visible()


def test_another_sheet_is_chosen(open_page: OpenPage, site: Site, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(LISTS / "fertigteilliste.xlsx")
    other = book.create_sheet("Stützen")
    other.append(["Marke", "Bauteil", "Höhe [m]", "Bemerkung"])
    other.append(["S-1", "Stütze", 3.2, "im Hof"])
    other.append(["S-2", "Stütze", 3.4, ""])
    book.save(tmp_path / "two sheets.xlsx")
    page, _ = columns_page(open_page, site, "Two sheets", tmp_path / "two sheets.xlsx")
    expect(page.get_by_role("combobox", name="Sheet", exact=True)).to_have_value("Stückliste")
    page.get_by_role("combobox", name="Sheet", exact=True).select_option("Stützen")
    expect(page.get_by_label("Meaning of Marke")).to_have_value('"name"')
    expect(page.locator("#missing")).to_contain_text("2 element types")
    check_page(page)
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("link", name="2 new")).to_be_visible()


def test_encoding_and_separator_are_corrected(open_page: OpenPage, site: Site, tmp_path: Path) -> None:
    lines = ["Oznaczenie;Typ;Długość [m];Uwagi", *(f"Ś-{number};Ściana;{number},5;żółty" for number in range(1, 9))]
    file = tmp_path / "elementy.csv"
    file.write_bytes("\n".join(lines).encode("cp1250"))
    page, project = columns_page(open_page, site, "Polish", file)
    page.get_by_text("Blank cells, decimal sign and other details").click()
    page.get_by_label("Encoding").select_option("windows-1250")
    expect(page.get_by_role("cell", name="Długość [m]")).to_be_visible()
    page.get_by_label("Separator").select_option("comma")
    expect(page.locator("table.mapping thead th")).to_have_count(3)
    page.get_by_label("Separator").select_option("semicolon")
    expect(page.get_by_label("Meaning of Długość [m]")).to_have_value('"length"')
    expect(page.locator("#missing")).to_contain_text("8 element types")
    check_page(page)
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("link", name="8 new")).to_be_visible()
    page.get_by_role("button", name="Import now").click()
    expect(page.get_by_text("Successfully processed 8 elements")).to_be_visible()
    stored = site.get(f"/api/project/{project}/element-types?limit=1")["element_types"][0]
    assert (stored["name"], stored["element_type"], stored["length"]) == ("Ś-1", "Ściana", "1500")


def test_a_remembered_profile_is_chosen_by_hand(open_page: OpenPage, site: Site, tmp_path: Path) -> None:
    page, project = columns_page(open_page, site, "Remembered", LISTS / "fertigteilliste.xlsx")
    page.get_by_label("Meaning of Dicke [cm]").select_option("Width")
    page.get_by_label("Name to remember it by").fill("Hafen")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("link", name="16 new")).to_be_visible()
    # Without one of its columns the list is not recognized.
    book = openpyxl.load_workbook(LISTS / "fertigteilliste.xlsx")
    book["Stückliste"].delete_cols(6)
    book.save(tmp_path / "without mass.xlsx")
    page.goto(f"/projects/{project}")
    drop(page, tmp_path / "without mass.xlsx")
    page.wait_for_url("**/columns")
    expect(page.get_by_label("Meaning of Dicke [cm]")).to_have_value('"thickness"')
    page.get_by_label("Read it as").select_option("Hafen")
    expect(page.get_by_label("Meaning of Dicke [cm]")).to_have_value('"width"')
    expect(page.get_by_label("Name to remember it by")).to_have_value("Hafen")
    page.get_by_label("Remember for files like this").uncheck()
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("link", name="16 new")).to_be_visible()


def test_places_and_columns_are_left_out_and_ticked_again(open_page: OpenPage, site: Site) -> None:
    page, project = columns_page(open_page, site, "Left out", LISTS / "piece_list.csv", size=PHONE)
    page.get_by_role("button", name="Preview").click()
    update_preview(page, "B", False)
    expect(page.get_by_label("Create B")).not_to_be_checked()
    check_page(page)
    job = site.get(f"/api/jobs/{page.url.rpartition('/')[2]}")["job"]
    assert (job["pieces_added"], job["rejected_count"]) == (51, 0)
    update_preview(page, "B", True)
    expect(page.get_by_label("Create B")).to_be_checked()
    update_preview(page, "3", False)
    page.get_by_role("button", name="Import now").click()
    expect(page.get_by_text("Successfully processed 12 elements")).to_be_visible()
    paths = {node["path"] for node in site.get(f"/api/project/{project}/hierarchy")["hierarchy"]}
    assert paths == {"A", "A.1", "A.2", "B", "B.1", "B.2"}


def test_a_new_item_of_a_column_is_left_out_and_ticked_again(open_page: OpenPage, site: Site) -> None:
    page, project = columns_page(open_page, site, "Left out columns", LISTS / "fertigteilliste.xlsx")
    page.get_by_role("button", name="Preview").click()
    update_preview(page, "Zeichnung", False)
    expect(page.get_by_label("Create Zeichnung")).not_to_be_checked()
    update_preview(page, "Zeichnung", True)
    page.get_by_role("button", name="Import now").click()
    expect(page.get_by_text("Successfully processed 16 elements")).to_be_visible()
    assert site.get(f"/api/project/{project}/drawing-types")["count"] == 1


def update_preview(page: Page, name: str, is_wanted: bool) -> None:
    """Tick or untick a new item, and wait for the preview with that."""
    page.get_by_label(f"Create {name}", exact=True).set_checked(is_wanted)
    before = page.url
    page.get_by_role("button", name="Update preview").click()
    page.wait_for_url(lambda url: url != before and re.search(r"/jobs/\d+$", url) is not None)
    expect(page.get_by_role("heading", name="New in this project")).to_be_visible()


def test_a_new_project_opens_after_it_is_created(open_page: OpenPage) -> None:
    page = open_page("/")
    page.get_by_label("Name").fill("Hafenstraße")
    page.get_by_role("button", name="Create project").click()
    page.wait_for_url("**/projects/*")
    expect(page.get_by_role("heading", name="Drop your list")).to_be_visible()
