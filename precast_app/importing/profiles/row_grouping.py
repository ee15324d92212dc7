"""Rows of one element type put together: a row for each place, or for each piece, to a row with all places. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from precast_app.enums import Severity
from precast_app.importing import column_mapping
from precast_app.importing.cell_parsing import InvalidCell, display_text
from precast_app.importing.issues import Issue
from precast_app.importing.profiles import cell_values
from precast_app.importing.profiles.profile import PlaceField
from precast_app.importing.reference_data import ReferenceData
from precast_app.importing.row_validation import Row
from precast_app.importing.schema import GROUP_SPECS, NOT_IN_FILE, Column, ColumnGroup, ColumnMap, RowGrouping
from precast_app.messages import Message
from precast_app.text import match_key, path_key

_SHOWN_CHARACTERS = 200
# Different unknown places for which a similar name is searched, and places that are remembered.
_MAX_CACHED = 50_000


@dataclass(slots=True)
class _ElementType:
    """The rows of one element type so far; `values` and `said_in` (row numbers) by the index of the column."""

    number: int
    values: dict[int, object] = field(default_factory=dict)
    said_in: dict[int, int] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)
    node_rows: dict[int, int] = field(default_factory=dict)
    contradicted: set[int] = field(default_factory=set)
    kept: set[int] | None = None
    issues: list[Issue] = field(default_factory=list)
    is_rejected: bool = False


def group_rows(rows: Iterable[Row], columns: ColumnMap, reference: ReferenceData) -> tuple[ColumnMap, list[Row]]:
    """Return a row for each element type, in the order of their first rows, and the columns of its values.

    Counts of the same place are added, or rows are counted. Rows that contradict each other, name a place that the
    project lacks, or have an invalid cell, reject their element type; the issues name the cells as they stand in the
    file. Rows that belong to no element type are returned as they are.
    """
    grouper = _Grouper(columns, reference)
    found: dict[tuple[str, str], _ElementType] = {}
    in_order: list[Row | tuple[tuple[str, str], _ElementType]] = []
    for row in rows:
        if row.skipped or not row.element_type_key[0]:
            in_order.append(row)
            continue
        element_type = found.get(row.element_type_key)
        if element_type is None:
            element_type = found[row.element_type_key] = _ElementType(row.number)
            in_order.append((row.element_type_key, element_type))
        grouper.add(element_type, row)
    new_columns = grouper.columns()
    return new_columns, [row if isinstance(row, Row) else grouper.finished(*row) for row in in_order]


class _Grouper:
    def __init__(self, columns: ColumnMap, reference: ReferenceData) -> None:
        self._columns = columns
        self._places = _Places(columns, reference)
        is_node = [column.group is ColumnGroup.NODES for column in columns.columns]
        # What stays a column; the quantities at nodes are rebuilt from the places.
        self._fixed = [index for index in range(len(is_node)) if not is_node[index]]
        self._new_index = {index: position for position, index in enumerate(self._fixed)}
        self._nodes: dict[int, Column] = {
            int(column.target): column
            for column in columns.columns
            if column.group is ColumnGroup.NODES and not isinstance(column.target, str)
        }
        self._node_indices = [
            (index, int(column.target))
            for index, column in enumerate(columns.columns)
            if column.group is ColumnGroup.NODES and not isinstance(column.target, str)
        ]
        self._count = next((i for i, c in enumerate(columns.columns) if c.target == PlaceField.COUNT), None)
        self._empty = {index: _blank_value(columns.columns[index]) for index in self._fixed}

    def add(self, element_type: _ElementType, row: Row) -> None:
        """Add a row to the element type that it is about."""
        element_type.issues.extend(row.issues)
        if row.rejected:
            element_type.is_rejected = True
            return
        for index in self._fixed[2:]:
            value = row.values[index]
            if value == self._empty[index]:
                element_type.values.setdefault(index, value)
            elif index not in element_type.said_in:
                element_type.values[index] = value
                element_type.said_in[index] = row.number
            elif element_type.values[index] != value and index not in element_type.contradicted:
                element_type.contradicted.add(index)
                element_type.issues.append(self._contradiction(element_type, row, index))
                element_type.is_rejected = True
        for index in self._fixed[:2]:
            element_type.values.setdefault(index, row.values[index])
        element_type.kept = (
            set(row.kept_positions) if element_type.kept is None else element_type.kept.intersection(row.kept_positions)
        )
        for index, node in self._node_indices:
            self._add_pieces(element_type, node, int(str(row.values[index])), row.number)
        self._add_place(element_type, row)

    def _add_place(self, element_type: _ElementType, row: Row) -> None:
        count = 1
        if self._columns.grouping is RowGrouping.ADD_COUNTS:
            count = int(str(row.values[self._count])) if self._count is not None else 0
        place = self._places.find(row, is_needed=count > 0)
        if isinstance(place, Issue):
            element_type.issues.append(place)
            element_type.is_rejected = True
        elif place is not None:
            self._add_pieces(element_type, place, count, row.number)

    def _add_pieces(self, element_type: _ElementType, node: int, count: int, row: int) -> None:
        element_type.counts[node] = element_type.counts.get(node, 0) + count
        element_type.node_rows.setdefault(node, row)
        if node not in self._nodes:
            self._nodes[node] = self._places.column(node)

    def columns(self) -> ColumnMap:
        """Return the columns of the element types: those that are no places, then one for each node."""
        fixed = [self._columns.columns[index] for index in self._fixed]
        return replace(self._columns, columns=(*fixed, *self._nodes.values()))

    def finished(self, key: tuple[str, str], element_type: _ElementType) -> Row:
        """Return the row of an element type whose rows have all been added."""
        number, issues = element_type.number, tuple(element_type.issues)
        if element_type.is_rejected:
            return Row(number, ("", ""), (), issues, element_type_key=key)
        values = [element_type.values[index] for index in self._fixed]
        values += [element_type.counts.get(node, 0) for node in self._nodes]
        kept = tuple(sorted(self._new_index[index] for index in element_type.kept or () if index in self._new_index))
        return Row(
            number,
            key,
            tuple(values),
            issues,
            kept_positions=kept,
            element_type_key=key,
            node_rows=element_type.node_rows,
        )

    def _contradiction(self, element_type: _ElementType, row: Row, index: int) -> Issue:
        column = self._columns.columns[index]
        value = _shown(row.cells, column)
        first = element_type.said_in[index]
        return self._columns.issue(
            severity=Severity.ERROR,
            code="contradicting_rows",
            message=Message(
                "Row %(first)s and row %(second)s are the same element type, but differ in %(heading)s. "
                "Write the same in both rows, or give one of them another name.",
                first=first,
                second=row.number,
                heading=column.heading,
            ),
            row=row.number,
            column=column,
            value=value,
        )


class _Places:
    """Finds the nodes that rows name by a place, or by a tower and a floor."""

    def __init__(self, columns: ColumnMap, reference: ReferenceData) -> None:
        self._columns = columns
        by_field = {column.target: (index, column) for index, column in enumerate(columns.columns)}
        order = (PlaceField.PLACE, PlaceField.TOWER, PlaceField.FLOOR)
        self._parts = [by_field[name] for name in order if name in by_field]
        self._names = {item.id: item.name for item in reference.of(ColumnGroup.NODES)}
        index = column_mapping.index_names(ReferenceData(0, {ColumnGroup.NODES: reference.of(ColumnGroup.NODES)}))
        self._index = index
        self._suggestions = column_mapping.Suggestions(index)
        self._known: dict[tuple[str, ...], int | None] = {}
        # The column that says most about the place: the last one that is in the file.
        with_cell = [column for _, column in self._parts if column.index != NOT_IN_FILE]
        self._column = (with_cell or [column for _, column in self._parts])[-1] if self._parts else None

    def find(self, row: Row, *, is_needed: bool) -> int | Issue | None:
        """Return the node of a row, or the issue that says why there is none.

        Return None if the place is blank and not needed, or if the profile replaces its cell by nothing.
        """
        if any(
            cell_values.is_replaced_by_nothing(row.cells, column, row.values[index]) for index, column in self._parts
        ):
            return None
        parts = tuple(text for index, _ in self._parts if (text := str(row.values[index])))
        if not parts or (len(parts) < len(self._parts) and self._is_last_blank(row)):
            if not is_needed or self._column is None:
                return None
            message = Message("The cell is blank, but pieces need a place. Fill it in.")
            return self._issue(row, "missing_value", message)
        if parts not in self._known and len(self._known) < _MAX_CACHED:
            self._known[parts] = self._find(parts)
        node = self._known[parts] if parts in self._known else self._find(parts)
        return self._unknown(row, parts) if node is None else node

    def column(self, node: int) -> Column:
        """Return a column of quantities for a node, at the cells that name the places."""
        place = self._column
        heading = place.heading if place else ""
        return Column(
            index=place.index if place else NOT_IN_FILE,
            letter=place.letter if place else "",
            heading=f"{heading}: {self._names[node]}",
            group=ColumnGroup.NODES,
            target=node,
            parse=GROUP_SPECS[ColumnGroup.NODES].parse,
        )

    def _is_last_blank(self, row: Row) -> bool:
        return not str(row.values[self._parts[-1][0]])

    def _find(self, parts: Sequence[str]) -> int | None:
        for key in (path_key(*parts), match_key("_".join(parts))):
            for _, item in self._index.get(key, ()):
                return item.id
        return None

    def _unknown(self, row: Row, parts: Sequence[str]) -> Issue:
        path = ".".join(parts)
        nearest = self._suggestions.nearest(path)
        hint = Message("; the nearest that it has is %(nearest)s", nearest=nearest) if nearest else ""
        shown = path if len(path) <= _SHOWN_CHARACTERS else f"{path[:_SHOWN_CHARACTERS]}…"
        message = Message(
            "The project has no tower or floor called %(name)s%(hint)s. Correct the cell, or add it to the project.",
            name=shown,
            hint=hint,
        )
        return self._issue(row, "unknown_place", message)

    def _issue(self, row: Row, code: str, message: str) -> Issue:
        return self._columns.issue(
            severity=Severity.ERROR,
            code=code,
            message=message,
            row=row.number,
            column=self._column,
            value=_shown(row.cells, self._column) if self._column else None,
        )


def _blank_value(column: Column) -> object:
    """Return the value of a blank cell."""
    try:
        return column.parse("")
    except InvalidCell:
        return None


def _shown(cells: Sequence[object], column: Column) -> str:
    cell = cells[column.index] if column.index < len(cells) else ""
    return display_text(cell)[:_SHOWN_CHARACTERS]
