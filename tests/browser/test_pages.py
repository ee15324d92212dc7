"""Every page in light and dark colours, wide and narrow, with and without data, for each role."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.conftest import DESK, PHONE, OpenPage, check_page
from tests.conftest import EXAMPLES
from tests.live_site import Site

READ = ("", "/jobs", "/element-types", "/element-types/1", "/pieces", "/reference/hierarchy", "/reference/stages")
REFERENCE = ("/reference/drawing-types", "/reference/bom-products")
IMPORT = ("/import",)
MANAGE = ("/members", "/audit")
ROLES = {"viewer": READ, "editor": IMPORT, "manager": (*REFERENCE, *MANAGE)}
# Height of a control with one line of text in pixels, at most.
ONE_LINE = 40
LONG = "Ärztehaus und Wohnanlage an der Straße der Republik, Bauabschnitt " + "W" * 80


@pytest.fixture(scope="module")
def project(site: Site) -> Iterator[int]:
    """Yield the id of a project with the sample, a job that rejected a row, and a member with each role."""
    number = site.project("Green Meadows")
    done = site.upload(f"/api/project/{number}/import/excel", EXAMPLES / "element_types.xlsx")
    site.follow(done["job_id"])
    sheet = (EXAMPLES / "element_types.csv").read_bytes()
    first, second, rest = sheet.split(b"\n", 2)
    cells = second.split(b",")
    cells[2] = b"tall"
    files = {"file": ("with mistakes.csv", b"\n".join([first, b",".join(cells), rest]))}
    done = site.post(f"/api/project/{number}/jobs?job_type=element_type_import", files=files)
    site.follow(done["job_id"])
    for role in ROLES:
        site.member(number, role, role)
    yield number


@pytest.mark.parametrize(("size", "dark"), [(DESK, False), (DESK, True), (PHONE, False)], ids=["wide", "dark", "phone"])
@pytest.mark.parametrize("role", ROLES)
def test_pages_of_a_project_are_accessible(
    open_page: OpenPage, project: int, role: str, size: dict[str, int], dark: bool
) -> None:
    page = open_page("/", role, size=size, dark=dark)
    check_page(page)
    for path in ROLES[role]:
        page.goto(f"/projects/{project}{path}")
        closed = page.locator("main details:not([open]) > summary")
        for _ in range(min(closed.count(), 2)):
            closed.first.click()
        check_page(page)
    page.goto("/pieces/1")
    check_page(page)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pages_of_jobs_and_of_the_installation_are_accessible(open_page: OpenPage, project: int, dark: bool) -> None:
    page = open_page(f"/projects/{project}/jobs", dark=dark)
    for link in ("with mistakes.csv", "element_types.xlsx", "stages.csv"):
        page.goto(f"/projects/{project}/jobs")
        page.get_by_role("link", name=link).click()
        check_page(page)
    for path in ("/account", "/users", "/audit", "/api/docs"):
        page.goto(path)
        check_page(page) if path != "/api/docs" else page.wait_for_selector(".opblock")


@pytest.mark.parametrize("path", ["/element-types/1", "/element-types", "/pieces", "/jobs", "/members"])
def test_tables_fit_a_wide_window(open_page: OpenPage, project: int, path: str) -> None:
    page = open_page(f"/projects/{project}{path}", size={"width": 1440, "height": 900})
    cut = "all => all.filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.innerText)"
    assert page.locator(".scroll").evaluate_all(cut) == []


def test_words_of_buttons_stay_whole_on_a_phone(open_page: OpenPage, project: int) -> None:
    page = open_page("/users", size=PHONE)
    for path in ("/users", f"/projects/{project}/reference/bom-products", f"/projects/{project}/members"):
        page.goto(path)
        controls = page.locator("summary, button.plain")
        heights = controls.evaluate_all("all => all.map((each) => each.getBoundingClientRect().height)")
        assert 0 < max(heights) < ONE_LINE, path


def test_pages_of_an_empty_project_are_accessible(open_page: OpenPage, site: Site, project: int) -> None:
    empty = site.project(LONG, reference=False)
    page = open_page(f"/projects/{empty}", size=PHONE)
    for path in (
        "",
        "/jobs",
        "/element-types",
        "/pieces",
        "/reference/hierarchy",
        "/reference/stages",
        "/members",
        "/import",
    ):
        page.goto(f"/projects/{empty}{path}")
        check_page(page)
    page.goto(f"/projects/{project}/element-types?search=nowhere")
    page.get_by_text("Nothing matches.").wait_for()
    check_page(page)


def test_error_pages_are_accessible(open_page: OpenPage, site: Site, project: int) -> None:
    page = open_page("/", "viewer", error_responses=True)
    page.goto(f"/projects/{project}/import")
    page.get_by_role("heading", name="Not allowed").wait_for()
    check_page(page)
    page.goto("/projects/999")
    page.get_by_role("heading", name="Not found").wait_for()
    check_page(page)
