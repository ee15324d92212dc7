"""Lists in shapes of their own: what a person does on the pages to import one, and then its next version."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from playwright.sync_api import Page, expect

from precast_app.importing.schema import GROUPS_IN_PAGE_ORDER, ColumnGroup
from tests.browser.conftest import PHONE, OpenPage, check_page
from tests.browser.dropping import drop
from tests.conftest import ROOT
from tests.live_site import Json, Site

LISTS = ROOT / "tests/files/other_offices"
CHANGED_ROWS = 10
MAX_CHOICES = 8
# What a column named Zeichnung could be about that a new project lacks, in the order of the list.
NEW_ITEMS = [f"{spec.meaning}: Zeichnung" for spec in GROUPS_IN_PAGE_ORDER if spec.group is not ColumnGroup.DRAWINGS]
# What replacements of values are for, in the order of the list.
RULE_KINDS = [
    "Element type", "Version", "Place", "Tower", "Floor", *(spec.words.capitalize() for spec in GROUPS_IN_PAGE_ORDER),
]  # fmt: skip


class Person:
    """Somebody who imports lists; counts the choices: everything that is chosen, typed or pressed."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.choices = 0

    def type(self, label: str, text: str) -> None:
        self.choices += 1
        self.page.get_by_label(label, exact=True).fill(text)

    def press(self, button: str) -> None:
        self.choices += 1
        self.page.get_by_role("button", name=button, exact=True).click()


def _raised_quantities(file: Path, to: Path, column: int) -> Path:
    """Write the workbook with one piece more in ten rows, and return its path."""
    book = openpyxl.load_workbook(file)
    sheet = book.active
    assert sheet is not None
    cells = [cell for (cell,) in sheet.iter_rows(min_row=5, min_col=column, max_col=column)]
    numbers = [cell for cell in cells if isinstance(cell.value, int)]
    for cell in numbers[:CHANGED_ROWS]:
        cell.value = int(str(cell.value)) + 1
    book.save(to)
    return to


def _replaced_lines(file: Path, to: Path, pattern: bytes, replacement: bytes) -> Path:
    """Write the text file with a replacement in ten lines, and return its path."""
    lines = file.read_bytes().split(b"\n")
    found = [number for number, line in enumerate(lines) if re.search(pattern, line)][:CHANGED_ROWS]
    assert len(found) == CHANGED_ROWS
    for number in found:
        lines[number] = re.sub(pattern, replacement, lines[number], count=1)
    to.write_bytes(b"\n".join(lines))
    return to


def _newer_assembly_list(to: Path) -> Path:
    return _raised_quantities(LISTS / "assembly_list.xlsx", to / "assembly list B.xlsx", 4)


def _newer_german_list(to: Path) -> Path:
    return _raised_quantities(LISTS / "fertigteilliste.xlsx", to / "Fertigteilliste B.xlsx", 10)


def _newer_wall_schedule(to: Path) -> Path:
    return _replaced_lines(LISTS / "wall_schedule.csv", to / "walls B.csv", rb",(Level \d),\d+,", rb",\1,9,")


def _newer_piece_list(to: Path) -> Path:
    return _replaced_lines(LISTS / "piece_list.csv", to / "pieces B.csv", rb";A;1;", rb";A;3;")


LISTS_OF_OFFICES = {
    "assembly_list.xlsx": (24, 107, _newer_assembly_list, ("P01", "WALL", "4375", "180", "5807.5")),
    "wall_schedule.csv": (18, 94, _newer_wall_schedule, ("PW-01", "WALL", "1530", None, None)),
    "fertigteilliste.xlsx": (16, 81, _newer_german_list, ("001", "Brüstung", "2450", "200", "3614")),
    "piece_list.csv": (12, 114, _newer_piece_list, ("HC01", "Dalle alvéolée", "8700", None, "3804")),
}


