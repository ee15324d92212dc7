"""Users and their tokens: made, and recognised."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from werkzeug.security import check_password_hash, generate_password_hash

from precast_app.accounts.permissions import Identity
from precast_app.errors import Conflict, NotFound, Refused
from precast_app.extensions import db
from precast_app.models import ApiToken, User

_SHORTEST_PASSWORD = 8
# Checked where there is no such user, so that the answer takes as long.
_NOBODY = generate_password_hash(secrets.token_hex())


def create(name: str, password: str, *, is_admin: bool = False) -> User:
    """Make a user; raises `Conflict` where the name is taken, `Refused` where name or password won't do."""
    name = name.strip()
    if not 0 < len(name) <= 100:
        raise Refused("A user's name has 1 to 100 characters.")
    if len(password) < _SHORTEST_PASSWORD:
        raise Refused(f"The password is too short; it takes at least {_SHORTEST_PASSWORD} characters.")
    user = User(name=name, password_hash=generate_password_hash(password), is_admin=is_admin)
    db.session.add(user)
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        raise Conflict(f"There is a user {name!r} already.") from None
    return user


def find(name: str) -> User:
    """The user with this name; raises `NotFound`."""
    user = _named(name)
    if user is None:
        raise NotFound(f"There is no user {name!r}. Create one with `flask user create {name}`.")
    return user


def create_token(user: User, *, days: int, project_id: int | None = None, read_only: bool = False) -> str:
    """Make a token and return its text, which can't be had again: only its hash is stored."""
    token = secrets.token_urlsafe(32)
    db.session.add(
        ApiToken(
            user_id=user.id,
            token_hash=_hash(token),
            project_id=project_id,
            read_only=read_only,
            expires_at=datetime.now(UTC) + timedelta(days=days),
        )
    )
    db.session.commit()
    return token


def by_token(token: str) -> Identity | None:
    """Who bears this token; None where it is unknown or has expired."""
    found = db.session.scalar(
        select(ApiToken).where(ApiToken.token_hash == _hash(token), ApiToken.expires_at > datetime.now(UTC))
    )
    if found is None:
        return None
    user = found.user
    return Identity(user.id, user.name, user.is_admin, found.project_id, found.read_only)


def by_password(name: str, password: str) -> User | None:
    """The user with this name and password."""
    user = _named(name.strip())
    matches = check_password_hash(user.password_hash if user else _NOBODY, password)
    return user if matches else None


def by_id(user_id: int) -> Identity | None:
    """Who is logged in under this number."""
    user = db.session.get(User, user_id)
    return Identity(user.id, user.name, user.is_admin) if user else None


def _named(name: str) -> User | None:
    # PostgreSQL can't be asked for a text that it can't hold.
    return None if "\0" in name else db.session.scalar(select(User).where(User.name == name))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
