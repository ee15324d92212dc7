"""The audit log: one entry per action, stored in the transaction of the action itself."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from flask import has_request_context, request

from precast_app.auth.permissions import IDENTITY_KEY, Identity
from precast_app.extensions import db
from precast_app.models import AuditEntry

# The user name of entries that a `flask` command on the server writes.
COMMAND = "(command line)"


class Action(StrEnum):
    """An object and what was done to it; `ReferenceSpec.audit_action` names the changes of reference data."""

    JOB_CREATE = "job.create"
    JOB_FILE = "job.file"
    JOB_MAPPING = "job.mapping"
    JOB_CORRECTIONS = "job.corrections"
    JOB_REVALIDATE = "job.revalidate"
    JOB_CHOOSE = "job.choose"
    JOB_CANCEL = "job.cancel"
    JOB_RETRY = "job.retry"
    JOB_UNDO = "job.undo"
    PIECE_STATUS = "piece.status"
    IMPORT_PROFILE_CREATE = "import_profile.create"
    IMPORT_PROFILE_CHANGE = "import_profile.change"
    IMPORT_PROFILE_DELETE = "import_profile.delete"
    STAGE_ORDER = "stage.order"
    WEBHOOK_CREATE = "webhook.create"
    WEBHOOK_CHANGE = "webhook.change"
    WEBHOOK_ROTATE = "webhook.rotate"
    WEBHOOK_SEND_AGAIN = "webhook.send_again"
    WEBHOOK_DELETE = "webhook.delete"
    PROJECT_CREATE = "project.create"
    PROJECT_RENAME = "project.rename"
    MEMBER_SET = "member.set"
    MEMBER_REMOVE = "member.remove"
    SESSION_START = "session.start"
    SESSION_REFUSED = "session.refused"
    SESSION_END = "session.end"
    TOKEN_CREATE = "token.create"
    TOKEN_REVOKE = "token.revoke"
    USER_CREATE = "user.create"
    USER_PASSWORD = "user.password"
    USER_PASSWORD_REFUSED = "user.password_refused"
    USER_DISABLE = "user.disable"
    USER_ENABLE = "user.enable"
    USER_ADMIN = "user.admin"
    USER_EMAIL = "user.email"
    USER_EMAIL_STOP = "user.email_stop"


def record(
    action: str, *, who: str | None = None, project_id: int | None = None, about: str = "", **details: Any
) -> None:
    """Add an entry to the session; the caller's commit stores it together with the action.

    `action` is an `Action`, or the name of a change of reference data. `who` defaults to the user of the request.
    `about` names the object for people. `details` must never hold a password, a token or the content of a file.
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
