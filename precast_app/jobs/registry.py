"""The types of job that there are. A new one is a module beside this and a line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from precast_app.auth.permissions import Permission
from precast_app.errors import RequestError

if TYPE_CHECKING:
    from precast_app.jobs.context import JobContext, Outcome


@dataclass(frozen=True, slots=True)
class JobType:
    """A type of job: the module whose `run` does it, and what one must be allowed to do to start it.

    One with `internal` is not created by itself, but by what is done with another job.
    """

    name: str
    module: str
    permission: Permission
    internal: bool = False

    @property
    def run(self) -> Callable[[JobContext], Outcome]:
        """The function that does the job; imported when needed, since its module knows the whole of the import."""
        function: Callable[[JobContext], Outcome] = import_module(self.module).run
        return function


TYPES = {
    job_type.name: job_type
    for job_type in (
        JobType("element_type_import", "precast_app.jobs.tasks.import_element_types", Permission.IMPORT),
        JobType("element_type_undo", "precast_app.jobs.tasks.undo_import", Permission.IMPORT, internal=True),
        JobType("hierarchy_import", "precast_app.jobs.tasks.import_reference_data", Permission.MANAGE),
        JobType("stage_import", "precast_app.jobs.tasks.import_reference_data", Permission.MANAGE),
        JobType("drawing_type_import", "precast_app.jobs.tasks.import_reference_data", Permission.MANAGE),
        JobType("bom_product_import", "precast_app.jobs.tasks.import_reference_data", Permission.MANAGE),
    )
}


def get(name: str) -> JobType:
    """The job type with this name; raises `RequestError` with the names that there are."""
    if name not in TYPES:
        raise _unknown(name)
    return TYPES[name]


def get_creatable(name: str) -> JobType:
    """The job type with this name that a person can create; raises `RequestError` with the names that there are."""
    if name not in creatable_names():
        raise _unknown(name)
    return TYPES[name]


def creatable_names() -> list[str]:
    """The names of the job types that a person can create."""
    return [each.name for each in TYPES.values() if not each.internal]


def _unknown(name: str) -> RequestError:
    message = f"There is no job type {name!r}. Use one of: {', '.join(creatable_names())}."
    return RequestError(message, {"query": {"job_type": [message]}})
