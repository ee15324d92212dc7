"""Writes of reference data, from a file or one by one, by the same rules.

Every change of a project's reference data locks the project's row until the end of the transaction. Otherwise two
changes that are valid by themselves could conflict, such as two nodes below each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
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
from precast_app.importing.issues import Issue
from precast_app.importing.reference_files import ReferenceEntry
from precast_app.importing.reference_schema import LAST_POSITION, REFERENCE_SPECS
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
# What one item of each kind is called in messages.
_ITEM_NAMES = {
    "hierarchy_import": "node",
    "stage_import": "stage",
    "drawing_type_import": "drawing type",
    "bom_product_import": "BOM product",
}


@dataclass(slots=True)
class StoreResult:
    """What became of the entries."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    issues: list[Issue] = field(default_factory=list)


def store_entries(session: Session, project_id: int, job_type: str, entries: Sequence[ReferenceEntry]) -> StoreResult:
    """Create or change what the entries say, each on its own savepoint; the caller commits.

    What the database or a rule refuses (two nodes with one naming convention) becomes an issue of its row.
    """
    model: Any = MODELS[job_type]
    lock_project(session, project_id)
    there: dict[str, Any] = {
        thing.match_key: thing for thing in session.scalars(select(model).where(model.project_id == project_id))
    }
    outcome = StoreResult()
    for entry in entries:
        thing = there.get(entry.key)
        try:
            values = _resolve_parent(entry.values, there, is_new=thing is None)
            changed = {name: value for name, value in values.items() if thing is None or getattr(thing, name) != value}
            if thing is not None and not changed:
                outcome.unchanged += 1
                continue
            with session.begin_nested():
                if thing is None:
                    new = _new(session, model, project_id, entry.key, values)
                else:
                    _change(session, thing, changed)
                session.flush()
        except (IntegrityError, DataError) as error:
            outcome.issues.append(_conflict(entry, _explain_rejection(error, entry.values)))
            continue
        except RequestError as refused:
            outcome.issues.append(_conflict(entry, refused.message))
            continue
        if thing is None:
            there[entry.key] = new
            outcome.created += 1
        else:
            outcome.updated += 1
    return outcome


def _conflict(entry: ReferenceEntry, message: str) -> Issue:
    return Issue(severity=Severity.ERROR, code="conflict", message=message, row=entry.row)


def create(session: Session, project_id: int, job_type: str, values: dict[str, Any]) -> ReferenceModel:
    """Make one thing and commit; raises `Conflict` where its name is taken, `NotFound` for an unknown parent."""
    lock_project(session, project_id)
    if REFERENCE_SPECS[job_type].is_hierarchy:
        values = _with_defaults(session, project_id, values)
    thing = _new(session, MODELS[job_type], project_id, _key(job_type, values), values)
    _commit(session, values)
    return thing


def change(session: Session, project_id: int, job_type: str, number: int, values: dict[str, Any]) -> ReferenceModel:
    """Change one item and commit. A node's path, once given, changes only if the change names one."""
    lock_project(session, project_id)
    thing = get(session, project_id, job_type, number)
    if values.get("parent_id") is not None:
        get(session, project_id, job_type, values["parent_id"])
    attributes = {column.key: getattr(thing, column.key) for column in MODELS[job_type].__table__.columns}
    _change(session, thing, {**values, "match_key": _key(job_type, {**attributes, **values})})
    _commit(session, {**attributes, **values})
    return thing


def delete(session: Session, project_id: int, job_type: str, number: int) -> None:
    """Delete one thing and commit; raises `Conflict` where it is used."""
    lock_project(session, project_id)
    thing = get(session, project_id, job_type, number)
    session.delete(thing)
    try:
        session.commit()
    except IntegrityError:
        session.rollback()
        raise Conflict(
            "It is used: element types, pieces or places below it refer to it. Take it out of them first."
        ) from None


def order_stages(session: Session, project_id: int, numbers: Sequence[int]) -> None:
    """Put all stages of the project into the order of these ids and commit; raises `Conflict` where they are others."""
    lock_project(session, project_id)
    stages = {stage.id: stage for stage in session.scalars(select(Stage).where(Stage.project_id == project_id))}
    if len(numbers) != len(stages) or set(numbers) != stages.keys():
        raise Conflict("The project has other stages by now. Read them again, and name each of them once.")
    for position, number in enumerate(numbers, 1):
        stages[number].position = position
    session.commit()


def get(session: Session, project_id: int, job_type: str, number: int) -> ReferenceModel:
    """One thing of the project; raises `NotFound`."""
    thing = cast(ReferenceModel | None, session.get(cast(Any, MODELS[job_type]), number))
    if thing is None or thing.project_id != project_id:
        project = session.get_one(Project, project_id)
        raise NotFound(f"The project {project.name} has no {_ITEM_NAMES[job_type]} {number}.")
    return thing


def lock_project(session: Session, project_id: int) -> None:
    """Wait for others who change the project's reference data; raises `NotFound` where there is no project."""
    held = select(Project.id).where(Project.id == project_id).with_for_update(key_share=True)
    if session.scalar(held) is None:
        raise NotFound(f"There is no project {project_id}.")


