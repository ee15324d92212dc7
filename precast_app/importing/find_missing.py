"""What the headings of a file name and the project lacks: of which group each is, and what it would be. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from precast_app.importing import cell_parsing, column_mapping, header_detection, hierarchy
from precast_app.importing.cell_parsing import InvalidCell
from precast_app.importing.column_mapping import GROUP_TITLES, NameIndex
from precast_app.importing.header_detection import HeaderLayout, Heading
from precast_app.importing.reference_data import ReferenceData
from precast_app.importing.reference_files import ReferenceEntry, key_of
from precast_app.importing.schema import CELL_PARSERS, NUMERIC_GROUPS, ColumnGroup
from precast_app.spreadsheets import Book, column_number
from precast_app.text import clean_text, match_key

# The unit of a product that only a heading tells of.
UNKNOWN_UNIT = "?"

JOB_TYPES = {
    ColumnGroup.DRAWINGS: "drawing_type_import",
    ColumnGroup.NODES: "hierarchy_import",
    ColumnGroup.STAGES: "stage_import",
    ColumnGroup.BOM: "bom_product_import",
}

_PREFIXES = {
    group: re.compile(r"[\s_\-]+".join(words.split()) + r"(?:[\s_\-]+(?P<name>.*))?", re.IGNORECASE | re.DOTALL)
    for group, words in GROUP_TITLES.items()
}
# How the sheet Summary calls the groups, squeezed.
_TOTALS = {
    "totaldrawingtypes": ColumnGroup.DRAWINGS,
    "totalhierarchy": ColumnGroup.NODES,
    "totalstages": ColumnGroup.STAGES,
    "totalbomtypes": ColumnGroup.BOM,
}
_LONGEST_NAME = 150
# Between the levels of a path; `Lifter_2.5T` is no path.
_LEVELS = re.compile(r"(?<!\d)\.|\.(?!\d)")
_BETWEEN_WORDS = re.compile(r"[\s\-]")
_RANGE = re.compile(r"range:\s*([a-z]{1,3})\d*\s*-\s*([a-z]{1,3})\d*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MissingItem:
    """A heading's thing that is not there: the levels of a place, a product's name and type, or one name."""

    group: ColumnGroup
    names: tuple[str, ...]


def find_missing_entries(book: Book, reference: ReferenceData) -> dict[ColumnGroup, list[ReferenceEntry]]:
    """What is to be made, by group, parents before their children. What can't be told for sure is left out."""
    layout, _ = header_detection.detect_header(book)
    names = column_mapping.index_names(reference)
    unknown = list(_unknown_headings(layout, names))
    if not unknown:
        return {}
    found = [
        _to_missing_item(heading, group) for heading, group in _assign_groups(book, layout, unknown, names, reference)
    ]
    made: dict[ColumnGroup, list[ReferenceEntry]] = {}
    for group in (ColumnGroup.DRAWINGS, ColumnGroup.STAGES, ColumnGroup.BOM):
        things = {(entry := _to_entry(each)).key: entry for each in found if each.group is group}
        made[group] = list(things.values())
    made[ColumnGroup.NODES] = _node_entries(
        [each.names for each in found if each.group is ColumnGroup.NODES], reference
    )
    return {group: things for group, things in made.items() if things}


def _unknown_headings(layout: HeaderLayout, names: NameIndex) -> Iterator[Heading]:
    for heading in layout.headings:
        is_named = (
            heading.base is None
            and not heading.is_part
            and (heading.top or heading.sub) not in ("", header_detection.REASON_HEADING)
        )
        if is_named and not column_mapping.find_targets(heading.top, heading.sub, names):
            yield heading


def _assign_groups(
    book: Book, layout: HeaderLayout, unknown: list[Heading], names: NameIndex, reference: ReferenceData
) -> Iterator[tuple[Heading, ColumnGroup]]:
    """The group of each heading of which it can be told: by its own words, by `Summary`, by the cells below it."""
    ranges = _groups_from_summary(book, layout, names)
    firsts = _first_parts(reference)
    unclear = []
    for heading in unknown:
        group = _group_from_heading(heading, firsts, is_flat=book.format == "csv") or ranges.get(heading.index)
        if group is None:
            unclear.append(heading)
        elif _name_parts(heading, group):
            yield heading, group
    for heading, possible in _groups_from_cells(book, layout, unclear).items():
        fitting = [group for group in possible if _name_parts(heading, group)]
        # Anything is a text: a drawing's name only what nothing else is.
        certain = [group for group in fitting if group is not ColumnGroup.DRAWINGS] or fitting
        if len(certain) == 1:
            yield heading, certain[0]


def _first_parts(reference: ReferenceData) -> dict[ColumnGroup, set[str]]:
    """The keys that a heading over others may have, since the project has a place or a product that begins so."""
    products = (each.key.split("_") for each in reference.products)
    return {
        ColumnGroup.NODES: {each.key.partition(".")[0] for each in reference.nodes},
        ColumnGroup.BOM: {"_".join(words[:count]) for words in products for count in range(1, len(words))},
    }


def _group_from_heading(heading: Heading, firsts: dict[ColumnGroup, set[str]], *, is_flat: bool) -> ColumnGroup | None:
    first = heading.top or heading.sub
    for group, prefix in _PREFIXES.items():
        if (match := prefix.fullmatch(first)) and (match["name"] or (heading.top and heading.sub)):
            return group
    if heading.top and heading.sub:
        key = match_key(heading.top)
        is_place, is_product = key in firsts[ColumnGroup.NODES], key in firsts[ColumnGroup.BOM]
        if is_place != is_product:
            return ColumnGroup.NODES if is_place else ColumnGroup.BOM
        return None
    if _LEVELS.search(first) or (heading.sub and not is_flat):
        # A place in a flat file, or one without anything above it in a workbook.
        return ColumnGroup.NODES
    return None


