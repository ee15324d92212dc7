"""Import profiles: how files in an office's own shape are read, for one project or for the whole installation."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from precast_app.api.blueprint import PROJECT, Blueprint
from precast_app.api.profile_schemas import ImportProfiles, OneImportProfile, ProfileRequest, load_profile
from precast_app.api.schemas import PageQuery, requested_page
from precast_app.auth.permissions import Permission
from precast_app.auth.request_authentication import current_identity
from precast_app.auth.route_permissions import requires
from precast_app.projects import import_profiles, projects
from precast_app.queries import import_profiles as profile_queries
from precast_app.queries.paging import MAX_ID

blueprint = Blueprint("import_profiles", __name__, description="How files in an office's own shape are read.")

_OF_PROJECT = f"{PROJECT}/import-profiles"
_SHARED = "/api/import-profiles"
_PROFILE = "<int(max=2147483647):profile_id>"


class VersionQuery(ma.Schema):
    """The version to return."""

    version = ma.fields.Integer(
        load_default=None,
        validate=ma.validate.Range(1, MAX_ID),
        metadata={"description": "number of the version; by default the newest"},
    )


@blueprint.route(_OF_PROJECT, methods=["GET"])
@requires(Permission.READ)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, ImportProfiles)
def list_import_profiles(query: dict[str, Any], project_id: int) -> dict[str, Any]:
    """List the import profiles that the project can use: its own, then those of the whole installation."""
    projects.get(project_id)
    return _page(project_id, query)


@blueprint.route(_OF_PROJECT, methods=["POST"])
@requires(Permission.IMPORT)
@blueprint.arguments(ProfileRequest)
@blueprint.response(201, OneImportProfile)
def create_import_profile(body: dict[str, Any], project_id: int) -> dict[str, Any]:
    """Remember an import profile for the project. Returns 409 if it has one with this name."""
    projects.get(project_id)
    return _created(project_id, body)


@blueprint.route(f"{_OF_PROJECT}/{_PROFILE}", methods=["GET"])
@requires(Permission.READ)
@blueprint.arguments(VersionQuery, location="query")
@blueprint.response(200, OneImportProfile)
def get_import_profile(query: dict[str, Any], project_id: int, profile_id: int) -> dict[str, Any]:
    """Return an import profile that the project can use, in its newest or another version."""
    return _version(project_id, profile_id, query["version"])


@blueprint.route(f"{_OF_PROJECT}/{_PROFILE}", methods=["PUT"])
@requires(Permission.IMPORT)
@blueprint.arguments(ProfileRequest)
@blueprint.response(200, OneImportProfile)
def change_import_profile(body: dict[str, Any], project_id: int, profile_id: int) -> dict[str, Any]:
    """Change an import profile of the project, which makes a new version. Jobs keep the version that they used."""
    return _changed(project_id, profile_id, body)


@blueprint.route(f"{_OF_PROJECT}/{_PROFILE}", methods=["DELETE"])
@requires(Permission.MANAGE)
@blueprint.response(204)
def delete_import_profile(project_id: int, profile_id: int) -> None:
    """Delete an import profile of the project with all its versions. Jobs keep what they have read by it."""
    import_profiles.delete(project_id, profile_id)


@blueprint.route(_SHARED, methods=["GET"])
@requires(Permission.ADMINISTER)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, ImportProfiles)
def list_shared_import_profiles(query: dict[str, Any]) -> dict[str, Any]:
    """List the import profiles of the whole installation, which every project can use."""
    return _page(None, query)


@blueprint.route(_SHARED, methods=["POST"])
@requires(Permission.ADMINISTER)
@blueprint.arguments(ProfileRequest)
@blueprint.response(201, OneImportProfile)
def create_shared_import_profile(body: dict[str, Any]) -> dict[str, Any]:
    """Remember an import profile for all projects. Returns 409 if there is one with this name."""
    return _created(None, body)


@blueprint.route(f"{_SHARED}/{_PROFILE}", methods=["GET"])
@requires(Permission.ADMINISTER)
@blueprint.arguments(VersionQuery, location="query")
@blueprint.response(200, OneImportProfile)
def get_shared_import_profile(query: dict[str, Any], profile_id: int) -> dict[str, Any]:
    """Return an import profile of the whole installation, in its newest or another version."""
    return _version(None, profile_id, query["version"])


@blueprint.route(f"{_SHARED}/{_PROFILE}", methods=["PUT"])
@requires(Permission.ADMINISTER)
@blueprint.arguments(ProfileRequest)
@blueprint.response(200, OneImportProfile)
def change_shared_import_profile(body: dict[str, Any], profile_id: int) -> dict[str, Any]:
    """Change an import profile of the whole installation, which makes a new version."""
    return _changed(None, profile_id, body)


@blueprint.route(f"{_SHARED}/{_PROFILE}", methods=["DELETE"])
@requires(Permission.ADMINISTER)
@blueprint.response(204)
def delete_shared_import_profile(profile_id: int) -> None:
    """Delete an import profile of the whole installation with all its versions."""
    import_profiles.delete(None, profile_id)


def _page(project_id: int | None, query: dict[str, Any]) -> dict[str, Any]:
    found, count = profile_queries.list_profiles(project_id, requested_page(query))
    return {"import_profiles": found, "count": count}


def _version(project_id: int | None, profile_id: int, version: int | None = None) -> dict[str, Any]:
    found = profile_queries.find_version(project_id, profile_id, version)
    if found is None:
        raise import_profiles.unknown_profile(profile_id)
    return {"import_profile": found}


def _created(project_id: int | None, body: dict[str, Any]) -> dict[str, Any]:
    stored = import_profiles.create(project_id, load_profile(body), current_identity().name)
    return _version(project_id, stored.id)


def _changed(project_id: int | None, profile_id: int, body: dict[str, Any]) -> dict[str, Any]:
    import_profiles.change(project_id, profile_id, load_profile(body), current_identity().name)
    return _version(project_id, profile_id)
