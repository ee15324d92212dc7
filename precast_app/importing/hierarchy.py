"""The rules of the hierarchy: paths, names of places, prefixes, and parents before their children. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from precast_app.enums import Severity
from precast_app.importing.issues import Issue
from precast_app.messages import Message, join_messages
from precast_app.text import join_words, path_key

_LEVEL_SEPARATOR = re.compile(r"\.(?![\s_]|\Z)")

NumberedValues = tuple[int, dict[str, Any]]


class Node(Protocol):
    """What paths and names of places are made from: `models.HierarchyNode`, or a row with these columns."""

    @property
    def id(self) -> int:
        """The node's id."""

    @property
    def parent_id(self) -> int | None:
        """The id of the node above; None at the top."""

    @property
    def name(self) -> str:
        """The node's own name."""

    @property
    def path(self) -> str:
        """The node's path, as it is stored."""


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


def place_names(nodes: Iterable[Node]) -> dict[int, str]:
    """Return where each of a project's nodes is, as people read it, by id: its names from the top, `Block C / 1. OG`.

    A node without a parent whose path has several levels is below the levels of that path.
    """
    by_id = {node.id: node for node in nodes}
    return {id_: " / ".join(_names_from_top(node, by_id)) for id_, node in by_id.items()}


def heading_paths(nodes: Iterable[Node]) -> dict[int, str]:
    """Return the path of each of a project's nodes as headings have it, by id.

    It is the stored path with names that contain a point as they are: `Block_C.1. OG` for `Block_C.1._OG`.
    """
    by_id = {node.id: node for node in nodes}
    return {id_: _heading_path(node, by_id) for id_, node in by_id.items()}


def _names_from_top(node: Node, by_id: Mapping[int, Node]) -> list[str]:
    levels = _with_parents(node, by_id)
    top = levels[0]
    above = [] if _has_own_path(top, None) else split_levels(top.path, DEEPEST)[:-1]
    return [*above, *(each.name for each in levels)]


def _heading_path(node: Node, by_id: Mapping[int, Node]) -> str:
    levels = _with_parents(node, by_id)
    parents = [None, *levels[:-1]]
    if "." not in "".join(each.name for each in levels) or not all(map(_has_own_path, levels, parents)):
        return node.path
    path = None
    for each in levels:
        path = heading_path(each.name, path)
    return path or node.path


def heading_path(name: str, above: str | None) -> str:
    """Return the path of a node as headings have it; `above` is that of its parent, None at the top."""
    level = name if "." in name else path_segment(name)
    return f"{above}.{level}" if above else level


def _has_own_path(node: Node, parent: Node | None) -> bool:
    """Return whether the path of a node is the one that follows from its name and its parent."""
    above = f"{parent.path}." if parent else ""
    return path_key(node.path) == path_key(above + path_segment(node.name))


def _with_parents(node: Node, by_id: Mapping[int, Node]) -> list[Node]:
    """Return the nodes above a node, the top one first, and the node itself."""
    levels = [node]
    while (parent := by_id.get(levels[-1].parent_id or 0)) is not None and len(levels) <= DEEPEST:
        levels.append(parent)
    return levels[::-1]


# Levels of a hierarchy; and lengths of the columns, in characters.
DEEPEST = 20
_FIELDS = {
    "prefix": Message("prefix"),
    "path": Message("path"),
    "naming_convention": Message("naming convention"),
}
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
            Message(
                "A naming convention can't have a slash, which separates the parts of a piece code. Use another "
                "character."
            ),
        )
    if not all(path_key_of(full["path"]).split(".")):
        return "unusable_name", Message("Each part of a path needs a letter or a digit. Choose another name or path.")
    for name, most in _MAX_LENGTHS.items():
        if len(full[name]) > most:
            return "text_too_long", Message(
                "The %(field)s has %(length)s characters; shorten it to %(limit)s.",
                field=_FIELDS[name],
                length=len(full[name]),
                limit=most,
            )
    return None


