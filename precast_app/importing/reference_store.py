"""Writes of reference data, from files and from requests, by the same rules.

Every change of a project's reference data locks the project's row until the end of the transaction. Otherwise two
changes that are valid by themselves could conflict, such as two nodes below each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import psycopg2
from sqlalchemy import exists, func, select
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from precast_app.enums import JobStatus, Severity
from precast_app.errors import Conflict, NotFound, RequestError
from precast_app.extensions import Model
from precast_app.importing import hierarchy
from precast_app.importing.counts import Counts
from precast_app.importing.issues import Issue
from precast_app.importing.reference_files import ReferenceEntry
from precast_app.importing.reference_schema import LAST_POSITION, REFERENCE_SPECS
from precast_app.messages import Message
from precast_app.models import (
    BomProduct,
    DrawingType,
    HierarchyNode,
    ImportJob,
    Project,
    Quantity,
    Stage,
)

ReferenceModel = HierarchyNode | Stage | DrawingType | BomProduct

_MODELS_BY_TABLE = {mapper.class_.__tablename__: mapper.class_ for mapper in Model.registry.mappers}
# By job type.
MODELS: dict[str, type[ReferenceModel]] = {
    spec.job_type: _MODELS_BY_TABLE[spec.table] for spec in REFERENCE_SPECS.values()
}


@dataclass(frozen=True, slots=True)
class StoreResult:
    """How many entries were created, updated or unchanged, and an issue for each one that was rejected."""

    counts: Counts
    issues: tuple[Issue, ...]


def store_entries(session: Session, project_id: int, job_type: str, entries: Sequence[ReferenceEntry]) -> StoreResult:
    """Create or update the items of the entries, each in a savepoint of its own; the caller commits.

    An entry that the database or a rule rejects, such as a node with the naming convention of another one, becomes an
    issue of its row. Raise `NotFound` if the project does not exist.
    """
    model: Any = MODELS[job_type]
    lock_project(session, project_id)
    items: dict[str, Any] = {
        item.match_key: item for item in session.scalars(select(model).where(model.project_id == project_id))
    }
    counts = Counts()
    issues: list[Issue] = []
    for entry in entries:
        item = items.get(entry.key)
        try:
            values = _to_columns(entry.values, items, is_new=item is None)
            changed = {name: value for name, value in values.items() if item is None or getattr(item, name) != value}
            if item is not None and not changed:
                counts += Counts(unchanged=1)
                continue
            with session.begin_nested():
                if item is None:
                    new = _create(session, model, project_id, entry.key, values)
                else:
                    _change(session, item, changed)
                session.flush()
        except (IntegrityError, DataError) as error:
            issues.append(_conflict(entry, _explain_rejection(error, entry.values)))
            continue
        except RequestError as error:
            issues.append(_conflict(entry, error.message))
            continue
        if item is None:
            items[entry.key] = new
            counts += Counts(created=1)
        else:
            counts += Counts(updated=1)
    return StoreResult(counts, tuple(issues))


def _conflict(entry: ReferenceEntry, message: str) -> Issue:
    return Issue(severity=Severity.ERROR, code="conflict", message=message, row=entry.row)


def create(session: Session, project_id: int, job_type: str, values: dict[str, Any]) -> ReferenceModel:
    """Create an item and commit. Raise `Conflict` if its name is taken, `NotFound` if its parent does not exist."""
    lock_project(session, project_id)
    if REFERENCE_SPECS[job_type].is_hierarchy:
        values = _with_defaults(session, project_id, values)
    item = _create(session, MODELS[job_type], project_id, _match_key(job_type, values), values)
    _commit(session, values)
    return item


def change(session: Session, project_id: int, job_type: str, item_id: int, values: dict[str, Any]) -> ReferenceModel:
    """Change an item and commit. Raise `NotFound` if it or its parent does not exist, `Conflict` if a rule forbids it.

    A node keeps its path unless `values` has one, even if its name or its parent changes.
    """
    lock_project(session, project_id)
    item = get(session, project_id, job_type, item_id)
    if values.get("parent_id") is not None:
        get(session, project_id, job_type, values["parent_id"])
    attributes = {column.key: getattr(item, column.key) for column in MODELS[job_type].__table__.columns}
    _change(session, item, {**values, "match_key": _match_key(job_type, {**attributes, **values})})
    _commit(session, {**attributes, **values})
    return item


def delete(session: Session, project_id: int, job_type: str, item_id: int) -> None:
    """Delete an item and commit. Raise `NotFound` if it does not exist, `Conflict` if something refers to it."""
    lock_project(session, project_id)
    item = get(session, project_id, job_type, item_id)
    session.delete(item)
    try:
        session.commit()
    except IntegrityError:
        session.rollback()
        raise Conflict(
            "It is in use: element types, pieces or nodes below it refer to it. Remove it from them first."
        ) from None


def order_stages(session: Session, project_id: int, stage_ids: Sequence[int]) -> None:
    """Put all stages of the project into the order of the ids and commit. Raise `Conflict` if the ids are not these."""
    lock_project(session, project_id)
    stages = {stage.id: stage for stage in session.scalars(select(Stage).where(Stage.project_id == project_id))}
    if len(stage_ids) != len(stages) or set(stage_ids) != stages.keys():
        raise Conflict("The project's stages have changed. Load them again, and list each of them once.")
    for position, stage_id in enumerate(stage_ids, 1):
        stages[stage_id].position = position
    session.commit()


def get(session: Session, project_id: int, job_type: str, item_id: int) -> ReferenceModel:
    """Return an item of the project. Raise `NotFound` if the project has no item with this id."""
    item = cast(ReferenceModel | None, session.get(cast(Any, MODELS[job_type]), item_id))
    if item is None or item.project_id != project_id:
        project = session.get_one(Project, project_id)
        raise NotFound(
            Message(
                "The project %(project)s has no %(item)s %(id)s.",
                project=project.name,
                item=REFERENCE_SPECS[job_type].singular,
                id=item_id,
            )
        )
    return item


def lock_project(session: Session, project_id: int) -> None:
    """Wait until no other transaction changes the project's reference data. Raise `NotFound` if it does not exist."""
    locked = select(Project.id).where(Project.id == project_id).with_for_update(key_share=True)
    if session.scalar(locked) is None:
        raise NotFound(Message("There is no project %(project)s.", project=project_id))


