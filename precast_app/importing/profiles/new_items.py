"""What an import profile names and the project lacks: in headings, and in the cells that name places. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from precast_app.importing.column_mapping import index_names
from precast_app.importing.profiles import list_columns, matching
from precast_app.importing.profiles.column_values import shown_text
from precast_app.importing.profiles.header_search import ListLayout, iterate_data_rows
from precast_app.importing.profiles.profile import (
    GROUP_KEYS,
    ImportProfile,
    ItemTarget,
    PlaceField,
    PlaceTarget,
    ProfileColumn,
    Shape,
    Target,
)
from precast_app.importing.reference_data import ReferenceData
from precast_app.importing.schema import GROUP_SPECS, ColumnGroup
from precast_app.messages import Message, plural_message
from precast_app.spreadsheets import Book, column_letter
from precast_app.text import match_key, path_key

_MAX_NEW = 500


def find_new_items(
    book: Book, profile: ImportProfile, layout: ListLayout, reference: ReferenceData, guesses: Mapping[int, Target]
) -> Iterator[dict[str, Any]]:
    """Yield what the file names and the project lacks, with the column or the number of rows that name it.

    `parts` are the cells that name a place, before replacements, `letters` their columns, `rows` the number of rows.
    With `left_out` the profile ignores the item: a column that probably means it, by its index in `guesses`, or a place
    whose cells are replaced by nothing.
    """
    names = index_names(reference)
    columns = matching.match_columns(layout.headings, profile)
    for heading in layout.headings:
        column = columns.get(heading.index)
        own = column.target if column else None
        target = guesses.get(heading.index) if own is None else own
        if isinstance(target, ItemTarget):
            group, key = item_key(target)
            if not any(item_group == group for item_group, _ in names.get(key, ())):
                found = {"heading": heading.top, "sub_heading": heading.sub, "column": column_letter(heading.index + 1)}
                where = Message("column %(column)s", column=found["column"])
                item = {"kind": GROUP_KEYS[target.group], "name": target.name, "where": where, "parts": None}
                yield {**item, **found, "left_out": own is None}
    places = _places(book, profile, layout, columns) if profile.shape is not Shape.ELEMENT_TYPE else []
    for place in islice(places, _MAX_NEW):
        known = names.get(path_key(place.path), ())
        if place.left_out or not any(GROUP_SPECS[group].reference.is_hierarchy for group, _ in known):
            where = plural_message(
                "column %(column)s, %(count)s row", "column %(column)s, %(count)s rows", place.rows, column=place.letter
            )
            said = {"parts": place.parts, "letters": place.letters, "rows": place.rows, "left_out": place.left_out}
            yield {"kind": "node", "name": place.path, "where": where, **said}


@dataclass(slots=True)
class _Place:
    """A place that rows name: its path, the cells that it consists of, the columns of these, and the rows.

    It is left out if one of its cells is replaced by nothing; then its path is that of the cells as they stand.
    """

    path: str
    parts: dict[str, str]
    letters: dict[str, str]
    left_out: bool = False
    rows: int = 0

    @property
    def letter(self) -> str:
        """The last column that names the place."""
        return next(reversed(self.letters.values()), "")


def _places(
    book: Book, profile: ImportProfile, layout: ListLayout, columns: Mapping[int, ProfileColumn]
) -> Iterable[_Place]:
    """Return the places in the order of the rows that name them first."""
    fields = {column.target.field: index for index, column in columns.items() if isinstance(column.target, PlaceTarget)}
    order = [field for field in (PlaceField.TOWER, PlaceField.FLOOR) if field in fields or field in profile.constants]
    order = [PlaceField.PLACE] if PlaceField.PLACE in fields else order
    letters = {field.value: column_letter(fields[field] + 1) for field in order if field in fields}
    rules = {field: {match_key(old): new for old, new in profile.values.get(field, {}).items()} for field in PlaceField}
    found: dict[str, _Place] = {}
    for row in iterate_data_rows(book, layout):
        if list_columns.is_totals_row(row):
            continue
        cells = {
            field.value: shown_text(list_columns.cell_at(row, fields[field]))
            if field in fields
            else profile.constants[field]
            for field in order
        }
        if cells and all(cells.values()):
            names = [rules[PlaceField(field)].get(match_key(text), text) for field, text in cells.items()]
            left_out = not all(names)
            path = ".".join(cells.values() if left_out else names)
            place = found.setdefault(path, _Place(path, cells, letters, left_out))
            place.rows += 1
    return found.values()


def item_key(target: ItemTarget) -> tuple[ColumnGroup, str]:
    """Return what identifies an item: its group and its match key."""
    is_node = GROUP_SPECS[target.group].reference.is_hierarchy
    return target.group, path_key(target.name) if is_node else match_key(target.name)
