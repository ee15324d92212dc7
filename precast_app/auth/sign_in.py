"""Signing in and out with a browser."""

from __future__ import annotations

from precast_app.auth import audit, sessions, users
from precast_app.extensions import db


def sign_in(name: str, password: str) -> bool:
    """Start a session and return True if name and password are correct; return False otherwise.

    Raise `TooManyRequests` after too many failed attempts.
    """
    user = users.verify_password(name, password, refusal=audit.Action.SESSION_REFUSED)
    if user is not None:
        sessions.start(user)
        audit.record(audit.Action.SESSION_START, who=user.name)
    db.session.commit()
    return user is not None


def sign_out() -> None:
    """End the session of the current request, if there is one."""
    identity = sessions.authenticate()
    if identity is not None:
        audit.record(audit.Action.SESSION_END, who=identity.name)
    sessions.end_current()
    db.session.commit()
