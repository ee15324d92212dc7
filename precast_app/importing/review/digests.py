"""Hashes by which a job recognizes the changes that a preview has shown. Pure.

Reference data that a job creates counts with its key: in a preview it has no id of the database.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from precast_app.importing import diff
from precast_app.importing.diff import StoredElementType
from precast_app.importing.plan import Operation, Update
from precast_app.importing.reference_data import ReferenceData
from precast_app.importing.review.missing import MissingElementType
from precast_app.importing.schema import ColumnMap

# Bytes; the hashes are compared with those of the same project only.
_SIZE = 16
# PostgreSQL's texts can't contain it.
_SEPARATOR = "\0"
# `json.dumps` would make an encoder for each value.
_encode = json.JSONEncoder(sort_keys=True).encode

CreatedKeys = Mapping[tuple[str, str], str]


def created_keys(reference: ReferenceData) -> CreatedKeys:
    """Return the keys of the reference data that the job created, by group and id."""
    return {(item.group, str(item.id)): item.key for item in reference.created}


def digest_change(operation: Operation, keys: CreatedKeys) -> str:
    """Return a hash of what an operation changes."""
    row = operation.row
    if isinstance(operation, Update):
        fields = _with_keys(diff.to_json(operation.difference), keys)
        return _digest(["update", row.number, operation.id, fields])
    # A preview of a new project creates thousands; JSON of all their values would take twice as long.
    return _digest_text(_SEPARATOR.join(["create", str(row.number), *row.key, *map(str, row.values)]))


def digest_missing(each: MissingElementType, stored: StoredElementType) -> str:
    """Return a hash of a missing element type as it is stored."""
    groups = {
        group.value: {str(target): str(value) for target, value in values.items()}
        for group, values in stored.groups.items()
    }
    base = {name: None if value is None else str(value) for name, value in stored.base.items()}
    return _digest([each.id, each.element_type, each.name, base, groups])


def digest_columns(columns: ColumnMap, reference: ReferenceData) -> str:
    """Return a hash of what the columns of a file mean."""
    keys = created_keys(reference)
    return _digest(
        [
            [column.group, keys.get((column.group.value, str(column.target)), column.target)]
            for column in columns.columns
        ]
    )


def _with_keys(fields: Mapping[str, Any], keys: CreatedKeys) -> dict[str, Any]:
    """Return the differences of an element type with the keys of created reference data in place of ids."""
    return {
        name: {keys.get((name, id_), id_): pair for id_, pair in value.items()} if isinstance(value, dict) else value
        for name, value in fields.items()
    }


def _digest(value: Any) -> str:
    return _digest_text(_encode(value))


def _digest_text(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=_SIZE).hexdigest()
