"""What jobs on pieces are asked for, as the JSON in `import_jobs.parameters`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from precast_app.enums import PieceStatus
from precast_app.models import ImportJob
from precast_app.pieces.selection import PieceFilter
from precast_app.pieces.status_file import MoveDefaults

_DAY_LENGTH = 10


def defaults_to_json(defaults: MoveDefaults) -> dict[str, Any] | None:
    """Return what a list of pieces leaves to the job, as JSON; None if it leaves nothing."""
    values = {"status": defaults.status, "stage": defaults.stage, "date": _date_to_json(defaults.date)}
    return {name: value for name, value in values.items() if value is not None} or None


def defaults_from_json(stored: Mapping[str, Any] | None) -> MoveDefaults:
    """Return what `defaults_to_json` has written."""
    stored = stored or {}
    status = PieceStatus(stored["status"]) if "status" in stored else None
    return MoveDefaults(status, stored.get("stage"), _date_from_json(stored.get("date")))


@dataclass(frozen=True, slots=True)
class PieceUpdate:
    """A move of many pieces: which ones, how many these were when somebody decided it, and what happens to them.

    `pieces_of_job_id` are all pieces that a job has moved, instead of those that match the filter.
    """

    expected: int
    filter: PieceFilter = field(default_factory=PieceFilter)
    status: PieceStatus | None = None
    stage_id: int | None = None
    date: date | datetime | None = None
    note: str | None = None
    reason: str | None = None
    pieces_of_job_id: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the update as JSON."""
        made = {
            "status": self.status, "stage_id": self.stage_id, "date": _date_to_json(self.date), "note": self.note,
            "reason": self.reason,
        }  # fmt: skip
        found: dict[str, Any] = {
            "filter": self.filter.as_json(),
            "expected": self.expected,
            "set": {name: value for name, value in made.items() if value is not None},
        }
        return found | ({"pieces_of_job_id": self.pieces_of_job_id} if self.pieces_of_job_id else {})

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> PieceUpdate:
        """Return what `to_json` has written."""
        made = dict(stored["set"])
        status = PieceStatus(made.pop("status")) if "status" in made else None
        given = _date_from_json(made.pop("date", None))
        chosen = PieceFilter.from_json(stored["filter"])
        return cls(
            stored["expected"],
            chosen,
            status,
            date=given,
            pieces_of_job_id=stored.get("pieces_of_job_id"),
            **made,
        )


def repeat(job: ImportJob) -> dict[str, Any]:
    """Return the parameters of an update that does again, for the same pieces, what a `piece_update` job did."""
    asked = PieceUpdate.from_json(job.parameters or {})
    return replace(asked, expected=job.updated_count, filter=PieceFilter(), pieces_of_job_id=job.id).to_json()


def _date_to_json(given: date | datetime | None) -> str | None:
    return None if given is None else given.isoformat()


def _date_from_json(stored: str | None) -> date | datetime | None:
    if stored is None:
        return None
    return date.fromisoformat(stored) if len(stored) == _DAY_LENGTH else datetime.fromisoformat(stored)
