"""Dropping files on a page."""

from __future__ import annotations

import base64
from pathlib import Path

from playwright.sync_api import Page, expect


def drop(page: Page, *files: Path) -> None:
    """Drop files on the page as from a file manager, once its scripts are loaded."""
    page.wait_for_load_state()
    given = [(file.name, base64.b64encode(file.read_bytes()).decode()) for file in files]
    data = page.evaluate_handle(
        """given => {
            const data = new DataTransfer();
            for (const [name, text] of given)
                data.items.add(new File([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))], name));
            return data;
        }""",
        given,
    )
    page.dispatch_event("body", "dragover", {"dataTransfer": data})
    expect(page.locator(".droppable")).to_be_visible()
    page.dispatch_event("body", "drop", {"dataTransfer": data})
