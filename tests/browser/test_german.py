"""A German browser shows German pages: from the sign-in over an import to its pieces, and every page for its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

import openpyxl
import pytest
from playwright.sync_api import Page, expect

from precast_app.languages import catalogue
from tests.browser.conftest import DESK, PHONE, OpenPage, check_page, check_width
from tests.browser.dropping import drop
from tests.conftest import EXAMPLES
from tests.live_site import Site

WORKBOOK = EXAMPLES / "element_types.xlsx"
PAGES = (
    "", "/import", "/jobs", "/element-types", "/element-types/1", "/element-types/1/edit", "/pieces", "/scan",
    "/members", "/site-list", "/reference/hierarchy", "/reference/stages", "/reference/drawing-types",
    "/reference/bom-products", "/webhooks", "/audit",
)  # fmt: skip
# `test_pages` checks the others with axe in a wide and light window; the rules don't depend on the language.
ONLY_HERE = ("/element-types/1/edit", "/scan", "/site-list", "/webhooks")
INSTALLATION = ("/", "/account", "/users", "/audit", "/pieces/1", "/projects/999")
# Of the workbook, which are shown as they are.
HEADINGS = ("Element Type", "Element Type Name", "Height")
_PLACEHOLDER = re.compile(r"%\\\(\w+\\\)s")
# Every text that is in the page and shown or read out, in pieces as they stand in the document.
_TEXTS = """() => {
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        if (!walker.currentNode.parentElement.closest("script, noscript")) found.push(walker.currentNode.data);
    }
    for (const name of ["aria-label", "placeholder", "title", "data-confirm", "data-success-message"]) {
        for (const element of document.querySelectorAll(`[${name}]`)) found.push(element.getAttribute(name));
    }
    return [...new Set([document.title, ...found].map((text) => text.replace(/\\s+/g, " ").trim()).filter(Boolean))];
}"""


@cache
def english_texts() -> tuple[set[str], list[re.Pattern[str]]]:
    """Return the English texts that a German page can't have: as they are, and patterns of those with values."""
    found, german = set(), set()
    for message in catalogue.read("de") or ():
        if message.id:
            found |= set(_forms(message.id))
            german |= set(_forms(message.string or ""))
    found -= german
    with_values = [text for text in found if "%(" in text and len(re.findall(r"(?<!\w)[a-z]{3,}", _plain(text))) > 1]
    patterns = [re.compile(_PLACEHOLDER.sub(".+", re.escape(text))) for text in with_values]
    return {text for text in found if "%(" not in text}, patterns


def _forms(text: str | Sequence[str]) -> list[str]:
    return [text] if isinstance(text, str) else list(text)


def _plain(text: str) -> str:
    return re.sub(r"%\(\w+\)s", "", text)


def check_language(page: Page, *names: str) -> None:
    """Assert that the page is in German: but for `names`, no text of it is an English one of the catalogue."""
    texts, patterns = english_texts()
    shown = page.evaluate(_TEXTS)
    english = [
        text for text in {*shown} - {*names} if text in texts or any(pattern.fullmatch(text) for pattern in patterns)
    ]
    assert english == [], page.url
    assert page.locator("html").get_attribute("lang") == "de"


@pytest.fixture(scope="module")
def project(site: Site) -> Iterator[int]:
    """Yield a project with the sample and a member."""
    number = site.project("Grüne Wiesen")
    done = site.upload(f"/api/project/{number}/import/excel", WORKBOOK)
    site.follow(done["job_id"])
    site.member(number, "eva", "editor")
    yield number


@pytest.mark.parametrize(("size", "dark"), [(DESK, False), (PHONE, True)], ids=["wide", "dark phone"])
def test_every_page_is_in_german(open_page: OpenPage, project: int, size: dict[str, int], dark: bool) -> None:
    page = open_page("/", size=size, dark=dark, locale="de-DE", error_responses=True)
    for path in [*(f"/projects/{project}{path}" for path in PAGES), *INSTALLATION]:
        page.goto(path)
        page.wait_for_selector("html[data-ready]")
        check_language(page)
        if dark or path.endswith(ONLY_HERE):
            check_page(page)
        else:
            check_width(page)


def test_a_workbook_is_dropped_and_imported_in_german(
    open_page: OpenPage, project: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    book = openpyxl.load_workbook(WORKBOOK)
    sheet = book["Element Types"]
    row = next(cell.row for cell in sheet["B"] if cell.row > 3 and cell.value)
    sheet.cell(row, 3).value = "hoch"
    sheet.cell(row + 1, 3).value = 3333
    mine = tmp_path_factory.mktemp("files") / "meine.xlsx"
    book.save(mine)

    page = open_page(f"/projects/{project}", "eva", locale="de-DE")
    drop(page, mine)
    page.wait_for_url("**/jobs/*")
    expect(page.get_by_role("heading", name="Die abgelehnten Zeilen korrigieren")).to_be_visible()
    expect(page.get_by_text("1 Zeile hat noch Fehler.")).to_be_visible()
    check_language(page, *HEADINGS)
    check_page(page)

    page.get_by_role("button", name="Jetzt importieren").click()
    expect(page.get_by_role("heading", name="Änderungen", exact=True)).to_be_visible()
    check_language(page, *HEADINGS)

    page.get_by_role("link", name="Fertigteile", exact=True).click()
    page.wait_for_url("**/pieces")
    page.wait_for_selector("html[data-ready]")
    page.get_by_label("Alle gezeigten Fertigteile auswählen").check()
    expect(page.get_by_role("button", name="100 Fertigteile: Status setzen")).to_be_visible()
    check_language(page)
    page.keyboard.press("Shift+?")
    expect(page.get_by_text("Tastenkürzel sind eingeschaltet")).to_be_visible()
    check_language(page)


def test_the_columns_of_a_file_are_asked_for_in_german(
    open_page: OpenPage, project: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    mine = tmp_path_factory.mktemp("lists") / "liste.csv"
    mine.write_text("Pos;Art;Maß X;Haus;Geschoss\nW-1;Wand;3000;Haus A;1. OG\n", encoding="utf-8")
    page = open_page(f"/projects/{project}", locale="de-DE")
    drop(page, mine)
    expect(page.get_by_role("group", name="Was ist eine Zeile?")).to_be_visible()
    expect(page.get_by_text("Art bedeutet auf Deutsch: Elementtyp.")).to_be_visible()
    expect(page.get_by_text("Keine Einheit ist genannt; die Zahlen werden in kg gelesen.")).to_be_visible()
    check_language(page)
    check_page(page)
