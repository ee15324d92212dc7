"""The review of a new revision: leave rows out, keep or remove what is missing, accept renames, and undo it all."""

from __future__ import annotations

import io

import openpyxl
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import DESK, PHONE, OpenPage, check_page
from tests.conftest import EXAMPLES, ROOT
from tests.live_site import Json, Site

REVISIONS = ROOT / "tests/files/revisions"
IN_PRODUCTION = "W-101"


def bar(page: Page) -> Locator:
    return page.get_by_role("region", name="This job")


def preview(site: Site, project: int) -> int:
    with (REVISIONS / "element_types_rev_b.xlsx").open("rb") as file:
        query = "job_type=element_type_import&dry_run=true"
        job_id: int = site.post(f"/api/project/{project}/jobs?{query}", files={"file": file})["job_id"]
    assert site.follow(job_id)[-1]["status"] == "completed"
    return job_id


def project_with_sample(site: Site, name: str) -> int:
    """Create a project with the sample, in which two pieces of an element type are in production."""
    project = site.project(name)
    site.follow(site.upload(f"/api/project/{project}/import/excel", REVISIONS / "element_types.xlsx")["job_id"])
    element_type = named(site, project, IN_PRODUCTION)["id"]
    pieces = site.get(f"/api/project/{project}/elements?element_type_id={element_type}")["elements"]
    for piece in pieces[:2]:
        address = f"{site.address}/api/elements/{piece['id']}"
        site.session.patch(address, json={"status": "in_production"}).raise_for_status()
    return project


def project_with_pieces_in_production(site: Site, name: str) -> int:
    """Create a project with the sample and the yard's list of its pieces."""
    project = site.project(name)
    for job_type, file in (
        ("bom_product_import", "bom_products.csv"),
        ("element_type_import", "element_types.xlsx"),
        ("piece_status_import", "piece_status.csv"),
    ):
        created = site.upload(f"/api/project/{project}/jobs?job_type={job_type}", REVISIONS / file)
        done = site.follow(created["job_id"])[-1]
        assert (done["status"], done["rejected_count"]) == ("completed", 0), done["error"]
    return project


def named(site: Site, project: int, name: str) -> Json:
    found = site.get(f"/api/project/{project}/element-types")["element_types"]
    return next(each for each in found if each["name"] == name)


def names(site: Site, project: int) -> set[str]:
    return {each["name"] for each in site.get(f"/api/project/{project}/element-types")["element_types"]}


def exported(site: Site, project: int) -> bytes:
    return site.session.get(f"{site.address}/api/project/{project}/export_csv_element_type").content


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["wide", "phone"])
def test_a_revision_is_reviewed_imported_in_part_and_undone(
    open_page: OpenPage, site: Site, size: dict[str, int]
) -> None:
    project = project_with_sample(site, f"Revision {size['width']}")
    before = exported(site, project)
    page = open_page(f"/jobs/{preview(site, project)}", size=size)
    for count in ("4 new", "9 changed", "1 renamed", "3 missing"):
        expect(bar(page).get_by_role("link", name=count)).to_be_visible()
    row = page.locator("#changes").get_by_role("row").filter(has_text=IN_PRODUCTION)
    expect(row).to_contain_text("2 in production")
    check_page(page)

    page.get_by_label("Import W-104").uncheck()
    expect(bar(page)).to_contain_text("13 of 14 changes are chosen.")
    # What is chosen stays while the list is filtered.
    bar(page).get_by_role("link", name="3 missing").click()
    expect(page.get_by_label("Remove W-106")).to_be_disabled()
    page.get_by_label("Remove, with the pieces that are still planned").check()
    page.get_by_label("Remove W-106").uncheck()
    expect(bar(page)).to_contain_text("15 of 17 changes are chosen.")
    check_page(page)
    page.reload()
    expect(page.get_by_label("Remove W-106")).not_to_be_checked()
    expect(page.get_by_label("Rename; the pieces keep their codes")).to_be_checked()

    bar(page).get_by_role("button", name="Import now").click()
    page.get_by_role("button", name="Yes").click()
    expect(bar(page).get_by_role("button", name="Undo")).to_be_visible()
    expect(bar(page)).to_contain_text("1 left out")
    expect(page.get_by_text("missing element types: remove; renames: accept")).to_be_visible()
    check_page(page)
    stored = names(site, project)
    assert {"W-106", "W-112A"} <= stored
    assert not {"FA-107", "HCS-109", "W-112"} & stored
    assert named(site, project, "W-104")["length"] == "3700"

    bar(page).get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Yes").click()
    expect(bar(page)).to_contain_text("Undoes job")
    expect(bar(page).get_by_role("button", name="Undo")).to_be_visible()
    assert exported(site, project) == before


