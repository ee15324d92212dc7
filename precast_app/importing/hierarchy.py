"""The rules of the hierarchy: paths, prefixes, naming conventions, and parents before their children. Pure."""

from __future__ import annotations

import re
from typing import Any

from precast_app.enums import Severity
from precast_app.importing.issues import Issue
from precast_app.text import join_words, path_key

_LEVEL_SEPARATOR = re.compile(r"\.(?![\s_]|\Z)")

NumberedValues = tuple[int, dict[str, Any]]


def path_key_of(path: str) -> str:
    """Return the match key of the node at a path."""
    return path_key(path)


def split_levels(path: str, most: int) -> list[str]:
    """Return the levels of a path, the last of them with all levels from the `most`-th on.

    A point before a space or underscore belongs to a name, as in `1. OG`.
    """
    return _LEVEL_SEPARATOR.split(path, most - 1)


def path_segment(name: str) -> str:
    """Return a node's name as part of a path: `Floor 1` → `Floor_1`, `-1` → `-1`."""
    return join_words(name)


# Levels of a hierarchy; and lengths of the columns, in characters.
DEEPEST = 20
_MAX_LENGTHS = {"prefix": 50, "path": 500, "naming_convention": 150}


def fill_defaults(values: dict[str, Any], parent: dict[str, Any] | None) -> dict[str, Any]:
    """Return a node's values with prefix, path and naming convention filled in; `parent` is complete already."""
    full = dict(values)
    full["prefix"] = full.get("prefix") or path_segment(full["name"])
    above = f"{parent['path']}." if parent else ""
    full["path"] = full.get("path") or above + path_segment(full["name"])
    full["prefixes"] = [*(parent["prefixes"] if parent else ()), full["prefix"]]
    full["naming_convention"] = full.get("naming_convention") or "_".join(full["prefixes"])
    full["parent_key"] = path_key_of(parent["path"]) if parent else None
    return full


def find_problem(full: dict[str, Any]) -> tuple[str, str] | None:
    """Return code and message of what is wrong with a complete node; None if nothing is."""
    if "/" in full["naming_convention"]:
        return (
            "slash_in_naming_convention",
            "A naming convention can't have a slash, which separates the parts of a piece code. Use another character.",
        )
    if not all(path_key_of(full["path"]).split(".")):
        return "unusable_name", "Each part of a path needs a letter or a digit. Choose another name or path."
    for name, most in _MAX_LENGTHS.items():
        if len(full[name]) > most:
            words = name.replace("_", " ")
            return "text_too_long", f"The {words} has {len(full[name])} characters; shorten it to {most}."
    return None


def order_parents_first(rows: list[NumberedValues]) -> tuple[list[NumberedValues], list[Issue]]:
    """Return the rows of a hierarchy file, complete and with parents before their children, and the issues.

    IDs only connect the rows of the file with each other.
    """
    issues: dict[int, Issue] = {}
    by_id: dict[str, int] = {}
    for number, values in rows:
        id_ = values.get("id")
        if id_ is not None and by_id.setdefault(id_, number) != number:
            issues[number] = _issue(
                number, "duplicate_id", f"Row {by_id[id_]} has the ID {id_} already. Give each row its own.", "ID", id_
            )
    parents, children = _link_parents(rows, by_id, issues)
    values_of = dict(rows)
    done: dict[int, dict[str, Any]] = {}
    level = [number for number, _ in rows if number not in parents and number not in issues]
    for depth in range(1, len(rows) + 1):
        for number in level:
            parent = parents.get(number)
            full = fill_defaults(values_of[number], done[parent] if parent else None)
            if depth > DEEPEST:
                issues[number] = _issue(
                    number, "too_deep", f"It is more than {DEEPEST} levels down. Place it higher.", "ParentID", None
                )
            elif wrong := find_problem(full):
                issues[number] = _issue(number, *wrong, "Name", values_of[number]["name"])
            else:
                done[number] = full
        level = [child for number in level if number in done for child in children[number] if child not in issues]
        if not level:
            break
    _reject_unreachable([number for number, _ in rows if number not in done], parents, issues, values_of)
    order: dict[int, None] = {}
    for number in sorted(done):
        way = [number]
        while (parent := parents.get(way[-1])) is not None and parent not in order:
            way.append(parent)
        order.update(dict.fromkeys(reversed(way)))
    kept = ("name", "description", "prefix", "path", "naming_convention", "parent_key")
    arranged = []
    for number in order:
        values = {name: done[number].get(name) for name in kept}
        # What the file has no column for is a default, for new nodes alone.
        given = {"parent_key" if name == "parent" else name for name in values_of[number]}
        arranged.append((number, {**values, "given": given}))
    return arranged, list(issues.values())


def _link_parents(
    rows: list[NumberedValues], by_id: dict[str, int], issues: dict[int, Issue]
) -> tuple[dict[int, int], dict[int, list[int]]]:
    """Return the parent and the children of each row, by row number; add an issue if a parent does not exist."""
    parents: dict[int, int] = {}
    children: dict[int, list[int]] = {number: [] for number, _ in rows}
    for number, values in rows:
        id_ = values.get("parent")
        if id_ is None:
            continue
        if id_ not in by_id:
            message = f"No valid row of the file has the ID {id_}. Correct ParentID, or the row of the parent."
            issues.setdefault(number, _issue(number, "unknown_parent", message, "ParentID", id_))
        else:
            parents[number] = by_id[id_]
            children[by_id[id_]].append(number)
    return parents, children


def _reject_unreachable(
    left: list[int], parents: dict[int, int], issues: dict[int, Issue], values_of: dict[int, dict[str, Any]]
) -> None:
    """Add an issue for each row that can't be reached from the top: it is in a cycle, or its parent is rejected."""
    walked: dict[int, int] = {}
    for start in left:
        way = []
        number: int | None = start
        while number is not None and number not in walked and number not in issues:
            walked[number] = start
            way.append(number)
            number = parents.get(number)
        if number is not None and walked.get(number) == start and number not in issues:
            circle = way[way.index(number) :]
            shown = " and ".join(str(each) for each in sorted(circle)[:5])
            message = f"The rows {shown} are below each other. Correct ParentID in one of them."
            if len(circle) == 1:
                message = "The node is below itself. Correct ParentID."
            for each in circle:
                issues[each] = _issue(each, "parent_cycle", message, "ParentID", values_of[each]["parent"])
    for number in left:
        if number not in issues:
            message = f"Its parent, row {parents[number]}, can't be imported. Correct that row first."
            issues[number] = _issue(number, "rejected_parent", message, "ParentID", values_of[number]["parent"])


def _issue(number: int, code: str, message: str, heading: str, value: str | None) -> Issue:
    return Issue(severity=Severity.ERROR, code=code, message=message, row=number, heading=heading, value=value)
