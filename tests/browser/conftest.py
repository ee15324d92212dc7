"""A real Chromium and the running system. Without a Chromium these tests are skipped with a hint how to install one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, ConsoleMessage, Page, ViewportSize, expect

from tests.auth_headers import PASSWORD
from tests.browser import chromium
from tests.conftest import emptied
from tests.live_site import Site, serving

# The rules of WCAG 2.2 AA and axe's best practices. Only violations are reported in full, since describing what passes
# takes axe a third of its time.
_RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
PHONE: ViewportSize = {"width": 360, "height": 740}
DESK: ViewportSize = {"width": 1280, "height": 900}

_TOO_WIDE = """[...document.querySelectorAll("body *")]
    .filter((each) => each.getBoundingClientRect().right > document.documentElement.clientWidth)
    .map((each) => `${each.tagName}.${each.className}`)"""

# Long, because the machine may be busy; only a failing test waits this long.
_TIMEOUT_MS = 60_000
expect.set_options(timeout=_TIMEOUT_MS)

OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium.launch() as found:
        if found is None:
            if os.environ.get("BROWSER_REQUIRED"):
                pytest.fail(chromium.HOW_TO_INSTALL)
            pytest.skip(chromium.HOW_TO_INSTALL)
        yield found


@pytest.fixture(scope="package")
def running_site(browser: Browser, _application: Flask, environment: dict[str, str]) -> Iterator[Site]:
    """Yield the running system. It is started once per test process, which takes as long as several tests."""
    with emptied(_application), serving(environment) as found:
        yield found


@pytest.fixture(scope="module")
def site(running_site: Site) -> Site:
    """Return the running system with empty tables, shared by a module; each test creates its own project."""
    return running_site.reset()


@pytest.fixture
def open_page(browser: Browser, site: Site) -> Iterator[OpenPage]:
    """Yield a function that signs a user in and opens a page; fail at the end if a page logged an unexpected error."""
    errors: list[str] = []
    contexts = []

    def open_page(
        path: str,
        name: str = "ada",
        *,
        size: ViewportSize = DESK,
        dark: bool = False,
        error_responses: bool = False,
        locale: str = "en-GB",
    ) -> Page:
        def log(message: ConsoleMessage) -> None:
            # The browser logs every response with a status of 400 or more; the test expects these.
            is_expected = error_responses and "Failed to load resource" in message.text
            if message.type in ("error", "warning") and not is_expected:
                errors.append(f"{message.text} at {page.url}")

        context = browser.new_context(
            base_url=site.address,
            viewport=size,
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            locale=locale,
        )
        contexts.append(context)
        # Not by the form, which tests of ended sessions use: two more pages would be loaded in each test.
        signed_in = context.request.post("/login", form={"name": name, "password": PASSWORD}, max_redirects=0)
        assert signed_in.status == 302, signed_in.text()
        page = context.new_page()
        page.set_default_timeout(_TIMEOUT_MS)
        page.on("console", log)
        page.on("pageerror", lambda error: errors.append(f"{error} at {page.url}"))
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


def check_page(page: Page) -> None:
    """Assert that the page as it is now breaks no rule of axe and does not scroll sideways."""
    # A click on a link returns before the styles of the next page are there.
    page.wait_for_load_state()
    found = Axe().run(page, options=_RULES)
    assert found.violations_count == 0, f"{page.url}\n{found.generate_report()}"
    check_width(page)


def check_width(page: Page) -> None:
    """Assert that the page as it is now does not scroll sideways."""
    beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert beyond == 0, f"{page.url} is {beyond} pixels wider than the window, as are {page.evaluate(_TOO_WIDE)}"
