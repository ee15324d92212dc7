"""Who may come in: users, their API tokens, and what they may do in which project."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, String, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from precast_app.extensions import Model
from precast_app.models.columns import CreatedAt, Id, one_of


class Role(StrEnum):
    """What a member may do in a project; each role may do all that the ones before it may."""

    VIEWER = "viewer"
    EDITOR = "editor"
    MANAGER = "manager"


class User(Model):
    """A person or a program with a name and a password; an administrator may do everything everywhere."""

    __tablename__ = "users"
    __table_args__ = (CheckConstraint("name = btrim(name) AND name <> ''", name="name_trimmed"),)

    id: Mapped[Id]
    # As long as import_jobs.created_by, which keeps the name.
    name: Mapped[str] = mapped_column(String(100), unique=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    is_admin: Mapped[bool] = mapped_column(server_default=false())
    created_at: Mapped[CreatedAt]


class ApiToken(Model):
    """A bearer token, kept only as the SHA-256 of its text; it may be narrowed to one project and to reading."""

    __tablename__ = "api_tokens"

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), index=True)
    read_only: Mapped[bool] = mapped_column(server_default=false())
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=text("CURRENT_TIMESTAMP + interval '1 year'")
    )

    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)


class Membership(Model):
    """The role of a user in a project."""

    __tablename__ = "memberships"
    __table_args__ = (one_of("role", Role),)

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
    role: Mapped[str] = mapped_column(String(20))

    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)
