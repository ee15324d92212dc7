"""Messages keep their template and values, and every place that makes one gives it a literal template."""

from __future__ import annotations

import ast
import json
import pickle
import re
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path

import pytest

from precast_app.messages import (
    Message,
    as_message,
    dump_messages,
    join_messages,
    load_messages,
    plural_message,
    restore,
    stored_parts,
    template_id,
)
from tests.conftest import ROOT

PACKAGE = ROOT / "precast_app"
PLACEHOLDER = re.compile(r"%\((\w+)\)s")
# What is shown to a person and takes a message: of these, the position of the message among the arguments.
TAKES_MESSAGE = {
    "UnreadableFile": 1, "InvalidCell": 1, "ReaderNote": 2, "MoveRefused": 1, "JobFailed": 0, "damaged": 0, "Guess": 3,
    "UnitGuess": 1,
}  # fmt: skip
# Exceptions whose text only the log and the administrator at the server see.
FOR_THE_LOG = {"ConfigurationError", "JobCancelled", "WorkerStopping", "LeaseLost"}


def test_a_message_is_its_english_text() -> None:
    message = Message("Row %(row)s has 100%% of “%(value)s”.", row=3, value="a%b")
    assert message == "Row 3 has 100% of “a%b”."
    assert message.parts == [template_id("Row %(row)s has 100%% of “%(value)s”."), {"row": 3, "value": "a%b"}]


def test_one_of_two_templates_is_chosen_by_the_count() -> None:
    made = [plural_message("%(count)s row of %(total)s", "%(count)s rows of %(total)s", n, total=9) for n in (0, 1, 2)]
    assert made == ["0 rows of 9", "1 row of 9", "2 rows of 9"]
    assert [message.parts[0] for message in made] == [template_id("%(count)s row of %(total)s")] * 3


def test_a_message_may_have_messages_as_values() -> None:
    message = Message("The separator is the %(sign)s.", sign=Message("comma"))
    assert message == "The separator is the comma."
    assert message.parts[1] == {"sign": {"text": "comma"}}


def test_joined_messages_keep_plain_texts_as_they_are() -> None:
    joined = join_messages("; ", [Message("a"), "b"])
    assert joined == "a; b"
    assert joined.parts == {"separator": "; ", "items": [["a", [template_id("a")]], "b"]}


@pytest.mark.parametrize("text", ["constant", Message("constant")])
def test_a_constant_text_is_stored_without_parts(text: str) -> None:
    assert stored_parts(text) is None
    assert restore(str(text), None).parts == as_message(text).parts == [template_id("constant")]


def test_parts_are_stored_without_nul() -> None:
    message = Message("%(a)s: %(b)s", a="x\0", b=Message("%(c)s", c="\0y"))
    assert stored_parts(message) == [message.parts[0], {"a": "x\ufffd", "b": [template_id("%(c)s"), {"c": "\ufffdy"}]}]


@pytest.mark.parametrize("again", [lambda message: pickle.loads(pickle.dumps(message)), deepcopy])
def test_a_copied_message_keeps_its_parts(again: object) -> None:
    message = Message("Row %(row)s", row=3)
    assert callable(again)
    assert (again(message), again(message).parts) == (message, message.parts)


def test_messages_keep_their_parts_in_json() -> None:
    value = {
        "reason": Message("Row %(row)s of %(kind)s", row=3, kind=Message("a list")),
        "cells": (join_messages(": ", ["W-1", Message("a")]), "a", None, 3),
        # Of a file, whose texts may be any.
        "message": {"message": "a", "english": "parts"},
    }
    read = load_messages(json.loads(json.dumps(dump_messages(value))))
    assert read == {**value, "cells": [*value["cells"]]}
    texts = [read["reason"], *read["cells"][:2], read["message"]["message"]]
    assert [type(each) for each in texts] == [Message, Message, str, str]
    assert [each.parts for each in texts[:2]] == [value["reason"].parts, value["cells"][0].parts]  # type: ignore[attr-defined]


def test_every_template_is_a_literal_with_a_placeholder_for_each_value() -> None:
    wrong = []
    for path, call, name in _calls("Message", "plural_message"):
        count = 1 if name == "Message" else 2
        templates = [each.value for each in call.args[:count] if isinstance(each, ast.Constant)]
        values = {keyword.arg for keyword in call.keywords}
        # A singular may do without the number, and a plural may list what is counted.
        unused = set() if name == "Message" else {"count"}
        is_right = all(_placeholders(str(each)) - unused == values for each in templates)
        if len(templates) != count or not is_right:
            wrong.append(f"{path}:{call.lineno}")
    assert not wrong


def test_no_text_for_people_is_put_together_without_a_message() -> None:
    wrong, people = [], _request_errors()
    for path, call, name in _calls():
        given = [keyword.value for keyword in call.keywords if keyword.arg == "message"]
        position = 0 if name in people else TAKES_MESSAGE.get(name)
        if position is not None:
            given += call.args[position : position + 1]
        wrong += [f"{path}:{each.lineno}" for each in given if isinstance(each, (ast.JoinedStr, ast.BinOp))]
    for path, node in _nodes():
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.JoinedStr):
            names = {target.id for target in node.targets if isinstance(target, ast.Name)}
            wrong += [f"{path}:{node.lineno}"] if names & {"message", "reason"} else []
    assert not wrong


def _placeholders(template: str) -> set[str]:
    return set(PLACEHOLDER.findall(template.replace("%%", "")))


def _request_errors() -> set[str]:
    tree = ast.parse((PACKAGE / "errors.py").read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.ClassDef)} - FOR_THE_LOG


def _calls(*names: str) -> Iterator[tuple[Path, ast.Call, str]]:
    """Yield the calls of functions with these names, or all calls, with their module and the name."""
    for path, node in _nodes():
        if isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute)):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if not names or name in names:
                yield path, node, name


@cache
def _nodes() -> list[tuple[Path, ast.AST]]:
    """Return the calls and assignments of the package with their modules."""
    return [
        (path.relative_to(PACKAGE), node)
        for path in sorted(PACKAGE.rglob("*.py"))
        if path != PACKAGE / "messages.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.Call, ast.Assign))
    ]
