"""Projects and their members."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from precast_app.api.blueprint import PROJECT, USER, Blueprint
from precast_app.api.schemas import PageQuery, RequestSchema, ResponseSchema, Timestamp
from precast_app.auth.permissions import Permission
from precast_app.auth.request_authentication import current_identity
from precast_app.auth.route_permissions import requires
from precast_app.models import Role
from precast_app.projects import projects
from precast_app.queries import projects as project_queries
from precast_app.queries.paging import Page

blueprint = Blueprint("projects", __name__, description="Building contracts, and who works on them.")


class ProjectRequest(RequestSchema):
    """What a building contract is called."""

    name = ma.fields.String(required=True, validate=ma.validate.Length(1, 150))


class Project(ResponseSchema):
    """A building contract."""

    id = ma.fields.Integer()
    name = ma.fields.String()
    created_at = Timestamp()


class OneProject(ResponseSchema):
    """A project in its envelope."""

    project = ma.fields.Nested(Project)


class Projects(ResponseSchema):
    """A page of projects."""

    projects = ma.fields.List(ma.fields.Nested(Project))
    count = ma.fields.Integer()


class RoleRequest(RequestSchema):
    """What a member may do."""

    role = ma.fields.String(required=True, validate=ma.validate.OneOf([*Role]))


class Member(ResponseSchema):
    """A user with a role in the project."""

    role = ma.fields.String(metadata={"enum": [*Role]})
    name = ma.fields.String(attribute="user.name")


class Members(ResponseSchema):
    """A project's members."""

    members = ma.fields.List(ma.fields.Nested(Member))
    count = ma.fields.Integer()


@blueprint.route("/api/project", methods=["GET"])
@requires(Permission.READ)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, Projects)
def seen(query: dict[str, Any]) -> dict[str, Any]:
    """The projects that one may see."""
    found, count = project_queries.list_visible_to(current_identity(), Page(**query))
    return {"projects": found, "count": count}


@blueprint.route("/api/project", methods=["POST"])
@requires(Permission.ADMINISTER)
@blueprint.arguments(ProjectRequest)
@blueprint.response(201, OneProject)
def create(body: dict[str, Any]) -> dict[str, Any]:
    """Create a project."""
    return {"project": projects.create(body["name"])}


@blueprint.route(PROJECT, methods=["GET"])
@requires(Permission.READ)
@blueprint.response(200, OneProject)
def show(project_id: int) -> dict[str, Any]:
    """One project."""
    return {"project": projects.get(project_id)}


@blueprint.route(PROJECT, methods=["PATCH"])
@requires(Permission.MANAGE)
@blueprint.arguments(ProjectRequest)
@blueprint.response(200, OneProject)
def rename(body: dict[str, Any], project_id: int) -> dict[str, Any]:
    """Give a project another name."""
    return {"project": projects.rename(project_id, body["name"])}


@blueprint.route(f"{PROJECT}/members", methods=["GET"])
@requires(Permission.READ)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, Members)
def members(query: dict[str, Any], project_id: int) -> dict[str, Any]:
    """Who works on the project."""
    projects.get(project_id)
    found, count = project_queries.list_members(project_id, Page(**query))
    return {"members": found, "count": count}


@blueprint.route(f"{PROJECT}/members/{USER}", methods=["PUT"], merge_slashes=False)
@requires(Permission.MANAGE)
@blueprint.arguments(RoleRequest)
@blueprint.response(200, Members)
def set_role(body: dict[str, Any], project_id: int, user: str) -> dict[str, Any]:
    """Give a user a role in the project."""
    projects.set_role(project_id, user, Role(body["role"]))
    found, count = project_queries.list_members(project_id, Page())
    return {"members": found, "count": count}


@blueprint.route(f"{PROJECT}/members/{USER}", methods=["DELETE"], merge_slashes=False)
@requires(Permission.MANAGE)
@blueprint.response(204)
def remove_member(project_id: int, user: str) -> None:
    """Take a user's role in the project away."""
    projects.remove_member(project_id, user)
