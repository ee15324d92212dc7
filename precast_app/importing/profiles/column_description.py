"""What a person is shown of a file to say what its columns mean: rows, samples, guesses and what is missing. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from precast_app.importing.profiles import header_search, list_columns, matching, new_items, proposal
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
    Target,
    possible_units,
)
from precast_app.importing.profiles.proposal import Proposal, ProposedColumn
from precast_app.importing.profiles.samples import Sample, read_sample
from precast_app.importing.profiles.schema import dump_profile, dump_target
from precast_app.importing.profiles.target_guesses import MIN_CONFIDENCE, Guess
from precast_app.importing.reference_data import ReferenceData
from precast_app.importing.schema import BASE_COLUMNS, GROUP_SPECS
from precast_app.messages import Message, as_message, join_messages
from precast_app.spreadsheets import Book, SheetScan, column_letter
from precast_app.text import identity_key

# Limits of what is shown: rows, columns and sheets, and characters of a cell.
_ROWS = 20
_COLUMNS = 300
_SHEETS = 30
_CHARACTERS = 120
_OTHER_SHEETS_COLUMNS = 30
_MAX_ITEMS = 2_000
_MAX_NEW = 500
_PLACE_LABELS = {
    PlaceField.PLACE: Message("Place"),
    PlaceField.TOWER: Message("Tower"),
    PlaceField.FLOOR: Message("Floor"),
    PlaceField.COUNT: Message("Number of pieces"),
}
_OTHER_KIND = Message(
    "The headings are not those of a list of element types. Choose what the columns mean, or upload another file."
)


def describe(
    book: Book,
    reference: ReferenceData,
    profiles: Sequence[tuple[int, ImportProfile]] = (),
    draft: ImportProfile | None = None,
) -> dict[str, Any]:
    """Return the body of `GET /api/jobs/{id}/columns`, without the version of the matched profile.

    `profiles` are those that the project can use, its own first. The file is described as `draft` reads it, else as
    the profile that was made for such files, else as a proposal. A draft that knows no heading only says where the
    headings are.
    """
    matched_id = matching.find_profile(book, profiles) if draft is None else None
    known = dict(profiles)[matched_id] if matched_id is not None else None
    given = draft or known
    layout = _layout(book, given) if given else None
    proposed = proposal.propose(book, reference, [profile for _, profile in profiles], layout)
    is_proposal = given is None or not any(column.heading or column.sub_heading for column in given.columns)
    profile = proposed.profile if given is None or is_proposal else _moved(given, proposed.layout)
    layout = proposed.layout
    columns = _columns(profile, proposed)
    messages = _messages(profile, proposed, is_proposal=is_proposal)
    return {
        "profile": dump_profile(profile),
        "matched_profile": {"id": matched_id, "name": known.name} if known else None,
        "sheets": list(_sheets(book, layout.sheet)),
        "columns": [_dump_column(*each) for each in columns],
        "missing": list(profile.missing()),
        "messages": messages,
        "targets": list(_targets(reference, [column.target for _, column, _ in columns], proposed)),
        "new_items": list(new_items.find_new_items(book, profile, layout, reference, _surest_targets(proposed))),
        "row_count": layout.row_count - sum(map(list_columns.is_totals_row, layout.rows)),
        "element_type_count": _count_element_types(book, profile, layout),
    }


_DescribedColumn = tuple[ProposedColumn, ProfileColumn, list[Sample]]


def _layout(book: Book, profile: ImportProfile) -> ListLayout | None:
    """Return where the file has the headings that a profile uses, else the rows that it names."""
    return matching.find_layout(book, profile) or _layout_at(book, profile)


def _moved(profile: ImportProfile, layout: ListLayout) -> ImportProfile:
    """Return a profile with the sheet and the rows in which this file has its headings."""
    first = profile.first_data_row
    moved = layout.header_rows[-1] - profile.header_rows[-1]
    return replace(
        profile,
        sheet=layout.sheet or None,
        header_rows=layout.header_rows,
        first_data_row=None if first is None else first + moved,
    )


def _layout_at(book: Book, profile: ImportProfile) -> ListLayout | None:
    """Return the layout with the header rows that a profile names; None if these are not among the first rows."""
    if profile.sheet is not None and profile.sheet not in book.sheets:
        return None
    sheet = profile.sheet if profile.sheet is not None else book.sheets[0]
    scan = book.scan(sheet)
    for position, row in enumerate(scan.head):
        if row.number == profile.header_rows[0]:
            is_empty = not any(column.heading or column.sub_heading for column in profile.columns)
            skip_rows = None if is_empty else profile.skip_rows
            return header_search.read_layout(book, sheet, scan, position, len(profile.header_rows), skip_rows)
    return None


def _columns(profile: ImportProfile, proposed: Proposal) -> list[_DescribedColumn]:
    """Return the columns of the file with their guesses, what the profile says of them, and their samples."""
    by_index = matching.match_columns(proposed.layout.headings, profile)
    found = []
    for each in proposed.columns[:_COLUMNS]:
        heading = each.column.heading
        if not heading.top and not heading.sub and not each.column.values.filled:
            continue
        own = by_index.get(heading.index) or ProfileColumn(
            heading=heading.top, sub_heading=heading.sub, column=column_letter(heading.index + 1)
        )
        samples = [read_sample(cell, own, heading, profile, proposed.sign) for cell in each.column.values.cells]
        found.append((each, own, samples))
    return found


def _dump_column(proposed: ProposedColumn, column: ProfileColumn, samples: Iterable[Sample]) -> dict[str, Any]:
    index = proposed.column.heading.index
    cells = list(samples)
    return {
        "index": index,
        "letter": column_letter(index + 1),
        "heading": proposed.column.heading.top,
        "sub_heading": proposed.column.heading.sub,
        "samples": [each.text for each in cells],
        "read_as": [each.read_as for each in cells],
        "problem": next(
            (join_messages(": ", [each.text, as_message(each.problem)]) for each in cells if each.problem), None
        ),
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


def _surest_targets(proposed: Proposal) -> dict[int, Target]:
    """Return what each column most probably means, by its index, where that is sure enough to be proposed."""
    best = {each.column.heading.index: each.guesses[0] for each in proposed.columns if each.guesses}
    return {
        index: guess.target
        for index, guess in best.items()
        if guess.target is not None and guess.confidence >= MIN_CONFIDENCE
    }


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
        for item in reference.of(group)[:_MAX_ITEMS]:
            seen.add((group, item.key))
            yield _target(ItemTarget(group, item.name), item.name, GROUP_KEYS[group])
    guessed = [guess.target for column in proposed.columns for guess in column.guesses]
    for target in (*used, *guessed):
        if isinstance(target, ItemTarget) and (key := new_items.item_key(target)) not in seen:
            seen.add(key)
            yield _target(target, target.name, GROUP_KEYS[target.group])


def _target(target: Target, label: str, kind: str) -> dict[str, Any]:
    return {"target": dump_target(target), "label": label, "kind": kind, "units": list(possible_units(target))}


def _count_element_types(book: Book, profile: ImportProfile, layout: ListLayout) -> int | None:
    """Return the number of different element types, if a column names them and the rows are quick to read."""
    columns = matching.match_columns(layout.headings, profile)
    indexes = {column.target.field: index for index, column in columns.items() if isinstance(column.target, BaseTarget)}
    is_long = layout.row_count * len(layout.headings) > header_search.MAX_COUNTED_CELLS
    if (is_long and not layout.has_all_rows) or "name" not in indexes:
        return None
    found = set()
    for row in header_search.iterate_data_rows(book, layout):
        if list_columns.is_totals_row(row):
            continue
        names = [
            shown_text(row.cells[index]) if index is not None and index < len(row.cells) else ""
            for index in (indexes.get("element_type"), indexes["name"])
        ]
        if names[1]:
            found.add(tuple(map(identity_key, names)))
    return len(found)
