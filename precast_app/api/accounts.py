"""Oneself, one's sessions and tokens; the users, for administrators; and who did what."""

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
)
from precast_app.auth import permissions, sessions, tokens, users
from precast_app.auth.permissions import Identity, Permission
from precast_app.auth.request_authentication import current_identity
from precast_app.auth.route_permissions import requires
from precast_app.errors import NotFound, RequestError
from precast_app.extensions import current_settings, db
from precast_app.models import User
from precast_app.projects import projects
from precast_app.queries import administration
from precast_app.queries.administration import AuditFilter
from precast_app.queries.paging import Page

# Beyond them times of other zones can't be told in ours.
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)

blueprint = Blueprint("accounts", __name__, description="Who may come in, and who did what.")


class Me(ResponseSchema):
    """Who is asking, and to what a token is narrowed."""

    name = ma.fields.String()
    is_admin = ma.fields.Boolean()
    project_id = ma.fields.Integer(allow_none=True)
    read_only = ma.fields.Boolean()


class PasswordRequest(RequestSchema):
    """Another password for oneself."""

    old = ma.fields.String(required=True)
    new = ma.fields.String(required=True)


class TokenRequest(RequestSchema):
    """A token that is wanted."""

    name = ma.fields.String(load_default="", validate=ma.validate.Length(max=100))
    days = ma.fields.Integer(strict=True, load_default=None, allow_none=True, validate=ma.validate.Range(1, 3650))
    project_id = identifier(strict=True, load_default=None, allow_none=True)
    read_only = StrictBoolean(load_default=False)


class Token(ResponseSchema):
    """A token, without its text."""

    id = ma.fields.Integer()
    name = ma.fields.String()
    ending = ma.fields.String(metadata={"description": "the last characters of its text"})
    project_id = ma.fields.Integer(allow_none=True)
    read_only = ma.fields.Boolean()
    created_at = Timestamp()
    expires_at = Timestamp()
    used_at = Timestamp(allow_none=True)


class NewToken(ResponseSchema):
    """A token's text, shown this once."""

    token = ma.fields.String()


class Tokens(ResponseSchema):
    """One's tokens."""

    tokens = ma.fields.List(ma.fields.Nested(Token))
    count = ma.fields.Integer()


class SessionShown(ResponseSchema):
    """Where one is signed in."""

    id = ma.fields.Integer()
    address = ma.fields.String()
    browser = ma.fields.String(metadata={"description": "what it calls itself"})
    created_at = Timestamp()
    seen_at = Timestamp()
    expires_at = Timestamp()


class Sessions(ResponseSchema):
    """One's sessions, the last used first."""

    sessions = ma.fields.List(ma.fields.Nested(SessionShown))
    count = ma.fields.Integer()


class UserRequest(RequestSchema):
    """A user that is wanted."""

    name = ma.fields.String(required=True, validate=ma.validate.Length(1, 100))
    password = ma.fields.String(required=True)
    is_admin = StrictBoolean(load_default=False)


class UserUpdateRequest(RequestSchema):
    """What is to be changed; what is left out stays as it is."""

    password = ma.fields.String()
    is_admin = StrictBoolean()
    disabled = StrictBoolean()


class UserShown(ResponseSchema):
    """A user."""

    name = ma.fields.String()
    is_admin = ma.fields.Boolean()
    created_at = Timestamp()
    disabled_at = Timestamp(allow_none=True)


class OneUser(ResponseSchema):
    """A user in its envelope."""

    user = ma.fields.Nested(UserShown)


class Users(ResponseSchema):
    """A page of users."""

    users = ma.fields.List(ma.fields.Nested(UserShown))
    count = ma.fields.Integer()


class AuditQuery(CursorQuery):
    """Which part of what was done."""

    who = ma.fields.String(load_default=None)
    act = ma.fields.String(load_default=None)
    since = ma.fields.AwareDateTime(
        load_default=None, default_timezone=UTC, validate=ma.validate.Range(_EARLIEST, _LATEST)
    )


class Entry(ResponseSchema):
    """Who did what, when and from where."""

    id = ma.fields.Integer()
    at = Timestamp()
    who = ma.fields.String()
    act = ma.fields.String()
    project_id = ma.fields.Integer(allow_none=True)
    about = ma.fields.String()
    details = ma.fields.Dict()
    address = ma.fields.String()


class Entries(ResponseSchema):
    """A page of entries, newest first."""

    entries = ma.fields.List(ma.fields.Nested(Entry))
    count = ma.fields.Integer()


