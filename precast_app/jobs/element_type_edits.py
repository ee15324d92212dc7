"""The plan of a user's change of one element type: new values, or its deletion.

It is made twice: by the request, to refuse what is not possible, and by the job that carries it out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from precast_app.config import Settings
from precast_app.errors import Conflict, NotFound, RequestError
from precast_app.importing import current_reference, element_type_edit, piece_limits
from precast_app.importing.current_state import CurrentState
from precast_app.importing.diff import Difference
from precast_app.importing.element_type_edit import ElementTypeEdit, ValidatedEdit
from precast_app.importing.piece_limits import PieceLimits
from precast_app.importing.plan import Plan, Remove, Update, build_plan
from precast_app.importing.reference_data import ReferenceData
from precast_app.importing.review.missing import MissingElementType
from precast_app.importing.row_validation import Row
from precast_app.importing.schema import ColumnMap
from precast_app.messages import Message, as_message, join_messages
from precast_app.models import ElementType, Piece, PieceStatus

_MAX_NAMED = 10


@dataclass(frozen=True, slots=True)
class PlannedEdit:
    """What happens to an element type, with its two names as they were, and the reference data of the project."""

    plan: Plan
    full_name: str
    reference: ReferenceData


def plan_edit(
    session: Session, project_id: int, element_type_id: int, edit: ElementTypeEdit, settings: Settings, job_id: int = 0
) -> PlannedEdit:
    """Return the plan that gives an element type new values, before the changes of the job `job_id`.

    Raise `NotFound` if the project has no such element type, `RequestError` for values that are not valid, and
    `Conflict` if the state of the project forbids the change.
    """
    found = _get(session, project_id, element_type_id)
    reference = current_reference.load(session, project_id)
    limits = PieceLimits(settings.pieces_per_cell, settings.pieces_per_file, settings.pieces_per_project)
    validated = element_type_edit.validate(edit, found.element_type, found.name, reference, limits)
    if validated.row is None:
        raise _invalid(validated)
    columns, row = validated.columns, validated.row
    stored = CurrentState(session, project_id, job_id)
    # The stored values are found by the former name.
    planned = build_plan([replace(row, key=(found.type_key, found.name_key))], columns, stored, batch_size=1)
    if planned.rejected:
        raise Conflict(join_messages(" ", [as_message(issue.message) for issue in planned.issues]))
    if str(row.values[1]) != found.name:
        _rename(planned, row, found, stored)
    existing = stored.piece_count() if planned.counts.pieces_added else 0
    if too_many := piece_limits.find_problem(planned.counts, existing, limits):
        raise Conflict(too_many.message)
    return PlannedEdit(planned, f"{found.element_type} {found.name}", reference)


def plan_deletion(session: Session, project_id: int, element_type_id: int, job_id: int = 0) -> PlannedEdit:
    """Return the plan that deletes an element type with its planned pieces, before the changes of the job `job_id`.

    Raise `NotFound` if the project has no such element type, and `Conflict`, which names the pieces, if some of its
    pieces are no longer planned.
    """
    found = _get(session, project_id, element_type_id)
    full_name = f"{found.element_type} {found.name}"
    if begun := _begun_pieces(session, element_type_id):
        raise Conflict(
            Message(
                "%(element_type)s can't be deleted, because pieces of it are no longer planned: %(pieces)s.",
                element_type=full_name,
                pieces=begun,
            )
        )
    stored = CurrentState(session, project_id, job_id).element_types_by_id([element_type_id])[element_type_id]
    missing = MissingElementType(found.id, found.element_type, found.name, found.type_key, found.name_key)
    planned = Plan(ColumnMap("", 0, (), 0), removals={1: [Remove(missing, stored)]})
    return PlannedEdit(planned, full_name, current_reference.load(session, project_id))


def _get(session: Session, project_id: int, element_type_id: int) -> ElementType:
    found = session.get(ElementType, element_type_id, populate_existing=True)
    if found is None or found.project_id != project_id:
        raise NotFound(Message("The project has no element type %(element_type)s.", element_type=element_type_id))
    return found


def _invalid(validated: ValidatedEdit) -> RequestError:
    """Return the refusal of values, with the messages by field."""
    errors: dict[str, Any] = {}
    for (name, *item), message in validated.problems.items():
        if item:
            errors.setdefault(name, {})[item[0]] = [message]
        else:
            errors[name] = [message]
    return RequestError(
        join_messages(" ", map(as_message, dict.fromkeys(validated.problems.values()))), {"json": errors}
    )


def _rename(planned: Plan, row: Row, found: ElementType, stored: CurrentState) -> None:
    """Make the planned change of an element type, if there is one, a change of its name, too."""
    other = stored.element_types([row.key]).get(row.key)
    if other is not None and other.id != found.id:
        message = Message(
            "The project already has %(element_type)s %(name)s. Enter another name.",
            element_type=other.element_type,
            name=row.values[1],
        )
        raise Conflict(message, {"json": {"name": [message]}})
    operations = planned.operations.get(1)
    update = operations[0] if operations else Update(row, found.id, found.element_type, Difference())
    assert isinstance(update, Update)
    base = {"name": (found.name, str(row.values[1])), **update.difference.base}
    difference = replace(update.difference, base=base)
    planned.unchanged_ids.clear()
    planned.operations[1] = [replace(update, row=row, difference=difference, former_name=found.name)]


def _begun_pieces(session: Session, element_type_id: int) -> str:
    """Return the codes of the first few pieces that are not planned, with their statuses; an empty text if none is."""
    condition = Piece.element_type_id == element_type_id, Piece.status != PieceStatus.PLANNED
    query = select(Piece.code, Piece.status).where(*condition).order_by(Piece.code).limit(_MAX_NAMED + 1)
    begun = [f"{code} ({status.replace('_', ' ')})" for code, status in session.execute(query)]
    return ", ".join(begun[:_MAX_NAMED]) + (" and more" if len(begun) > _MAX_NAMED else "")
