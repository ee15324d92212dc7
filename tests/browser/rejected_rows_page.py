"""The page of a preview on which rejected rows are corrected."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Locator, Page

from tests.browser.dropping import drop


def preview(page: Page, project: int, path: Path) -> int:
    """Drop a file on the project's page and return the id of its preview."""
    page.goto(f"/projects/{project}")
    drop(page, path)
    page.wait_for_url(re.compile(r"/jobs/\d+$"))
    return int(page.url.rpartition("/")[2])


def cell(page: Page, name: str) -> Locator:
    """Return the cell of the grid with a name such as D8."""
    column, row = name[0], name[1:]
    return page.locator(f'table.rows td[data-row="{row}"][data-column="{column}"]')


def paste(page: Page, text: str) -> None:
    """Paste a block as a spreadsheet program copies it into the focused cell."""
    page.evaluate(
        """text => {
            const data = new DataTransfer();
            data.setData("text/plain", text);
            document.activeElement.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
        }""",
        text,
    )
