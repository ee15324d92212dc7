"""What a person is shown of a file to say what its columns mean: rows, samples, guesses and what is missing. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from precast_app.importing import decimal_signs
from precast_app.importing.cell_parsing import InvalidCell
from precast_app.importing.column_mapping import index_names
from precast_app.importing.profiles import header_search, list_columns, matching, proposal
from precast_app.importing.profiles.column_guesses import Guess
from precast_app.importing.profiles.column_values import shown_text
from precast_app.importing.profiles.header_search import ListLayout
from precast_app.importing.profiles.profile import (
    GROUP_KEYS,
    BaseTarget,
    ImportProfile,
    ItemTarget,
    PlaceField,
    PlaceTarget,
    ProfileColumn,
    Shape,
    Target,
    possible_units,
    value_kind,
)
from precast_app.importing.profiles.proposal import Proposal, ProposedColumn
from precast_app.importing.profiles.schema import dump_profile, dump_target
from precast_app.importing.reference_data import ReferenceData
from precast_app.importing.schema import BASE_COLUMNS, GROUP_SPECS
from precast_app.spreadsheets import Book, SheetScan, column_letter
from precast_app.text import identity_key, match_key, path_key

# Limits of what is shown: rows, columns and sheets, and characters of a cell.
_ROWS = 20
_COLUMNS = 300
_SHEETS = 30
_CHARACTERS = 120
_OTHER_SHEETS_COLUMNS = 30
_MOST_ITEMS = 2_000
_MOST_NEW = 500
_PLACE_LABELS = {
    PlaceField.PLACE: "Place",
    PlaceField.TOWER: "Tower",
    PlaceField.FLOOR: "Floor",
    PlaceField.COUNT: "Number of pieces",
}
_OTHER_KIND = (
    "The headings are not those of a list of element types. Choose what the columns mean, or upload another file."
)


def describe(
    book: Book,
    reference: ReferenceData,
    profiles: Sequence[tuple[int, ImportProfile]] = (),
    draft: ImportProfile | None = None,
) -> dict[str, Any]:
    """Return the body of `GET /api/jobs/{id}/columns`, without the version of the matched profile.

    `profiles` are those that the project can use, its own first. With `draft` the file is described as this profile
    reads it; else as the profile that was made for such files reads it, or as a proposal does.
    """
    proposed = proposal.propose(book, reference, [profile for _, profile in profiles])
    matched_id = matching.find_profile(book, profiles) if draft is None else None
    known = next((profile for id_, profile in profiles if id_ == matched_id), None) if matched_id is not None else None
    profile = draft or known or proposed.profile
    layout = _layout(book, profile, proposed)
    columns = _columns(book, profile, layout, proposed)
    messages = _messages(profile, proposed, is_proposal=draft is None and known is None)
    return {
        "profile": dump_profile(profile),
        "matched_profile": {"id": matched_id, "name": known.name} if known else None,
        "sheets": list(_sheets(book, layout.sheet)),
        "columns": [_dump_column(*each) for each in columns],
        "missing": list(profile.missing()),
        "messages": messages,
        "targets": list(_targets(reference, [column.target for _, column, _ in columns], proposed)),
        "new_items": list(_new_items(profile, layout, reference)),
        "row_count": layout.row_count,
        "element_type_count": _count_element_types(profile, layout),
    }


_DescribedColumn = tuple[ProposedColumn, ProfileColumn, list[tuple[str, str | None, str | None]]]


def _layout(book: Book, profile: ImportProfile, proposed: Proposal) -> ListLayout:
    if profile is proposed.profile:
        return proposed.layout
    return matching.layout_of(book, profile) or _layout_at(book, profile) or proposed.layout


def _layout_at(book: Book, profile: ImportProfile) -> ListLayout | None:
    """Return the layout with the header rows that a draft names, for headings that are not in the file."""
    if profile.sheet is not None and profile.sheet not in book.sheets:
        return None
    sheet = profile.sheet if profile.sheet is not None else book.sheets[0]
    scan = book.scan(sheet)
    for position, row in enumerate(scan.head):
        if row.number == profile.header_rows[0]:
            return header_search.read_layout(book, sheet, scan, position, len(profile.header_rows))
    return None


def _columns(book: Book, profile: ImportProfile, layout: ListLayout, proposed: Proposal) -> list[_DescribedColumn]:
    """Return the columns of the file with their guesses, what the profile says of them, and their samples."""
    guessed = {each.column.heading.index: each for each in proposed.columns}
    by_index = matching.match_columns(layout.headings, profile)
    is_same = layout.sheet == proposed.layout.sheet and layout.header_rows == proposed.layout.header_rows
    found = []
    columns, sign = list_columns.read_columns(book, layout)
    for column in columns[:_COLUMNS]:
        index = column.heading.index
        if not column.heading.top and not column.heading.sub and not column.values.filled:
            continue
        known = guessed.get(index) if is_same else None
        own = by_index.get(index) or ProfileColumn(
            heading=column.heading.top, sub_heading=column.heading.sub, column=column_letter(index + 1)
        )
        samples = [_sample(cell, own, profile, sign) for cell in column.values.cells]
        found.append((ProposedColumn(column, known.guesses if known else (), None), own, samples))
    return found


def _sample(
    cell: Any, column: ProfileColumn, profile: ImportProfile, sign: decimal_signs.DecimalSign
) -> tuple[str, str | None, str | None]:
    """Return a cell as it stands there, as it is read, and why it can't be read."""
    text = shown_text(cell)[:_CHARACTERS]
    if column.target is None:
        return text, None, None
    rules = {match_key(old): new for old, new in profile.values.get(value_kind(column.target), {}).items()}
    value = rules.get(match_key(text), cell)
    try:
        return text, _read(value, column, profile, sign), None
    except InvalidCell as invalid:
        return text, None, invalid.message


