"""What the headings of a file name and the project lacks: of which group each is, and what it would be. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from precast_app.importing import cells, headers, nodes
from precast_app.importing import layout as layouts
from precast_app.importing.cells import BadCell
from precast_app.importing.columns import CLEAN, NUMBERS, Group
from precast_app.importing.headers import GROUP_NAMES, Names
from precast_app.importing.layout import Heading, Layout
from precast_app.importing.reference import Reference
from precast_app.importing.reference_files import Entry, key_of
from precast_app.names import clean, match_key
from precast_app.spreadsheets import Book, column_number

# The unit of a product that only a heading tells of.
UNKNOWN_UNIT = "?"

IMPORTS = {
    Group.DRAWINGS: "drawing_type_import",
    Group.NODES: "hierarchy_import",
    Group.STAGES: "stage_import",
    Group.BOM: "bom_product_import",
}

_PREFIXES = {
    group: re.compile(r"[\s_\-]+".join(words.split()) + r"(?:[\s_\-]+(?P<name>.*))?", re.IGNORECASE | re.DOTALL)
    for group, words in GROUP_NAMES.items()
}
# How the sheet Summary calls the groups, squeezed.
_TOTALS = {
    "totaldrawingtypes": Group.DRAWINGS,
    "totalhierarchy": Group.NODES,
    "totalstages": Group.STAGES,
    "totalbomtypes": Group.BOM,
}
_LONGEST_NAME = 150
# Between the levels of a path; `Lifter_2.5T` is no path.
_LEVELS = re.compile(r"(?<!\d)\.|\.(?!\d)")
_BETWEEN_WORDS = re.compile(r"[\s\-]")
_RANGE = re.compile(r"range:\s*([a-z]{1,3})\d*\s*-\s*([a-z]{1,3})\d*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Missing:
    """A heading's thing that is not there: the levels of a place, a product's name and type, or one name."""

    group: Group
    names: tuple[str, ...]


def entries(book: Book, reference: Reference) -> dict[Group, list[Entry]]:
    """What is to be made, by group, parents before their children. What can't be told for sure is left out."""
    layout, _ = layouts.find(book)
    names = headers.names_of(reference)
    unknown = list(_unknown(layout, names))
    if not unknown:
        return {}
    found = [_named(heading, group) for heading, group in _groups(book, layout, unknown, names, reference)]
    made: dict[Group, list[Entry]] = {}
    for group in (Group.DRAWINGS, Group.STAGES, Group.BOM):
        things = {(entry := _entry(each)).key: entry for each in found if each.group is group}
        made[group] = list(things.values())
    made[Group.NODES] = _places([each.names for each in found if each.group is Group.NODES], reference)
    return {group: things for group, things in made.items() if things}


def _unknown(layout: Layout, names: Names) -> Iterator[Heading]:
    for heading in layout.headings:
        is_named = (
            heading.base is None and not heading.is_part and (heading.top or heading.sub) not in ("", layouts.REASON)
        )
        if is_named and not headers.targets(heading.top, heading.sub, names):
            yield heading


def _groups(
    book: Book, layout: Layout, unknown: list[Heading], names: Names, reference: Reference
) -> Iterator[tuple[Heading, Group]]:
    """The group of each heading of which it can be told: by its own words, by `Summary`, by the cells below it."""
    ranges = _ranges(book, layout, names)
    firsts = _first_parts(reference)
    unclear = []
    for heading in unknown:
        group = _by_words(heading, firsts, is_flat=book.format == "csv") or ranges.get(heading.index)
        if group is None:
            unclear.append(heading)
        elif _names(heading, group):
            yield heading, group
    for heading, possible in _by_cells(book, layout, unclear).items():
        fitting = [group for group in possible if _names(heading, group)]
        # Anything is a text: a drawing's name only what nothing else is.
        certain = [group for group in fitting if group is not Group.DRAWINGS] or fitting
        if len(certain) == 1:
            yield heading, certain[0]


def _first_parts(reference: Reference) -> dict[Group, set[str]]:
    """The keys that a heading over others may have, since the project has a place or a product that begins so."""
    products = (each.key.split("_") for each in reference.products)
    return {
        Group.NODES: {each.key.partition(".")[0] for each in reference.nodes},
        Group.BOM: {"_".join(words[:count]) for words in products for count in range(1, len(words))},
    }


def _by_words(heading: Heading, firsts: dict[Group, set[str]], *, is_flat: bool) -> Group | None:
    first = heading.top or heading.sub
    for group, prefix in _PREFIXES.items():
        if (match := prefix.fullmatch(first)) and (match["name"] or (heading.top and heading.sub)):
            return group
    if heading.top and heading.sub:
        key = match_key(heading.top)
        is_place, is_product = key in firsts[Group.NODES], key in firsts[Group.BOM]
        if is_place != is_product:
            return Group.NODES if is_place else Group.BOM
        return None
    if _LEVELS.search(first) or (heading.sub and not is_flat):
        # A place in a flat file, or one without anything above it in a workbook.
        return Group.NODES
    return None