def order_parents_first(rows: list[NumberedValues]) -> tuple[list[NumberedValues], list[Issue]]:
    """Return the rows of a hierarchy file, complete and with parents before their children, and the issues.

    IDs only connect the rows of the file with each other.
    """
    # A row has at most one parent. Walking up from each row to the first settled one finds the order and every cycle in
    # linear time, while `graphlib` reports one cycle at a time.
    values_of = dict(rows)
    parents, issues = _link_parents(rows)
    done: dict[int, dict[str, Any]] = {}
    for start in values_of:
        walked: dict[int, None] = {}
        number: int | None = start
        while number is not None and not (number in done or number in issues or number in walked):
            walked[number] = None
            number = parents.get(number)
        if number in walked:
            way = list(walked)
            issues.update(_cycle_issues(way[way.index(number) :], values_of))
        for each in reversed(walked):
            if each in issues:
                continue
            parent = parents.get(each)
            if parent in issues:
                message = Message(
                    "Its parent, row %(parent)s, can't be imported. Correct that row first.", parent=parent
                )
                issues[each] = _issue(each, "rejected_parent", message, "ParentID", values_of[each]["parent"])
                continue
            full = fill_defaults(values_of[each], None if parent is None else done[parent])
            if len(full["prefixes"]) > DEEPEST:
                message = Message("It is more than %(limit)s levels down. Place it higher.", limit=DEEPEST)
                issues[each] = _issue(each, "too_deep", message, "ParentID", None)
            elif problem := find_problem(full):
                issues[each] = _issue(each, *problem, "Name", values_of[each]["name"])
            else:
                done[each] = full
    return [(number, _to_entry(full, values_of[number])) for number, full in done.items()], list(issues.values())


def _to_entry(full: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    kept = ("name", "description", "prefix", "path", "naming_convention", "parent_key", "planned_date")
    # Where the file has no column, the value is a default, which applies to new nodes only.
    given = {"parent_key" if name == "parent" else name for name in values}
    return {**{name: full.get(name) for name in kept}, "given": given}


def _link_parents(rows: list[NumberedValues]) -> tuple[dict[int, int], dict[int, Issue]]:
    """Return the parent of each row that has one, and the issues of IDs, both by row number."""
    by_id: dict[str, int] = {}
    parents: dict[int, int] = {}
    issues: dict[int, Issue] = {}
    for number, values in rows:
        id_ = values.get("id")
        if id_ is not None and by_id.setdefault(id_, number) != number:
            message = Message("Row %(row)s has the ID %(id)s already. Give each row its own.", row=by_id[id_], id=id_)
            issues[number] = _issue(number, "duplicate_id", message, "ID", id_)
    for number, values in rows:
        id_ = values.get("parent")
        if id_ in by_id:
            parents[number] = by_id[id_]
        elif id_ is not None:
            message = Message(
                "No valid row of the file has the ID %(id)s. Correct ParentID, or the row of the parent.", id=id_
            )
            issues.setdefault(number, _issue(number, "unknown_parent", message, "ParentID", id_))
    return parents, issues


def _cycle_issues(cycle: list[int], values_of: dict[int, dict[str, Any]]) -> dict[int, Issue]:
    """Return an issue for each row of a cycle."""
    listed = join_messages(Message(" and "), [str(number) for number in sorted(cycle)[:5]])
    message = Message("The rows %(rows)s are below each other. Correct ParentID in one of them.", rows=listed)
    if len(cycle) == 1:
        message = Message("The node is below itself. Correct ParentID.")
    return {
        number: _issue(number, "parent_cycle", message, "ParentID", values_of[number]["parent"]) for number in cycle
    }


def _issue(number: int, code: str, message: str, heading: str, value: str | None) -> Issue:
    return Issue(severity=Severity.ERROR, code=code, message=message, row=number, heading=heading, value=value)
