"""Every page, in light and dark, wide and narrow, with and without data, as each role that may see it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.conftest import DESK, PHONE, Opened, checked
from tests.conftest import EXAMPLES
from tests.live_site import Site

READ = ("", "/jobs", "/element-types", "/element-types/1", "/reference/hierarchy", "/reference/stages")
REFERENCE = ("/reference/drawing-types", "/reference/bom-products")
IMPORT = ("/import",)
MANAGE = ("/members", "/audit")
ROLES = {"viewer": READ, "editor": IMPORT, "manager": (*REFERENCE, *MANAGE)}
LONG = "Ärztehaus und Wohnanlage an der Straße der Republik, Bauabschnitt " + "W" * 80


@pytest.fixture(scope="module")
def project(site: Site) -> Iterator[int]:
    """The sample, a job that rejects a row, and a member of each role."""
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
def test_pages_of_a_project(opened: Opened, project: int, role: str, size: dict[str, int], dark: bool) -> None:
    page = opened("/", role, size=size, dark=dark)
    checked(page)
    for path in ROLES[role]:
        page.goto(f"/projects/{project}{path}")
        for closed in page.locator("main details:not([open]) > summary").all()[:2]:
            closed.click()
        checked(page)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_jobs_account_and_installation(opened: Opened, project: int, dark: bool) -> None:
    page = opened(f"/projects/{project}/jobs", dark=dark)
    for link in ("with mistakes.csv", "element_types.xlsx", "stages.csv"):
        page.goto(f"/projects/{project}/jobs")
        page.get_by_role("link", name=link).click()
        checked(page)
    for path in ("/account", "/users", "/audit", "/api/docs"):
        page.goto(path)
        checked(page) if path != "/api/docs" else page.wait_for_selector(".opblock")


def test_nothing_there_yet_and_nothing_found(opened: Opened, site: Site, project: int) -> None:
    empty = site.project(LONG, reference=False)
    page = opened(f"/projects/{empty}", size=PHONE)
    for path in ("", "/jobs", "/element-types", "/reference/hierarchy", "/reference/stages", "/members", "/import"):
        page.goto(f"/projects/{empty}{path}")
        checked(page)
    page.goto(f"/projects/{project}/element-types?search=nowhere")
    page.get_by_text("Nothing matches.").wait_for()
    checked(page)


def test_forbidden_and_not_found(opened: Opened, site: Site, project: int) -> None:
    page = opened("/", "viewer", refusals=True)
    page.goto(f"/projects/{project}/import")
    page.get_by_role("heading", name="Not allowed").wait_for()
    checked(page)
    page.goto("/projects/999")
    page.get_by_role("heading", name="Not found").wait_for()
    checked(page)
