"""Element types that the project has and a file lacks. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence, Set
from dataclasses import dataclass
from typing import Protocol

from precast_app.enums import Severity
from precast_app.importing.issues import Issue
from precast_app.importing.row_validation import Row
from precast_app.importing.schema import ColumnGroup, ColumnMap
from precast_app.messages import Message, plural_message

# The keys of the two names of an element type.
ElementTypeKey = tuple[str, str]

_LISTED_ROWS = 5


@dataclass(frozen=True, slots=True)
class MissingElementType:
    """A stored element type that the file lacks."""

    id: int
    element_type: str
    name: str
    type_key: str
    name_key: str

    @property
    def full_name(self) -> str:
        """Both names."""
        return f"{self.element_type} {self.name}"


class MissingReader(Protocol):
    """The element types of the project before the job."""

    def missing_element_types(
        self, types: Collection[str], keys: Collection[ElementTypeKey], node_ids: Sequence[int]
    ) -> list[MissingElementType]: ...


@dataclass(frozen=True, slots=True)
class FileNames:
    """The element types that a file names, in rejected rows too.

    `unclear_rows` are the numbers of rejected rows whose names can't be read completely. They may be about any element
    type of `unclear_types`, or of every type if `is_type_unclear`.
    """

    keys: Set[ElementTypeKey]
    unclear_types: Set[str]
    is_type_unclear: bool
    unclear_rows: tuple[int, ...]

    @property
    def types(self) -> set[str]:
        """The keys of the types."""
        return {type_key for type_key, _ in self.keys} | set(self.unclear_types)


def read_names(rows: Iterable[Row]) -> FileNames:
    """Return the element types that the rows name."""
    keys: set[ElementTypeKey] = set()
    unclear_types: set[str] = set()
    unclear_rows = []
    is_type_unclear = False
    for row in rows:
        key = row.element_type_key if row.rejected else row.key
        if all(key):
            keys.add(key)
            continue
        unclear_rows.append(row.number)
        if key[0]:
            unclear_types.add(key[0])
        else:
            is_type_unclear = True
    return FileNames(keys, unclear_types, is_type_unclear, tuple(unclear_rows))


def find_missing(
    names: FileNames, columns: ColumnMap, stored: MissingReader
) -> tuple[list[MissingElementType], list[Issue]]:
    """Return the element types that the file lacks, though it is about their type and the towers of their pieces.

    An element type that a row with an unreadable name may be about is not missing; an issue says so.
    """
    nodes = [int(target) for _, target in columns.positions(ColumnGroup.NODES) if int(target) > 0]
    found = stored.missing_element_types(names.types, names.keys, nodes)
    if not names.unclear_rows:
        return found, []
    known = [] if names.is_type_unclear else [each for each in found if each.type_key not in names.unclear_types]
    return known, [_unclear_issue(names, columns)] if len(known) < len(found) else []


def in_production_issue(each: MissingElementType, columns: ColumnMap) -> Issue:
    """Return the issue for an element type that stays though it was chosen to be removed."""
    message = Message(
        "%(element_type)s is not in the file, but stays, because pieces of it are in production "
        "or further. Move these pieces back to planned first if it has to go.",
        element_type=each.full_name,
    )
    return columns.issue(severity=Severity.WARNING, code="missing_in_production", message=message, value=each.full_name)


def _unclear_issue(names: FileNames, columns: ColumnMap) -> Issue:
    rows = names.unclear_rows
    listed = ", ".join(map(str, rows[:_LISTED_ROWS])) + (" …" if len(rows) > _LISTED_ROWS else "")
    message = plural_message(
        "The element type of row %(rows)s can't be read, so what is missing from the file was not looked for "
        "among the element types that they may be. Correct the two names there.",
        "The element type of rows %(rows)s can't be read, so what is missing from the file was not looked for "
        "among the element types that they may be. Correct the two names there.",
        len(rows),
        rows=listed,
    )
    return columns.issue(severity=Severity.WARNING, code="missing_unknown", message=message)