def _read(cell: Any, column: ProfileColumn, profile: ImportProfile, sign: decimal_signs.DecimalSign) -> str:
    target = column.target
    parse: Callable[[Any], object] = shown_text
    match target:
        case BaseTarget(field):
            parse = next(base.parse for base in BASE_COLUMNS if base.field == field)
        case ItemTarget(group):
            parse = GROUP_SPECS[group].parse
    if isinstance(cell, str):
        cell = decimal_signs.with_point(cell, column.decimal or profile.decimal or sign)
    value = parse(cell)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return shown_text(cell)[:_CHARACTERS] if isinstance(target, PlaceTarget) else "" if value is None else str(value)


def _dump_column(
    proposed: ProposedColumn, column: ProfileColumn, samples: Iterable[tuple[str, str | None, str | None]]
) -> dict[str, Any]:
    index = proposed.column.heading.index
    cells = list(samples)
    return {
        "index": index,
        "letter": column_letter(index + 1),
        "heading": proposed.column.heading.top,
        "sub_heading": proposed.column.heading.sub,
        "samples": [text for text, _, _ in cells],
        "read_as": [read for _, read, _ in cells],
        "problem": next((f"{text}: {problem}" for text, _, problem in cells if problem), None),
        "target": dump_target(column.target),
        "unit": column.unit,
        "proposals": [_dump_guess(guess) for guess in proposed.guesses],
    }


def _dump_guess(guess: Guess) -> dict[str, Any]:
    return {
        "target": dump_target(guess.target),
        "unit": guess.unit,
        "confidence": guess.confidence,
        "reason": guess.reason,
    }


def _messages(profile: ImportProfile, proposed: Proposal, *, is_proposal: bool) -> list[str]:
    messages = list(profile.missing().values())
    if is_proposal:
        messages += proposed.notes
        if not proposed.is_element_types:
            messages.insert(0, _OTHER_KIND)
    return messages


def _sheets(book: Book, shown: str) -> Iterator[dict[str, Any]]:
    """Yield the first rows of each sheet, all columns only of the sheet that is read."""
    names = sorted(book.sheets[:_SHEETS], key=lambda name: name != shown)
    for name in names if shown in names else [shown, *names]:
        width = _COLUMNS if name == shown else _OTHER_SHEETS_COLUMNS
        yield {"name": name, "hidden": name in book.hidden_sheets, "rows": list(_first_rows(book.scan(name), width))}


def _first_rows(scan: SheetScan, width: int) -> Iterator[dict[str, Any]]:
    for row in scan.head[:_ROWS]:
        yield {"number": row.number, "cells": [shown_text(cell)[:_CHARACTERS] for cell in row.cells[:width]]}