def _key(job_type: str, values: dict[str, Any]) -> str:
    """How headings find it; raises `RequestError` where none could."""
    spec = REFERENCE_SPECS[job_type]
    key = spec.key_of(values)
    if not all(key.split(".") if spec.is_hierarchy else [key]):
        raise RequestError("A name needs a letter or a digit, and so does each part of a path. Choose another one.")
    return key


def _new(session: Session, model: Any, project_id: int, key: str, values: dict[str, Any]) -> Any:
    columns = {name: value for name, value in values.items() if name in model.__table__.columns}
    if model is Stage and columns.get("position") is None:
        # A stage without an order goes to the end.
        last = session.scalar(select(func.max(Stage.position)).where(Stage.project_id == project_id))
        # Of those that share the last place the newest comes last.
        columns["position"] = 1 if last is None else min(last + 1, LAST_POSITION)
    thing = model(**{**columns, "project_id": project_id, "match_key": key})
    session.add(thing)
    return thing


def _change(session: Session, thing: ReferenceModel, values: dict[str, Any]) -> None:
    """Set what has changed; raises `Conflict` where the hierarchy or the pieces forbid it."""
    if isinstance(thing, HierarchyNode):
        parent_id = values.get("parent_id")
        if parent_id is not None and thing.id in [node.id for node in _ancestors(session, parent_id)]:
            raise Conflict("A place can't be below itself. Choose another parent.")
        renamed = values.get("naming_convention", thing.naming_convention) != thing.naming_convention
        # Where there is a quantity there are pieces.
        if renamed and session.scalar(select(exists().where(Quantity.node_id == thing.id))):
            raise Conflict(
                f"The pieces at {thing.path} have the naming convention {thing.naming_convention} in their codes, "
                "which never change. Leave it as it is."
            )
        if renamed and session.scalar(select(exists().where(*_running_import(thing)))):
            raise Conflict("An import into this project is running, which uses the naming convention. Try again then.")
    for name, value in values.items():
        setattr(thing, name, value)


def _running_import(node: HierarchyNode) -> tuple[Any, ...]:
    """The conditions of a running import of element types into the node's project."""
    return (
        ImportJob.project_id == node.project_id,
        ImportJob.status == JobStatus.PROCESSING,
        ImportJob.job_type == "element_type_import",
    )


def digest(session: Session, project_id: int, job_type: str) -> str:
    """The same for two states of what the imports of this type make."""
    model: Any = MODELS[job_type]
    rows = session.execute(select(*model.__table__.columns).where(model.project_id == project_id).order_by(model.id))
    return hashlib.sha256("\n".join(str(tuple(row)) for row in rows).encode()).hexdigest()


def _ancestors(session: Session, node_id: int | None) -> Iterator[HierarchyNode]:
    """A node and the ones above it, up to the top."""
    seen: set[int] = set()
    while node_id is not None and node_id not in seen:
        seen.add(node_id)
        node = session.get_one(HierarchyNode, node_id)
        yield node
        node_id = node.parent_id


def _resolve_parent(values: dict[str, Any], there: dict[str, Any], *, is_new: bool) -> dict[str, Any]:
    """An entry's values as columns; raises `RequestError` where its parent could not be stored."""
    given = values.get("given")
    if given is not None and not is_new:
        values = {name: value for name, value in values.items() if name in given}
    columns = {name: value for name, value in values.items() if name not in ("id", "parent", "parent_key", "given")}
    if "parent_key" in values:
        key = values["parent_key"]
        if key is not None and key not in there:
            raise RequestError("Its parent could not be imported. Correct that row first.")
        columns["parent_id"] = there[key].id if key is not None else None
    if columns.get("position", 0) is None:
        # A blank order leaves what is stored alone.
        del columns["position"]
    return columns


def _with_defaults(session: Session, project_id: int, values: dict[str, Any]) -> dict[str, Any]:
    parent_id = values.get("parent_id")
    parent = None
    if parent_id is not None:
        node = get(session, project_id, "hierarchy_import", parent_id)
        assert isinstance(node, HierarchyNode)
        prefixes = [each.prefix for each in _ancestors(session, parent_id)]
        parent = {"path": node.path, "prefixes": prefixes[::-1]}
    full = hierarchy.fill_defaults(values, parent)
    if wrong := hierarchy.find_problem(full):
        raise RequestError(wrong[1])
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
        return (
            f"Another place has the naming convention {values.get('naming_convention')} already, and piece codes need "
            "it to be unique. Choose another one."
        )
    if "naming_convention" in constraint:
        return "A naming convention can't be empty or hold a slash. Choose another one."
    if isinstance(error.orig, psycopg2.errors.UniqueViolation):
        return "The project has something of that name already. Choose another name, or change what is there."
    if isinstance(error.orig, psycopg2.errors.StringDataRightTruncation):
        return "The name, or what follows from it, is too long. Choose a shorter one."
    return "The database refused these values. Check them against the limits in the documentation."
