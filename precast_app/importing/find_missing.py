"""Items that the headings of a file name and the project lacks: the group of each, and what it would be. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from precast_app.importing import column_mapping, header_detection, hierarchy, summary_sheet
from precast_app.importing.cell_parsing import InvalidCell
from precast_app.importing.column_mapping import NameIndex
from precast_app.importing.group_formats import TEXT
from precast_app.importing.header_detection import HeaderLayout, Heading
from precast_app.importing.reference_data import ReferenceData
from precast_app.importing.reference_files import ReferenceEntry
from precast_app.importing.reference_schema import ReferenceSpec
from precast_app.importing.schema import GROUP_SPECS, ColumnGroup
from precast_app.spreadsheets import Book
from precast_app.text import clean_text, match_key, path_key

# A heading that begins with the title of its group, such as `Drawing Types_Assembly`, and the name behind it.
_AFTER_TITLE = {
    group: re.compile(
        r"[\s_\-]+".join(spec.title.split()) + r"(?:(?:[\s_]|-(?!\d))+(?P<name>.*))?", re.IGNORECASE | re.DOTALL
    )
    for group, spec in GROUP_SPECS.items()
}
_MAX_NAME_LENGTH = 150
# A point that separates the levels of a path; `Lifter_2.5T` and `1. OG` are no paths.
_LEVEL_SEPARATOR = re.compile(r"(?:(?<!\d)\.|\.(?!\d))(?![\s_]|\Z)")
_WORD_SEPARATOR = re.compile(r"[\s\-]")

MissingEntries = dict[ColumnGroup, list[ReferenceEntry]]


def find_missing_entries(book: Book, reference: ReferenceData) -> MissingEntries:
    """Return the items to create, by group, parents before their children. Leave out headings of an unclear group."""
    layout, _ = header_detection.detect_header(book)
    names = column_mapping.index_names(reference)
    layout = column_mapping.resolve_continued(layout, names)
    unknown = list(_unknown_headings(layout, names))
    if not unknown:
        return {}
    named: dict[ColumnGroup, list[tuple[str, ...]]] = {group: [] for group in GROUP_SPECS}
    for heading, group in _assign_groups(book, layout, unknown, names, reference):
        named[group].append(name_parts(heading.top, heading.sub, group))
    entries = {
        group: node_entries(named[group], reference, group)
        if spec.reference.is_hierarchy
        else flat_entries(named[group], spec.reference)
        for group, spec in GROUP_SPECS.items()
    }
    return {group: found for group, found in entries.items() if found}


def _unknown_headings(layout: HeaderLayout, names: NameIndex) -> Iterator[Heading]:
    for heading in header_detection.item_headings(layout):
        if not heading.is_part and not column_mapping.find_targets(heading.top, heading.sub, names):
            yield heading


def _assign_groups(
    book: Book, layout: HeaderLayout, unknown: list[Heading], names: NameIndex, reference: ReferenceData
) -> Iterator[tuple[Heading, ColumnGroup]]:
    """Yield the headings whose group is clear: from their own words, the sheet Summary, or the cells below them."""
    from_summary = _groups_from_summary(book, layout, names)
    first_parts = _first_parts(reference)
    unclear = []
    for heading in unknown:
        group = _group_from_heading(heading, first_parts, is_flat=book.format == "csv")
        group = group or from_summary.get(heading.index)
        if group is None:
            unclear.append(heading)
        elif name_parts(heading.top, heading.sub, group):
            yield heading, group
    for heading, groups in _groups_from_cells(book, layout, unclear).items():
        possible = [group for group in groups if name_parts(heading.top, heading.sub, group)]
        # Every cell is a valid text, so a group of texts is the last choice.
        certain = [group for group in possible if GROUP_SPECS[group].value_type is not TEXT] or possible
        if len(certain) == 1:
            yield heading, certain[0]


def _first_parts(reference: ReferenceData) -> dict[ColumnGroup, set[str]]:
    """Return, for each group whose names have parts, the match keys with which the project's names begin."""
    parts: dict[ColumnGroup, set[str]] = {}
    for group, spec in GROUP_SPECS.items():
        if spec.reference.is_hierarchy:
            parts[group] = {item.key.partition(".")[0] for item in reference.of(group)}
        elif len(spec.reference.name_parts) > 1:
            words = [item.key.split("_") for item in reference.of(group)]
            parts[group] = {"_".join(each[:count]) for each in words for count in range(1, len(each))}
    return parts


def _group_from_heading(
    heading: Heading, first_parts: dict[ColumnGroup, set[str]], *, is_flat: bool
) -> ColumnGroup | None:
    top = heading.top or heading.sub
    for group, pattern in _AFTER_TITLE.items():
        if (match := pattern.fullmatch(top)) and (match["name"] or (heading.top and heading.sub)):
            return group
    if heading.top and heading.sub:
        key = match_key(heading.top)
        groups = [group for group, keys in first_parts.items() if key in keys]
        return groups[0] if len(groups) == 1 else None
    if _LEVEL_SEPARATOR.search(top) or (heading.sub and not is_flat):
        # A path in a flat file, or a sub-heading without a heading above it in a workbook.
        return ColumnGroup.NODES
    return None