@pytest.mark.parametrize("name", LISTS_OF_OFFICES)
def test_a_list_goes_in_with_few_choices_and_its_next_version_with_none(
    open_page: OpenPage, site: Site, tmp_path: Path, name: str
) -> None:
    types, pieces, newer, (mark, kind, *measures) = LISTS_OF_OFFICES[name]
    project = site.project(f"From an empty project: {name}", reference=False)
    page = open_page(f"/projects/{project}")
    expect(page.get_by_role("heading")).to_have_text(["Drop your list"])
    person = Person(page)
    drop(page, LISTS / name)
    page.wait_for_url("**/columns")
    expect(page.get_by_label("Remember for files like this")).to_be_checked()
    check_page(page)
    expect(page.locator("#missing")).not_to_be_empty()
    if "Nothing says the element type" in page.locator("#missing").inner_text():
        person.type("Element Type of all rows", kind)
    expect(page.locator("#missing")).to_contain_text(f"{types} element types")
    person.press("Preview")
    expect(page.get_by_role("link", name=f"{types} new")).to_be_visible()
    expect(page.get_by_role("heading", name="New in this project")).to_be_visible()
    check_page(page)
    person.press("Import now")
    expect(page.get_by_text(f"Successfully processed {types} elements")).to_be_visible()
    assert person.choices <= MAX_CHOICES
    _expect_stored(site, project, types, pieces)
    found = _element_type(site, project, mark)
    stored = [found["element_type"], *(found[field] for field in ("length", "thickness", "mass"))]
    assert stored == [kind, *measures]

    # The next version of the list is recognized.
    person.choices = 0
    page.goto(f"/projects/{project}")
    drop(page, newer(tmp_path))
    page.wait_for_url(re.compile(r"/jobs/\d+$"))
    expect(page.get_by_role("region", name="This job").get_by_text("Preview", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name=re.compile(r"\d new\Z"))).to_have_count(0)
    assert person.choices == 0
    page.get_by_role("button", name="Import now").click()
    expect(page.get_by_text("Successfully processed")).to_be_visible()
    job = site.get(f"/api/jobs/{page.url.rpartition('/')[2]}")["job"]
    assert (job["created_count"], job["rejected_count"], job["profile"]["version"]) == (0, 0, 1)
    assert 0 < job["updated_count"] <= CHANGED_ROWS


def _expect_stored(site: Site, project: int, types: int, pieces: int) -> None:
    assert site.get(f"/api/project/{project}/element-types?limit=1")["count"] == types
    assert site.get(f"/api/project/{project}/elements?limit=1")["count"] == pieces


def _element_type(site: Site, project: int, name: str) -> Json:
    found = site.get(f"/api/project/{project}/element-types")["element_types"]
    return next(each for each in found if each["name"] == name)


@pytest.fixture
def german(open_page: OpenPage, site: Site, request: pytest.FixtureRequest) -> Callable[..., tuple[Page, int]]:
    """Return a function that drops the German list in a new project and returns the page about its columns."""

    def begin(**options: Any) -> tuple[Page, int]:
        project = site.project(request.node.name, reference=False)
        page = open_page(f"/projects/{project}", **options)
        drop(page, LISTS / "fertigteilliste.xlsx")
        page.wait_for_url("**/columns")
        page.locator("#missing").wait_for()
        return page, project

    return begin


def test_columns_are_mapped_with_the_keyboard_alone_on_a_phone(german: Callable[..., tuple[Page, int]]) -> None:
    page, _ = german(size=PHONE, dark=True)
    check_page(page)
    target = page.get_by_label("Meaning of Bauteil")
    target.focus()
    page.keyboard.press("Home")
    expect(target).to_have_value("null")
    expect(page.locator("#missing")).to_contain_text("Nothing says the element type")
    expect(page.get_by_label("Meaning of Bauteil")).to_be_focused()
    page.get_by_label("Element Type of all rows").focus()
    page.keyboard.type("WALL")
    expect(page.locator("#missing")).to_contain_text("16 element types")
    expect(page.get_by_label("Element Type of all rows")).to_be_focused()
    row = page.get_by_label("Row 4", exact=True)
    row.focus()
    page.keyboard.type("skip")
    expect(page.get_by_label("Row 4", exact=True)).to_have_value("skipped")
    expect(page.locator("#missing")).to_contain_text("15 element types")
    expect(page.get_by_label("Row 4", exact=True)).to_be_focused()
    check_page(page)
    page.get_by_role("button", name="Preview").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="15 new")).to_be_visible()