def _groups_from_summary(book: Book, layout: HeaderLayout, names: NameIndex) -> dict[int, ColumnGroup]:
    """The group of each column as the sheet `Summary` tells it, but for ranges that the headings contradict."""
    known = {
        heading.index: {group for group, _ in column_mapping.find_targets(heading.top, heading.sub, names)}
        for heading in layout.headings
    }
    found: dict[int, ColumnGroup] = {}
    for sheet in book.sheets:
        if match_key(sheet) != "summary":
            continue
        for row in book.rows(sheet):
            texts = [cell_parsing.display_text(cell) for cell in row.cells]
            group = _TOTALS.get(match_key(texts[0]).replace("_", "")) if texts else None
            matches = [match for each in texts[1:] if (match := _RANGE.search(each))]
            if group is None or len(matches) != 1:
                continue
            first, last = (column_number(letters.upper()) - 1 for letters in matches[0].groups())
            columns = range(first, last + 1)
            if all(group in known.get(index, {group}) or not known.get(index) for index in columns):
                found.update(dict.fromkeys(columns, group))
        # Each pass over a sheet may be one over the whole file.
        break
    return found


def _groups_from_cells(book: Book, layout: HeaderLayout, unclear: list[Heading]) -> dict[Heading, list[ColumnGroup]]:
    """The groups whose cells those below each heading could be; none where all are blank."""
    possible: dict[Heading, list[ColumnGroup]] = {heading: list(CELL_PARSERS) for heading in unclear}
    filled: set[Heading] = set()
    readers: dict[ColumnGroup, Callable[[object], object]] = {
        group: partial(cell_parsing.parse_with_decimal_comma, read)
        if book.decimal_comma and group in NUMERIC_GROUPS
        else read
        for group, read in CELL_PARSERS.items()
    }
    for row in book.rows(layout.sheet) if unclear else ():
        if row.number < layout.first_data_row:
            continue
        for heading in unclear:
            cell = row.cells[heading.index] if heading.index < len(row.cells) else ""
            if cell == "" or (isinstance(cell, str) and not clean_text(cell)):
                continue
            filled.add(heading)
            possible[heading] = [group for group in possible[heading] if _is_valid(readers[group], cell)]
    return {heading: groups for heading, groups in possible.items() if heading in filled}


def _is_valid(read: Callable[[object], object], cell: object) -> bool:
    try:
        read(cell)
    except InvalidCell:
        return False
    return True


def _to_missing_item(heading: Heading, group: ColumnGroup) -> MissingItem:
    return MissingItem(group, _name_parts(heading, group))


def _name_parts(heading: Heading, group: ColumnGroup) -> tuple[str, ...]:
    """What the heading calls a thing of the group; empty where it can't be one, such as a product without a type."""
    first = heading.top or heading.sub
    second = heading.sub if heading.top else ""
    if match := _PREFIXES[group].fullmatch(first):
        first, second = (match["name"] or second, second if match["name"] else "")
    parts = [first, second] if second else [first]
    if group is ColumnGroup.NODES:
        # No further than it takes to see that there are too many.
        levels = tuple(clean_text(level) for part in parts for level in part.split(".", hierarchy.DEEPEST))
        return levels if len(levels) <= hierarchy.DEEPEST and _are_names(levels) else ()
    if group is ColumnGroup.BOM and not second:
        # The type is what stands behind the last of the signs that divide words.
        product, _, kind = _BETWEEN_WORDS.sub("_", first).rpartition("_")
        parts = [first[: len(product)], first[len(first) - len(kind) :]] if kind else [first]
    names = tuple(clean_text(part).strip("_- ") for part in parts)
    return names if len(names) == (2 if group is ColumnGroup.BOM else 1) and _are_names(names) else ()


def _are_names(names: tuple[str, ...]) -> bool:
    """Whether the database has room for each, and a heading can name it."""
    return all(len(name) <= _LONGEST_NAME and match_key(name) for name in names)


def _to_entry(missing: MissingItem) -> ReferenceEntry:
    values: dict[str, object] = {"name": missing.names[0]}
    if missing.group is ColumnGroup.BOM:
        values = {"product_name": missing.names[0], "product_type": missing.names[1], "unit": UNKNOWN_UNIT}
    return ReferenceEntry(key_of(JOB_TYPES[missing.group], values), values)


def _node_entries(paths: list[tuple[str, ...]], reference: ReferenceData) -> list[ReferenceEntry]:
    """The places, each after the ones above it; what clashes with a naming convention that is there is left out."""
    above: dict[str, dict[str, object]] = {
        each.key: {"path": each.name, "prefixes": [reference.naming_conventions[each.id]]} for each in reference.nodes
    }
    taken = set(reference.naming_conventions.values())
    made: dict[str, ReferenceEntry] = {}
    for levels in paths:
        for depth in range(1, len(levels) + 1):
            key = ".".join(map(match_key, levels[:depth]))
            if key in above:
                continue
            parent = above.get(".".join(map(match_key, levels[: depth - 1])))
            full = hierarchy.fill_defaults({"name": levels[depth - 1]}, parent)
            if (depth > 1 and parent is None) or hierarchy.find_problem(full) or full["naming_convention"] in taken:
                break
            taken.add(full["naming_convention"])
            above[key] = full
            kept = ("name", "prefix", "path", "naming_convention", "parent_key")
            made[key] = ReferenceEntry(key, {name: full[name] for name in kept})
    return list(made.values())
