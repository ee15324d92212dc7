"""Users: create, change, disable, and verify by password."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from precast_app.auth import audit, passwords, sessions, sign_in_throttle, tokens
from precast_app.auth.permissions import Identity
from precast_app.errors import Conflict, NotFound, RequestError
from precast_app.extensions import db
from precast_app.messages import Message
from precast_app.models import User


def create(name: str, password: str, *, is_admin: bool = False) -> User:
    """Create a user; raise `Conflict` if the name is taken, `RequestError` if the name or password breaks a rule."""
    name = name.strip()
    if not 0 < len(name) <= 100 or not name.isprintable():
        raise RequestError("A user name must have 1 to 100 printable characters. Choose another name.")
    if name in (".", "..") or "/" in name or "\\" in name:
        raise RequestError("A user name can't contain a slash or a backslash, or be `.` or `..`. Choose another name.")
    if name == audit.COMMAND:
        raise RequestError("This name is reserved for commands on the server. Choose another name.")
    user = User(name=name, password_hash=passwords.hash_password(password, name), is_admin=is_admin)
    db.session.add(user)
    audit.record(audit.Action.USER_CREATE, about=name, is_admin=is_admin)
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        raise Conflict(Message("There is already a user %(name)s. Choose another name.", name=f"{name!r}")) from None
    return user


def get_by_name(name: str) -> User:
    """Return the user with this name; raise `NotFound` if there is none."""
    user = _find(name)
    if user is None:
        raise NotFound(Message("There is no user %(name)s.", name=f"{name!r}"))
    return user


def verify_password(name: str, password: str, *, refusal: audit.Action) -> User | None:
    """Return the user with this name and password; None if one of them is wrong or the user is disabled.

    All passwords are checked here: attempts are throttled, and a failed one is recorded in the audit log as the action
    `refusal`. Raise `TooManyRequests` after too many failed attempts. An outdated hash is replaced. The caller commits,
    also after a failed attempt.
    """
    attempt = sign_in_throttle.begin(name)
    user = _authenticate(name, password)
    if user is None:
        audit.record(refusal, who=name.strip())
    else:
        attempt.succeed()
    return user


def _authenticate(name: str, password: str) -> User | None:
    user = _find(name)
    password_hash = user.password_hash if user else passwords.DUMMY_HASH
    if not passwords.verify(password_hash, password) or user is None or user.disabled_at is not None:
        return None
    if passwords.needs_rehash(password_hash):
        user.password_hash = passwords.rehash(password)
    return user


def change_password(identity: Identity, old: str, new: str) -> None:
    """Change the user's own password and end all their other sessions; tokens stay valid.

    Raise `RequestError` if the old password is wrong, `TooManyRequests` after too many wrong ones.
    """
    user = verify_password(identity.name, old, refusal=audit.Action.USER_PASSWORD_REFUSED)
    if user is None:
        # The audit log keeps the attempt.
        db.session.commit()
        raise RequestError("The old password is wrong. Nothing was changed.")
    _set_password(user, new, keep_session=identity.session_id)
    audit.record(audit.Action.USER_PASSWORD, about=user.name)
    db.session.commit()


def set_password(name: str, password: str) -> None:
    """Set a user's password as an administrator, end the user's sessions and revoke their tokens."""
    user = get_by_name(name)
    _set_password(user, password)
    tokens.revoke_all(user.id)
    audit.record(audit.Action.USER_PASSWORD, about=user.name, reset=True)
    db.session.commit()


def set_disabled(name: str, disabled: bool) -> User:
    """Disable a user and end their sessions, or enable the user; raise `Conflict` for the last administrator."""
    user = get_by_name(name)
    if disabled:
        _check_not_last(user)
        sessions.end_all(user.id)
    user.disabled_at = datetime.now(UTC) if disabled else None
    audit.record(audit.Action.USER_DISABLE if disabled else audit.Action.USER_ENABLE, about=user.name)
    db.session.commit()
    return user


def set_admin(name: str, is_admin: bool) -> User:
    """Grant or revoke the rights of an administrator; raise `Conflict` for the last administrator."""
    user = get_by_name(name)
    if not is_admin:
        _check_not_last(user)
    user.is_admin = is_admin
    audit.record(audit.Action.USER_ADMIN, about=user.name, is_admin=is_admin)
    db.session.commit()
    return user


def set_language(identity: Identity, language: str) -> None:
    """Store the language of the user's pages, one of `languages.LANGUAGES`."""
    db.session.get_one(User, identity.user_id).language = language
    db.session.commit()


def _set_password(user: User, password: str, keep_session: int | None = None) -> None:
    # First, since it raises for a password that breaks a rule.
    user.password_hash = passwords.hash_password(password, user.name)
    sessions.end_all(user.id, keep=keep_session)


def _check_not_last(user: User) -> None:
    # Locked, so that two administrators can't remove each other at the same moment.
    admins = db.session.scalars(select(User).where(User.is_admin, User.disabled_at.is_(None)).with_for_update()).all()
    if [each.id for each in admins] == [user.id]:
        raise Conflict(
            Message(
                "%(user)s is the only administrator who can sign in. Create another one first.", user=f"{user.name!r}"
            )
        )


def _find(name: str) -> User | None:
    # PostgreSQL rejects a NUL in a parameter.
    return None if "\0" in name else db.session.scalar(select(User).where(User.name == name.strip()))