@blueprint.route("/api/me", methods=["GET"])
@requires(Permission.READ)
@blueprint.response(200, Me)
def me() -> Identity:
    """Who one is."""
    return current_identity()


@blueprint.route("/api/me/password", methods=["PUT"])
@requires(Permission.READ, unrestricted=True)
@blueprint.arguments(PasswordRequest)
@blueprint.response(204)
def change_password(body: dict[str, Any]) -> None:
    """Choose another password; all other sessions end."""
    users.change_password(current_identity(), body["old"], body["new"])


@blueprint.route("/api/tokens", methods=["GET"])
@requires(Permission.READ, all_projects=True)
@blueprint.response(200, Tokens)
def listed() -> dict[str, Any]:
    """One's own tokens."""
    found = tokens.list_for_user(current_identity().user_id)
    return {"tokens": found, "count": len(found)}


@blueprint.route("/api/tokens", methods=["POST"])
@requires(Permission.READ, unrestricted=True)
@blueprint.arguments(TokenRequest)
@blueprint.response(201, NewToken)
def create_token(body: dict[str, Any]) -> dict[str, str]:
    """Make a token of one's own; its text is shown this once. A narrowed token can't make one."""
    if body["project_id"] is not None:
        try:
            permissions.require(current_identity(), Permission.READ, body["project_id"])
            projects.get(body["project_id"])
        except NotFound as unknown:
            # The address is there; what was sent to it is wrong.
            raise RequestError(unknown.message, {"json": {"project_id": [unknown.message]}}) from None
    body["days"] = body["days"] or current_settings().token_lifetime_days
    return {"token": tokens.create(db.session.get_one(User, current_identity().user_id), **body)}


@blueprint.route("/api/tokens/<int(max=2147483647):token_id>", methods=["DELETE"])
@requires(Permission.READ, unrestricted=True)
@blueprint.response(204)
def revoke(token_id: int) -> None:
    """Take a token of one's own back."""
    tokens.revoke(current_identity().user_id, token_id)


@blueprint.route("/api/sessions", methods=["GET"])
@requires(Permission.READ, all_projects=True)
@blueprint.response(200, Sessions)
def signed_in() -> dict[str, Any]:
    """Where one is signed in."""
    found = sessions.list_for_user(current_identity().user_id)
    return {"sessions": found, "count": len(found)}


@blueprint.route("/api/sessions/<int(max=2147483647):session_id>", methods=["DELETE"])
@requires(Permission.READ, unrestricted=True)
@blueprint.response(204)
def end_session(session_id: int) -> None:
    """End a session of one's own."""
    sessions.end_one(current_identity().user_id, session_id)


@blueprint.route("/api/users", methods=["GET"])
@requires(Permission.ADMINISTER)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, Users)
def every_user(query: dict[str, Any]) -> dict[str, Any]:
    """All users."""
    found, count = administration.list_users(Page(**query))
    return {"users": found, "count": count}


@blueprint.route("/api/users", methods=["POST"])
@requires(Permission.ADMINISTER)
@blueprint.arguments(UserRequest)
@blueprint.response(201, OneUser)
def create_user(body: dict[str, Any]) -> dict[str, Any]:
    """Make a user."""
    return {"user": users.create(body["name"], body["password"], is_admin=body["is_admin"])}


@blueprint.route(f"/api/users/{USER}", methods=["PATCH"], merge_slashes=False)
@requires(Permission.ADMINISTER)
@blueprint.arguments(UserUpdateRequest)
@blueprint.response(200, OneUser)
def change_user(body: dict[str, Any], user: str) -> dict[str, Any]:
    """Keep a user out or let in again, make an administrator of one or no longer, or give another password."""
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
@blueprint.response(200, Entries)
def of_project(query: dict[str, Any], project_id: int) -> dict[str, Any]:
    """Who did what in a project."""
    projects.get(project_id)
    return _entries(project_id, query)


@blueprint.route("/api/audit", methods=["GET"])
@requires(Permission.ADMINISTER)
@blueprint.arguments(AuditQuery, location="query")
@blueprint.response(200, Entries)
def of_all(query: dict[str, Any]) -> dict[str, Any]:
    """Who did what in the installation, sign-ins too."""
    return _entries(None, query)


def _entries(project_id: int | None, query: dict[str, Any]) -> dict[str, Any]:
    wanted = AuditFilter(query["who"], query["act"], query["since"])
    page = Page(query["limit"], query["offset"], query["after"])
    found, count = administration.list_audit_entries(project_id, wanted, page)
    return {"entries": found, "count": count}
