"""The signed-in user with their sessions and tokens; all users, for administrators; and the audit log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import marshmallow as ma

from precast_app.api.blueprint import PROJECT, USER, Blueprint
from precast_app.api.schemas import (
    CursorQuery,
    PageQuery,
    RequestSchema,
    ResponseSchema,
    StrictBoolean,
    Timestamp,
    identifier,
    requested_page,
)
from precast_app.auth import permissions, sessions, tokens, users
from precast_app.auth.permissions import Identity, Permission
from precast_app.auth.request_authentication import current_identity
from precast_app.auth.route_permissions import requires
from precast_app.errors import NotFound, invalid_field
from precast_app.extensions import current_settings, db
from precast_app.models import User
from precast_app.projects import projects
from precast_app.queries import administration
from precast_app.queries.administration import AuditFilter

# Beyond these, a time with an offset may have no equivalent in UTC.
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)

blueprint = Blueprint("accounts", __name__, description="Users, sessions, tokens and the audit log.")


class Me(ResponseSchema):
    """The authenticated user, and the restrictions of the token."""

    name = ma.fields.String()
    is_admin = ma.fields.Boolean()
    project_id = ma.fields.Integer(allow_none=True)
    read_only = ma.fields.Boolean()


class PasswordRequest(RequestSchema):
    """A user's own new password, with the old one."""

    example = {"old": "correct cement", "new": "even better concrete"}

    old = ma.fields.String(required=True)
    new = ma.fields.String(required=True)


class TokenRequest(RequestSchema):
    """A new token."""

    example = {"name": "Nightly export", "days": 90, "project_id": 1, "read_only": True}

    name = ma.fields.String(load_default="", validate=ma.validate.Length(max=100))
    days = ma.fields.Integer(strict=True, load_default=None, allow_none=True, validate=ma.validate.Range(1, 3650))
    project_id = identifier(strict=True, load_default=None, allow_none=True)
    read_only = StrictBoolean(load_default=False)


class Token(ResponseSchema):
    """A token without its text."""

    id = ma.fields.Integer()
    name = ma.fields.String()
    ending = ma.fields.String(metadata={"description": "the last four characters of its text"})
    project_id = ma.fields.Integer(allow_none=True)
    read_only = ma.fields.Boolean()
    created_at = Timestamp()
    expires_at = Timestamp()
    used_at = Timestamp(allow_none=True)


class NewToken(ResponseSchema):
    """The text of a new token, which can't be read again."""

    token = ma.fields.String()


class Tokens(ResponseSchema):
    """All tokens of a user."""

    tokens = ma.fields.List(ma.fields.Nested(Token))
    count = ma.fields.Integer()


class Session(ResponseSchema):
    """A session of a browser."""

    id = ma.fields.Integer()
    address = ma.fields.String()
    browser = ma.fields.String(metadata={"description": "the browser's User-Agent header"})
    created_at = Timestamp()
    seen_at = Timestamp()
    expires_at = Timestamp()


class Sessions(ResponseSchema):
    """All sessions of a user, the last used first."""

    sessions = ma.fields.List(ma.fields.Nested(Session))
    count = ma.fields.Integer()


class UserRequest(RequestSchema):
    """A new user."""

    example = {"name": "karl", "password": "correct cement", "is_admin": False}

    name = ma.fields.String(required=True, validate=ma.validate.Length(1, 100))
    password = ma.fields.String(required=True)
    is_admin = StrictBoolean(load_default=False)


class UserUpdateRequest(RequestSchema):
    """Changes to a user; fields that are left out stay the same."""

    example = {"disabled": True}

    password = ma.fields.String()
    is_admin = StrictBoolean()
    disabled = StrictBoolean()


class UserAccount(ResponseSchema):
    """A user."""

    name = ma.fields.String()
    is_admin = ma.fields.Boolean()
    created_at = Timestamp()
    disabled_at = Timestamp(allow_none=True)


class OneUser(ResponseSchema):
    """A user in its envelope."""

    user = ma.fields.Nested(UserAccount)


class Users(ResponseSchema):
    """A page of users."""

    users = ma.fields.List(ma.fields.Nested(UserAccount))
    count = ma.fields.Integer()


class AuditQuery(CursorQuery):
    """The audit entries to list: by user, by action such as `job.cancel`, and from a time on."""

    who = ma.fields.String(load_default=None)
    act = ma.fields.String(load_default=None)
    since = ma.fields.AwareDateTime(
        load_default=None, default_timezone=UTC, validate=ma.validate.Range(_EARLIEST, _LATEST)
    )


class AuditEntry(ResponseSchema):
    """An action: who did it, when, and from which address."""

    id = ma.fields.Integer()
    at = Timestamp()
    who = ma.fields.String()
    act = ma.fields.String()
    project_id = ma.fields.Integer(allow_none=True)
    about = ma.fields.String()
    details = ma.fields.Dict()
    address = ma.fields.String()


class AuditEntries(ResponseSchema):
    """A page of audit entries, newest first."""

    entries = ma.fields.List(ma.fields.Nested(AuditEntry))
    count = ma.fields.Integer()


