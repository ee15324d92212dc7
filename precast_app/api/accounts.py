"""Oneself, one's sessions and tokens; the users, for administrators; and who did what."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import marshmallow as ma
from flask import current_app

from precast_app.accounts import permissions, projects, sessions, tokens, users
from precast_app.accounts.guard import takes
from precast_app.accounts.permissions import Act, Identity
from precast_app.accounts.requests import identity
from precast_app.api.blueprint import PROJECT, Blueprint
from precast_app.api.schemas import Answer, Body, Moment, PageQuery, YesNo, identifier
from precast_app.errors import NotFound, Refused
from precast_app.extensions import db
from precast_app.models import User
from precast_app.reading import accounts as reading
from precast_app.reading.accounts import Wanted
from precast_app.reading.paging import Page

# Beyond them times of other zones can't be told in ours.
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)

blueprint = Blueprint("accounts", __name__, description="Who may come in, and who did what.")


class Me(Answer):
    """Who is asking, and to what a token is narrowed."""

    name = ma.fields.String()
    is_admin = ma.fields.Boolean()
    project_id = ma.fields.Integer(allow_none=True)
    read_only = ma.fields.Boolean()


class NewPassword(Body):
    """Another password for oneself."""

    old = ma.fields.String(required=True)
    new = ma.fields.String(required=True)


class TokenBody(Body):
    """A token that is wanted."""

    name = ma.fields.String(load_default="", validate=ma.validate.Length(max=100))
    days = ma.fields.Integer(strict=True, load_default=None, allow_none=True, validate=ma.validate.Range(1, 3650))
    project_id = identifier(strict=True, load_default=None, allow_none=True)
    read_only = YesNo(load_default=False)


class Token(Answer):
    """A token, without its text."""

    id = ma.fields.Integer()
    name = ma.fields.String()
    ending = ma.fields.String(metadata={"description": "the last characters of its text"})
    project_id = ma.fields.Integer(allow_none=True)
    read_only = ma.fields.Boolean()
    created_at = Moment()
    expires_at = Moment()
    used_at = Moment(allow_none=True)


class NewToken(Answer):
    """A token's text, shown this once."""

    token = ma.fields.String()


class Tokens(Answer):
    """One's tokens."""

    tokens = ma.fields.List(ma.fields.Nested(Token))
    count = ma.fields.Integer()


class SessionShown(Answer):
    """Where one is signed in."""

    id = ma.fields.Integer()
    address = ma.fields.String()
    browser = ma.fields.String(metadata={"description": "what it calls itself"})
    created_at = Moment()
    seen_at = Moment()
    expires_at = Moment()


class Sessions(Answer):
    """One's sessions, the last used first."""

    sessions = ma.fields.List(ma.fields.Nested(SessionShown))
    count = ma.fields.Integer()


class UserBody(Body):
    """A user that is wanted."""

    name = ma.fields.String(required=True, validate=ma.validate.Length(1, 100))
    password = ma.fields.String(required=True)
    is_admin = YesNo(load_default=False)


class UserChange(Body):
    """What is to be changed; what is left out stays as it is."""

    password = ma.fields.String()
    is_admin = YesNo()
    disabled = YesNo()


class UserShown(Answer):
    """A user."""

    name = ma.fields.String()
    is_admin = ma.fields.Boolean()
    created_at = Moment()
    disabled_at = Moment(allow_none=True)


class OneUser(Answer):
    """A user in its envelope."""

    user = ma.fields.Nested(UserShown)


class Users(Answer):
    """A page of users."""

    users = ma.fields.List(ma.fields.Nested(UserShown))
    count = ma.fields.Integer()


class AuditQuery(PageQuery):
    """Which part of what was done."""

    who = ma.fields.String(load_default=None)
    act = ma.fields.String(load_default=None)
    since = ma.fields.AwareDateTime(
        load_default=None, default_timezone=UTC, validate=ma.validate.Range(_EARLIEST, _LATEST)
    )


class Entry(Answer):
    """Who did what, when and from where."""

    id = ma.fields.Integer()
    at = Moment()
    who = ma.fields.String()
    act = ma.fields.String()
    project_id = ma.fields.Integer(allow_none=True)
    about = ma.fields.String()
    details = ma.fields.Dict()
    address = ma.fields.String()


class Entries(Answer):
    """A page of entries, newest first."""

    entries = ma.fields.List(ma.fields.Nested(Entry))
    count = ma.fields.Integer()


@blueprint.route("/api/me", methods=["GET"])
@takes(Act.READ)
@blueprint.response(200, Me)
def me() -> Identity:
    """Who one is."""
    return identity()


