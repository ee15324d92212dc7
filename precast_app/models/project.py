"""Projects and their reference data: what the headings of a workbook can name.

Each item has a `match_key`, its name normalized as in `precast_app.text`. It is unique in the project, so a heading
never names two items of one kind.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Numeric, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from precast_app.enums import ReachedStatus
from precast_app.extensions import Model
from precast_app.models.column_types import CreatedAt, Id, ProjectId, one_of


class Project(Model):
    """A building contract."""

    __tablename__ = "projects"
    __table_args__ = (CheckConstraint("name = btrim(name) AND name <> ''", name="name_trimmed"),)

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(150), unique=True)
    created_at: Mapped[CreatedAt]


class HierarchyNode(Model):
    """A part of the structure, such as a tower or a floor of it."""

    __tablename__ = "hierarchy_nodes"
    __table_args__ = (
        UniqueConstraint("project_id", "match_key"),
        # It is part of the piece codes: two nodes must not share one, and a slash would make a code ambiguous.
        UniqueConstraint("project_id", "naming_convention"),
        CheckConstraint("naming_convention <> '' AND position('/' in naming_convention) = 0", name="naming_convention"),
        CheckConstraint("parent_id <> id", name="not_its_own_parent"),
    )

    id: Mapped[Id]
    project_id: Mapped[ProjectId]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("hierarchy_nodes.id"), index=True)
    name: Mapped[str] = mapped_column(String(150))
    description: Mapped[str | None] = mapped_column(Text)
    prefix: Mapped[str] = mapped_column(String(50))
    path: Mapped[str] = mapped_column(String(500))
    match_key: Mapped[str] = mapped_column(String(500))
    naming_convention: Mapped[str] = mapped_column(String(150))
    # The day by which its pieces are to be produced.
    planned_date: Mapped[date | None]


class Stage(Model):
    """A step of production that pieces go through; `position` is its number in the project's order, from 1.

    A piece that passes it reaches the status `reaches_status`, if the stage has one.
    """

    __tablename__ = "stages"
    __table_args__ = (
        UniqueConstraint("project_id", "match_key"),
        CheckConstraint("position >= 0", name="position"),
        one_of("reaches_status", ReachedStatus),
    )

    id: Mapped[Id]
    project_id: Mapped[ProjectId]
    name: Mapped[str] = mapped_column(String(150))
    match_key: Mapped[str] = mapped_column(String(150))
    position: Mapped[int]
    reaches_status: Mapped[str | None] = mapped_column(String(20))


class DrawingType(Model):
    """A kind of drawing that the project has for its element types."""

    __tablename__ = "drawing_types"
    __table_args__ = (UniqueConstraint("project_id", "match_key"),)

    id: Mapped[Id]
    project_id: Mapped[ProjectId]
    name: Mapped[str] = mapped_column(String(150))
    match_key: Mapped[str] = mapped_column(String(150))


class BomProduct(Model):
    """A material of the project's bill of materials; `rate` is its price per `unit`."""

    __tablename__ = "bom_products"
    __table_args__ = (
        UniqueConstraint("project_id", "match_key"),
        CheckConstraint("rate >= 0 AND rate < 'Infinity'::numeric", name="rate"),
    )

    id: Mapped[Id]
    project_id: Mapped[ProjectId]
    product_name: Mapped[str] = mapped_column(String(150))
    product_type: Mapped[str] = mapped_column(String(150))
    unit: Mapped[str] = mapped_column(String(50))
    rate: Mapped[Decimal | None] = mapped_column(Numeric)
    match_key: Mapped[str] = mapped_column(String(301))

    @property
    def name_id(self) -> str:
        """The product's name and type as the flat file's heading has them."""
        return f"{self.product_name}_{self.product_type}"
