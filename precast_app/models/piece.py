"""The pieces of a project, and their history."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from precast_app.enums import PieceEventKind, PieceStatus
from precast_app.extensions import Model
from precast_app.models.column_types import CURRENT_TRANSACTION, CreatedAt, Timestamp, one_of

_PRODUCED = "('produced', 'dispatched', 'erected')"
_IS_PRODUCED = f"kind = 'status' AND to_value IN {_PRODUCED} AND from_value NOT IN {_PRODUCED}"
_IS_REVERTED = f"kind = 'status' AND from_value IN {_PRODUCED} AND to_value NOT IN {_PRODUCED}"


class Piece(Model):
    """A physical piece (an element). Its `code` is `TYPE/NAMING_CONVENTION/NUMBER` and never changes.

    What a piece refers to can't be deleted as long as the piece exists.
    """

    __tablename__ = "pieces"
    __table_args__ = (
        UniqueConstraint("project_id", "code"),
        # A piece is only where its element type has a quantity. One key for both columns, because an import spends most
        # of its time on these checks.
        ForeignKeyConstraint(
            ["element_type_id", "node_id"],
            ["element_type_quantities.element_type_id", "element_type_quantities.node_id"],
        ),
        # A query for the pieces of a node goes through the node's quantities.
        Index(None, "element_type_id", "node_id"),
        # A page of a project's pieces in the order of their creation, or of their last move.
        Index(None, "project_id", "id"),
        Index(None, "project_id", "status_since", "id", postgresql_where=text("status_since IS NOT NULL")),
        # How many pieces have each status. Most pieces of a new project are planned, and those are not in the index.
        Index(
            "ix_pieces_moved",
            "project_id",
            "element_type_id",
            "node_id",
            "status",
            postgresql_where=text("status <> 'planned'"),
        ),
        one_of("status", PieceStatus),
        CheckConstraint("number > 0", name="number"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    # The project of the element type, repeated here for the unique key. PostgreSQL collects no statistics of it (0025).
    project_id: Mapped[int]
    element_type_id: Mapped[int]
    node_id: Mapped[int]
    number: Mapped[int]
    # The import that created the piece. A job that restarts has to know which pieces it created itself.
    job_id: Mapped[int | None]
    status: Mapped[str] = mapped_column(String(20), server_default=PieceStatus.PLANNED)
    code: Mapped[str] = mapped_column(String(320))
    created_at: Mapped[CreatedAt]
    # When the piece reached its status; null if it never left the first one.
    status_since: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # The scrapped piece that this one replaces. No foreign key: it would have to be searched for each deleted piece.
    replaces_id: Mapped[int | None] = mapped_column(BigInteger)


class PieceStage(Model):
    """A stage that a piece has passed. A planned piece has none.

    `piece_id` is no foreign key, which would cost imports time for every piece that they remove: they remove planned
    pieces only, and every change of a piece locks its row first.
    """

    __tablename__ = "piece_stages"
    __table_args__ = (Index(None, "stage_id", "piece_id"),)

    piece_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    # PostgreSQL collects no statistics of it (0025).
    stage_id: Mapped[int] = mapped_column(ForeignKey("stages.id"), primary_key=True)
    passed_at: Mapped[Timestamp]


class PieceEvent(Model):
    """Something that happened to a piece: it changed its status, passed a stage, or somebody wrote a note.

    `from_value` and `to_value` are the two statuses; for a stage, when the piece had passed it before and when it has
    passed it now (ISO 8601, null for not at all). An undo adds the reverse event; the reverse of a note has the text as
    its `from_value`.
    """

    __tablename__ = "piece_events"
    __table_args__ = (
        one_of("kind", PieceEventKind),
        Index(None, "piece_id", "id"),
        # What has happened in a project since a snapshot of its totals.
        Index(None, "project_id", "transaction_id"),
        # What has been produced when, and which of it was not.
        Index(
            "ix_piece_events_produced",
            "project_id",
            "happened_at",
            "piece_id",
            "id",
            postgresql_where=text(_IS_PRODUCED),
        ),
        Index("ix_piece_events_reverted", "project_id", "piece_id", "id", postgresql_where=text(_IS_REVERTED)),
        Index(None, "job_id", postgresql_where=text("job_id IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    # No foreign key: an import may remove a planned piece with a history, and its undo restores the piece with its id.
    piece_id: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(10))
    from_value: Mapped[str | None] = mapped_column(Text)
    to_value: Mapped[str | None] = mapped_column(Text)
    # Since when the piece had the status `from_value`, which an undo restores.
    from_since: Mapped[Timestamp | None]
    stage_id: Mapped[int | None]
    happened_at: Mapped[Timestamp]
    recorded_at: Mapped[CreatedAt]
    user_name: Mapped[str] = mapped_column(String(100))
    # The job that did it; null for a single request.
    job_id: Mapped[int | None]
    note: Mapped[str | None] = mapped_column(Text)
    # The transaction that added the event; null for events that are older than the column.
    transaction_id: Mapped[int | None] = mapped_column(BigInteger, server_default=CURRENT_TRANSACTION)


class PlannedPieceMove(Model):
    """A move of a piece that a dry run plans, with the fields of the event that it would add."""

    __tablename__ = "planned_piece_moves"

    job_id: Mapped[int] = mapped_column(ForeignKey("import_jobs.id", ondelete="CASCADE"), primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    piece_id: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(10))
    from_value: Mapped[str | None] = mapped_column(Text)
    to_value: Mapped[str | None] = mapped_column(Text)
    stage_id: Mapped[int | None]
    happened_at: Mapped[Timestamp]
    note: Mapped[str | None] = mapped_column(Text)
