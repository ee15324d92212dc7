"""Who did what, when: an entry for each act, in the transaction of the act itself."""

from __future__ import annotations

from typing import Any

from flask import has_request_context, request

from precast_app.auth.permissions import IDENTITY_KEY, Identity
from precast_app.extensions import db
from precast_app.models import AuditEntry

# Who acts where a command of the server does.
COMMAND = "(command line)"


def record(act: str, *, who: str | None = None, project_id: int | None = None, about: str = "", **details: Any) -> None:
    """Add an entry to the session; the caller's commit stores it together with what it tells of.

    Without `who` it is whoever sends the request at hand. `act` is an object and a verb such as `job.cancel`; `about`
    names the object for people; `details` is what else may be asked for later, never a password, a token or a file's
    content.
    """
    address = ""
    if has_request_context():
        address = request.remote_addr or ""
        known: Identity | None = request.environ.get(IDENTITY_KEY)
        who = who or (known.name if known else None)
    entry = AuditEntry(
        act=act,
        who=_truncate(who or COMMAND, 100),
        project_id=project_id,
        about=_truncate(about, 200),
        details=details,
        address=address,
    )
    db.session.add(entry)


def _truncate(text: str, max_length: int) -> str:
    """The text as the table can hold it: a name that was only tried may be anything."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()[:max_length]
