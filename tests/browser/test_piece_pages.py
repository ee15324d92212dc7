"""Pieces on pages: many are moved on and back again, labels are scanned, a list of scans is sent."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

import pypdfium2
import pytest
import zxingcpp
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import PHONE, OpenPage, check_page
from tests.conftest import EXAMPLES
from tests.live_site import Json, Site

MAX_CLICKS = 10
_DOTS_PER_POINT = 3


@pytest.fixture(scope="module")
def project(site: Site) -> Iterator[int]:
    """Yield the id of a project with the sample's element types."""
    number = site.project("Green Meadows")
    done = site.upload(f"/api/project/{number}/import/excel", EXAMPLES / "element_types.xlsx")
    site.follow(done["job_id"])
    site.member(number, "eva", "editor")
    yield number


def pieces_with(site: Site, project: int, status: str) -> list[Json]:
    found: list[Json] = site.get(f"/api/project/{project}/elements?status={status}&sort=code")["elements"]
    return found


class Clicks:
    """Somebody who works with the mouse; counts the clicks. Choosing an option takes two."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.number = 0

    def click(self, role: str, name: str, *, shift: bool = False) -> None:
        self.number += 1
        place = self.page.get_by_role(role, name=name, exact=True).first  # type: ignore[arg-type] # one of the roles
        place.click(modifiers=["Shift"] if shift else [])

    def choose(self, label: str, option: str) -> None:
        self.number += 2
        self.page.get_by_label(label).select_option(option)


def test_forty_pieces_of_a_floor_are_produced_and_that_is_undone_in_a_few_clicks(
    open_page: OpenPage, site: Site, project: int
) -> None:
    page = open_page(f"/projects/{project}", "eva")
    floor = page.get_by_role("region", name="Tower A").get_by_role("link", name="Floor 2")
    hand = Clicks(page)
    hand.number += 1
    floor.click()
    page.wait_for_url("**/pieces?node_id=*")
    expect(page.get_by_role("status").filter(has_text="147 pieces")).to_be_visible()
    codes = page.locator("#results tbody th a").all_inner_texts()[:40]
    hand.click("checkbox", f"Choose {codes[0]}")
    hand.click("checkbox", f"Choose {codes[-1]}", shift=True)
    expect(page.get_by_text("40 pieces chosen")).to_be_visible()
    check_page(page)
    hand.choose("Mark as", "produced")
    hand.click("button", "Mark 40 pieces")
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    check_page(page)
    assert [piece["code"] for piece in pieces_with(site, project, "produced")] == codes
    hand.click("button", "Undo")
    expect(page.locator("#notice")).to_contain_text("40 pieces put back")
    assert pieces_with(site, project, "produced") == []
    assert hand.number < MAX_CLICKS


def test_all_pieces_that_match_are_chosen_beyond_the_first_page(open_page: OpenPage, site: Site, project: int) -> None:
    page = open_page(f"/projects/{project}/pieces?type=COLUMN", "eva")
    expect(page.get_by_role("link", name="Show more")).to_be_visible()
    first = page.locator("#results tbody tr").count()
    page.get_by_role("link", name="Show more").click()
    expect(page.locator("#results tbody tr").nth(first)).to_be_visible()
    page.get_by_label("Choose all pieces shown").check()
    page.get_by_role("button", name="that match").click()
    count = site.get(f"/api/project/{project}/elements?type=COLUMN&limit=1")["count"]
    expect(page.get_by_role("button", name=f"Mark {count} pieces")).to_be_visible()
    page.get_by_label("Status").select_option("erected")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    expect(page.get_by_role("button", name="Mark")).to_have_count(0)


def test_a_list_of_scans_that_is_sent_twice_counts_once(open_page: OpenPage, site: Site, project: int) -> None:
    pieces = site.get(f"/api/project/{project}/elements?type=WALL&limit=3&sort=code")["elements"]
    page = open_page(f"/projects/{project}/scan", "eva", size=PHONE, error_responses=True)
    for text in (pieces[0]["code"], f"{site.address}/pieces/{pieces[1]['id']}?code={pieces[1]['code']}", "WALL/NO/1"):
        page.get_by_label("Code").fill(text)
        page.keyboard.press("Enter")
    expect(page.get_by_text("There is no such piece in this project.")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text=pieces[1]["code"])).to_contain_text("planned")
    check_page(page)

    sent: list[str] = []

    def lose_the_answer(route: Route) -> None:
        """Let the request reach the server, but not the answer the page."""
        sent.append(str(route.request.headers["idempotency-key"]))
        if len(sent) == 1:
            route.fetch()
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/jobs?job_type=piece_status_import", lose_the_answer)
    page.get_by_role("button", name="Mark 2 pieces as produced").click()
    expect(page.get_by_text("Kept on this device.")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Successfully processed 2")).to_be_visible()
    check_page(page)
    assert (len(sent), len(set(sent))) == (2, 1)
    jobs = site.get(f"/api/project/{project}/jobs?job_type=piece_status_import")["jobs"]
    assert len(jobs) == 1
    for piece in pieces[:2]:
        events = site.get(f"/api/elements/{piece['id']}")["element"]["events"]
        assert [(event["to"], event["job_id"]) for event in events] == [("produced", jobs[0]["id"])]


def test_scans_are_kept_without_a_connection_and_sent_when_it_is_back(
    open_page: OpenPage, site: Site, project: int
) -> None:
    piece = site.get(f"/api/project/{project}/elements?type=BEAM&limit=1&sort=code")["elements"][0]
    page = open_page(f"/projects/{project}/scan", "eva", size=PHONE, error_responses=True)
    page.context.set_offline(True)
    page.get_by_label("Code").fill(piece["code"])
    page.keyboard.press("Enter")
    expect(page.get_by_text("Not checked yet")).to_be_visible()
    page.get_by_role("button", name="Mark 1 piece as produced").click()
    expect(page.get_by_text("Kept on this device.")).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_text("Successfully processed 1")).to_be_visible()
    assert site.get(f"/api/elements/{piece['id']}")["element"]["status"] == "produced"


def test_the_code_of_a_label_opens_the_page_of_its_piece(open_page: OpenPage, site: Site, project: int) -> None:
    page = open_page(f"/projects/{project}/pieces?type=WALL&status=planned", "eva")
    code = page.locator("#results tbody th a").first.inner_text()
    page.get_by_label(f"Choose {code}").check()
    page.get_by_text("Labels", exact=True).click()
    page.get_by_role("button", name="Make the PDF").click()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download the PDF").click()
    content = waiting.value.path().read_bytes()
    image = pypdfium2.PdfDocument(BytesIO(content))[0].render(scale=_DOTS_PER_POINT).to_pil()
    address = zxingcpp.read_barcodes(image)[0].text
    assert address.startswith(site.address)
    phone = open_page(address, "eva", size=PHONE)
    expect(phone.get_by_role("heading", name=code)).to_be_visible()
    check_page(phone)
    phone.get_by_role("button", name="Mark as in production").click()
    expect(phone.get_by_role("button", name="Mark as produced")).to_be_visible()
    expect(phone.get_by_text("from planned")).to_be_visible()
    check_page(phone)


def test_a_scanned_code_in_the_search_field_opens_the_page_of_its_piece(
    open_page: OpenPage, site: Site, project: int
) -> None:
    code = site.get(f"/api/project/{project}/elements?limit=1")["elements"][0]["code"]
    page = open_page(f"/projects/{project}/pieces", "eva")
    page.keyboard.press("/")
    page.keyboard.type(code)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=code)).to_be_visible()
