"""What a user chooses in a review, as JSON of the job that carries it out. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from precast_app.enums import Missing, Renames


@dataclass(frozen=True, slots=True)
class ReviewChoice:
    """What is left out, by row or by element type, and what happens to missing element types and probable renames."""

    missing: Missing = Missing.KEEP
    renames: Renames = Renames.ASK
    rows: frozenset[int] = frozenset()
    element_type_ids: frozenset[int] = frozenset()

    @property
    def accepts_renames(self) -> bool:
        """Whether probable renames are carried out."""
        return self.renames is Renames.ACCEPT

    @property
    def removes_missing(self) -> bool:
        """Whether missing element types are removed."""
        return self.missing is Missing.REMOVE


@dataclass(frozen=True, slots=True)
class ReviewRequest:
    """What a user asks for when a preview is applied.

    Each of `leave_out` is `{"row": 12}` or `{"element_type_id": 7}`; an option that is None is that of the preview.
    """

    leave_out: Sequence[Mapping[str, int]] = ()
    missing: Missing | None = None
    renames: Renames | None = None

    def to_json(self, missing: str, renames: str) -> dict[str, Any]:
        """Return the choice as JSON, with the options of the preview where the user gave none."""
        return {
            "leave_out": [dict(each) for each in self.leave_out],
            "missing": (self.missing or Missing(missing)).value,
            "renames": (self.renames or Renames(renames)).value,
        }


def from_json(stored: Mapping[str, Any] | None, missing: str, renames: str) -> ReviewChoice:
    """Return the choice of a job: what `ReviewRequest.to_json` has returned, if anything, and the job's two options."""
    left_out = (stored or {}).get("leave_out", [])
    return ReviewChoice(
        Missing(missing),
        Renames(renames),
        frozenset(_numbers(left_out, "row")),
        frozenset(_numbers(left_out, "element_type_id")),
    )


def _numbers(left_out: Collection[Mapping[str, int]], key: str) -> Iterator[int]:
    return (each[key] for each in left_out if key in each)
