"""Items that a file names by its import profile and the project lacks. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from precast_app.importing import column_mapping, find_missing, row_validation
from precast_app.importing.cell_parsing import InvalidCell
from precast_app.importing.find_missing import MissingEntries
from precast_app.importing.profiles import application, cell_values, matching
from precast_app.importing.profiles.profile import ImportProfile, ItemTarget, PlaceField
from precast_app.importing.reference_data import ReferenceData
from precast_app.importing.schema import GROUP_SPECS, ColumnGroup
from precast_app.spreadsheets import Book
from precast_app.text import clean_text, match_key, path_key

# A point between the levels of a path. One after a single digit belongs to the name, as in `1.OG` and `2.5`, and so
# does one before a space.
_LEVEL_SEPARATOR = re.compile(r"(?<!\A\d)(?<!\.\d)\.(?![\s_]|\Z)")
# Different places of one file that are created.
_MAX_PLACES = 10_000


def find_missing_entries(book: Book, profile: ImportProfile, reference: ReferenceData) -> MissingEntries:
    """Return the items to create, by group, parents before their children; raise `JobFailed` as `map_columns` does."""
    headings = matching.find_header(book, profile).headings
    names = column_mapping.index_names(reference)
    named: dict[ColumnGroup, dict[tuple[str, ...], None]] = {group: {} for group in GROUP_SPECS}
    for _, column in sorted(matching.match_columns(headings, profile).items()):
        target = column.target
        if isinstance(target, ItemTarget):
            known = {group for group, _ in column_mapping.find_targets(target.name, "", names)}
            parts = _levels(target.name) if _is_nodes(target.group) else _name_parts(target)
            if target.group not in known and parts:
                named[target.group][parts] = None
    for parts in _places(book, profile, reference):
        if path_key(*parts) not in names and match_key("_".join(parts)) not in names:
            named[ColumnGroup.NODES][parts if len(parts) > 1 else _levels(parts[0])] = None
    entries = {
        group: find_missing.node_entries(list(named[group]), reference, group)
        if spec.reference.is_hierarchy
        else find_missing.flat_entries(list(named[group]), spec.reference)
        for group, spec in GROUP_SPECS.items()
    }
    return {group: each for group, each in entries.items() if each}


def _is_nodes(group: ColumnGroup) -> bool:
    return GROUP_SPECS[group].reference.is_hierarchy


def _name_parts(target: ItemTarget) -> tuple[str, ...]:
    return find_missing.name_parts(target.name, "", target.group)


def _levels(path: str) -> tuple[str, ...]:
    levels = tuple(clean_text(level) for level in _LEVEL_SEPARATOR.split(path, 20))
    return levels if all(map(find_missing.is_name, levels)) else ()


def _places(book: Book, profile: ImportProfile, reference: ReferenceData) -> Iterator[tuple[str, ...]]:
    """Yield the different places of the data rows: a place, or a tower and a floor."""
    columns, _ = application.map_columns(book, profile, reference)
    order = (PlaceField.PLACE, PlaceField.TOWER, PlaceField.FLOOR)
    by_field = {column.target: column for column in columns.columns}
    parsers = [(by_field[name], cell_values.replacing_parser(by_field[name])) for name in order if name in by_field]
    if columns.grouping is None or not parsers:
        return
    seen: set[tuple[str, ...]] = set()
    for row in row_validation.data_rows(book.rows(columns.sheet), columns):
        if columns.preparation is not None and columns.preparation.is_total(row):
            continue
        try:
            parts = tuple(
                str(parse(row.cells[column.index] if column.index < len(row.cells) else ""))
                for column, parse in parsers
            )
        except InvalidCell:
            continue
        if any(
            cell_values.is_replaced_by_nothing(row.cells, column, part)
            for (column, _), part in zip(parsers, parts, strict=True)
        ):
            continue
        # Without its last part, the floor, a place is not complete.
        parts = tuple(part for part in parts if part) if parts[-1] else ()
        if parts and all(map(find_missing.is_name, parts)) and parts not in seen and len(seen) < _MAX_PLACES:
            seen.add(parts)
            yield parts
