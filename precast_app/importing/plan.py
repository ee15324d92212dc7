"""What an import will do, decided before it writes anything, from the rows and the current state. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, Protocol

from precast_app.enums import Severity
from precast_app.importing.counts import Counts
from precast_app.importing.diff import Difference, RowComparison, StoredElementType
from precast_app.importing.issues import Issue
from precast_app.importing.review.missing import MissingElementType
from precast_app.importing.row_validation import Row
from precast_app.importing.schema import ColumnGroup, ColumnMap
from precast_app.messages import Message

# Rows whose current state is read at once, so that memory doesn't grow with the file.
_ROWS_AT_A_TIME = 2_000

# The id of an element type and that of a node.
NodeKey = tuple[int, int]


class StateReader(Protocol):
    """The state of the project before the job."""

    def element_types(self, keys: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], StoredElementType]: ...

    def last_piece_numbers(self) -> Mapping[tuple[str, int], int]: ...

    def planned_piece_counts(self, node_keys: Sequence[NodeKey]) -> Mapping[NodeKey, int]: ...


@dataclass(frozen=True, slots=True)
class Create:
    """The creation of an element type from its row."""

    row: Row


@dataclass(frozen=True, slots=True)
class Update:
    """A change of an element type; `element_type` is spelled as it is stored.

    `former_name` is the name of an element type that is renamed; its difference has the two names.
    """

    row: Row
    id: int
    element_type: str
    difference: Difference
    former_name: str | None = None

    @property
    def removals(self) -> tuple[tuple[int, int], ...]:
        """The nodes that get fewer pieces, and how many fewer."""
        pairs = self.difference.groups.get(ColumnGroup.NODES, {})
        return tuple((node, before - after) for node, (before, after) in pairs.items() if after < before)


Operation = Create | Update


@dataclass(frozen=True, slots=True)
class Remove:
    """The removal of an element type that the file lacks; all its pieces are planned."""

    missing: MissingElementType
    stored: StoredElementType

    @property
    def pieces(self) -> int:
        """The number of its pieces."""
        return sum(self.stored.groups[ColumnGroup.NODES].values())


@dataclass(frozen=True, slots=True)
class PieceRange:
    """Pieces to create for one element type at one node: `count` of them, numbered from `first`."""

    node_id: int
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class Step:
    """An operation with the numbers of its new pieces."""

    operation: Operation
    pieces: tuple[PieceRange, ...]


@dataclass(frozen=True, slots=True)
class PlannedBatch:
    """The steps for one batch of the file's data rows; `number` counts the batches of the whole file from 1.

    Batches of removals follow those of the file.
    """

    number: int
    steps: tuple[Step, ...] = ()
    removals: tuple[Remove, ...] = ()


@dataclass(slots=True)
class Plan:
    """What happens to each data row; `operations` by the number of their batch, in file order.

    Element types that stay unchanged are in `unchanged_ids`.
    """

    columns: ColumnMap
    total: int = 0
    unchanged_ids: list[int] = field(default_factory=list)
    rejected: int = 0
    left_out: int = 0
    issues: list[Issue] = field(default_factory=list)
    operations: dict[int, list[Operation]] = field(default_factory=lambda: defaultdict(list))
    removals: dict[int, list[Remove]] = field(default_factory=dict)
    # Rows that are not executed: rejected ones, and those that an earlier attempt has processed. They keep their piece
    # numbers, so that the numbers of other rows don't depend on them.
    skipped_rows: set[int] = field(default_factory=set)
    last_piece_numbers: Mapping[tuple[str, int], int] = field(default_factory=dict)

    @property
    def counts(self) -> Counts:
        """What the plan would do, in element types and pieces."""
        active = list(self.active_operations)
        creations: list[tuple[Any, ...]] = [each.row.values for each in active if isinstance(each, Create)]
        updates = [each for each in active if isinstance(each, Update)]
        renamed = len([each for each in updates if each.former_name is not None])
        removed = [each for removals in self.removals.values() for each in removals]
        nodes = self._nodes()
        # A list for each row: in a large file, `_additions` takes three times as long.
        added = sum(sum([values[index] or 0 for index, _ in nodes]) for values in creations)
        return Counts(
            created=len(creations),
            updated=len(updates) - renamed,
            renamed=renamed,
            unchanged=len(self.unchanged_ids),
            rejected=self.rejected,
            left_out=self.left_out,
            removed=len(removed),
            pieces_added=added + sum(count for update in updates for _, count in _additions(update, nodes)),
            pieces_removed=sum(count for update in updates for _, count in update.removals)
            + sum(each.pieces for each in removed),
        )

    @property
    def active_operations(self) -> Iterator[Operation]:
        """The operations that are executed, in file order."""
        for operations in self.operations.values():
            yield from (operation for operation in operations if operation.row.number not in self.skipped_rows)

    def rename(self, updates: Iterable[Update]) -> None:
        """Put these changes of names in place of the creations from the same rows."""
        by_row = {update.row.number: update for update in updates}
        for operations in self.operations.values():
            operations[:] = [by_row.get(operation.row.number, operation) for operation in operations]

    def leave_out(self, rows: Set[int]) -> None:
        """Drop the operations of rows that are not wanted; their pieces get no numbers."""
        for operations in self.operations.values():
            operations[:] = [operation for operation in operations if operation.row.number not in rows]
        self.left_out += len(rows)

    def refuse(self, issues: Collection[Issue]) -> None:
        """Reject the rows of the issues, which have operations."""
        self.issues.extend(issues)
        self.skipped_rows |= {issue.row for issue in issues if issue.row is not None}
        self.rejected += len(issues)

    def remove(self, element_types: Mapping[int, Remove], positions: Sequence[int], batch_size: int) -> None:
        """Add the removals of element types, by id, in batches by their positions in a list of ids."""
        first = -(-self.total // batch_size) + 1
        for position, id_ in enumerate(positions):
            if id_ in element_types:
                self.removals.setdefault(first + position // batch_size, []).append(element_types[id_])

    def _nodes(self) -> list[tuple[int, int]]:
        return [(index, int(target)) for index, target in self.columns.positions(ColumnGroup.NODES)]

    def batches(self) -> Iterator[PlannedBatch]:
        """Yield the batches in file order, with the same piece numbers each time the plan is built."""
        nodes = self._nodes()
        last_numbers = dict(self.last_piece_numbers)
        for number, operations in self.operations.items():
            steps = []
            for operation in operations:
                pieces = []
                for node, count in _additions(operation, nodes):
                    key = (operation.row.key[0], node)
                    first = last_numbers.get(key, 0) + 1
                    last_numbers[key] = first + count - 1
                    pieces.append(PieceRange(node, first, count))
                if operation.row.number not in self.skipped_rows:
                    steps.append(Step(operation, tuple(pieces)))
            if steps:
                yield PlannedBatch(number, tuple(steps))
        for number, removals in self.removals.items():
            yield PlannedBatch(number, removals=tuple(removals))


def build_plan(
    rows: Sequence[Row],
    columns: ColumnMap,
    stored: StateReader,
    batch_size: int,
    already_processed: Set[int] = frozenset(),
) -> Plan:
    """Decide for each row: create, update, leave unchanged, or reject. `batch_size` is in data rows of the file.

    `already_processed` are the numbers of rows that an earlier attempt has processed; they are neither executed nor
    counted again.
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
                    row = comparison.with_kept(row, existing)
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
            if existing is not None:
                row = comparison.with_kept(row, existing)
            if existing is None:
                operations.append((position, Create(row)))
            elif difference := comparison.difference(row.values, existing):
                operations.append((position, Update(row, existing.id, existing.element_type, difference)))
            else:
                plan.unchanged_ids.append(existing.id)
        plan.skipped_rows |= _reject_lowered_below_production(plan, [operation for _, operation in operations], stored)
        for position, operation in operations:
            plan.operations[position // batch_size + 1].append(operation)
    if plan.operations:
        plan.last_piece_numbers = stored.last_piece_numbers()
    return plan


def _additions(operation: Operation, nodes: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the nodes that get more pieces, and how many more."""
    if isinstance(operation, Create):
        values: tuple[Any, ...] = operation.row.values
        for index, node in nodes:
            if values[index]:
                yield node, values[index]
    else:
        for node, (before, after) in operation.difference.groups.get(ColumnGroup.NODES, {}).items():
            if after > before:
                yield node, after - before


def _reject_lowered_below_production(plan: Plan, operations: list[Operation], stored: StateReader) -> set[int]:
    """Add an issue for each row that removes more pieces than are still planned, and return the numbers of the rows."""
    lowering = [
        update
        for update in operations
        if isinstance(update, Update) and update.removals and update.row.number not in plan.skipped_rows
    ]
    if not lowering:
        return set()
    planned = stored.planned_piece_counts([(update.id, node) for update in lowering for node, _ in update.removals])
    rejected = set()
    for update in lowering:
        for node, count in update.removals:
            still_planned = planned.get((update.id, node), 0)
            if still_planned < count:
                rejected.add(update.row.number)
                plan.issues.append(_in_production_issue(update, plan.columns, node, still_planned))
    plan.rejected += len(rejected)
    return rejected


def _in_production_issue(update: Update, columns: ColumnMap, node: int, still_planned: int) -> Issue:
    before, after = update.difference.groups[ColumnGroup.NODES][node]
    return columns.issue(
        severity=Severity.ERROR,
        code="pieces_in_production",
        message=Message(
            "This removes %(removed)s of %(existing)s pieces, but only %(still_planned)s are still "
            "planned; the others are in production or further. Write %(least)s or more.",
            removed=before - after,
            existing=before,
            still_planned=still_planned,
            least=before - still_planned,
        ),
        row=(update.row.node_rows or {}).get(node, update.row.number),
        column=next(each for each in columns.columns if each.group is ColumnGroup.NODES and each.target == node),
        value=str(after),
    )
