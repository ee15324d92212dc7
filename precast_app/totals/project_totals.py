"""The totals of a project as a value: how they are combined, and how they are written as JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

# In place of a status, for the pieces that are needed: as many as the quantities say, without scrapped ones.
NEEDED = "needed"


@dataclass(frozen=True, slots=True)
class Amount:
    """A number of pieces with their volume in m³ and their mass in kg."""

    pieces: int = 0
    volume: Decimal = Decimal(0)
    mass: Decimal = Decimal(0)

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.pieces + other.pieces, self.volume + other.volume, self.mass + other.mass)


@dataclass(frozen=True, slots=True)
class Material:
    """The quantity of a product in all pieces of a project, and in those that are produced, in the product's unit."""

    needed: Decimal = Decimal(0)
    produced: Decimal = Decimal(0)

    def __add__(self, other: Material) -> Material:
        return Material(self.needed + other.needed, self.produced + other.produced)


@dataclass(frozen=True, slots=True)
class ProjectTotals:
    """What a project has: rows of each kind, pieces by node and by type, materials, and pieces produced by day.

    `rows` are numbers by their name. The keys of `nodes` are a node's id and a status or `NEEDED`; those of `types`
    also have the type's key between both. No piece has the status `planned` there: planned pieces are what is left of
    the needed ones. `materials` are by the product's id.
    """

    rows: dict[str, int] = field(default_factory=dict)
    nodes: dict[tuple[int, str], Amount] = field(default_factory=dict)
    types: dict[tuple[int, str, str], int] = field(default_factory=dict)
    materials: dict[int, Material] = field(default_factory=dict)
    produced: dict[date, int] = field(default_factory=dict)

    def __add__(self, other: ProjectTotals) -> ProjectTotals:
        return ProjectTotals(
            _sum(self.rows, other.rows, 0),
            _sum(self.nodes, other.nodes, Amount()),
            _sum(self.types, other.types, 0),
            _sum(self.materials, other.materials, Material()),
            {day: count for day, count in _sum(self.produced, other.produced, 0).items() if count},
        )

    @property
    def pieces(self) -> int:
        """The number of pieces, without scrapped ones."""
        return sum(amount.pieces for (_, status), amount in self.nodes.items() if status == NEEDED)

    def as_json(self) -> dict[str, Any]:
        """Return the totals as values of JSON; decimals become texts."""
        return {
            "rows": self.rows,
            "nodes": [[*key, each.pieces, str(each.volume), str(each.mass)] for key, each in self.nodes.items()],
            "types": [[*key, count] for key, count in self.types.items()],
            "materials": [[id_, str(each.needed), str(each.produced)] for id_, each in self.materials.items()],
            "produced": [[day.isoformat(), count] for day, count in self.produced.items()],
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> ProjectTotals:
        """Return the totals that `as_json` has written."""
        return cls(
            dict(stored["rows"]),
            {
                (node_id, status): Amount(pieces, Decimal(volume), Decimal(mass))
                for node_id, status, pieces, volume, mass in stored["nodes"]
            },
            {(node_id, key, status): count for node_id, key, status, count in stored["types"]},
            {id_: Material(Decimal(needed), Decimal(produced)) for id_, needed, produced in stored["materials"]},
            {date.fromisoformat(day): count for day, count in stored["produced"]},
        )


def _sum(left: Mapping[Any, Any], right: Mapping[Any, Any], zero: Any) -> dict[Any, Any]:
    result = dict(left)
    for key, value in right.items():
        result[key] = result.get(key, zero) + value
    return result
