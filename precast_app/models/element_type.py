"""The element types of a project, and what belongs to each."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import (
    CheckConstraint,
    Computed,
    ForeignKey,
    Index,
    Numeric,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from precast_app.extensions import Model
from precast_app.models.column_types import Id

MEASURES = ("height", "length", "thickness", "mass", "volume", "area", "width")


class ElementType(Model):
    """A kind of precast piece. Lengths in mm, mass in kg, volume in m³, area in m², density in kg/m³.

    `type_key` and `name_key` are the normalized names by which element types are compared. Together they are unique in
    the project.
    """

    __tablename__ = "element_types"
    __table_args__ = (
        UniqueConstraint("project_id", "type_key", "name_key"),
        *(CheckConstraint(f"{measure} >= 0 AND {measure} <= 1000000", name=measure) for measure in MEASURES),
    )

    id: Mapped[Id]
    # PostgreSQL collects no statistics of it (migration 0025).
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    element_type: Mapped[str] = mapped_column(String(150))
    name: Mapped[str] = mapped_column(String(150))
    type_key: Mapped[str] = mapped_column(String(450))
    name_key: Mapped[str] = mapped_column(String(450))
    # Without a scale, a number keeps the digits with which it was written, such as 1.50.
    height: Mapped[Decimal | None] = mapped_column(Numeric)
    length: Mapped[Decimal | None] = mapped_column(Numeric)
    thickness: Mapped[Decimal | None] = mapped_column(Numeric)
    mass: Mapped[Decimal | None] = mapped_column(Numeric)
    volume: Mapped[Decimal | None] = mapped_column(Numeric)
    area: Mapped[Decimal | None] = mapped_column(Numeric)
    width: Mapped[Decimal | None] = mapped_column(Numeric)
    version: Mapped[str] = mapped_column(String(150), server_default="VR-1")
    density: Mapped[Decimal | None] = mapped_column(
        Numeric, Computed("CASE WHEN volume > 0 THEN trim_scale(round(mass / volume, 6)) END", persisted=True)
    )


# The second indexes of the tables below contain both columns of the primary key. While a table is being filled, the
# planner has no statistics of it. With an index on the second column only, it may find a row by reading all rows of a
# node.


class Drawing(Model):
    """The file name of an element type's drawing, one for each drawing type."""

    __tablename__ = "element_type_drawings"
    __table_args__ = (Index(None, "drawing_type_id", "element_type_id"),)

    element_type_id: Mapped[int] = mapped_column(ForeignKey("element_types.id", ondelete="CASCADE"), primary_key=True)
    drawing_type_id: Mapped[int] = mapped_column(ForeignKey("drawing_types.id"), primary_key=True)
    file_name: Mapped[str] = mapped_column(String(255))


class Quantity(Model):
    """The number of pieces of an element type at a node: the table `pieces` has as many that are not scrapped.

    It is 0 only where scrapped pieces are left and no others.
    """

    __tablename__ = "element_type_quantities"
    __table_args__ = (Index(None, "node_id", "element_type_id"), CheckConstraint("quantity >= 0", name="quantity"))

    element_type_id: Mapped[int] = mapped_column(ForeignKey("element_types.id", ondelete="CASCADE"), primary_key=True)
    node_id: Mapped[int] = mapped_column(ForeignKey("hierarchy_nodes.id"), primary_key=True)
    quantity: Mapped[int]


class ElementTypeStage(Model):
    """A stage of production that the pieces of an element type go through."""

    __tablename__ = "element_type_stages"
    __table_args__ = (Index(None, "stage_id", "element_type_id"),)

    element_type_id: Mapped[int] = mapped_column(ForeignKey("element_types.id", ondelete="CASCADE"), primary_key=True)
    stage_id: Mapped[int] = mapped_column(ForeignKey("stages.id"), primary_key=True)


class BomLine(Model):
    """The quantity of a product in one piece of an element type, in the product's unit."""

    __tablename__ = "element_type_bom"
    __table_args__ = (
        Index(None, "product_id", "element_type_id"),
        CheckConstraint("quantity > 0 AND quantity <= 1000000000", name="quantity"),
    )

    element_type_id: Mapped[int] = mapped_column(ForeignKey("element_types.id", ondelete="CASCADE"), primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("bom_products.id"), primary_key=True)
    quantity: Mapped[Decimal] = mapped_column(Numeric)
