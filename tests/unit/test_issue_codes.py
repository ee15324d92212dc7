"""Every code of an issue is explained in `docs/issues.md`, and none that there isn't."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from precast_app.spreadsheets import delimited, replaced_values
from tests.conftest import ROOT

# What makes an issue or refuses a file; its code is among the first arguments.
_MAKERS = {"Issue", "issue", "ReaderNote", "InvalidCell", "UnreadableFile", "_issue", "_warning", "MoveRefused"}
# Functions that return a code and a message.
_CODE_FUNCTIONS = {"find_problem", "_describe_rejection"}
_CODE = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)*")


def used() -> Iterator[str]:
    yield from delimited._CELL_DECODERS
    yield from replaced_values._CODES
    for path in (ROOT / "precast_app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _name(node.func) in _MAKERS:
                by_name = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
                yield from (code for argument in (*node.args[:5], *by_name) if (code := _text(argument)))
            elif isinstance(node, ast.Assign) and _name(node.targets[0]) == "code" and (code := _text(node.value)):
                yield code
            elif isinstance(node, ast.FunctionDef) and node.name in _CODE_FUNCTIONS:
                for inner in ast.walk(node):
                    if isinstance(inner, ast.Return) and isinstance(inner.value, ast.Tuple):
                        yield from filter(None, [_text(inner.value.elts[0])])


def _name(node: ast.expr) -> str:
    return getattr(node, "id", getattr(node, "attr", ""))


def _text(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and _CODE.fullmatch(node.value):
        return None if node.value in ("info", "warning") else node.value
    return None


def test_the_page_has_every_code_and_no_other() -> None:
    page = (ROOT / "docs" / "issues.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert len(documented) == len(set(documented))
    assert set(documented) == set(used())
