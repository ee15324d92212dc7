"""The page of an element type: its values are changed, and it is deleted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESK, PHONE, OpenPage, check_page
from tests.conftest import EXAMPLES
from tests.live_site import Site


@pytest.fixture(scope="module")
def project(site: Site) -> Iterator[int]:
    """Yield the id of a project with the sample's element types."""
    number = site.project("Green Meadows")
    done = site.upload(f"/api/project/{number}/import/excel", EXAMPLES / "element_types.xlsx")
    site.follow(done["job_id"])
    site.member(number, "eva", "editor")
    yield number


def element_type(site: Site, project: int, position: int) -> int:
    found = site.get(f"/api/project/{project}/element-types?limit=1&offset={position}")["element_types"]
    return int(found[0]["id"])


@pytest.mark.parametrize("is_phone", [False, True])
def test_an_element_type_is_changed_on_its_page(open_page: OpenPage, site: Site, project: int, is_phone: bool) -> None:
    number = element_type(site, project, 0)
    page = open_page(
        f"/projects/{project}/element-types/{number}", "eva", size=PHONE if is_phone else DESK, error_responses=True
    )
    check_page(page)
    page.get_by_role("link", name="Edit", exact=True).click()
    check_page(page)
    page.get_by_label("Height").fill("tall")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Enter a number")
    expect(page.get_by_label("Height")).to_be_focused()
    check_page(page)
    height = "3456.5" if is_phone else "3456"
    page.get_by_label("Height").fill(height)
    page.get_by_role("checkbox").first.click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text(f"{height} mm")).to_be_visible()
    expect(page.get_by_role("cell", name="changed").first).to_be_visible()
    check_page(page)


def test_an_element_type_without_pieces_in_production_is_deleted_and_comes_back(
    open_page: OpenPage, site: Site, project: int
) -> None:
    number = element_type(site, project, 1)
    page = open_page(f"/projects/{project}/element-types/{number}", "eva")
    name = page.get_by_role("heading", level=1).inner_text()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_text("Deleted ")).to_be_visible()
    check_page(page)
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_text("1 put back")).to_be_visible()
    page.goto(f"/projects/{project}/element-types/{number}")
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def test_an_element_type_with_pieces_in_production_offers_no_deletion(
    open_page: OpenPage, site: Site, project: int
) -> None:
    piece = site.get(f"/api/project/{project}/elements?limit=1")["elements"][0]
    site.session.patch(f"{site.address}/api/elements/{piece['id']}", json={"status": "produced"}).raise_for_status()
    page = open_page(f"/projects/{project}/element-types/{piece['element_type_id']}", "eva")
    expect(page.get_by_role("link", name="Edit", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Delete")).to_have_count(0)
    page.get_by_role("link", name="produced").click()
    expect(page.get_by_role("link", name=piece["code"])).to_be_visible()
