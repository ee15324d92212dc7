"""What an import will do, decided before it does anything: purely, from the rows and what is stored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, Protocol

from precast_app.enums import Severity
from precast_app.importing.diff import Difference, RowComparison, StoredElementType
from precast_app.importing.issues import Issue
from precast_app.importing.row_validation import Row
from precast_app.importing.schema import ColumnGroup, ColumnMap

# Read at a time, so that memory stays flat however long the file is.
_ROWS_AT_A_TIME = 2_000

NodeKey = tuple[int, int]


class StateReader(Protocol):
    """What is stored, as it was before the job."""

    def element_types(self, keys: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], StoredElementType]: ...

    def last_piece_numbers(self) -> Mapping[tuple[str, int], int]: ...

    def planned_piece_counts(self, places: Sequence[NodeKey]) -> Mapping[NodeKey, int]: ...


@dataclass(frozen=True, slots=True)
class Create:
    """An element type to make, with all that its row holds."""

    row: Row


@dataclass(frozen=True, slots=True)
class Update:
    """An element type to change; `element_type` is spelled as it is stored."""

    row: Row
    id: int
    element_type: str
    difference: Difference

    @property
    def removals(self) -> tuple[tuple[int, int], ...]:
        """Nodes that get fewer pieces, and how many fewer."""
        pairs = self.difference.groups.get(ColumnGroup.NODES, {})
        return tuple((node, before - after) for node, (before, after) in pairs.items() if after < before)


Operation = Create | Update


@dataclass(frozen=True, slots=True)
class PieceRange:
    """Pieces to make for one element type at one node: `count` of them, numbered from `first`."""

    node_id: int
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class Step:
    """An operation with the piece numbers that it was given."""

    operation: Operation
    pieces: tuple[PieceRange, ...]


@dataclass(frozen=True, slots=True)
class PlannedBatch:
    """The steps among `size` data rows of the file; `number` counts from 1 over all of the file."""

    number: int
    steps: tuple[Step, ...]


@dataclass(slots=True)
class Plan:
    """What becomes of each data row. `operations` stand by the number of their batch, in file order."""

    columns: ColumnMap
    total: int = 0
    unchanged_ids: list[int] = field(default_factory=list)
    rejected: int = 0
    created: int = 0
    updated: int = 0
    issues: list[Issue] = field(default_factory=list)
    operations: dict[int, list[Operation]] = field(default_factory=lambda: defaultdict(list))
    # Rows that are not carried out: refused, or settled by an earlier attempt. Their piece numbers are left free, so
    # that the others' don't depend on what becomes of them.
    skipped_rows: set[int] = field(default_factory=set)
    last_piece_numbers: Mapping[tuple[str, int], int] = field(default_factory=dict)

    @property
    def unchanged(self) -> int:
        """The number of element types that stay as they are."""
        return len(self.unchanged_ids)

    @property
    def active_operations(self) -> Iterator[Operation]:
        """The operations that are carried out, in file order."""
        for operations in self.operations.values():
            yield from (operation for operation in operations if operation.row.number not in self.skipped_rows)

    @property
    def pieces_added(self) -> int:
        """The number of pieces that are made."""
        nodes = self._nodes()
        return sum(count for operation in self.active_operations for _, count in _additions(operation, nodes))

    @property
    def pieces_removed(self) -> int:
        """The number of pieces that are deleted."""
        return sum(
            count
            for operation in self.active_operations
            if isinstance(operation, Update)
            for _, count in operation.removals
        )

    def _nodes(self) -> list[tuple[int, int]]:
        return [(place, int(target)) for place, target in self.columns.positions(ColumnGroup.NODES)]

    def batches(self) -> Iterator[PlannedBatch]:
        """The batches in file order, each with its piece numbers: the same ones however often the plan is made."""
        nodes = self._nodes()
        last = dict(self.last_piece_numbers)
        for number, operations in self.operations.items():
            steps = []
            for operation in operations:
                runs = []
                for node, count in _additions(operation, nodes):
                    place = (operation.row.key[0], node)
                    first = last.get(place, 0) + 1
                    last[place] = first + count - 1
                    runs.append(PieceRange(node, first, count))
                if operation.row.number not in self.skipped_rows:
                    steps.append(Step(operation, tuple(runs)))
            if steps:
                yield PlannedBatch(number, tuple(steps))


def build_plan(
    rows: Sequence[Row],
    columns: ColumnMap,
    stored: StateReader,
    batch_size: int,
    already_processed: Set[int] = frozenset(),
) -> Plan:
    """Decide for each row: create, update, leave, or reject. `batch_size` in data rows of the file.

    `already_processed` are numbers of rows that an earlier attempt has dealt with: they are not done, and not
    counted, again.
    """
    plan = Plan(columns, total=len(rows))
    comparison = RowComparison(columns)
    for start in range(0, len(rows), _ROWS_AT_A_TIME):
        chunk = rows[start : start + _ROWS_AT_A_TIME]
        types = stored.element_types([row.key for row in chunk if not row.rejected])
        operations: list[tuple[int, Operation]] = []
        for position, row in enumerate(chunk, start):
            if row.number in already_processed:
                plan.skipped_rows.add(row.number)
                if existing := types.get(row.key):
                    difference = comparison.difference(row.values, existing)
                    operations.append((position, Update(row, existing.id, existing.element_type, difference)))
                else:
                    operations.append((position, Create(row)))
                continue
            plan.issues.extend(row.issues)
            if row.rejected:
                plan.rejected += 1
                continue
            existing = types.get(row.key)
            if existing is None:
                operations.append((position, Create(row)))
                plan.created += 1
            elif difference := comparison.difference(row.values, existing):
                operations.append((position, Update(row, existing.id, existing.element_type, difference)))
            else:
                plan.unchanged_ids.append(existing.id)
        plan.skipped_rows |= _reject_lowered_below_production(plan, [operation for _, operation in operations], stored)
        for position, operation in operations:
            if isinstance(operation, Update) and operation.row.number not in plan.skipped_rows:
                plan.updated += 1
            plan.operations[position // batch_size + 1].append(operation)
    if plan.operations:
        plan.last_piece_numbers = stored.last_piece_numbers()
    return plan


def _additions(operation: Operation, nodes: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    if isinstance(operation, Create):
        values: tuple[Any, ...] = operation.row.values
        for place, node in nodes:
            if values[place]:
                yield node, values[place]
    else:
        for node, (before, after) in operation.difference.groups.get(ColumnGroup.NODES, {}).items():
            if after > before:
                yield node, after - before


def _reject_lowered_below_production(plan: Plan, operations: list[Operation], stored: StateReader) -> set[int]:
    """Rows that take away more pieces than are still planned; each becomes an issue."""
    lowering = [
        update
        for update in operations
        if isinstance(update, Update) and update.removals and update.row.number not in plan.skipped_rows
    ]
    if not lowering:
        return set()
    planned = stored.planned_piece_counts([(update.id, node) for update in lowering for node, _ in update.removals])
    refused = set()
    for update in lowering:
        for node, count in update.removals:
            free = planned.get((update.id, node), 0)
            if free < count:
                refused.add(update.row.number)
                plan.issues.append(in_production_issue(update, plan.columns, node, free))
    plan.rejected += len(refused)
    return refused


def in_production_issue(update: Update, columns: ColumnMap, node: int, free: int) -> Issue:
    """The issue of a row that lowers a quantity below what has gone into production."""
    before, after = update.difference.groups[ColumnGroup.NODES][node]
    column = next(each for each in columns.columns if each.group is ColumnGroup.NODES and each.target == node)
    return Issue(
        Severity.ERROR,
        "pieces_in_production",
        f"{before - after} of {before} pieces would have to go, but only {free} are still planned; the others are in "
        f"production or further. Write {before - free} or more.",
        row=update.row.number,
        column=column.letter,
        heading=column.heading,
        value=str(after),
        sheet=columns.sheet or None,
    )
