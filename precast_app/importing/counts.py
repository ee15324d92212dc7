"""The counts of an import: element types by what happened to them, and pieces. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many element types were created, updated, unchanged or rejected, and how many pieces added or removed."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    pieces_added: int = 0
    pieces_removed: int = 0

    @property
    def processed(self) -> int:
        """The number of element types, whatever happened to them."""
        return self.created + self.updated + self.unchanged + self.rejected

    def as_dict(self) -> dict[str, int]:
        """Return the counts by name."""
        return asdict(self)

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            created=self.created + other.created,
            updated=self.updated + other.updated,
            unchanged=self.unchanged + other.unchanged,
            rejected=self.rejected + other.rejected,
            pieces_added=self.pieces_added + other.pieces_added,
            pieces_removed=self.pieces_removed + other.pieces_removed,
        )
