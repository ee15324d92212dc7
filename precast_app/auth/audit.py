"""The audit log: one entry per action, stored in the transaction of the action itself."""

from __future__ import annotations

from typing import Any

from flask import has_request_context, request

from precast_app.auth.permissions import IDENTITY_KEY, Identity
from precast_app.extensions import db
from precast_app.models import AuditEntry

# The user name of entries that a `flask` command on the server writes.
COMMAND = "(command line)"


def record(
    action: str, *, who: str | None = None, project_id: int | None = None, about: str = "", **details: Any
) -> None:
    """Add an entry to the session; the caller's commit stores it together with the action.

    `action` is an object and a verb, such as `job.cancel`. `who` defaults to the user of the current request. `about`
    names the object for people. `details` must never hold a password, a token or the content of a file.
    """
    address = ""
    if has_request_context():
        address = request.remote_addr or ""
        identity: Identity | None = request.environ.get(IDENTITY_KEY)
        who = who or (identity.name if identity else None)
    entry = AuditEntry(
        act=action,
        who=_storable(who or COMMAND, 100),
        project_id=project_id,
        about=_storable(about, 200),
        details=details,
        address=address,
    )
    db.session.add(entry)


def _storable(text: str, max_length: int) -> str:
    """Return the text truncated and without what PostgreSQL rejects; the name in a failed sign-in can be anything."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()[:max_length]
