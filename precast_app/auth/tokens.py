"""API tokens: create, list, revoke, authenticate."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import bindparam, select, update

from precast_app import database
from precast_app.auth import audit, secret_hashing
from precast_app.auth.permissions import Identity
from precast_app.errors import NotFound, RequestError
from precast_app.extensions import db
from precast_app.messages import Message
from precast_app.models import ApiToken, User

_MAX_DAYS = 3650
_MINUTE = timedelta(minutes=1)
# A token that has not expired, with its user unless they are disabled.
_VALID_TOKEN = (
    select(
        ApiToken.id, ApiToken.user_id, ApiToken.project_id, ApiToken.read_only, ApiToken.used_at,
        User.name, User.is_admin, User.language,
    )
    .join(User, User.id == ApiToken.user_id)
    .where(
        ApiToken.token_hash == bindparam("hash"), ApiToken.expires_at > bindparam("now"), User.disabled_at.is_(None)
    )
)  # fmt: skip


def create(user: User, *, days: int, name: str = "", project_id: int | None = None, read_only: bool = False) -> str:
    """Create a token that is valid for `days` and return its text, which can't be read again: only a hash is stored.

    Raise `RequestError` if `days` or `name` is out of range.
    """
    if not 1 <= days <= _MAX_DAYS:
        raise RequestError(
            Message("A token can be valid for 1 to %(limit)s days. Enter a number in that range.", limit=_MAX_DAYS)
        )
    if len(name) > 100 or "\0" in name:
        raise RequestError("The name of the token is too long, or contains a NUL. Use at most 100 characters.")
    text = secret_hashing.generate_secret()
    token = ApiToken(
        user_id=user.id,
        token_hash=secret_hashing.hash_secret(text),
        name=name.strip(),
        ending=text[-4:],
        project_id=project_id,
        read_only=read_only,
        expires_at=datetime.now(UTC) + timedelta(days=days),
    )
    db.session.add(token)
    audit.record(
        audit.Action.TOKEN_CREATE, project_id=project_id, about=f"{user.name}: {token.name or text[-4:]}",
        days=days, read_only=read_only,
    )  # fmt: skip
    db.session.commit()
    return text


def list_for_user(user_id: int) -> list[ApiToken]:
    """Return the user's tokens, newest first, including expired ones."""
    return list(db.session.scalars(select(ApiToken).where(ApiToken.user_id == user_id).order_by(ApiToken.id.desc())))


def revoke(user_id: int, token_id: int) -> None:
    """Delete a token of the user; raise `NotFound` if the user has no such token."""
    token = db.session.get(ApiToken, token_id)
    if token is None or token.user_id != user_id:
        raise NotFound(Message("You have no token %(token)s.", token=token_id))
    audit.record(audit.Action.TOKEN_REVOKE, project_id=token.project_id, about=token.name or token.ending)
    db.session.delete(token)
    db.session.commit()


def revoke_all(user_id: int) -> None:
    """Delete all tokens of the user. The caller commits."""
    for token in list_for_user(user_id):
        audit.record(audit.Action.TOKEN_REVOKE, project_id=token.project_id, about=token.name or token.ending)
        db.session.delete(token)


def authenticate(text: str) -> Identity | None:
    """Return the user of this token; None if it is unknown or has expired, or if its user is disabled.

    The caller commits: the time of the last use is stored, to the minute.
    """
    now = datetime.now(UTC)
    token = database.read_row(_VALID_TOKEN, {"hash": secret_hashing.hash_secret(text), "now": now})
    if token is None:
        return None
    if token.used_at is None or now - token.used_at > _MINUTE:
        db.session.execute(update(ApiToken).where(ApiToken.id == token.id).values(used_at=now))
    return Identity(
        token.user_id, token.name, token.is_admin, token.project_id, token.read_only, token.language, token_id=token.id
    )