@blueprint.route("/api/me/password", methods=["PUT"])
@takes(Act.READ, whole=True)
@blueprint.arguments(NewPassword)
@blueprint.response(204)
def change_password(body: dict[str, Any]) -> None:
    """Choose another password; all other sessions end."""
    users.change_password(identity(), body["old"], body["new"])


@blueprint.route("/api/tokens", methods=["GET"])
@takes(Act.READ, all_projects=True)
@blueprint.response(200, Tokens)
def listed() -> dict[str, Any]:
    """One's own tokens."""
    found = tokens.of_user(identity().user_id)
    return {"tokens": found, "count": len(found)}


@blueprint.route("/api/tokens", methods=["POST"])
@takes(Act.READ, whole=True)
@blueprint.arguments(TokenBody)
@blueprint.response(201, NewToken)
def create_token(body: dict[str, Any]) -> dict[str, str]:
    """Make a token of one's own; its text is shown this once. A narrowed token can't make one."""
    if body["project_id"] is not None:
        try:
            permissions.require(identity(), Act.READ, body["project_id"])
            projects.get(body["project_id"])
        except NotFound as unknown:
            # The address is there; what was sent to it is wrong.
            raise Refused(unknown.message, {"json": {"project_id": [unknown.message]}}) from None
    body["days"] = body["days"] or current_app.config["PRECAST"].token_days
    return {"token": tokens.create(db.session.get_one(User, identity().user_id), **body)}


@blueprint.route("/api/tokens/<int(max=2147483647):token_id>", methods=["DELETE"])
@takes(Act.READ, whole=True)
@blueprint.response(204)
def revoke(token_id: int) -> None:
    """Take a token of one's own back."""
    tokens.revoke(identity().user_id, token_id)


@blueprint.route("/api/sessions", methods=["GET"])
@takes(Act.READ, all_projects=True)
@blueprint.response(200, Sessions)
def signed_in() -> dict[str, Any]:
    """Where one is signed in."""
    found = sessions.of_user(identity().user_id)
    return {"sessions": found, "count": len(found)}


@blueprint.route("/api/sessions/<int(max=2147483647):session_id>", methods=["DELETE"])
@takes(Act.READ, whole=True)
@blueprint.response(204)
def end_session(session_id: int) -> None:
    """End a session of one's own."""
    sessions.end_one(identity().user_id, session_id)


@blueprint.route("/api/users", methods=["GET"])
@takes(Act.ADMINISTER)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, Users)
def every_user(query: dict[str, Any]) -> dict[str, Any]:
    """All users."""
    found, count = reading.users(Page(**query))
    return {"users": found, "count": count}


@blueprint.route("/api/users", methods=["POST"])
@takes(Act.ADMINISTER)
@blueprint.arguments(UserBody)
@blueprint.response(201, OneUser)
def create_user(body: dict[str, Any]) -> dict[str, Any]:
    """Make a user."""
    return {"user": users.create(body["name"], body["password"], is_admin=body["is_admin"])}


@blueprint.route("/api/users/<path:user>", methods=["PATCH"])
@takes(Act.ADMINISTER)
@blueprint.arguments(UserChange)
@blueprint.response(200, OneUser)
def change_user(body: dict[str, Any], user: str) -> dict[str, Any]:
    """Keep a user out or let in again, make an administrator of one or no longer, or give another password."""
    if "password" in body:
        users.set_password(user, body["password"])
    if "is_admin" in body:
        users.set_admin(user, body["is_admin"])
    if "disabled" in body:
        users.set_disabled(user, body["disabled"])
    return {"user": users.find(user)}


@blueprint.route(f"{PROJECT}/audit", methods=["GET"])
@takes(Act.MANAGE)
@blueprint.arguments(AuditQuery, location="query")
@blueprint.response(200, Entries)
def of_project(query: dict[str, Any], project_id: int) -> dict[str, Any]:
    """Who did what in a project."""
    projects.get(project_id)
    return _entries(project_id, query)


@blueprint.route("/api/audit", methods=["GET"])
@takes(Act.ADMINISTER)
@blueprint.arguments(AuditQuery, location="query")
@blueprint.response(200, Entries)
def of_all(query: dict[str, Any]) -> dict[str, Any]:
    """Who did what in the installation, sign-ins too."""
    return _entries(None, query)


def _entries(project_id: int | None, query: dict[str, Any]) -> dict[str, Any]:
    wanted = Wanted(query["who"], query["act"], query["since"])
    found, count = reading.audit(project_id, wanted, Page(query["limit"], query["offset"]))
    return {"entries": found, "count": count}
