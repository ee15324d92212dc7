"""The installed Chromium, or the one that Playwright downloads, driven by Playwright.

The headless shell is preferred: it has the same engine and no window to draw, so that a page takes a third of the
processor time.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserType, sync_playwright

_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
# No traffic except to the pages; --no-sandbox because in a container the user may be root.
_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run")
HOW_TO_INSTALL = (
    "No Chromium was found, so the browser tests are skipped. Install one "
    "(Debian: apt install chromium-headless-shell; Ubuntu: apt install chromium; "
    "macOS: brew install --cask google-chrome; or .venv/bin/python -m playwright install chromium), "
    "or set BROWSER: BROWSER=/path/to/chromium make test"
)


def find_executable(kind: BrowserType) -> str | None:
    """Return the path of a Chromium: the one in BROWSER, an installed one or Playwright's; None if there is none."""
    if named := os.environ.get("BROWSER"):
        return named
    found = [shutil.which(name) for name in _NAMES]
    more = [str(each) for each in (_MAC, Path(kind.executable_path)) if each.exists()]
    return next(iter([each for each in found if each] + more), None)


@contextmanager
def launch() -> Iterator[Browser | None]:
    """Start the browser for the block; yield None if no Chromium is installed."""
    with sync_playwright() as driver:
        executable = find_executable(driver.chromium)
        if executable is None:
            yield None
            return
        browser = driver.chromium.launch(executable_path=executable, args=_ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def launch_with_camera(browser: Browser, film: Path) -> Iterator[Browser]:
    """Start another browser of the same kind for the block; its camera shows a film (Y4M or MJPEG) again and again."""
    kind = browser.browser_type
    camera = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
    shown = f"--use-file-for-fake-video-capture={film}"
    other = kind.launch(executable_path=find_executable(kind), args=[*_ARGUMENTS, *camera, shown])
    yield other
    other.close()