def _groups_from_summary(book: Book, layout: HeaderLayout, names: NameIndex) -> dict[int, ColumnGroup]:
    """Return the group of each column that the sheet Summary states, except for ranges that the headings contradict."""
    known = {
        heading.index: {group for group, _ in column_mapping.find_targets(heading.top, heading.sub, names)}
        for heading in layout.headings
    }
    found: dict[int, ColumnGroup] = {}
    for group, first, last in summary_sheet.group_ranges(book):
        columns = range(first, last + 1)
        if all(group in known.get(index, {group}) or not known.get(index) for index in columns):
            found.update(dict.fromkeys(columns, group))
    return found


def _groups_from_cells(book: Book, layout: HeaderLayout, unclear: list[Heading]) -> dict[Heading, list[ColumnGroup]]:
    """Return the groups in which all cells below each heading are valid, of those that cells can tell.

    Leave out headings with blank cells only.
    """
    possible: dict[Heading, list[ColumnGroup]] = {
        heading: [group for group, spec in GROUP_SPECS.items() if spec.is_found_by_cells] for heading in unclear
    }
    filled: set[Heading] = set()
    for row in book.rows(layout.sheet) if unclear else ():
        if row.number < layout.first_data_row:
            continue
        for heading in unclear:
            cell = row.cells[heading.index] if heading.index < len(row.cells) else ""
            if cell == "" or (isinstance(cell, str) and not clean_text(cell)):
                continue
            filled.add(heading)
            possible[heading] = [group for group in possible[heading] if _is_valid(GROUP_SPECS[group].parse, cell)]
    return {heading: groups for heading, groups in possible.items() if heading in filled}


def _is_valid(parse: Callable[[object], object], cell: object) -> bool:
    try:
        parse(cell)
    except InvalidCell:
        return False
    return True


def name_parts(top: str, sub: str, group: ColumnGroup) -> tuple[str, ...]:
    """Return the parts of the name that a heading has for an item of the group; none if it can't be such a name.

    These are the levels of a path, the name and the type of a product, or one name.
    """
    if not top:
        top, sub = sub, ""
    if match := _AFTER_TITLE[group].fullmatch(top):
        top, sub = (match["name"], sub) if match["name"] else (sub, "")
    reference = GROUP_SPECS[group].reference
    if reference.is_hierarchy:
        # Split no further than is needed to see that there are too many levels.
        levels = [level for part in (top, sub) if part for level in hierarchy.split_levels(part, hierarchy.DEEPEST + 1)]
        parts, is_complete = tuple(map(clean_text, levels)), len(levels) <= hierarchy.DEEPEST
    else:
        texts = [top, sub] if sub else _split_last_word(top) if len(reference.name_parts) > 1 else [top]
        parts = tuple(clean_text(text).strip("_- ") for text in texts)
        is_complete = len(parts) == len(reference.name_parts)
    return parts if is_complete and all(map(is_name, parts)) else ()


def is_name(text: str) -> bool:
    """Return whether a text can be the name of an item: it is not too long, can be displayed, and has a word."""
    return len(text) <= _MAX_NAME_LENGTH and text.isprintable() and bool(match_key(text))


def _split_last_word(text: str) -> list[str]:
    """Return the text before and after the last separator of words; the whole text if there is none."""
    before, _, last = _WORD_SEPARATOR.sub("_", text).rpartition("_")
    return [text[: len(before)], text[len(text) - len(last) :]] if last else [text]


def flat_entries(names: list[tuple[str, ...]], spec: ReferenceSpec) -> list[ReferenceEntry]:
    """Return an entry for each name, which has as many parts as the spec says."""
    entries: dict[str, ReferenceEntry] = {}
    for parts in names:
        values = {**dict(zip(spec.name_parts, parts, strict=True)), **spec.defaults_from_heading}
        key = spec.key_of(values)
        entries[key] = ReferenceEntry(key, values)
    return list(entries.values())


def node_entries(paths: list[tuple[str, ...]], reference: ReferenceData, group: ColumnGroup) -> list[ReferenceEntry]:
    """Return the missing nodes of the paths, parents first, except for those whose naming convention is taken."""
    complete: dict[str, dict[str, object]] = {
        item.key: {"path": hierarchy.path_segment(item.name), "prefixes": [reference.naming_conventions[item.id]]}
        for item in reference.of(group)
    }
    taken = set(reference.naming_conventions.values())
    entries: dict[str, ReferenceEntry] = {}
    for levels in paths:
        for depth in range(1, len(levels) + 1):
            key = path_key(*levels[:depth])
            if key in complete:
                continue
            parent = complete.get(path_key(*levels[: depth - 1]))
            name = levels[depth - 1]
            # The point of `1. OG` has no place in the codes of pieces.
            prefix = hierarchy.path_segment(name).replace("._", "_").rstrip(".")
            node = hierarchy.fill_defaults({"name": name, "prefix": prefix}, parent)
            if (depth > 1 and parent is None) or hierarchy.find_problem(node) or node["naming_convention"] in taken:
                break
            taken.add(node["naming_convention"])
            complete[key] = node
            stored = ("name", "prefix", "path", "naming_convention", "parent_key")
            entries[key] = ReferenceEntry(key, {name: node[name] for name in stored})
    return list(entries.values())