def test_going_back_and_forth_between_preview_and_columns_keeps_everything(
    german: Callable[..., tuple[Page, int]], site: Site
) -> None:
    page, project = german()
    new = page.get_by_label("Meaning of Zeichnung").locator("optgroup[label='Not in the project yet'] option")
    expect(new).to_have_text(NEW_ITEMS)
    expect(page.locator("#new-rule-kind option")).to_have_text(RULE_KINDS)
    page.get_by_label("Meaning of Zeichnung").select_option("– not imported –")
    page.get_by_label("Value in the file").fill("Wand")
    page.get_by_label("Is read as", exact=True).fill("WALL")
    page.get_by_role("button", name="Add").click()
    expect(page.locator("#read-1")).to_contain_text("WALL")
    page.reload()
    expect(page.locator("#read-1")).to_contain_text("WALL")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("link", name="16 new")).to_be_visible()
    page.get_by_role("link", name="Change columns").click()
    page.wait_for_url("**/columns")
    expect(page.get_by_label("Meaning of Zeichnung")).to_have_value("null")
    expect(page.get_by_label("Wand is read as")).to_have_value("WALL")
    page.get_by_label("Version of all rows").fill("VR-7")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("link", name="16 new")).to_be_visible()
    page.get_by_role("button", name="Import now").click()
    expect(page.get_by_text("Successfully processed 16 elements")).to_be_visible()
    wall = _element_type(site, project, "004")
    assert (wall["element_type"], wall["version"]) == ("WALL", "VR-7")


def test_names_of_new_items_are_corrected_in_the_preview(german: Callable[..., tuple[Page, int]], site: Site) -> None:
    page, project = german()
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="New in this project")).to_be_visible()
    page.get_by_label("Name of EG").fill("Ground floor")
    page.get_by_label("Create Zeichnung").uncheck()
    # Otherwise the import would lose the corrections.
    expect(page.get_by_role("button", name="Import now")).to_be_disabled()
    before = page.url
    page.get_by_role("button", name="Update preview").click()
    page.wait_for_url(lambda url: url != before)
    expect(page.get_by_label("Name of Ground floor")).to_be_visible()
    page.get_by_role("button", name="Import now").click()
    expect(page.get_by_text("Successfully processed 16 elements")).to_be_visible()
    nodes = {node["name"] for node in site.get(f"/api/project/{project}/hierarchy")["hierarchy"]}
    assert nodes == {"Ground floor", "1. OG", "2. OG"}
    assert site.get(f"/api/project/{project}/drawing-types")["count"] == 0


def test_a_tower_is_named_by_the_rows_of_all_its_floors(open_page: OpenPage, site: Site) -> None:
    page = open_page(f"/projects/{site.project('Towers', reference=False)}")
    drop(page, LISTS / "piece_list.csv")
    page.wait_for_url("**/columns")
    page.get_by_role("button", name="Preview").click()
    rows = page.get_by_role("region", name="Hierarchy").get_by_role("row")
    expect(rows.filter(has=page.get_by_label("Name of A"))).to_contain_text("tower, column D, 51 rows")
    expect(rows.filter(has=page.get_by_label("Name of B"))).to_contain_text("tower, column D, 63 rows")


def test_an_editor_is_sent_to_a_manager_for_what_the_project_lacks(open_page: OpenPage, site: Site) -> None:
    project = site.project("Without floors", reference=False)
    site.member(project, "emil", "editor")
    page = open_page(f"/projects/{project}", "emil")
    drop(page, LISTS / "fertigteilliste.xlsx")
    page.wait_for_url("**/columns")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("Ask a manager of the project to import the file.")).to_be_visible()
    expect(page.get_by_role("button", name="Update preview")).to_have_count(0)