def _ranges(book: Book, layout: Layout, names: Names) -> dict[int, Group]:
    """The group of each column as the sheet `Summary` tells it, but for ranges that the headings contradict."""
    known = {
        heading.index: {group for group, _ in headers.targets(heading.top, heading.sub, names)}
        for heading in layout.headings
    }
    found: dict[int, Group] = {}
    for sheet in book.sheets:
        if match_key(sheet) != "summary":
            continue
        for row in book.rows(sheet):
            texts = [cells.shown(cell) for cell in row.cells]
            group = _TOTALS.get(match_key(texts[0]).replace("_", "")) if texts else None
            matches = [match for each in texts[1:] if (match := _RANGE.search(each))]
            if group is None or len(matches) != 1:
                continue
            first, last = (column_number(letters.upper()) - 1 for letters in matches[0].groups())
            columns = range(first, last + 1)
            if all(group in known.get(index, {group}) or not known.get(index) for index in columns):
                found.update(dict.fromkeys(columns, group))
    return found


def _by_cells(book: Book, layout: Layout, unclear: list[Heading]) -> dict[Heading, list[Group]]:
    """The groups whose cells those below each heading could be; none where all are blank."""
    possible: dict[Heading, list[Group]] = {heading: list(CLEAN) for heading in unclear}
    filled: set[Heading] = set()
    readers: dict[Group, Callable[[object], object]] = {
        group: partial(cells.after_comma, read) if book.decimal_comma and group in NUMBERS else read
        for group, read in CLEAN.items()
    }
    for row in book.rows(layout.sheet) if unclear else ():
        if row.number < layout.first_data_row:
            continue
        for heading in unclear:
            cell = row.cells[heading.index] if heading.index < len(row.cells) else ""
            if cell == "" or (isinstance(cell, str) and not clean(cell)):
                continue
            filled.add(heading)
            possible[heading] = [group for group in possible[heading] if _reads(readers[group], cell)]
    return {heading: groups for heading, groups in possible.items() if heading in filled}


def _reads(read: Callable[[object], object], cell: object) -> bool:
    try:
        read(cell)
    except BadCell:
        return False
    return True


def _named(heading: Heading, group: Group) -> Missing:
    return Missing(group, _names(heading, group))


def _names(heading: Heading, group: Group) -> tuple[str, ...]:
    """What the heading calls a thing of the group; empty where it can't be one, such as a product without a type."""
    first = heading.top or heading.sub
    second = heading.sub if heading.top else ""
    if match := _PREFIXES[group].fullmatch(first):
        first, second = (match["name"] or second, second if match["name"] else "")
    parts = [first, second] if second else [first]
    if group is Group.NODES:
        # No further than it takes to see that there are too many.
        levels = tuple(clean(level) for part in parts for level in part.split(".", nodes.DEEPEST))
        return levels if len(levels) <= nodes.DEEPEST and _are_names(levels) else ()
    if group is Group.BOM and not second:
        # The type is what stands behind the last of the signs that divide words.
        product, _, kind = _BETWEEN_WORDS.sub("_", first).rpartition("_")
        parts = [first[: len(product)], first[len(first) - len(kind) :]] if kind else [first]
    names = tuple(clean(part).strip("_- ") for part in parts)
    return names if len(names) == (2 if group is Group.BOM else 1) and _are_names(names) else ()


def _are_names(names: tuple[str, ...]) -> bool:
    """Whether the database has room for each, and a heading can name it."""
    return all(len(name) <= _LONGEST_NAME and match_key(name) for name in names)


def _entry(missing: Missing) -> Entry:
    values: dict[str, object] = {"name": missing.names[0]}
    if missing.group is Group.BOM:
        values = {"product_name": missing.names[0], "product_type": missing.names[1], "unit": UNKNOWN_UNIT}
    return Entry(key_of(IMPORTS[missing.group], values), values)


def _places(paths: list[tuple[str, ...]], reference: Reference) -> list[Entry]:
    """The places, each after the ones above it; what clashes with a naming convention that is there is left out."""
    above: dict[str, dict[str, object]] = {
        each.key: {"path": each.name, "prefixes": [reference.naming_conventions[each.id]]} for each in reference.nodes
    }
    taken = set(reference.naming_conventions.values())
    made: dict[str, Entry] = {}
    for levels in paths:
        for depth in range(1, len(levels) + 1):
            key = ".".join(map(match_key, levels[:depth]))
            if key in above:
                continue
            parent = above.get(".".join(map(match_key, levels[: depth - 1])))
            full = nodes.complete({"name": levels[depth - 1]}, parent)
            if (depth > 1 and parent is None) or nodes.problem(full) or full["naming_convention"] in taken:
                break
            taken.add(full["naming_convention"])
            above[key] = full
            kept = ("name", "prefix", "path", "naming_convention", "parent_key")
            made[key] = Entry(key, {name: full[name] for name in kept})
    return list(made.values())