def _targets(reference: ReferenceData, used: Iterable[Target | None], proposed: Proposal) -> Iterator[dict[str, Any]]:
    """Yield what a column can mean: base columns, places, the project's items, and new items that are proposed."""
    for base in BASE_COLUMNS:
        yield _target(BaseTarget(base.field), base.heading, "base")
    for field, label in _PLACE_LABELS.items():
        yield _target(PlaceTarget(field), label, "place")
    seen = set()
    for group in GROUP_SPECS:
        for item in reference.of(group)[:_MOST_ITEMS]:
            seen.add((group, item.key))
            yield _target(ItemTarget(group, item.name), item.name, GROUP_KEYS[group])
    guessed = [guess.target for column in proposed.columns for guess in column.guesses]
    for target in (*used, *guessed):
        if isinstance(target, ItemTarget) and (key := _item_key(target)) not in seen:
            seen.add(key)
            yield _target(target, target.name, GROUP_KEYS[target.group])


def _target(target: Target, label: str, kind: str) -> dict[str, Any]:
    return {"target": dump_target(target), "label": label, "kind": kind, "units": list(possible_units(target))}


def _item_key(target: ItemTarget) -> tuple[Any, str]:
    is_node = GROUP_SPECS[target.group].reference.is_hierarchy
    return target.group, path_key(target.name) if is_node else match_key(target.name)


def _new_items(profile: ImportProfile, layout: ListLayout, reference: ReferenceData) -> Iterator[dict[str, str]]:
    """Yield what the profile names and the project lacks, with the column or the number of rows that name it."""
    names = index_names(reference)
    columns = matching.match_columns(layout.headings, profile)
    count = 0
    for index, column in columns.items():
        target = column.target
        if isinstance(target, ItemTarget):
            group, key = _item_key(target)
            if not any(item_group == group for item_group, _ in names.get(key, ())):
                yield {
                    "kind": GROUP_KEYS[target.group],
                    "name": target.name,
                    "where": f"column {column_letter(index + 1)}",
                }
    if profile.shape is Shape.ELEMENT_TYPE:
        return
    for path, (rows, letter) in _places(profile, layout, columns).items():
        if not any(GROUP_SPECS[group].reference.is_hierarchy for group, _ in names.get(path_key(path), ())):
            count += 1
            if count > _MOST_NEW:
                return
            yield {"kind": "node", "name": path, "where": f"column {letter}, {rows} row{'' if rows == 1 else 's'}"}


def _places(
    profile: ImportProfile, layout: ListLayout, columns: dict[int, ProfileColumn]
) -> dict[str, tuple[int, str]]:
    """Return the number of rows and the column by the path of the place."""
    fields = {column.target.field: index for index, column in columns.items() if isinstance(column.target, PlaceTarget)}
    order = [field for field in (PlaceField.TOWER, PlaceField.FLOOR) if field in fields or field in profile.constants]
    order = [PlaceField.PLACE] if PlaceField.PLACE in fields else order
    found: dict[str, tuple[int, str]] = {}
    for row in layout.rows:
        parts = []
        for field in order:
            index = fields.get(field)
            text = profile.constants.get(field, "") if index is None else ""
            if index is not None and index < len(row.cells):
                text = shown_text(row.cells[index])
            rules = {match_key(old): new for old, new in profile.values.get(field, {}).items()}
            parts.append(rules.get(match_key(text), text))
        if parts and all(parts):
            path = ".".join(parts)
            letter = column_letter(max(fields.get(field, 0) for field in order) + 1)
            found[path] = (found.get(path, (0, letter))[0] + 1, letter)
    return found


def _count_element_types(profile: ImportProfile, layout: ListLayout) -> int | None:
    """Return the number of different element types, if all rows were read and a column names them."""
    columns = matching.match_columns(layout.headings, profile)
    indexes = {column.target.field: index for index, column in columns.items() if isinstance(column.target, BaseTarget)}
    if not layout.has_all_rows or "name" not in indexes:
        return None
    found = set()
    for row in layout.rows:
        if list_columns.is_totals_row(row):
            continue
        names = [
            shown_text(row.cells[index]) if index is not None and index < len(row.cells) else ""
            for index in (indexes.get("element_type"), indexes["name"])
        ]
        if names[1]:
            found.add(tuple(map(identity_key, names)))
    return len(found)
