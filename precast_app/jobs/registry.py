"""The job types. To add one, add a module to `jobs/tasks` and an entry here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from precast_app.auth.permissions import Permission
from precast_app.errors import RequestError
from precast_app.importing.reference_schema import REFERENCE_SPECS
from precast_app.jobs import dry_run, piece_parameters, revert
from precast_app.jobs.context import JobContext, Outcome
from precast_app.jobs.tasks import (
    change_element_type,
    export_labels,
    import_element_types,
    import_piece_statuses,
    import_reference_data,
    undo_piece_moves,
    update_pieces,
)
from precast_app.messages import Message
from precast_app.models import ImportJob

UNDO, PIECE_UNDO = "element_type_undo", "piece_undo"
ELEMENT_TYPE_UPDATE, ELEMENT_TYPE_DELETION = "element_type_update", "element_type_deletion"
# In place of a job type: the type is detected from the headings of the file.
DETECT = "auto"


def _same_parameters(job: ImportJob) -> dict[str, Any]:
    return dict(job.parameters or {})


@dataclass(frozen=True, slots=True)
class JobType:
    """A type of job: the function that runs it, and the permission for starting it.

    A job that is not `is_revertible` commits all its changes at once; they stay if it is cancelled after that. Users
    can't create an `internal` job directly; it results from an action on another job. A job without `has_file` starts
    with its parameters at once.

    A job with an `undo_type` is undone by a job of that type; `find_conflicts` returns the reasons why it can't be.
    `is_outdated` returns whether what a dry run was planned on has changed. `repeat` returns the parameters of a job
    that does again what a job without a file did, after its undo was undone.
    """

    name: str
    run: Callable[[JobContext], Outcome]
    permission: Permission
    is_revertible: bool = False
    internal: bool = False
    has_file: bool = True
    undo_type: str | None = None
    find_conflicts: Callable[[ImportJob], list[str]] = revert.find_conflicts
    is_outdated: Callable[[ImportJob], bool] = dry_run.is_outdated
    repeat: Callable[[ImportJob], dict[str, Any]] = _same_parameters

    @property
    def commits_in_batches(self) -> bool:
        """Whether what a failed job has written until then stays."""
        return self.is_revertible and self.has_file


TYPES = {
    job_type.name: job_type
    for job_type in (
        JobType("element_type_import", import_element_types.run, Permission.IMPORT, is_revertible=True, undo_type=UNDO),
        JobType(UNDO, revert.run_undo, Permission.IMPORT, internal=True),
        *(
            JobType(name, run, Permission.IMPORT, is_revertible=True, internal=True, has_file=False, undo_type=UNDO)
            for name, run in (
                (ELEMENT_TYPE_UPDATE, change_element_type.run_update),
                (ELEMENT_TYPE_DELETION, change_element_type.run_deletion),
            )
        ),
        JobType("label_export", export_labels.run, Permission.IMPORT, has_file=False),
        JobType(
            "piece_status_import",
            import_piece_statuses.run,
            Permission.IMPORT,
            undo_type=PIECE_UNDO,
            find_conflicts=undo_piece_moves.find_conflicts,
            is_outdated=import_piece_statuses.is_outdated,
        ),
        JobType(
            "piece_update",
            update_pieces.run,
            Permission.IMPORT,
            internal=True,
            has_file=False,
            undo_type=PIECE_UNDO,
            find_conflicts=undo_piece_moves.find_conflicts,
            repeat=piece_parameters.repeat,
        ),
        JobType(PIECE_UNDO, undo_piece_moves.run, Permission.IMPORT, internal=True),
        *(JobType(name, import_reference_data.run, Permission.MANAGE) for name in REFERENCE_SPECS),
    )
}


def get(name: str) -> JobType:
    """Return the job type with this name; raise `RequestError` that lists the names if there is none."""
    if name not in TYPES:
        raise _unknown(name)
    return TYPES[name]


def get_creatable(name: str) -> JobType:
    """Return the job type with this name if users can create it; raise `RequestError` that lists the names if not."""
    if name not in creatable_names():
        raise _unknown(name)
    return TYPES[name]


def creatable_names() -> list[str]:
    """Return the names of the job types that users can create."""
    return [each.name for each in TYPES.values() if not each.internal]


def _unknown(name: str) -> RequestError:
    message = Message(
        "There is no job type %(name)s. Use one of: %(known)s.", name=f"{name!r}", known=", ".join(creatable_names())
    )
    return RequestError(message, {"query": {"job_type": [message]}})
