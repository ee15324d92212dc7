"""Checks of rejected rows whose responses come late: what is shown is always about what is written now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import OpenPage
from tests.browser.rejected_rows_page import cell, preview
from tests.corrected_files import wall, write_workbook
from tests.live_site import Site

CHECKS = "**/check-rows"


@pytest.fixture
def page(open_page: OpenPage, site: Site, tmp_path: Path, request: pytest.FixtureRequest) -> Page:
    """Return the page of a preview with two rejected rows, each with two mistakes."""
    project = site.project(request.node.name)
    opened = open_page(f"/projects/{project}")
    preview(opened, project, write_workbook(tmp_path / "walls.xlsx", [wall(number, C="a", D="b") for number in (1, 2)]))
    expect(opened.get_by_text("2 rows still have mistakes.")).to_be_visible()
    return opened


@contextmanager
def first_check_held(page: Page) -> Iterator[None]:
    """Hold back the first check of the block until the end of the block, and wait until its response was handled."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    page.route(CHECKS, hold)
    yield
    with page.expect_response(lambda response: response.request == held[0].request):
        held[0].continue_()
    page.unroute(CHECKS)
    page.evaluate("new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 50)))")


def write(page: Page, name: str, text: str, key: str = "Enter") -> None:
    """Write a text into a cell and leave it by a key."""
    cell(page, name).focus()
    page.keyboard.type(text)
    page.keyboard.press(key)


def is_wrong(page: Page, name: str) -> bool:
    return cell(page, name).get_attribute("aria-invalid") == "true"


def test_a_row_shows_its_last_check_whatever_comes_late(page: Page) -> None:
    write(page, "D2", "4000")
    with first_check_held(page):
        write(page, "C2", "high")
        write(page, "C2", "2950")
        expect(page.get_by_text("1 row still has mistakes.")).to_be_visible()
    assert not is_wrong(page, "C2")
    expect(cell(page, "C2")).to_contain_text("2950")
    expect(page.get_by_text("1 row still has mistakes.")).to_be_visible()


def test_a_late_check_is_of_no_account_once_the_rows_were_read_again(page: Page) -> None:
    with first_check_held(page):
        write(page, "C2", "2950")
        page.get_by_role("textbox", name="Instead of b in").fill("4000")
        page.keyboard.press("Enter")
        # Row 2 has no mistake any more, and is not listed again.
        expect(cell(page, "C2")).to_have_count(0)
    expect(page.get_by_text("1 row still has mistakes.")).to_be_visible()
    assert page.locator("#rejected-rows [data-error]").all_text_contents() == [""]


def test_the_message_of_a_cell_is_about_what_is_typed_now(page: Page) -> None:
    cell(page, "C2").focus()
    with first_check_held(page):
        with page.expect_request(CHECKS):
            page.keyboard.type("-1")
        with page.expect_response(CHECKS):
            page.keyboard.press("Control+a")
            page.keyboard.type("2950")
        expect(cell(page, "C2").get_by_role("status")).to_have_text("")
    expect(cell(page, "C2").get_by_role("status")).to_have_text("")


def test_a_cell_stays_open_while_the_check_of_its_row_comes(page: Page) -> None:
    with first_check_held(page):
        write(page, "C2", "2950", "Tab")
        page.keyboard.type("40")
    assert not is_wrong(page, "C2")
    page.keyboard.type("01")
    page.keyboard.press("Enter")
    expect(cell(page, "D2")).to_contain_text("4001")
    expect(page.get_by_text("1 row still has mistakes.")).to_be_visible()
