"""The page of a job, and the list of jobs: the bar, filters, downloads, and what is offered in which state."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import DESK, PHONE, OpenPage, check_page
from tests.browser.dropping import drop
from tests.conftest import EXAMPLES, ROOT
from tests.live_site import Json, Site

SHEET = EXAMPLES / "element_types.csv"
GERMAN_LIST = ROOT / "tests/files/other_offices/fertigteilliste.xlsx"


def bar(page: Page) -> Locator:
    return page.get_by_role("region", name="This job")


def upload(site: Site, project: int, content: bytes, *, dry_run: bool = False) -> Json:
    """Import the content as a CSV file and return the ended job."""
    query = f"job_type=element_type_import&dry_run={str(dry_run).lower()}"
    created = site.post(f"/api/project/{project}/jobs?{query}", files={"file": ("walls.csv", content)})
    return site.follow(created["job_id"])[-1]


def with_mistakes(count: int = 3) -> bytes:
    """Return the sample with a changed height in one row and text for the heights of the next ones."""
    lines = SHEET.read_text(encoding="utf-8").splitlines()
    for number, text in enumerate(["3333", *["tall"] * count], 1):
        cells = lines[number].split(",")
        cells[2] = text
        lines[number] = ",".join(cells)
    return "\n".join(lines).encode()


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["wide", "phone"])
def test_the_bar_stays_in_sight_and_its_counts_filter_the_page(
    open_page: OpenPage, site: Site, size: dict[str, int]
) -> None:
    project = site.project(f"Bar {size['width']}")
    upload(site, project, SHEET.read_bytes())
    job = upload(site, project, with_mistakes(), dry_run=True)
    page = open_page(f"/jobs/{job['id']}", size=size)
    expect(bar(page)).to_contain_text("Preview Element types")
    check_page(page)
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(bar(page).get_by_role("button", name="Import now")).to_be_in_viewport()
    bar(page).get_by_role("link", name="1 changed").click()
    expect(bar(page).get_by_role("link", name="1 changed")).to_have_attribute("aria-current", "true")
    expect(page.locator("#changes tbody tr")).to_have_count(1)
    expect(page.locator("#changes")).to_be_in_viewport()
    page.get_by_role("link", name="Show all").click()
    expect(page.locator("#changes tbody tr")).to_have_count(1)
    bar(page).get_by_role("link", name="3 rejected").click()
    expect(page.locator("#cells tbody tr")).to_have_count(3)
    expect(bar(page).get_by_role("link", name="0 ")).to_have_count(0)
    check_page(page)


def test_the_page_has_its_parts_in_order(open_page: OpenPage, site: Site) -> None:
    project = site.project("Order")
    upload(site, project, SHEET.read_bytes())
    job = upload(site, project, with_mistakes(), dry_run=True)
    page = open_page(f"/jobs/{job['id']}")
    headings = [text for text in page.locator("h2").all_inner_texts() if text != "Correct the rejected rows"]
    assert headings == [
        "What was found in the file",
        "Cell by cell (3)",
        "Upload a corrected file",
        "Planned changes",
        "How the file was read",
        "History",
    ]
    expect(page.get_by_text("the data begin in row 2")).to_be_hidden()
    page.get_by_role("heading", name="How the file was read").click()
    expect(page.get_by_text("the data begin in row 2")).to_be_visible()


def test_a_preview_and_its_import_lead_to_each_other_and_are_one_line(open_page: OpenPage, site: Site) -> None:
    project = site.project("Partners")
    preview = upload(site, project, SHEET.read_bytes(), dry_run=True)["id"]
    page = open_page(f"/jobs/{preview}")
    page.get_by_role("button", name="Import now").click()
    expect(page.get_by_text("Successfully processed 120 elements")).to_be_visible()
    done = page.url.rpartition("/")[2]
    bar(page).get_by_role("link", name=f"From preview {preview}").click()
    page.wait_for_url(f"**/jobs/{preview}")
    bar(page).get_by_role("link", name=f"Applied as job {done}").click()
    page.wait_for_url(f"**/jobs/{done}")
    page.get_by_role("link", name="Jobs", exact=True).click()
    rows = page.get_by_role("row").filter(has_text="walls.csv")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text(f"from preview {preview}")
    check_page(page)


def test_an_outdated_preview_is_made_again_with_the_same_columns(open_page: OpenPage, site: Site) -> None:
    project = site.project("Outdated columns", reference=False)
    page = open_page(f"/projects/{project}")
    drop(page, GERMAN_LIST)
    page.wait_for_url("**/columns")
    page.locator("#missing").wait_for()
    page.get_by_label("Meaning of Dicke [cm]").select_option("Width")
    page.get_by_label("Remember for files like this").uncheck()
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("button", name="Import now")).to_be_visible()
    site.post(f"/api/project/{project}/stages", json={"name": "Polishing"})
    page.reload()
    expect(page.get_by_text("This preview is out of date")).to_be_visible()
    expect(page.get_by_role("button", name="Import now")).to_have_count(0)
    bar(page).get_by_role("button", name="Preview again").click()
    page.get_by_role("button", name="Import now").click()
    expect(page.get_by_text("Successfully processed 16 elements")).to_be_visible()
    stored = site.get(f"/api/project/{project}/element-types?limit=1")["element_types"][0]
    assert (stored["width"], stored["thickness"]) == ("200", None)


def test_downloads_are_in_a_menu_and_only_what_there_is(open_page: OpenPage, site: Site) -> None:
    project = site.project("Files of jobs")
    good = upload(site, project, SHEET.read_bytes())
    page = open_page(f"/jobs/{good['id']}")
    page.get_by_text("Downloads").click()
    expect(page.get_by_role("link", name="The uploaded file")).to_be_visible()
    expect(page.get_by_role("link", name="The file with its cells marked")).to_have_count(0)
    bad = upload(site, project, with_mistakes(), dry_run=True)
    page.goto(f"/jobs/{bad['id']}")
    page.get_by_text("Downloads").click()
    check_page(page)
    with page.expect_download() as waiting:
        page.get_by_role("link", name="The file with its cells marked").click()
    assert waiting.value.suggested_filename == "walls-annotated.xlsx"


def test_a_viewer_is_told_who_can_import(open_page: OpenPage, site: Site) -> None:
    project = site.project("For viewers")
    site.member(project, "vera", "viewer")
    preview = upload(site, project, SHEET.read_bytes(), dry_run=True)
    page = open_page(f"/jobs/{preview['id']}", "vera")
    expect(page.get_by_text("An editor of the project can import it.")).to_be_visible()
    expect(bar(page).get_by_role("button")).to_have_count(0)
    check_page(page)


def test_actions_without_connection_or_session_say_so_and_can_be_repeated(open_page: OpenPage, site: Site) -> None:
    project = site.project("Interrupted")
    preview = upload(site, project, SHEET.read_bytes(), dry_run=True)
    page = open_page(f"/jobs/{preview['id']}", error_responses=True)
    page.context.set_offline(True)
    page.get_by_role("button", name="Import now").click()
    expect(page.get_by_role("alert").filter(has_text="The server can't be reached.")).to_be_visible()
    page.context.set_offline(False)
    page.context.clear_cookies()
    page.get_by_role("button", name="Import now").click()
    dialog = page.get_by_role("dialog", name="Your session has ended")
    dialog.get_by_role("button", name="Not now").click()
    expect(page.get_by_role("alert").filter(has_text="Your session has ended, so nothing was sent.")).to_be_visible()
    assert "Bearer" not in page.content()


@pytest.mark.parametrize("path", ["/rq", "/metrics", "/jobs/1"])
def test_addresses_that_need_a_session_lead_to_the_sign_in_form(open_page: OpenPage, path: str) -> None:
    page = open_page("/", error_responses=True)
    page.context.clear_cookies()
    page.goto(path)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert "Bearer" not in page.content()


def test_the_issues_and_the_result_of_a_job_are_shown_in_german(open_page: OpenPage, site: Site) -> None:
    job = upload(site, site.project("Hafenstraße"), with_mistakes())
    page = open_page("/")
    page.context.add_cookies([{"name": "language", "value": "de", "url": site.address}])
    page.goto(f"/jobs/{job['id']}")
    expect(page.get_by_text("Elementen verarbeitet; 3 Zeilen wurden abgelehnt")).to_be_visible()
    what_to_do = "Geben Sie eine Zahl in Ziffern und ohne Einheit ein, zum Beispiel 1250.5."
    page.locator("#cells summary").click()
    expect(page.locator("#cells tbody tr").first).to_contain_text(what_to_do)
    expect(page.locator(".downloads a[href$='issues.csv?language=de']")).to_have_count(1)
