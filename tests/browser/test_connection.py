"""Pages whose session has ended, whose server is unreachable, or whose user has lost access."""

from __future__ import annotations

from playwright.sync_api import Page, Route, expect

from tests.auth_headers import PASSWORD
from tests.browser.conftest import OpenPage, check_page
from tests.conftest import EXAMPLES
from tests.live_site import Site

WORKBOOK = EXAMPLES / "element_types.xlsx"


def sign_in_again(page: Page, password: str = PASSWORD) -> None:
    dialog = page.get_by_role("dialog", name="Your session has ended")
    dialog.get_by_label("Password").fill(password)
    dialog.get_by_role("button", name="Sign in").click()


def sign_in_on_form(page: Page) -> None:
    page.wait_for_url("**/login?**")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_a_form_keeps_its_text_when_the_session_has_ended(open_page: OpenPage, site: Site) -> None:
    project = site.project("Kept text")
    page = open_page(f"/projects/{project}/reference/stages", error_responses=True)
    page.get_by_label("Name").last.fill("Polishing")
    page.context.clear_cookies()
    page.get_by_role("button", name="Add stage").click()
    sign_in_again(page, "wrong cement")
    expect(page.get_by_role("alert")).to_contain_text("password is wrong")
    sign_in_again(page)
    expect(page.get_by_text("Added.")).to_be_visible()
    expect(page.locator(".order strong").last).to_have_text("Polishing")


def test_a_file_is_sent_after_signing_in_again(open_page: OpenPage, site: Site) -> None:
    project = site.project("Kept file")
    page = open_page(f"/projects/{project}/import", error_responses=True)
    page.context.clear_cookies()
    page.get_by_label("Drop a workbook or CSV file here").set_input_files(WORKBOOK)
    sign_in_again(page)
    page.wait_for_url("**/jobs/*")
    expect(page.get_by_role("link", name="120 new")).to_be_visible()


def test_a_download_link_leads_to_the_sign_in_form_when_the_session_has_ended(open_page: OpenPage, site: Site) -> None:
    project = site.project("Download")
    page = open_page(f"/projects/{project}/import", error_responses=True)
    page.context.clear_cookies()
    page.get_by_role("link", name="workbook").click()
    sign_in_on_form(page)
    page.wait_for_url(f"**/projects/{project}/import")


def test_a_search_without_connection_keeps_the_page_and_is_repeated(open_page: OpenPage, site: Site) -> None:
    project = site.project("Offline")
    site.follow(site.upload(f"/api/project/{project}/import/excel", WORKBOOK)["job_id"])
    page = open_page(f"/projects/{project}/element-types", error_responses=True)
    page.context.set_offline(True)
    page.get_by_label("Search").fill("SW-00")
    note = page.get_by_text("the results below are those of the search before")
    expect(note).to_be_visible()
    expect(page.get_by_label("Search")).to_have_value("SW-00")
    expect(page.get_by_role("status").filter(has_text="120 element types")).to_be_visible()
    check_page(page)
    page.context.set_offline(False)
    page.wait_for_url("**search=SW-00**")
    expect(note).to_have_count(0)


def test_a_session_is_ended_from_another_one(open_page: OpenPage) -> None:
    other = open_page("/account", error_responses=True)
    page = open_page("/account")
    others = page.locator("tr", has=page.get_by_role("button", name="Sign out"))
    count = others.count()
    others.first.get_by_role("button").click()
    page.get_by_role("button", name="Yes").click()
    expect(others).to_have_count(count - 1)
    check_page(page)
    other.reload()
    other.wait_for_url("**/login?**")


def test_a_page_is_shown_again_after_signing_in_again(open_page: OpenPage, site: Site) -> None:
    project = site.project("Signed out")
    page = open_page(f"/projects/{project}/jobs", error_responses=True)
    page.context.clear_cookies()
    dialog = page.get_by_role("dialog", name="Your session has ended")
    expect(dialog).to_be_visible()
    check_page(page)
    dialog.get_by_role("button", name="Not now").click()
    sign_in_on_form(page)
    page.wait_for_url(f"**/projects/{project}/jobs**")


def test_a_page_shows_when_the_server_is_unavailable(open_page: OpenPage, site: Site) -> None:
    project = site.project("Away")
    page = open_page(f"/projects/{project}/import", error_responses=True)
    refused = iter([429, 503, 502, 503])

    def answer(route: Route) -> None:
        """Answer like a proxy whose server restarts."""
        status = next(refused, None)
        if status is None:
            route.continue_()
        else:
            route.fulfill(status=status, headers={"Retry-After": "1"}, body="Later.")

    page.context.route("**/jobs/*/state", answer)
    page.get_by_label("Drop a workbook or CSV file here").set_input_files(WORKBOOK)
    page.wait_for_url("**/jobs/*")
    note = page.get_by_text("The server is unreachable or overloaded")
    expect(note).to_be_visible()
    check_page(page)
    expect(note).to_have_count(0)
    expect(page.get_by_role("link", name="120 new")).to_be_visible()


def test_a_page_says_that_access_was_lost(open_page: OpenPage, site: Site) -> None:
    project = site.project("Left")
    site.member(project, "otto", "viewer")
    page = open_page(f"/projects/{project}/jobs", "otto", error_responses=True)
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    site.session.delete(f"{site.address}/api/project/{project}/members/otto").raise_for_status()
    expect(page.get_by_text("no longer exists")).to_be_visible()


def test_nothing_is_sent_before_the_scripts_are_loaded(open_page: OpenPage) -> None:
    page = open_page("/account", error_responses=True)
    page.context.route("**/*.js", lambda route: route.abort())
    page.goto("/account")
    page.get_by_label("Old password").fill(PASSWORD)
    page.get_by_label("New password").fill("a password that no log may hold")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    page.keyboard.press("Enter")
    button = page.get_by_role("button", name="Change password")
    assert button.evaluate("each => getComputedStyle(each).pointerEvents") == "none"
    button.evaluate("each => each.click()")
    page.wait_for_timeout(300)
    assert sent == []
    assert page.url.endswith("/account")
