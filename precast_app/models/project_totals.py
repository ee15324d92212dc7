"""The totals of projects, stored so that nobody has to count all pieces to see them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, ForeignKey, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from precast_app.extensions import Model
from precast_app.models.column_types import CURRENT_TRANSACTION


class StoredTotals(Model):
    """The totals of a project as they were at a snapshot; `precast_app.totals.storage` says when they are used.

    `content` is the state of the jobs that change element types. `totals` has the shape of `ProjectTotals.as_json`;
    `stored_at` is not later than the snapshot.
    """

    __tablename__ = "project_totals"

    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    content: Mapped[str] = mapped_column(Text)
    snapshot: Mapped[str] = mapped_column(Text)
    stored_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    element_types: Mapped[int]
    pieces: Mapped[int]
    totals: Mapped[dict[str, Any]] = mapped_column(JSON)
    transaction_id: Mapped[int] = mapped_column(BigInteger, server_default=CURRENT_TRANSACTION)
