"""Import profiles: how the files of an office are read. Every version of one is kept."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, String, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from precast_app.extensions import Model
from precast_app.models.column_types import CreatedAt, Id


class ImportProfile(Model):
    """A remembered profile of a project or, without one, of the installation; `version` is its newest version."""

    __tablename__ = "import_profiles"
    __table_args__ = (
        CheckConstraint("version > 0", name="version"),
        UniqueConstraint("project_id", "name_key"),
        Index("uq_import_profiles_name_key", "name_key", unique=True, postgresql_where=text("project_id IS NULL")),
    )

    id: Mapped[Id]
    project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(150))
    # The name as it is compared, so that no two profiles of a project differ only in case.
    name_key: Mapped[str] = mapped_column(String(450))
    version: Mapped[int]
    created_by: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.current_timestamp())


class ImportProfileVersion(Model):
    """A version of a profile, as the JSON that `precast_app.importing.profiles` describes; `number` counts from 1."""

    __tablename__ = "import_profile_versions"

    profile_id: Mapped[int] = mapped_column(ForeignKey("import_profiles.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    profile: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_by: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[CreatedAt]
