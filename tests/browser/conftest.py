"""A real Chromium before the real system; where none is installed these tests are left out, and say how to get one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, ConsoleMessage, Page, ViewportSize, expect

from tests.browser import chromium
from tests.conftest import emptied
from tests.live_site import PASSWORD, Site, started

# The rules of WCAG 2.2 AA, and what is good practice besides.
_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
PHONE: ViewportSize = {"width": 360, "height": 740}
DESK: ViewportSize = {"width": 1280, "height": 900}

_WIDE = """[...document.querySelectorAll("body *")]
    .filter((each) => each.getBoundingClientRect().right > document.documentElement.clientWidth)
    .map((each) => `${each.tagName}.${each.className}`)"""

# How long a page may take for what it will show; only what never comes takes so long.
_PATIENCE_MS = 60_000
expect.set_options(timeout=_PATIENCE_MS)

Opened = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium.launched() as found:
        if found is None:
            if os.environ.get("BROWSER_REQUIRED"):
                pytest.fail(chromium.HOW)
            pytest.skip(chromium.HOW)
        yield found


@pytest.fixture(scope="module")
def site(browser: Browser, _application: Flask, environment: dict[str, str]) -> Iterator[Site]:
    """The system on empty tables, for all tests of a module; each makes a project of its own."""
    with emptied(_application), started(environment) as found:
        yield found


@pytest.fixture
def opened(browser: Browser, site: Site) -> Iterator[Opened]:
    """Signs a user in and shows a page; at the end nothing may have gone wrong in any of them that no test expected."""
    wrong: list[str] = []
    contexts = []

    def open_page(
        path: str, name: str = "ada", *, size: ViewportSize = DESK, dark: bool = False, refusals: bool = False
    ) -> Page:
        def heard(message: ConsoleMessage) -> None:
            # A refusal that the test is about: the browser tells each answer from 400 on.
            is_refusal = refusals and "Failed to load resource" in message.text
            if message.type in ("error", "warning") and not is_refusal:
                wrong.append(f"{message.text} at {page.url}")

        context = browser.new_context(
            base_url=site.address, viewport=size, color_scheme="dark" if dark else "light", reduced_motion="reduce"
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(_PATIENCE_MS)
        page.on("console", heard)
        page.on("pageerror", lambda error: wrong.append(f"{error} at {page.url}"))
        page.goto(path)
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda url: "/login" not in url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


def checked(page: Page) -> None:
    """The page as it is shown now breaks no rule of axe, and does not scroll sideways."""
    found = Axe().run(page, options=_RULES)
    assert found.violations_count == 0, f"{page.url}\n{found.generate_report()}"
    beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert beyond == 0, f"{page.url} is {beyond} pixels wider than the window, as are {page.evaluate(_WIDE)}"
