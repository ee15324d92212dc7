"""The hierarchy's rules: paths, prefixes, naming conventions, and parents before their children. Pure."""

from __future__ import annotations

import re
from typing import Any

from precast_app.importing.issues import Issue
from precast_app.models import Severity
from precast_app.names import path_key

Row = tuple[int, dict[str, Any]]


def key(path: str) -> str:
    """How headings find the node at a path."""
    return path_key(*path.split("."))


def segment(name: str) -> str:
    """A node's name as a part of a path: `Floor 1` → `Floor_1`."""
    return re.sub(r"[\s\-]+", "_", name)


def complete(values: dict[str, Any], parent: dict[str, Any] | None) -> dict[str, Any]:
    """A node's values with what may be left out: prefix, path, naming convention; those of `parent` are complete."""
    full = dict(values)
    full["prefix"] = full.get("prefix") or segment(full["name"])
    above = f"{parent['path']}." if parent else ""
    full["path"] = full.get("path") or above + segment(full["name"])
    joined = "_".join([*(parent["prefixes"] if parent else ()), full["prefix"]])
    full["prefixes"] = [*(parent["prefixes"] if parent else ()), full["prefix"]]
    full["naming_convention"] = full.get("naming_convention") or joined
    full["parent_key"] = key(parent["path"]) if parent else None
    return full


def arrange(rows: list[Row]) -> tuple[list[Row], list[Issue]]:
    """The rows of a hierarchy file, completed, parents before their children; IDs only tie the rows together."""
    by_id = {values["id"]: number for number, values in rows if values.get("id") is not None}
    values_of = dict(rows)
    done: dict[int, dict[str, Any]] = {}
    issues: dict[int, Issue] = {}

    def visit(number: int, above: tuple[int, ...]) -> None:
        if number in done or number in issues:
            return
        values = values_of[number]
        parent_id = values.get("parent")
        parent = None
        if parent_id is not None:
            place = by_id.get(parent_id)
            if place is None:
                issues[number] = _issue(
                    number,
                    "unknown_parent",
                    f"No good row of the file has the ID {parent_id}. Correct ParentID, or the row of the parent.",
                    "ParentID",
                    parent_id,
                )
                return
            if place in above or place == number:
                issues[number] = _issue(
                    number, "parent_cycle", "The node is below itself. Correct ParentID.", "ParentID", parent_id
                )
                return
            visit(place, (*above, number))
            if place in issues:
                issues[number] = _issue(
                    number,
                    "rejected_parent",
                    f"Its parent, row {place}, can't be imported. Mend that row first.",
                    "ParentID",
                    parent_id,
                )
                return
            parent = done[place]
        full = complete(values, parent)
        if "/" in full["naming_convention"]:
            issues[number] = _issue(
                number,
                "slash_in_naming_convention",
                "A naming convention can't hold a slash, since piece codes are divided by it. Use another sign.",
                "NamingConvention",
                full["naming_convention"],
            )
            return
        done[number] = full

    for number, _ in rows:
        # Deeper than any building, and far less than Python's own limit.
        visit(number, ())
    kept = ("name", "description", "prefix", "path", "naming_convention", "parent_key")
    arranged = [(number, {name: values.get(name) for name in kept}) for number, values in done.items()]
    return arranged, list(issues.values())


def _issue(number: int, code: str, message: str, heading: str, value: str) -> Issue:
    return Issue(Severity.ERROR, code, message, row=number, heading=heading, value=value)
