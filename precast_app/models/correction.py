"""Corrections of a job's file, and the rejected rows that they are for."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from precast_app.extensions import Model
from precast_app.models.column_types import CreatedAt


class CorrectionEvent(Model):
    """A change of one correction; the newest one of a cell or rule says what holds now.

    With a `row` it is about that cell: `from_text` is what it said before (null if that is not known) and `to_text`
    what it should say. Without one it is the rule that replaces `from_text` in the column by `to_text`. A `to_text` of
    null removes the correction. `version` counts the requests that changed the job's corrections.
    """

    __tablename__ = "correction_events"
    __table_args__ = (Index(None, "job_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("import_jobs.id", ondelete="CASCADE"))
    version: Mapped[int]
    row: Mapped[int | None]
    column: Mapped[str] = mapped_column(String(3))
    from_text: Mapped[str | None] = mapped_column(Text)
    to_text: Mapped[str | None] = mapped_column(Text)
    changed_by: Mapped[str] = mapped_column(String(100))
    changed_at: Mapped[CreatedAt]


class RejectedRow(Model):
    """The cells of a rejected row as they stand in the file, as `precast_app.importing.sheet_layout` encodes them.

    `filled` has the cells, by index, that are blank and were filled from a row above.
    """

    __tablename__ = "rejected_rows"

    job_id: Mapped[int] = mapped_column(ForeignKey("import_jobs.id", ondelete="CASCADE"), primary_key=True)
    row: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    cells: Mapped[list[Any]] = mapped_column(JSONB)
    filled: Mapped[dict[str, Any]] = mapped_column(JSONB)
