"""Dropped files: several at once, their types, and new previews of a stored file."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PHONE, OpenPage, check_page
from tests.browser.dropping import drop
from tests.conftest import EXAMPLES
from tests.live_site import Site

WORKBOOK = EXAMPLES / "element_types.xlsx"


def bar(page: Page) -> Locator:
    """Return the bar of a job's page that says what the job is."""
    return page.get_by_role("region", name="This job")


def test_several_files_are_dropped_and_one_is_no_spreadsheet(open_page: OpenPage, site: Site, tmp_path: Path) -> None:
    project = site.project("Several", reference=False)
    picture = tmp_path / "holiday.xlsx"
    picture.write_bytes(b"\xff\xd8\xff\xe0" + b"\0" * 2_000)
    page = open_page(f"/projects/{project}/import", error_responses=True)
    drop(page, EXAMPLES / "stages.csv", EXAMPLES / "hierarchy.csv", picture)
    expect(page.get_by_role("link", name="Show what")).to_have_count(2)
    expect(page.get_by_role("alert")).to_contain_text("JPEG")
    check_page(page)
    page.get_by_role("button", name="Dismiss holiday.xlsx").click()
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.get_by_role("button", name="Dismiss hierarchy.csv")).to_be_focused()
    page.get_by_role("link", name="Show what stages.csv would change").click()
    expect(page.get_by_role("link", name="8 new")).to_be_visible()


def test_ten_dropped_files_leave_room_and_can_be_dismissed(open_page: OpenPage, site: Site, tmp_path: Path) -> None:
    project = site.project("Ten files")
    files = [tmp_path / f"stages {number}.csv" for number in range(10)]
    for number, file in enumerate(files):
        file.write_text(f"Name,Order\nStage {number},{number}\n")
    page = open_page(f"/projects/{project}", size=PHONE)
    drop(page, *files)
    expect(page.get_by_role("link", name="Show what")).to_have_count(10)
    box = page.locator("#uploads").bounding_box()
    assert box and box["height"] <= 0.6 * PHONE["height"]
    check_page(page)
    for file in files:
        page.get_by_role("button", name=f"Dismiss {file.name}").click()
    expect(page.locator("#uploads li")).to_have_count(0)


def test_the_content_of_a_file_decides_what_it_is(open_page: OpenPage, site: Site, tmp_path: Path) -> None:
    project = site.project("Content")
    walls, products = tmp_path / "Stage 2 walls.xlsx", tmp_path / "element types.csv"
    walls.write_bytes(WORKBOOK.read_bytes())
    products.write_bytes((EXAMPLES / "bom_products.csv").read_bytes())
    page = open_page(f"/projects/{project}", error_responses=True)
    drop(page, walls)
    expect(page.get_by_role("link", name="120 new")).to_be_visible()
    drop(page, products)
    expect(bar(page)).to_contain_text("Preview BOM products")

    unclear = tmp_path / "week 12.csv"
    unclear.write_text("Name\nPolishing\n")
    page.goto(f"/projects/{project}")
    drop(page, unclear)
    question = page.get_by_role("group", name="week 12.csv")
    expect(question.get_by_role("button")).to_have_text(["Hierarchy", "Stages", "Drawing types"])
    check_page(page)
    question.get_by_role("button", name="Drawing types").click()
    expect(bar(page)).to_contain_text("Preview Drawing types")

    # The page about stages answers the question.
    page.goto(f"/projects/{project}/reference/stages")
    drop(page, unclear)
    expect(bar(page)).to_contain_text("Preview Stages")


def test_a_dry_run_that_was_applied_or_is_outdated_offers_a_new_one(open_page: OpenPage, site: Site) -> None:
    project = site.project("Outdated")
    dry_runs = []
    for _ in range(2):
        with WORKBOOK.open("rb") as file:
            created = site.post(
                f"/api/project/{project}/jobs?job_type=element_type_import&dry_run=true", files={"file": file}
            )
        site.follow(created["job_id"])
        dry_runs.append(created["job_id"])
    page = open_page(f"/jobs/{dry_runs[0]}")
    page.get_by_role("button", name="Import now").click()
    expect(page.get_by_text("Successfully processed 120 elements")).to_be_visible()
    number = page.url.rpartition("/")[2]

    page.goto(f"/jobs/{dry_runs[0]}")
    expect(page.get_by_text(f"Job {number} has already been started from this preview.")).to_be_visible()
    expect(page.get_by_role("button", name="Import now")).to_have_count(0)
    check_page(page)
    page.goto(f"/jobs/{dry_runs[1]}")
    expect(page.get_by_text("the project's data has changed since")).to_be_visible()
    expect(page.get_by_role("button", name="Import now")).to_have_count(0)
    page.get_by_role("button", name="Preview again").click()
    expect(page.get_by_role("link", name="120 unchanged")).to_be_visible()