def _match_key(job_type: str, values: dict[str, Any]) -> str:
    """Return the key by which headings find the item. Raise `RequestError` if no heading could."""
    spec = REFERENCE_SPECS[job_type]
    key = spec.key_of(values)
    if not all(key.split(".") if spec.is_hierarchy else [key]):
        raise RequestError("A name, and each part of a path, needs a letter or a digit. Choose another one.")
    return key


def _create(session: Session, model: Any, project_id: int, key: str, values: dict[str, Any]) -> Any:
    columns = {name: value for name, value in values.items() if name in model.__table__.columns}
    if model is Stage and columns.get("position") is None:
        # A stage without a position goes to the end. Among stages with the same position, the newest comes last.
        last = session.scalar(select(func.max(Stage.position)).where(Stage.project_id == project_id))
        columns["position"] = 1 if last is None else min(last + 1, LAST_POSITION)
    item = model(**{**columns, "project_id": project_id, "match_key": key})
    session.add(item)
    return item


def _change(session: Session, item: ReferenceModel, values: dict[str, Any]) -> None:
    """Set the values. Raise `Conflict` if the hierarchy, the node's pieces or a running import forbid it."""
    if isinstance(item, HierarchyNode):
        parent_id = values.get("parent_id")
        if parent_id is not None and item.id in [node.id for node in _with_ancestors(session, parent_id)]:
            raise Conflict("A node can't be below itself. Choose another parent.")
        is_renamed = values.get("naming_convention", item.naming_convention) != item.naming_convention
        # A node with quantities has pieces.
        if is_renamed and session.scalar(select(exists().where(Quantity.node_id == item.id))):
            raise Conflict(
                Message(
                    "The codes of the pieces at %(item)s contain the naming convention "
                    "%(naming_convention)s, and codes never change. Keep this naming convention.",
                    item=item.name,
                    naming_convention=item.naming_convention,
                )
            )
        if is_renamed and session.scalar(select(exists().where(*_is_import_running(item.project_id)))):
            raise Conflict("An import into this project is using the naming convention. Try again when it has ended.")
    for name, value in values.items():
        setattr(item, name, value)


