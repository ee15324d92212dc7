"""Users: made, changed, kept out, and recognised by their password."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from precast_app.auth import audit, passwords, sessions, sign_in_throttle, tokens
from precast_app.auth.permissions import Identity
from precast_app.errors import Conflict, NotFound, RequestError
from precast_app.extensions import db
from precast_app.models import User


def create(name: str, password: str, *, is_admin: bool = False) -> User:
    """Make a user; raises `Conflict` where the name is taken, `RequestError` where name or password won't do."""
    name = name.strip()
    if not 0 < len(name) <= 100 or not name.isprintable():
        raise RequestError("A user's name has 1 to 100 characters that can be shown.")
    if name in (".", "..") or "/" in name or "\\" in name:
        raise RequestError(
            "A user's name can't contain a slash or a backslash, nor consist of dots. Choose another one."
        )
    if name == audit.COMMAND:
        raise RequestError("This name stands for the server's own commands. Choose another one.")
    user = User(name=name, password_hash=passwords.hash_password(password, name), is_admin=is_admin)
    db.session.add(user)
    audit.record("user.create", about=name, is_admin=is_admin)
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        raise Conflict(f"There is a user {name!r} already.") from None
    return user


def get_by_name(name: str) -> User:
    """The user with this name; raises `NotFound`."""
    user = _valid_name(name)
    if user is None:
        raise NotFound(f"There is no user {name!r}.")
    return user


def verify_password(name: str, password: str, *, refusal: str) -> User | None:
    """Return the user with this name and password; None if one is wrong or the user is disabled.

    The one place where a password is checked: attempts are counted and slowed down, and a wrong one is put into the
    audit under the act `refusal`. Raise `TooManyRequests` after too many. A hash of an outdated kind is replaced.
    """
    attempt = sign_in_throttle.begin(name)
    user = _authenticate(name, password)
    if user is None:
        audit.record(refusal, who=name.strip())
    else:
        attempt.succeed()
    db.session.commit()
    return user


def _authenticate(name: str, password: str) -> User | None:
    user = _valid_name(name)
    kept = user.password_hash if user else passwords.DUMMY_HASH
    if not passwords.verify(kept, password) or user is None or user.disabled_at is not None:
        return None
    if passwords.needs_rehash(kept):
        user.password_hash = passwords.rehash(password)
    return user


def change_password(who: Identity, old: str, new: str) -> None:
    """Give oneself another password; all other sessions end, tokens stay.

    Raise `RequestError` if the old password is wrong, `TooManyRequests` after too many wrong ones.
    """
    user = verify_password(who.name, old, refusal="user.password_refused")
    if user is None:
        raise RequestError("The old password is wrong. Nothing was changed.")
    _set_password(user, new, but=who.session_id)
    audit.record("user.password", about=user.name)
    db.session.commit()


def set_password(name: str, password: str) -> None:
    """Give a user another password, as an administrator; the user's sessions end and their tokens are revoked."""
    user = get_by_name(name)
    _set_password(user, password)
    tokens.revoke_all(user.id)
    audit.record("user.password", about=user.name, reset=True)
    db.session.commit()


def set_disabled(name: str, disabled: bool) -> User:
    """Keep a user out, from this moment on, or let in again; `Conflict` for the last administrator."""
    user = get_by_name(name)
    if disabled:
        _check_not_last(user)
        sessions.end_all(user.id)
    user.disabled_at = datetime.now(UTC) if disabled else None
    audit.record("user.disable" if disabled else "user.enable", about=user.name)
    db.session.commit()
    return user


def set_admin(name: str, is_admin: bool) -> User:
    """Make a user an administrator, or no longer; `Conflict` for the last one."""
    user = get_by_name(name)
    if not is_admin:
        _check_not_last(user)
    user.is_admin = is_admin
    audit.record("user.admin", about=user.name, is_admin=is_admin)
    db.session.commit()
    return user


def _set_password(user: User, password: str, but: int | None = None) -> None:
    # First, since it refuses some passwords.
    user.password_hash = passwords.hash_password(password, user.name)
    sessions.end_all(user.id, but=but)


def _check_not_last(user: User) -> None:
    # Locked, so that two administrators can't take each other away at once.
    admins = db.session.scalars(select(User).where(User.is_admin, User.disabled_at.is_(None)).with_for_update()).all()
    if [each.id for each in admins] == [user.id]:
        db.session.rollback()
        raise Conflict(f"{user.name!r} is the only administrator who can sign in. Make another one first.")


def _valid_name(name: str) -> User | None:
    # PostgreSQL can't be asked for a text that it can't hold.
    return None if "\0" in name else db.session.scalar(select(User).where(User.name == name.strip()))