@blueprint.route("/api/me", methods=["GET"])
@requires(Permission.READ)
@blueprint.response(200, Me)
def get_me() -> Identity:
    """Return the authenticated user."""
    return current_identity()


@blueprint.route("/api/me/password", methods=["PUT"])
@requires(Permission.READ, unrestricted=True)
@blueprint.arguments(PasswordRequest)
@blueprint.response(204)
def change_password(body: dict[str, Any]) -> None:
    """Change your own password; all your other sessions end."""
    users.change_password(current_identity(), body["old"], body["new"])


@blueprint.route("/api/tokens", methods=["GET"])
@requires(Permission.READ, all_projects=True)
@blueprint.response(200, Tokens)
def list_tokens() -> dict[str, Any]:
    """List your own tokens."""
    found = tokens.list_for_user(current_identity().user_id)
    return {"tokens": found, "count": len(found)}


@blueprint.route("/api/tokens", methods=["POST"])
@requires(Permission.READ, unrestricted=True)
@blueprint.arguments(TokenRequest)
@blueprint.response(201, NewToken)
def create_token(body: dict[str, Any]) -> dict[str, str]:
    """Create a token of your own; its text is returned only once. A restricted token can't create one."""
    if body["project_id"] is not None:
        try:
            permissions.require(current_identity(), Permission.READ, body["project_id"])
            projects.get(body["project_id"])
        except NotFound as error:
            # 422 instead of 404, because the route exists and a value in its body is wrong.
            raise invalid_field("project_id", error.message) from None
    body["days"] = body["days"] or current_settings().token_lifetime_days
    return {"token": tokens.create(db.session.get_one(User, current_identity().user_id), **body)}


@blueprint.route("/api/tokens/<int(max=2147483647):token_id>", methods=["DELETE"])
@requires(Permission.READ, unrestricted=True)
@blueprint.response(204)
def revoke_token(token_id: int) -> None:
    """Revoke one of your own tokens."""
    tokens.revoke(current_identity().user_id, token_id)


@blueprint.route("/api/sessions", methods=["GET"])
@requires(Permission.READ, all_projects=True)
@blueprint.response(200, Sessions)
def list_sessions() -> dict[str, Any]:
    """List your own sessions."""
    found = sessions.list_for_user(current_identity().user_id)
    return {"sessions": found, "count": len(found)}


@blueprint.route("/api/sessions/<int(max=2147483647):session_id>", methods=["DELETE"])
@requires(Permission.READ, unrestricted=True)
@blueprint.response(204)
def end_session(session_id: int) -> None:
    """End one of your own sessions."""
    sessions.end_one(current_identity().user_id, session_id)


@blueprint.route("/api/users", methods=["GET"])
@requires(Permission.ADMINISTER)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, Users)
def list_users(query: dict[str, Any]) -> dict[str, Any]:
    """List all users by name."""
    found, count = administration.list_users(requested_page(query))
    return {"users": found, "count": count}


@blueprint.route("/api/users", methods=["POST"])
@requires(Permission.ADMINISTER)
@blueprint.arguments(UserRequest)
@blueprint.response(201, OneUser)
def create_user(body: dict[str, Any]) -> dict[str, Any]:
    """Create a user."""
    return {"user": users.create(body["name"], body["password"], is_admin=body["is_admin"])}


@blueprint.route(f"/api/users/{USER}", methods=["PATCH"], merge_slashes=False)
@requires(Permission.ADMINISTER)
@blueprint.arguments(UserUpdateRequest)
@blueprint.response(200, OneUser)
def change_user(body: dict[str, Any], user: str) -> dict[str, Any]:
    """Disable or enable a user, grant or revoke the rights of an administrator, or set another password."""
    if "password" in body:
        users.set_password(user, body["password"])
    if "is_admin" in body:
        users.set_admin(user, body["is_admin"])
    if "disabled" in body:
        users.set_disabled(user, body["disabled"])
    return {"user": users.get_by_name(user)}


@blueprint.route(f"{PROJECT}/audit", methods=["GET"])
@requires(Permission.MANAGE)
@blueprint.arguments(AuditQuery, location="query")
@blueprint.response(200, AuditEntries)
def list_project_audit(query: dict[str, Any], project_id: int) -> dict[str, Any]:
    """List what was done in a project, newest first."""
    projects.get(project_id)
    return _audit_page(project_id, query)


@blueprint.route("/api/audit", methods=["GET"])
@requires(Permission.ADMINISTER)
@blueprint.arguments(AuditQuery, location="query")
@blueprint.response(200, AuditEntries)
def list_audit(query: dict[str, Any]) -> dict[str, Any]:
    """List what was done in the whole installation, sign-ins included, newest first."""
    return _audit_page(None, query)


def _audit_page(project_id: int | None, query: dict[str, Any]) -> dict[str, Any]:
    filters = AuditFilter(query["who"], query["act"], query["since"])
    found, count = administration.list_audit_entries(project_id, filters, requested_page(query))
    return {"entries": found, "count": count}
