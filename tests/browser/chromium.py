"""The Chromium of the machine, driven by Playwright; Playwright's own download will do as well."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Playwright, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
# It talks to nobody but the pages, and runs in containers, whose root it may be.
_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run")
HOW = (
    "No Chromium was found, so the tests in a browser are left out. Install one (Debian, Ubuntu: apt install chromium; "
    "macOS: brew install --cask google-chrome; or .venv/bin/python -m playwright install chromium), "
    "or name one: BROWSER=/path/to/chromium make test"
)


def path(driver: Playwright) -> str | None:
    """Where a Chromium is: the one that BROWSER names, the machine's, or Playwright's own."""
    if named := os.environ.get("BROWSER"):
        return named
    found = [shutil.which(name) for name in _NAMES]
    more = [str(each) for each in (_MAC, Path(driver.chromium.executable_path)) if each.exists()]
    return next(iter([each for each in found if each] + more), None)


@contextmanager
def launched() -> Iterator[Browser | None]:
    """The browser, or None where there is none."""
    with sync_playwright() as driver:
        where = path(driver)
        if where is None:
            yield None
            return
        browser = driver.chromium.launch(executable_path=where, args=_ARGUMENTS)
        yield browser
        browser.close()
