"""Import profiles, as the API and pages show them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, or_, select

from precast_app.extensions import db
from precast_app.models import ImportProfile, ImportProfileVersion
from precast_app.queries.paging import PageRequest


def list_profiles(project_id: int | None, page: PageRequest) -> tuple[list[dict[str, Any]], int]:
    """Return the newest versions of the profiles that a project can use, its own first, and their number.

    Without a project, these are the profiles of the installation.
    """
    is_visible = _is_visible(project_id)
    query = _versions().where(is_visible, ImportProfileVersion.number == ImportProfile.version)
    query = query.order_by(ImportProfile.project_id.is_(None), ImportProfile.name, ImportProfile.id)
    count = db.session.scalar(select(func.count()).select_from(ImportProfile).where(is_visible)) or 0
    return [_as_json(*row) for row in db.session.execute(query.limit(page.limit).offset(page.offset))], count


def find_version(project_id: int | None, profile_id: int, version: int | None) -> dict[str, Any] | None:
    """Return a version of a profile that the project can use, by default the newest; None if there is none."""
    number = ImportProfile.version if version is None else version
    query = _versions().where(
        _is_visible(project_id), ImportProfile.id == profile_id, ImportProfileVersion.number == number
    )
    found = db.session.execute(query).first()
    return None if found is None else _as_json(*found)


def _is_visible(project_id: int | None) -> Any:
    return or_(ImportProfile.project_id.is_(None), ImportProfile.project_id == project_id)


def _versions() -> Select[ImportProfile, ImportProfileVersion]:
    return select(ImportProfile, ImportProfileVersion).join(
        ImportProfileVersion, ImportProfileVersion.profile_id == ImportProfile.id
    )


def _as_json(stored: ImportProfile, version: ImportProfileVersion) -> dict[str, Any]:
    return {
        **version.profile,
        "id": stored.id,
        "version": version.number,
        "project_id": stored.project_id,
        "created_by": version.created_by,
        "created_at": version.created_at,
    }
