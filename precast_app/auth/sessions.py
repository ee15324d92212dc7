"""Server-side sessions of the web pages; the browser's cookie holds only a random session secret."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import current_app, request, session
from sqlalchemy import bindparam, delete, select, update

from precast_app import database
from precast_app.auth import audit, secret_hashing
from precast_app.auth.permissions import Identity
from precast_app.errors import NotFound
from precast_app.extensions import current_settings, db
from precast_app.messages import Message
from precast_app.models import User, UserSession

_KEY = "session"
_MINUTE = timedelta(minutes=1)
# A session within its lifetime and idle time; with its user unless they are disabled.
_IS_VALID = UserSession.expires_at > bindparam("now"), UserSession.seen_at > bindparam("seen_after")
_VALID_SESSION = (
    select(UserSession.id, UserSession.user_id, UserSession.seen_at, User.name, User.is_admin, User.language)
    .join(User, User.id == UserSession.user_id)
    .where(UserSession.session_hash == bindparam("hash"), *_IS_VALID, User.disabled_at.is_(None))
)


def start(user: User) -> None:
    """Start a session of the user for the current request's browser, and end its old one. The caller commits."""
    end_current()
    secret = secret_hashing.generate_secret()
    settings = current_settings()
    db.session.add(
        UserSession(
            user_id=user.id,
            session_hash=secret_hashing.hash_secret(secret),
            address=request.remote_addr or "",
            browser=str(request.user_agent)[:200],
            expires_at=datetime.now(UTC) + timedelta(hours=settings.session_lifetime_hours),
        )
    )
    session[_KEY] = secret
    session.permanent = True


def end_current() -> None:
    """End the session of the current request's browser, on the server too. The caller commits."""
    secret = session.get(_KEY)
    session.clear()
    if secret is not None:
        db.session.execute(
            delete(UserSession).where(UserSession.session_hash == secret_hashing.hash_secret(str(secret)))
        )


def end_all(user_id: int, *, keep: int | None = None) -> None:
    """End all sessions of a user except the one with the id `keep`. The caller commits."""
    db.session.execute(delete(UserSession).where(UserSession.user_id == user_id, UserSession.id.is_distinct_from(keep)))


def end_one(user_id: int, session_id: int) -> None:
    """End one session of the user; raise `NotFound` if the user has no such session."""
    found = db.session.get(UserSession, session_id)
    if found is None or found.user_id != user_id:
        raise NotFound(Message("You have no session %(session)s.", session=session_id))
    audit.record(audit.Action.SESSION_END, about=f"{found.address} {found.browser}")
    db.session.delete(found)
    db.session.commit()


def list_for_user(user_id: int) -> list[UserSession]:
    """Return the user's sessions that have not expired, the most recently used first."""
    now = datetime.now(UTC)
    found = select(UserSession).where(UserSession.user_id == user_id, *_IS_VALID)
    parameters = {"now": now, "seen_after": now - _idle_time()}
    return list(db.session.scalars(found.order_by(UserSession.seen_at.desc()), parameters))


def _idle_time() -> timedelta:
    return timedelta(minutes=current_settings().session_idle_minutes)


def has_cookie() -> bool:
    """Return whether the browser sent a session cookie, valid or not. Only signing in sets one."""
    return current_app.config["SESSION_COOKIE_NAME"] in request.cookies


def authenticate() -> Identity | None:
    """Return the user of the current request's session; None if it has ended or its user is disabled.

    The caller commits: the time of the last use is stored, to the minute.
    """
    secret = session.get(_KEY)
    if secret is None:
        return None
    now = datetime.now(UTC)
    parameters = {"hash": secret_hashing.hash_secret(str(secret)), "now": now, "seen_after": now - _idle_time()}
    found = database.read_row(_VALID_SESSION, parameters)
    if found is None:
        return None
    if now - found.seen_at > _MINUTE:
        db.session.execute(update(UserSession).where(UserSession.id == found.id).values(seen_at=now))
    return Identity(found.user_id, found.name, found.is_admin, language=found.language, session_id=found.id)
