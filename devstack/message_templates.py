"""Update the catalogues of issues, errors and results from the code: `python -m devstack.message_templates`.

Their texts are the templates of `precast_app.messages`, and constants where a text for people is expected.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from babel.messages import Catalog

from devstack.translations import ROOT, write_catalogues
from precast_app import message_catalogue
from precast_app.api.validation_messages import TEMPLATES

PACKAGE = ROOT / "precast_app"
# Which argument of a call is a text for people; all exceptions of `errors` have it first.
_TEXT_AT = {
    "Message": 0,
    "as_message": 0,
    "damaged": 0,
    "too_many_cells": 0,
    "ValidationError": 0,
    "BadRequest": 0,
    "UnsupportedMediaType": 0,
    "InvalidCell": 1,
    "UnreadableFile": 1,
    "MoveRefused": 1,
    "ReaderNote": 2,
}
# Exceptions whose text only the log and the administrator at the server see.
_FOR_THE_LOG = ("ConfigurationError", "JobCancelled", "WorkerStopping", "LeaseLost")


def extract() -> Catalog:
    """Return the texts of the code, with the files that they are in."""
    found = Catalog(charset="utf-8")
    for path in sorted(PACKAGE.rglob("*.py")):
        for text in _texts(ast.parse(path.read_text(encoding="utf-8"))):
            found.add(text, locations=[(path.relative_to(ROOT).as_posix(), 0)])
    for template in TEMPLATES:
        found.add(template, locations=[("precast_app/api/validation_messages.py", 0)])
    return found


def _texts(tree: ast.Module) -> Iterator[str | tuple[str, str]]:
    text_at = {**_TEXT_AT, **dict.fromkeys(_exceptions(), 0)}
    assigned = [(node.targets[0], node.value) for node in ast.walk(tree) if isinstance(node, ast.Assign)]
    constants = {
        target.id: value.value
        for target, value in assigned
        if isinstance(target, ast.Name) and isinstance(value, ast.Constant)
    }

    def text_of(argument: ast.expr) -> object:
        if isinstance(argument, ast.Name):
            return constants.get(argument.id)
        return argument.value if isinstance(argument, ast.Constant) else None

    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        texts = [text_of(each) for each in node.args]
        if name == "plural_message" and isinstance(texts[0], str) and isinstance(texts[1], str):
            yield texts[0], texts[1]
        given = [*texts[text_at[name] : text_at[name] + 1]] if name in text_at else []
        given += [text_of(each.value) for each in node.keywords if each.arg == "message"]
        yield from (text for text in given if isinstance(text, str) and text)


def _exceptions() -> list[str]:
    tree = ast.parse((PACKAGE / "errors.py").read_text(encoding="utf-8"))
    return [node.name for node in tree.body if isinstance(node, ast.ClassDef) and node.name not in _FOR_THE_LOG]


def path_of(language: str) -> Path:
    """Return the path of the language's catalogue, whether it exists or not."""
    return message_catalogue.FOLDER / language / "LC_MESSAGES" / f"{message_catalogue.DOMAIN}.po"


if __name__ == "__main__":
    write_catalogues(path_of, extract())
