"""Projects and their members."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from precast_app.api.blueprint import PROJECT, USER, Blueprint
from precast_app.api.schemas import PageQuery, RequestSchema, ResponseSchema, Timestamp, requested_page
from precast_app.auth.permissions import Permission
from precast_app.auth.request_authentication import current_identity
from precast_app.auth.route_permissions import requires
from precast_app.models import Role
from precast_app.projects import projects
from precast_app.queries import projects as project_queries
from precast_app.queries.paging import PageRequest

blueprint = Blueprint("projects", __name__, description="Projects and their members.")


class ProjectRequest(RequestSchema):
    """The name of a project."""

    example = {"name": "Harbour Towers"}

    name = ma.fields.String(required=True, validate=ma.validate.Length(1, 150))


class Project(ResponseSchema):
    """A project, usually one building contract."""

    id = ma.fields.Integer()
    name = ma.fields.String()
    created_at = Timestamp()


class OneProject(ResponseSchema):
    """The response with one project."""

    project = ma.fields.Nested(Project)


class Projects(ResponseSchema):
    """A page of projects."""

    projects = ma.fields.List(ma.fields.Nested(Project))
    count = ma.fields.Integer()


class RoleRequest(RequestSchema):
    """The role of a member."""

    example = {"role": "editor"}

    role = ma.fields.String(required=True, validate=ma.validate.OneOf([*Role]))


class Member(ResponseSchema):
    """A member of the project."""

    role = ma.fields.String(metadata={"enum": [*Role]})
    name = ma.fields.String(attribute="user.name")


class Members(ResponseSchema):
    """A page of members."""

    members = ma.fields.List(ma.fields.Nested(Member))
    count = ma.fields.Integer()


@blueprint.route("/api/project", methods=["GET"])
@requires(Permission.READ)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, Projects)
def list_projects(query: dict[str, Any]) -> dict[str, Any]:
    """List the projects that you have access to, by name."""
    found, count = project_queries.list_visible_to(current_identity(), requested_page(query))
    return {"projects": found, "count": count}


@blueprint.route("/api/project", methods=["POST"])
@requires(Permission.ADMINISTER)
@blueprint.arguments(ProjectRequest)
@blueprint.response(201, OneProject)
def create_project(body: dict[str, Any]) -> dict[str, Any]:
    """Create a project."""
    return {"project": projects.create(body["name"])}


@blueprint.route(PROJECT, methods=["GET"])
@requires(Permission.READ)
@blueprint.response(200, OneProject)
def get_project(project_id: int) -> dict[str, Any]:
    """Return a project."""
    return {"project": projects.get(project_id)}


@blueprint.route(PROJECT, methods=["PATCH"])
@requires(Permission.MANAGE)
@blueprint.arguments(ProjectRequest)
@blueprint.response(200, OneProject)
def rename_project(body: dict[str, Any], project_id: int) -> dict[str, Any]:
    """Rename a project."""
    return {"project": projects.rename(project_id, body["name"])}


@blueprint.route(f"{PROJECT}/members", methods=["GET"])
@requires(Permission.READ)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, Members)
def list_members(query: dict[str, Any], project_id: int) -> dict[str, Any]:
    """List the members of a project with their roles."""
    projects.get(project_id)
    found, count = project_queries.list_members(project_id, requested_page(query))
    return {"members": found, "count": count}


@blueprint.route(f"{PROJECT}/members/{USER}", methods=["PUT"], merge_slashes=False)
@requires(Permission.MANAGE)
@blueprint.arguments(RoleRequest)
@blueprint.response(200, Members)
def set_member_role(body: dict[str, Any], project_id: int, user: str) -> dict[str, Any]:
    """Make a user a member of the project, or change the member's role."""
    projects.set_role(project_id, user, Role(body["role"]))
    found, count = project_queries.list_members(project_id, PageRequest())
    return {"members": found, "count": count}


@blueprint.route(f"{PROJECT}/members/{USER}", methods=["DELETE"], merge_slashes=False)
@requires(Permission.MANAGE)
@blueprint.response(204)
def remove_member(project_id: int, user: str) -> None:
    """Remove a member from the project."""
    projects.remove_member(project_id, user)
