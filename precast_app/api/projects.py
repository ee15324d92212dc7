"""Projects and their members."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from precast_app.accounts import projects
from precast_app.accounts.guard import takes
from precast_app.accounts.permissions import Act
from precast_app.accounts.requests import identity
from precast_app.api.blueprint import PROJECT, Blueprint
from precast_app.api.schemas import Answer, Body, Moment, PageQuery
from precast_app.models import Role
from precast_app.reading import projects as reading
from precast_app.reading.paging import Page

blueprint = Blueprint("projects", __name__, description="Building contracts, and who works on them.")


class ProjectBody(Body):
    """What a building contract is called."""

    name = ma.fields.String(required=True, validate=ma.validate.Length(1, 150))


class Project(Answer):
    """A building contract."""

    id = ma.fields.Integer()
    name = ma.fields.String()
    created_at = Moment()


class OneProject(Answer):
    """A project in its envelope."""

    project = ma.fields.Nested(Project)


class Projects(Answer):
    """A page of projects."""

    projects = ma.fields.List(ma.fields.Nested(Project))
    count = ma.fields.Integer()


class RoleBody(Body):
    """What a member may do."""

    role = ma.fields.String(required=True, validate=ma.validate.OneOf([*Role]))


class Member(Answer):
    """A user with a role in the project."""

    role = ma.fields.String(metadata={"enum": [*Role]})
    name = ma.fields.String(attribute="user.name")


class Members(Answer):
    """A project's members."""

    members = ma.fields.List(ma.fields.Nested(Member))
    count = ma.fields.Integer()


@blueprint.route("/api/project", methods=["GET"])
@takes(Act.READ)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, Projects)
def seen(query: dict[str, Any]) -> dict[str, Any]:
    """The projects that one may see."""
    found, count = reading.seen_by(identity(), Page(**query))
    return {"projects": found, "count": count}


@blueprint.route("/api/project", methods=["POST"])
@takes(Act.ADMINISTER)
@blueprint.arguments(ProjectBody)
@blueprint.response(201, OneProject)
def create(body: dict[str, Any]) -> dict[str, Any]:
    """Create a project."""
    return {"project": projects.create(body["name"])}


@blueprint.route(PROJECT, methods=["GET"])
@takes(Act.READ)
@blueprint.response(200, OneProject)
def show(project_id: int) -> dict[str, Any]:
    """One project."""
    return {"project": projects.get(project_id)}


@blueprint.route(PROJECT, methods=["PATCH"])
@takes(Act.MANAGE)
@blueprint.arguments(ProjectBody)
@blueprint.response(200, OneProject)
def rename(body: dict[str, Any], project_id: int) -> dict[str, Any]:
    """Give a project another name."""
    return {"project": projects.rename(project_id, body["name"])}


@blueprint.route(f"{PROJECT}/members", methods=["GET"])
@takes(Act.READ)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, Members)
def members(query: dict[str, Any], project_id: int) -> dict[str, Any]:
    """Who works on the project."""
    projects.get(project_id)
    found, count = reading.members(project_id, Page(**query))
    return {"members": found, "count": count}


@blueprint.route(f"{PROJECT}/members/<path:user>", methods=["PUT"])
@takes(Act.MANAGE)
@blueprint.arguments(RoleBody)
@blueprint.response(200, Members)
def set_role(body: dict[str, Any], project_id: int, user: str) -> dict[str, Any]:
    """Give a user a role in the project."""
    projects.set_role(project_id, user, Role(body["role"]))
    found, count = reading.members(project_id, Page())
    return {"members": found, "count": count}


@blueprint.route(f"{PROJECT}/members/<path:user>", methods=["DELETE"])
@takes(Act.MANAGE)
@blueprint.response(204)
def remove_member(project_id: int, user: str) -> None:
    """Take a user's role in the project away."""
    projects.remove_member(project_id, user)
