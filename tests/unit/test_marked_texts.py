"""Texts of pages and page scripts are marked for translation, and what is marked is found by the extraction."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import Environment

from devstack import translations
from precast_app.exporting.labels.formats import FORMATS
from precast_app.importing.reference_schema import REFERENCE_SPECS
from precast_app.importing.schema import GROUP_SPECS
from precast_app.jobs import registry
from precast_app.models import PieceStatus, Role, Severity
from precast_app.web import labels
from tests.conftest import ROOT

WEB = ROOT / "precast_app" / "web"
TEMPLATES = sorted((WEB / "templates").rglob("*.html"))
SCRIPTS = sorted((WEB / "static" / "js").rglob("*.js"))
MODULES = sorted(WEB.glob("*.py"))
# The same in every language: names, units and examples.
NAMES = {
    "Precast",
    "API",
    "CSV",
    "URL",
    "https://erp.example/hooks/precast",
    "mm",
    "kg",
    "job.cancel",
    "The API – Precast Management System",
}
FILE_TYPES = ".xlsx, .xlsm, .xlsb, .xls, .ods, .csv."
# Names of keys, events and classes, and the headings of the file that a scanner's list is sent as.
CODE = {
    "Enter",
    "Tab",
    "Escape",
    "Delete",
    "Backspace",
    "Files",
    "Stage",
    "Status",
    "Authorization",
    "Retry-After",
    "BarcodeDetector",
    "tbody th a",
    "note warn conflicts",
    "Piece,,Date",
}
# Shown or read out.
ATTRIBUTES = {"aria-label", "placeholder", "title", "alt", "label", "data-confirm", "data-success-message"}
MARKS = {"gettext", "ngettext", "lazy_gettext", "gettext_noop", "_"}
# Each has a message, whose language is that of errors.
ERRORS = {"NotFound", "RequestError", "Conflict", "Message", "Unreadable"}
# What only the log says.
LOGS = {"info", "warning", "exception"}
_WORD = re.compile(r"[A-Za-zÄÖÜäöüß]{2}")
_COMMENT = re.compile(r"^\s*//.*$", re.M)
_LITERAL = re.compile(r'"(?:[^"\\\n]|\\.)*"|`[^`]*`')
_BEFORE_MARKED = re.compile(r'\bn?gettext\(\s*("(?:[^"\\\n]|\\.)*",\s*)?\Z')
_PROSE = re.compile(r"[A-Z][a-z]{2,}|[a-z]+ [a-z]+ [a-z]+")


class Texts(HTMLParser):
    """The texts of a page and of its attributes that are shown."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.skipped = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.skipped += tag in ("script", "style")
        self.found += [text for name, text in attrs if name in ATTRIBUTES and text]

    def handle_endtag(self, tag: str) -> None:
        self.skipped -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self.skipped:
            self.found += data.split("\0")


def written(source: str) -> str:
    """Return what a template writes by itself; an expression is a NUL, and a translated block is left out."""
    parts, is_translated, tokens = [], False, Environment(autoescape=True).lex(source)
    for _, kind, text in tokens:
        if kind == "name" and text in ("trans", "endtrans"):
            is_translated = text == "trans"
        elif kind == "data" and not is_translated:
            parts.append(text)
        elif kind == "variable_begin":
            parts.append("\0")
    return "".join(parts)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_texts_of_templates_are_marked(path: Path) -> None:
    parser = Texts()
    parser.feed(written(path.read_text(encoding="utf-8")))
    texts = {text.strip(" \n–,.;:/…()") for text in parser.found}
    assert {text for text in texts if _WORD.search(text) and text not in NAMES and text not in FILE_TYPES} == set()


def unmarked(script: str) -> Iterator[str]:
    """Yield the strings of a script that read like texts and are not arguments of `gettext` or `ngettext`."""
    code = _COMMENT.sub("", script)
    for literal in _LITERAL.finditer(code):
        text = re.sub(r"\$\{.*?\}", "", literal[0][1:-1])
        is_marked = _BEFORE_MARKED.search(code[: literal.start()])
        if _PROSE.match(text) and not is_marked and text not in CODE and "-" not in text:
            yield text


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_texts_of_scripts_are_marked(path: Path) -> None:
    assert list(unmarked(path.read_text(encoding="utf-8"))) == []


def test_marked_texts_of_scripts_are_extracted() -> None:
    """The extraction overlooks a text in the arguments of another call of `gettext`."""
    extracted = {message.id[0] if isinstance(message.id, tuple) else message.id for message in translations.extract()}
    for path in SCRIPTS:
        marked = re.findall(r'\bn?gettext\(\s*"((?:[^"\\]|\\.)*)"', path.read_text(encoding="utf-8"))
        assert set(marked) - extracted == set(), path.name


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_texts_of_modules_are_marked(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    marked = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) in MARKS | ERRORS | LOGS:
            marked |= {id(each) for each in ast.walk(node)}
        elif isinstance(node, ast.Expr):
            marked.add(id(node.value))
        elif isinstance(node, ast.Call) and _name(node.func) == "for_project":
            # The English name of a tab.
            marked |= {id(each) for each in node.args}
    texts = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in marked
    ]
    assert [text for text in texts if re.match(r"[A-Z][a-z]+ [a-z]", text)] == []


def _name(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def test_everything_that_pages_name_has_words() -> None:
    assert set(registry.TYPES) == set(labels.JOB_TYPES)
    for name, words in (
        *((status, labels.piece_status(status)) for status in PieceStatus),
        *((severity, labels.severity(severity)) for severity in Severity),
        *((role, labels.role(role)) for role in Role),
    ):
        assert words.replace(" ", "_") == name


def test_declarations_that_pages_translate_are_in_the_catalogue() -> None:
    extracted = {message.id for message in translations.extract()}
    declared = {each.title for each in FORMATS.values()}
    declared |= {text for spec in REFERENCE_SPECS.values() for text in (spec.title, spec.title.lower(), spec.singular)}
    declared |= {text for spec in GROUP_SPECS.values() for text in (spec.title, spec.words, spec.meaning)}
    # The shared page of the kinds without a page of their own shows the headings of their files.
    pages = {path.stem for path in TEMPLATES if path.parent.name == "reference"}
    declared |= {
        column.heading for spec in REFERENCE_SPECS.values() if spec.path not in pages for column in spec.columns
    }
    # The page of an element type shows those of the fields beside an item.
    declared |= {spec.reference.heading_of(field) for spec in GROUP_SPECS.values() for field in spec.extra_fields}
    assert declared - extracted == set()
