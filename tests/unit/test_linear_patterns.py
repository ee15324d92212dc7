"""Every regular expression of the application takes linear time for any text."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest

import precast_app
from tests.conftest import ROOT
from tests.unit.growth import attacks, is_linear

# Twice the longest text of a cell, in characters, because XML around the text counts, too.
_MAX_LENGTH = 65_535
_METHODS = ("search", "fullmatch", "sub")

# Slow patterns of several kinds, which the attacks must detect.
SLOW = [
    re.compile(r"([(\[][^)\]]*[)\]]|\s(mm|kg|m[²³23]))?[\s.:;,*]*$", re.IGNORECASE),
    re.compile(r"\+(?:[A-Za-z0-9+/]{3,})?-"),
    re.compile(r'"?sep=([,;\t])"?[,;\t]*\s*', re.IGNORECASE),
    re.compile(rb"""\st=["']s["'][^<>]*>\s*<v>\s*([0-9]{1,9})\s*</v>"""),
    re.compile(rb"""<row\s(?:[^<>]*\s)?r=["']([0-9]{1,7})["'][^<>]*(?<!/)>"""),
    re.compile(r"\s+x$"),
    re.compile(r"\d+,\d+"),
]


def patterns() -> dict[str, re.Pattern[Any]]:
    """Return every compiled pattern of the application by its module and name."""
    found = {}
    for module in pkgutil.walk_packages(precast_app.__path__, "precast_app."):
        for name, value in vars(importlib.import_module(module.name)).items():
            for number, pattern in enumerate(patterns_in(value)):
                found[f"{module.name}.{name}.{number}"] = pattern
    return found


def patterns_in(value: Any, depth: int = 3) -> Iterator[re.Pattern[Any]]:
    """Yield the value if it is a pattern, and the patterns that it contains."""
    if isinstance(value, re.Pattern):
        yield value
    elif depth and isinstance(value, dict):
        yield from patterns_in(list(value.values()), depth - 1)
    elif depth and isinstance(value, (list, tuple, set, frozenset)):
        for each in value:
            yield from patterns_in(each, depth - 1)
    elif depth and isinstance(value, type) and value.__module__.startswith("precast_app"):
        yield from patterns_in(list(vars(value).values()), depth - 1)


PATTERNS = patterns()


def find_slow_attack(pattern: re.Pattern[Any]) -> str | None:
    """Return the first attack that makes the pattern slow, or None."""
    is_text = isinstance(pattern.pattern, str)

    def run(way: str, text: str) -> object:
        subject: Any = text if is_text else text.encode()
        return pattern.sub(subject[:0], subject) if way == "sub" else getattr(pattern, way)(subject)

    for attack in attacks(pattern):
        for way in _METHODS:

            def run_attack(text: str, way: str = way) -> object:
                return run(way, text)

            if not is_linear(run_attack, attack.text, _MAX_LENGTH):
                return f"{way} in {attack}"
    return None


@pytest.mark.parametrize("name", PATTERNS)
def test_every_pattern_takes_linear_time(name: str) -> None:
    assert find_slow_attack(PATTERNS[name]) is None


@pytest.mark.parametrize("pattern", SLOW, ids=lambda pattern: str(pattern.pattern)[:20])
def test_the_attacks_detect_slow_patterns(pattern: re.Pattern[Any]) -> None:
    assert find_slow_attack(pattern) is not None


def test_every_pattern_is_compiled_at_the_top_of_its_module() -> None:
    """Otherwise the test above would not find it."""
    for path in (ROOT / "precast_app").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        inside = {call for function in ast.walk(tree) if isinstance(function, ast.FunctionDef | ast.Lambda)
                  for call in ast.walk(function)}  # fmt: skip
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and ast.unparse(call.func).startswith("re."):
                assert ast.unparse(call.func) == "re.compile", f"{path}:{call.lineno}"
                assert call not in inside, f"{path}:{call.lineno}"
