"""Checks of rejected rows whose responses come late: what is shown is always about what is written now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import OpenPage
from tests.browser.rejected_rows_page import cell, paste, preview
from tests.corrected_files import wall, write_workbook
from tests.live_site import Site

CHECKS = "**/check-rows"
# More than are shown at first.
ROWS = 202


@pytest.fixture
def page(open_page: OpenPage, site: Site, tmp_path: Path, request: pytest.FixtureRequest) -> Page:
    """Return the page of a preview of rejected rows, each with two mistakes."""
    project = site.project(request.node.name)
    opened = open_page(f"/projects/{project}")
    rows = [wall(number, C="a", D="b") for number in range(1, ROWS + 1)]
    preview(opened, project, write_workbook(tmp_path / "walls.xlsx", rows))
    expect(opened.get_by_text(f"{ROWS} rows still have mistakes.")).to_be_visible()
    return opened


@contextmanager
def first_held(page: Page, address: str = CHECKS) -> Iterator[None]:
    """Hold back the first request of the block until its end, and wait until its response was handled."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    page.route(address, hold)
    yield
    while not held:
        page.wait_for_timeout(20)
    with page.expect_response(lambda response: response.request == held[0].request) as response:
        held[0].continue_()
    response.value.finished()
    page.unroute(address)
    page.evaluate("new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 100)))")


def write(page: Page, name: str, text: str) -> None:
    """Write a text into a cell without typing it, which would be checked too."""
    cell(page, name).focus()
    paste(page, text)


def field(page: Page, name: str) -> Locator:
    return cell(page, name).get_by_role("textbox")


def expect_open(page: Page, count: int) -> None:
    expect(page.get_by_text(f"{count} rows still have mistakes.")).to_be_visible()


def test_a_row_shows_its_last_check_whatever_comes_late(page: Page) -> None:
    write(page, "D2", "4000")
    with first_held(page):
        write(page, "C2", "high")
        write(page, "C2", "2950")
        expect_open(page, ROWS - 1)
    expect(cell(page, "C2")).not_to_have_attribute("aria-invalid", "true")
    expect(cell(page, "C2")).to_contain_text("2950")
    expect_open(page, ROWS - 1)


def test_a_late_check_is_of_no_account_once_the_rows_were_read_again(page: Page) -> None:
    with first_held(page):
        write(page, "C2", "2950")
        page.get_by_role("textbox", name="Instead of b in").fill("4000")
        page.keyboard.press("Enter")
        # Row 2 has no mistake any more, and is not listed again.
        expect(cell(page, "C2")).to_have_count(0)
    expect_open(page, ROWS - 1)
    assert page.locator("#rejected-rows [data-error]").all_text_contents() == [""]


def test_the_message_of_a_cell_is_about_what_is_typed_now(page: Page) -> None:
    cell(page, "C2").focus()
    message = cell(page, "C2").get_by_role("status")
    with first_held(page):
        with page.expect_request(CHECKS):
            page.keyboard.type("-1")
        with page.expect_response(CHECKS):
            page.keyboard.press("Control+a")
            page.keyboard.type("2950")
        expect(message).to_have_text("")
    expect(message).to_have_text("")


def test_a_cell_stays_open_while_the_check_of_its_row_comes(page: Page) -> None:
    with first_held(page):
        write(page, "C2", "2950")
        cell(page, "D2").focus()
        page.keyboard.type("40")
    expect(cell(page, "C2")).not_to_have_attribute("aria-invalid", "true")
    page.keyboard.type("01")
    page.keyboard.press("Enter")
    expect(cell(page, "D2")).to_contain_text("4001")
    expect_open(page, ROWS - 1)


def test_a_cell_that_is_opened_again_gets_the_message_of_its_check(page: Page) -> None:
    with first_held(page):
        write(page, "D2", "4000")
        cell(page, "D2").focus()
        page.keyboard.press("F2")
        expect(cell(page, "D2").get_by_role("status")).to_contain_text("number")
    expect(cell(page, "D2").get_by_role("status")).to_have_text("")


def test_a_click_opens_another_cell_of_the_row(page: Page) -> None:
    cell(page, "C2").click()
    page.keyboard.type("2950")
    cell(page, "D2").click()
    expect(field(page, "D2")).to_be_focused()
    expect(cell(page, "C2")).to_contain_text("2950")


def test_a_cell_stays_open_while_more_rows_are_read(page: Page) -> None:
    with first_held(page, "**/rejected-rows?*"):
        page.get_by_role("button", name="Show more rows").click()
        cell(page, "D2").focus()
        page.keyboard.type("40")
    page.keyboard.type("01")
    page.keyboard.press("Enter")
    expect(cell(page, "D2")).to_contain_text("4001")
    expect(cell(page, f"D{ROWS + 1}")).to_be_visible()