def _is_import_running(project_id: int) -> tuple[Any, ...]:
    """Return the conditions for a running import of element types."""
    return (
        ImportJob.project_id == project_id,
        ImportJob.status == JobStatus.PROCESSING,
        ImportJob.job_type == "element_type_import",
    )


def digest(session: Session, project_id: int, job_type: str) -> str:
    """Return a hash of all items that imports of this type write, to detect changes."""
    model: Any = MODELS[job_type]
    rows = session.execute(select(*model.__table__.columns).where(model.project_id == project_id).order_by(model.id))
    return hashlib.sha256("\n".join(str(tuple(row)) for row in rows).encode()).hexdigest()


def _with_ancestors(session: Session, node_id: int | None) -> Iterator[HierarchyNode]:
    """Yield a node, its parent, and so on up to the top."""
    seen: set[int] = set()
    while node_id is not None and node_id not in seen:
        seen.add(node_id)
        node = session.get_one(HierarchyNode, node_id)
        yield node
        node_id = node.parent_id


def _to_columns(values: dict[str, Any], items: dict[str, Any], *, is_new: bool) -> dict[str, Any]:
    """Return an entry's values by column of the table. Raise `RequestError` if its parent was not stored."""
    given = values.get("given")
    if given is not None and not is_new:
        values = {name: value for name, value in values.items() if name in given}
    columns = {name: value for name, value in values.items() if name not in ("id", "parent", "parent_key", "given")}
    if "parent_key" in values:
        key = values["parent_key"]
        if key is not None and key not in items:
            raise RequestError("Its parent could not be imported. Correct that row first.")
        columns["parent_id"] = items[key].id if key is not None else None
    if columns.get("position", 0) is None:
        # A blank order keeps the stored position.
        del columns["position"]
    return columns


def _with_defaults(session: Session, project_id: int, values: dict[str, Any]) -> dict[str, Any]:
    parent_id = values.get("parent_id")
    parent = None
    if parent_id is not None:
        node = get(session, project_id, "hierarchy_import", parent_id)
        assert isinstance(node, HierarchyNode)
        prefixes = [each.prefix for each in _with_ancestors(session, parent_id)]
        parent = {"path": node.path, "prefixes": prefixes[::-1]}
    full = hierarchy.fill_defaults(values, parent)
    if problem := hierarchy.find_problem(full):
        _, message = problem
        raise RequestError(message)
    return {**full, "parent_id": parent_id}


def _commit(session: Session, values: dict[str, Any]) -> None:
    try:
        session.commit()
    except (IntegrityError, DataError) as error:
        session.rollback()
        raise Conflict(_explain_rejection(error, values)) from None
    except StaleDataError:
        session.rollback()
        raise NotFound("It has just been deleted.") from None


def _explain_rejection(error: IntegrityError | DataError, values: dict[str, Any]) -> str:
    constraint = getattr(getattr(error.orig, "diag", None), "constraint_name", None) or ""
    if "naming_convention" in constraint and isinstance(error.orig, psycopg2.errors.UniqueViolation):
        return Message(
            "Another node has the naming convention %(name)s. It must be unique, because piece "
            "codes contain it. Choose another one.",
            name=values.get("naming_convention"),
        )
    if "naming_convention" in constraint:
        return Message("A naming convention can't be empty or contain a slash. Choose another one.")
    if isinstance(error.orig, psycopg2.errors.UniqueViolation):
        return Message("The project already has an item of this name. Choose another name, or change that item.")
    if isinstance(error.orig, psycopg2.errors.StringDataRightTruncation):
        return Message("The name, or the path made from it, is too long. Choose a shorter name.")
    return Message("The database rejected these values. Compare them with the limits in the documentation.")
