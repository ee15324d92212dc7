"""The counts of an import: element types by what happened to them, and pieces. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many element types were created, updated, and so on, and how many pieces were added or removed.

    `missing` are those that the file lacks, and `removed` the ones among them that were removed; the others are rows of
    the file.
    """

    created: int = 0
    updated: int = 0
    renamed: int = 0
    unchanged: int = 0
    rejected: int = 0
    left_out: int = 0
    missing: int = 0
    removed: int = 0
    pieces_added: int = 0
    pieces_removed: int = 0

    @property
    def processed(self) -> int:
        """The number of rows, whatever happened to them."""
        return self.created + self.updated + self.renamed + self.unchanged + self.rejected + self.left_out

    def as_dict(self) -> dict[str, int]:
        """Return the counts by name."""
        return asdict(self)

    def __add__(self, other: Counts) -> Counts:
        return Counts(**{name: count + getattr(other, name) for name, count in self.as_dict().items()})
