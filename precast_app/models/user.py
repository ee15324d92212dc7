"""Users, their sessions and API tokens, their roles in projects, and the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, String, false, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from precast_app.enums import Role
from precast_app.extensions import Model
from precast_app.models.column_types import CreatedAt, Id, Timestamp, one_of


class User(Model):
    """A person or a program with a name and a password. An administrator has all permissions in all projects."""

    __tablename__ = "users"
    __table_args__ = (CheckConstraint("name = btrim(name) AND name <> ''", name="name_trimmed"),)

    id: Mapped[Id]
    # As long as import_jobs.created_by, which keeps the name.
    name: Mapped[str] = mapped_column(String(100), unique=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    is_admin: Mapped[bool] = mapped_column(server_default=false())
    # The code of the language of the pages; null for the one that the browser asks for.
    language: Mapped[str | None] = mapped_column(String(8))
    created_at: Mapped[CreatedAt]
    # A disabled user can't sign in, and the user's sessions and tokens are rejected.
    disabled_at: Mapped[Timestamp | None]
    # Where the user gets e-mail, and about which events of the user's own jobs.
    email: Mapped[str | None] = mapped_column(String(254))
    email_events: Mapped[list[str]] = mapped_column(ARRAY(String(20)), server_default=text("'{}'"))


class ApiToken(Model):
    """A bearer token, stored as the SHA-256 of its text. It can be restricted to one project and to reading."""

    __tablename__ = "api_tokens"

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(100), server_default="")
    # The last characters of its text, by which its user recognizes it.
    ending: Mapped[str] = mapped_column(String(8), server_default="")
    project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), index=True)
    read_only: Mapped[bool] = mapped_column(server_default=false())
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=text("CURRENT_TIMESTAMP + interval '1 year'")
    )
    # Accurate to a minute.
    used_at: Mapped[Timestamp | None]


class Membership(Model):
    """The role of a user in a project."""

    __tablename__ = "memberships"
    __table_args__ = (one_of("role", Role),)

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
    role: Mapped[str] = mapped_column(String(20))

    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)


class UserSession(Model):
    """A session of a browser, stored as the SHA-256 of the random secret that the browser has."""

    __tablename__ = "user_sessions"

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    session_hash: Mapped[str] = mapped_column(String(64), unique=True)
    address: Mapped[str] = mapped_column(String(45))
    browser: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[CreatedAt]
    # Accurate to a minute. A session also ends if it is not used for SESSION_IDLE_MINUTES.
    seen_at: Mapped[CreatedAt]
    expires_at: Mapped[Timestamp] = mapped_column(index=True)


class AuditEntry(Model):
    """An entry of the audit log, committed together with the action. A trigger rejects any change of it."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index(None, "project_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[CreatedAt]
    # Names and numbers instead of foreign keys: the entry is kept when its objects are deleted.
    who: Mapped[str] = mapped_column(String(100), index=True)
    act: Mapped[str] = mapped_column(String(40))
    project_id: Mapped[int | None]
    about: Mapped[str] = mapped_column(String(200), server_default="")
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    address: Mapped[str] = mapped_column(String(45), server_default="")