def test_a_revision_says_what_it_hits_in_production(open_page: OpenPage, site: Site) -> None:
    project = project_with_pieces_in_production(site, "In production")
    before = exported(site, project)
    page = open_page(f"/jobs/{preview(site, project)}")
    for count in ("4 new", "9 changed", "1 renamed", "3 missing"):
        expect(bar(page).get_by_role("link", name=count)).to_be_visible()
    changes = page.locator("#changes")
    row = changes.get_by_role("row").filter(has_text=IN_PRODUCTION)
    expect(row).to_contain_text("8 in production, 6 produced, 4 dispatched")
    expect(changes.get_by_role("row").filter(has_text="W-191")).to_contain_text("Height 3150, Length 5800")
    # Element types that stay as they are are listed only if they are asked for.
    expect(changes.get_by_role("row")).to_have_count(1 + 4 + 9 + 1 + 3)
    page.get_by_label("With pieces in production or further (13)").check()
    expect(changes.get_by_role("row")).to_have_count(1 + 13)

    page.get_by_label("Import W-104").uncheck()
    page.get_by_label("Remove, with the pieces that are still planned").check()
    bar(page).get_by_role("button", name="Import now").click()
    page.get_by_role("button", name="Yes").click()
    expect(bar(page).get_by_role("button", name="Undo")).to_be_visible()
    for name in ("WALL W-106", "FAÇADE FA-107", "HOLLOW CORE SLAB HCS-109"):
        expect(page.get_by_text(f"{name} is not in the file, but stays").last).to_be_visible()
    assert names(site, project) >= {"W-106", "FA-107", "HCS-109", "W-112A", "W-191"}
    bar(page).get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Yes").click()
    expect(bar(page)).to_contain_text("Undoes job")
    expect(bar(page).get_by_role("button", name="Undo")).to_be_visible()
    assert exported(site, project) == before


def test_all_changes_of_a_filter_are_left_out_with_the_keyboard(open_page: OpenPage, site: Site) -> None:
    project = site.project("All of a filter")
    content = (EXAMPLES / "element_types.csv").read_bytes()
    query = "job_type=element_type_import&dry_run=true"
    created = site.post(f"/api/project/{project}/jobs?{query}", files={"file": ("walls.csv", content)})
    site.follow(created["job_id"])
    page = open_page(f"/jobs/{created['job_id']}?change=created")
    every = page.get_by_label("Import all new")
    every.focus()
    page.keyboard.press("Space")
    expect(bar(page)).to_contain_text("0 of 120 changes are chosen.")
    expect(bar(page).get_by_role("button", name="Import now")).to_be_disabled()
    expect(every).to_be_focused()
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_label("Import all new")).not_to_be_checked()
    boxes = page.locator("input[name=import]")
    boxes.nth(0).focus()
    page.keyboard.press("Space")
    expect(bar(page)).to_contain_text("1 of 120 changes are chosen.")
    bar(page).get_by_role("button", name="Import now").click()
    expect(bar(page)).to_contain_text("119 left out")
    assert len(names(site, project)) == 1


def test_a_probable_rename_is_created_instead_if_it_is_ignored(open_page: OpenPage, site: Site) -> None:
    project = project_with_sample(site, "Ignored rename")
    page = open_page(f"/jobs/{preview(site, project)}")
    page.get_by_label("Create the new name, and keep the old one").check()
    bar(page).get_by_role("button", name="Import now").click()
    expect(bar(page).get_by_role("button", name="Undo")).to_be_visible()
    assert {"W-112", "W-112A"} <= names(site, project)


def test_rows_that_have_changed_since_the_preview_are_counted(open_page: OpenPage, site: Site) -> None:
    project = project_with_sample(site, "Changed meanwhile")
    job_id = preview(site, project)
    content = (REVISIONS / "element_types.xlsx").read_bytes()
    changed = openpyxl.load_workbook(io.BytesIO(content))
    sheet = changed["Element Types"]
    row = next(cell.row for cell in sheet["B"] if cell.value == "W-104")
    sheet.cell(row, 3).value = 3333
    out = io.BytesIO()
    changed.save(out)
    created = site.post(
        f"/api/project/{project}/jobs?job_type=element_type_import", files={"file": ("a.xlsx", out.getvalue())}
    )
    assert site.follow(created["job_id"])[-1]["updated_count"] == 1
    page = open_page(f"/jobs/{job_id}")
    expect(page.get_by_text("1 row is refused, unless")).to_be_visible()
    check_page(page)
    page.get_by_role("button", name="Preview again").click()
    expect(page.get_by_text("1 row is refused, unless")).to_have_count(0)
    expect(bar(page).get_by_role("button", name="Import now")).to_be_visible()
