"""Signing in and out with a browser, as one story: slowed down, checked, begun, and written down."""

from __future__ import annotations

from precast_app.auth import audit, sessions, users
from precast_app.extensions import db


def sign_in(name: str, password: str) -> bool:
    """Begin a session where name and password are right; raises `TooManyRequests` where too many have been wrong
    lately."""
    user = users.verify_password(name, password, refusal="session.refused")
    if user is None:
        return False
    sessions.start(user)
    audit.record("session.start", who=user.name)
    db.session.commit()
    return True


def sign_out() -> None:
    """End the session of the browser that asks, if there is one."""
    known = sessions.authenticate()
    if known is not None:
        audit.record("session.end", who=known.name)
    sessions.end_current()
    db.session.commit()
