"""Update the catalogues of translations from the code: `python -m devstack.translations`.

A text that is new has an empty translation, one that is gone is removed, and nothing is guessed from similar texts. The
entries are sorted and have no line numbers, so that two changes of the code rarely change the same lines.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

from babel.messages import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

from precast_app.importing.reference_schema import REFERENCE_SPECS
from precast_app.importing.schema import BASE_COLUMNS, GROUP_SPECS
from precast_app.languages import DEFAULT, LANGUAGES, catalogue

ROOT = Path(__file__).resolve().parents[1]
_REFERENCE_PAGES = ROOT / "precast_app" / "web" / "templates" / "reference"
_LINE_LENGTH = 120
_METHODS = [
    ("precast_app/**.py", "python"),
    ("precast_app/web/templates/**.html", "jinja2"),
    ("precast_app/web/static/js/**.js", "javascript"),
]
_OPTIONS = {
    "precast_app/web/templates/**.html": {"newstyle_gettext": "true"},
    "precast_app/web/static/js/**.js": {"parse_template_string": "true"},
}
_KEYWORDS = {**DEFAULT_KEYWORDS, "gettext_noop": None, "lazy_gettext": None, "lazy_ngettext": (1, 2)}


def extract() -> Catalog:
    """Return all texts of the code that are marked for translation or that pages translate, with their files."""
    found = Catalog(charset="utf-8")
    marked = extract_from_dir(ROOT, _METHODS, _OPTIONS, keywords=_KEYWORDS, comment_tags=())
    texts = [*_declared(), *((path, text, context) for path, _, text, _, context in marked)]
    # Sorted by path, so that the order of a text's files doesn't depend on the file system.
    for path, text, context in sorted(texts, key=lambda each: each[0]):
        found.add(text, locations=[(path, 0)], context=context)
    return found


def _declared() -> Iterator[tuple[str, str, None]]:
    """Yield the words of reference data, base columns and column groups; their modules can't mark them for pages."""
    for kind in REFERENCE_SPECS.values():
        # The page that kinds without one of their own share has a field for each column.
        has_page = (_REFERENCE_PAGES / f"{kind.path}.html").exists()
        headings = () if has_page else tuple(column.heading for column in kind.columns)
        for text in (kind.title, kind.title.lower(), kind.singular, *headings):
            yield "precast_app/importing/reference_schema.py", str(text), None
    for base in BASE_COLUMNS:
        yield "precast_app/importing/schema.py", base.heading, None
    for group in GROUP_SPECS.values():
        extra_headings = map(group.reference.heading_of, group.extra_fields)
        for text in (group.title, group.words, group.meaning, *extra_headings):
            yield "precast_app/importing/schema.py", str(text), None


def update_catalogue(path: Path, extracted: Catalog, language: str) -> Catalog:
    """Return the catalogue of the file with the texts that the code has now; a new one if there is no file."""
    stored = Catalog(locale=language, charset="utf-8", project="Precast", fuzzy=False)
    if path.exists():
        with path.open("rb") as stream:
            stored = read_po(stream, locale=language)
    created = stored.creation_date
    stored.update(extracted, no_fuzzy_matching=True)
    stored.obsolete.clear()
    # Babel would set them to now, and so change a line with each update.
    stored.creation_date = stored.revision_date = created
    return stored


def serialize(catalog: Catalog) -> bytes:
    """Return the catalogue as it is stored."""
    stream = BytesIO()
    write_po(stream, catalog, width=_LINE_LENGTH, sort_output=True, include_lineno=False)
    return stream.getvalue()


def write_catalogues(path_of: Callable[[str], Path], extracted: Catalog) -> None:
    """Update the file of each language, and print the texts that have no translation."""
    for language in LANGUAGES:
        if language == DEFAULT:
            continue
        path = path_of(language)
        catalog = update_catalogue(path, extracted, language)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(serialize(catalog))
        missing = [message.id for message in catalog if message.id and not is_translated(message)]
        print(f"{path.relative_to(ROOT)}: {len(catalog)} texts, {len(missing)} without a translation", file=sys.stderr)
        for text in missing:
            print(f"  {text!r}", file=sys.stderr)


def is_translated(message: Message) -> bool:
    """Return whether the text has a translation, in all its forms if it has a plural."""
    forms = message.string or ""
    return bool(forms) and (isinstance(forms, str) or all(forms))


if __name__ == "__main__":
    write_catalogues(catalogue.path_of, extract())
