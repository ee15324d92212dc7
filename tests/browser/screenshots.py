"""`python -m tests.browser.screenshots` takes the pictures of docs/tour.md, with the sample project."""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize

from devstack import demo, servers
from tests.auth_headers import PASSWORD
from tests.browser import chromium
from tests.conftest import EXAMPLES, ROOT
from tests.live_site import ADMIN, Site, started

OUT = ROOT / "docs" / "tour"
_GERMAN_LIST = ROOT / "tests/files/other_offices/fertigteilliste.xlsx"
_WIDE: ViewportSize = {"width": 1180, "height": 760}
_PHONE: ViewportSize = {"width": 360, "height": 740}


def main() -> None:
    with chromium.launch() as browser, tempfile.TemporaryDirectory() as folder, servers(Path(folder)) as used:
        if browser is None:
            sys.exit(chromium.HOW_TO_INSTALL)
        key = secrets.token_urlsafe(48)
        given = {"DATABASE_URL": used.database_url, "REDIS_URL": used.redis_url, "SECRET_KEY": key}
        limits = {"REQUESTS_PER_MINUTE": "1000000", "UPLOADS_PER_MINUTE": "1000000"}
        with started({**os.environ, **given, **limits}) as site:
            _take_all(browser, site, Path(folder))


def _take_all(browser: Browser, site: Site, folder: Path) -> None:
    OUT.mkdir(exist_ok=True)
    project = site.project("Green Meadows")
    page = _signed_in(browser, site, _WIDE)
    page.goto(f"{site.address}/projects/{project}/import")
    _save(page, "import")

    other = site.project("Hafenstraße", reference=False)
    page.goto(f"{site.address}/projects/{other}/import")
    page.get_by_label("Drop a workbook or CSV file here").set_input_files(_GERMAN_LIST)
    page.get_by_text("Nothing is missing").wait_for()
    _save(page, "columns")

    page.goto(f"{site.address}/projects/{project}/import")
    page.get_by_label("Drop a workbook or CSV file here").set_input_files(_with_mistakes(folder))
    page.get_by_role("gridcell").first.wait_for()
    _save(page, "dry-run")

    done = site.upload(f"/api/project/{project}/import/excel", EXAMPLES / "element_types.xlsx")
    site.follow(done["job_id"])
    token = str(site.session.headers["Authorization"]).removeprefix("Bearer ")
    demo.plan_floors(demo.Api(site.address, token), project, datetime.now(UTC).date())
    statuses = demo.recent_copy(EXAMPLES / "piece_status.csv", folder, datetime.now(UTC).date())
    done = site.upload(f"/api/project/{project}/jobs?job_type=piece_status_import", statuses)
    site.follow(done["job_id"])
    changed = (EXAMPLES / "element_types.csv").read_bytes().replace(b",3150,", b",3200,")
    done = site.post(
        f"/api/project/{project}/jobs?job_type=element_type_import", files={"file": ("revised.csv", changed)}
    )
    site.follow(done["job_id"])

    for name, path in {
        "overview": f"/projects/{project}",
        "job": f"/jobs/{done['job_id']}?change=updated",
        "jobs": f"/projects/{project}/jobs",
        "element-types": f"/projects/{project}/element-types?sort=-height",
        "stages": f"/projects/{project}/reference/stages",
    }.items():
        page.goto(f"{site.address}{path}")
        _save(page, name)

    dark = _signed_in(browser, site, _WIDE, dark=True)
    dark.goto(f"{site.address}/projects/{project}")
    _save(dark, "overview-dark")
    phone = _signed_in(browser, site, _PHONE)
    phone.goto(f"{site.address}/projects/{project}")
    _save(phone, "phone")
    _take_pieces(page, phone, site, project)


def _take_pieces(page: Page, phone: Page, site: Site, project: int) -> None:
    """Take the list of pieces with some of them chosen, the page of a piece, and a list of scans."""
    page.goto(f"{site.address}/projects/{project}/pieces?tower=Tower_A&status=in_production")
    boxes = page.locator("input[data-piece]")
    boxes.first.click()
    boxes.nth(5).click(modifiers=["Shift"])
    page.get_by_role("button", name="Mark 6 pieces").wait_for()
    _save(page, "pieces")
    found = site.get(f"/api/project/{project}/elements?status=in_production&limit=3&sort=code")["elements"]
    phone.goto(f"{site.address}/pieces/{found[0]['id']}")
    _save(phone, "piece")
    phone.goto(f"{site.address}/projects/{project}/scan")
    for piece in found:
        phone.get_by_label("Code").fill(piece["code"])
        phone.keyboard.press("Enter")
        phone.get_by_role("listitem").filter(has_text=piece["code"]).get_by_text(piece["element_type_name"]).wait_for()
    _save(phone, "scan")


def _signed_in(browser: Browser, site: Site, size: ViewportSize, *, dark: bool = False) -> Page:
    page = browser.new_page(viewport=size, color_scheme="dark" if dark else "light", reduced_motion="reduce")
    page.goto(f"{site.address}/login")
    page.get_by_label("Name").fill(ADMIN)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{site.address}/")
    return page


def _save(page: Page, name: str) -> None:
    page.screenshot(path=OUT / f"{name}.png")
    print(f"docs/tour/{name}.png")


def _with_mistakes(folder: Path) -> Path:
    """Write the sample's CSV file with three invalid cells and return its path."""
    lines = (EXAMPLES / "element_types.csv").read_text(encoding="utf-8").splitlines()
    for row, column, text in ((2, 2, "tall"), (9, 4, "-120"), (17, 3, "2.5 m")):
        cells = lines[row].split(",")
        cells[column] = text
        lines[row] = ",".join(cells)
    path = folder / "element_types.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


if __name__ == "__main__":
    main()
