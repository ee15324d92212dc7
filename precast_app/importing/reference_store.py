"""Reference data into the database: from a file or one by one, by the same rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import psycopg2
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from precast_app.errors import Conflict, NotFound
from precast_app.importing import nodes
from precast_app.importing.issues import Issue
from precast_app.importing.reference_files import Entry, key_of
from precast_app.models import BomProduct, DrawingType, HierarchyNode, Project, Severity, Stage

Thing = HierarchyNode | Stage | DrawingType | BomProduct

MODELS: dict[str, type[Thing]] = {
    "hierarchy_import": HierarchyNode,
    "stage_import": Stage,
    "drawing_type_import": DrawingType,
    "bom_product_import": BomProduct,
}


@dataclass(slots=True)
class Stored:
    """What became of the entries."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    issues: list[Issue] = field(default_factory=list)


def store(session: Session, project_id: int, job_type: str, entries: Sequence[Entry]) -> Stored:
    """Create or change what the entries say, each on its own savepoint; the caller commits.

    What the database refuses (two nodes with one naming convention) becomes an issue of its row.
    """
    model: Any = MODELS[job_type]
    there: dict[str, Any] = {
        thing.match_key: thing for thing in session.scalars(select(model).where(model.project_id == project_id))
    }
    outcome = Stored()
    for entry in entries:
        values = _resolved(session, project_id, model, entry.values, there)
        thing = there.get(entry.key)
        changed = {name: value for name, value in values.items() if thing is None or getattr(thing, name) != value}
        if thing is not None and not changed:
            outcome.unchanged += 1
            continue
        try:
            with session.begin_nested():
                if thing is None:
                    new: Any = model(project_id=project_id, match_key=entry.key, **values)
                    session.add(new)
                else:
                    for name, value in changed.items():
                        setattr(thing, name, value)
                session.flush()
        except IntegrityError as error:
            outcome.issues.append(Issue(Severity.ERROR, "conflict", _why(error, entry.values), row=entry.row))
            continue
        if thing is None:
            there[entry.key] = new
            outcome.created += 1
        else:
            outcome.updated += 1
    return outcome


def create(session: Session, project_id: int, job_type: str, values: dict[str, Any]) -> Thing:
    """Make one thing and commit; raises `Conflict` where its name is taken, `NotFound` for an unknown parent."""
    if session.get(Project, project_id) is None:
        raise NotFound(f"There is no project {project_id}.")
    values = _completed(session, project_id, job_type, values)
    model: Any = MODELS[job_type]
    columns = _columns(session, model, {**values, "project_id": project_id}, without=("project_id",))
    thing: Thing = model(project_id=project_id, match_key=key_of(job_type, values), **columns)
    session.add(thing)
    _commit(session, values)
    return thing


def change(session: Session, project_id: int, job_type: str, number: int, values: dict[str, Any]) -> Thing:
    """Change one thing and commit. A node's path, once given, changes only where it is given anew."""
    thing = get(session, project_id, job_type, number)
    model = MODELS[job_type]
    if "parent_id" in values and values["parent_id"] is not None:
        parent = get(session, project_id, job_type, values["parent_id"])
        _refuse_cycle(session, thing, parent)
    for name, value in values.items():
        setattr(thing, name, value)
    attributes = {column.key: getattr(thing, column.key) for column in model.__table__.columns}
    thing.match_key = key_of(job_type, attributes)
    _commit(session, attributes)
    return thing


def delete(session: Session, project_id: int, job_type: str, number: int) -> None:
    """Delete one thing and commit; raises `Conflict` where it is used."""
    thing = get(session, project_id, job_type, number)
    session.delete(thing)
    try:
        session.commit()
    except IntegrityError:
        session.rollback()
        raise Conflict(
            "It is used: element types, pieces or places below it refer to it. Take it out of them first."
        ) from None


def get(session: Session, project_id: int, job_type: str, number: int) -> Thing:
    """One thing of the project; raises `NotFound`."""
    thing = cast(Thing | None, session.get(cast(Any, MODELS[job_type]), number))
    if thing is None or thing.project_id != project_id:
        raise NotFound(f"There is no such thing with the id {number} in project {project_id}.")
    return thing


def _resolved(
    session: Session, project_id: int, model: type[Thing], values: dict[str, Any], there: dict[str, Any]
) -> dict[str, Any]:
    """An entry's values as columns of the model."""
    columns = dict(values)
    if model is HierarchyNode:
        parent = there.get(columns.pop("parent_key") or "")
        columns["parent_id"] = parent.id if parent else None
    return _columns(session, model, {**columns, "project_id": project_id}, without=("project_id",))


def _columns(session: Session, model: Any, values: dict[str, Any], without: tuple[str, ...] = ()) -> dict[str, Any]:
    columns = {name: value for name, value in values.items() if name in model.__table__.columns and name not in without}
    if model is Stage and not columns.get("position"):
        # A stage without an order goes to the end.
        last = session.scalar(select(func.max(Stage.position)).where(Stage.project_id == values.get("project_id")))
        columns["position"] = (last or 0) + 1
    return columns


def _completed(session: Session, project_id: int, job_type: str, values: dict[str, Any]) -> dict[str, Any]:
    if job_type != "hierarchy_import":
        return {**values}
    parent_id = values.get("parent_id")
    parent = None
    if parent_id is not None:
        node = get(session, project_id, job_type, parent_id)
        assert isinstance(node, HierarchyNode)
        parent = {"path": node.path, "prefixes": _prefixes(session, node)}
    return {**nodes.complete(values, parent), "parent_id": parent_id}


def _prefixes(session: Session, node: HierarchyNode) -> list[str]:
    above = session.get(HierarchyNode, node.parent_id) if node.parent_id else None
    return [*(_prefixes(session, above) if above else []), node.prefix]


def _refuse_cycle(session: Session, thing: Thing, parent: Thing | None) -> None:
    while isinstance(parent, HierarchyNode):
        if parent.id == thing.id:
            raise Conflict("A place can't be below itself. Choose another parent.")
        parent = session.get(HierarchyNode, parent.parent_id) if parent.parent_id else None


def _commit(session: Session, values: dict[str, Any]) -> None:
    try:
        session.commit()
    except IntegrityError as error:
        session.rollback()
        raise Conflict(_why(error, values)) from None


def _why(error: IntegrityError, values: dict[str, Any]) -> str:
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
    return "The database refused these values. Check them against the limits in the documentation."
