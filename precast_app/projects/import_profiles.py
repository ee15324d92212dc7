"""Import profiles of a project and of the installation: create, change, delete, and find those that a file may need.

A profile without a project is one of the installation. Every change makes a new version; the older ones are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Text, cast, func, or_, select
from sqlalchemy.exc import IntegrityError

from precast_app.auth import audit
from precast_app.errors import Conflict, Forbidden, NotFound
from precast_app.extensions import current_settings, db
from precast_app.importing.profiles import schema
from precast_app.importing.profiles.profile import ImportProfile as Profile
from precast_app.importing.profiles.profile import Shape
from precast_app.messages import Message
from precast_app.models import ImportProfile, ImportProfileVersion
from precast_app.text import clean_text, identity_key

# Candidates for a file are sent to another process, so their JSON is limited, in bytes.
_MAX_CANDIDATE_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class StoredProfile:
    """A version of a remembered profile; `profile` is its JSON."""

    id: int
    version: int
    name: str
    profile: dict[str, Any]


def create(project_id: int | None, profile: Profile, created_by: str) -> ImportProfile:
    """Store a new profile; raise `Conflict` if its name is taken, or there are too many profiles."""
    stored = _add(project_id, profile, created_by)
    db.session.commit()
    return stored


def change(project_id: int | None, profile_id: int, profile: Profile, changed_by: str) -> ImportProfile:
    """Store a new version of the profile, or nothing if it is the same as the newest one.

    Raise `NotFound` if there is no such profile, `Forbidden` if it is one of the installation, `Conflict` if another
    profile has the name.
    """
    stored = _own(project_id, profile_id)
    _set_version(stored, profile, changed_by)
    db.session.commit()
    return stored


def delete(project_id: int | None, profile_id: int) -> None:
    """Delete the profile with all its versions; jobs keep what they have read by it. Raise as `change` does."""
    stored = _own(project_id, profile_id)
    _record("delete", stored)
    db.session.delete(stored)
    db.session.commit()


def remember(project_id: int, profile: Profile, user: str) -> ImportProfile:
    """Store the profile as a new one or, if the project has one with its name, as a new version. The caller commits."""
    same_name = ImportProfile.project_id == project_id, ImportProfile.name_key == identity_key(profile.name)
    stored = db.session.scalar(select(ImportProfile).where(*same_name).with_for_update())
    if stored is None:
        return _add(project_id, profile, user)
    _set_version(stored, profile, user)
    return stored


def get_usable(project_id: int, profile_id: int) -> StoredProfile:
    """Return the newest version of a profile of the project or of the installation; raise `NotFound` if it has none."""
    found = db.session.execute(_newest(project_id).where(ImportProfile.id == profile_id)).first()
    if found is None:
        raise unknown_profile(profile_id)
    return StoredProfile(*found)


def list_candidates(project_id: int, *, of_pieces: bool) -> list[StoredProfile]:
    """Return the profiles that a file of the project may need: its own before those of the installation, newest first.

    With `of_pieces`, these are the ones for lists of pieces with their statuses; without, those for element types.
    Those beyond `MAX_IMPORT_PROFILES` or 4 MB of JSON are left out.
    """
    is_shared = ImportProfile.project_id.is_(None)
    order = is_shared, ImportProfile.updated_at.desc(), ImportProfile.id.desc()
    size = func.sum(func.octet_length(cast(ImportProfileVersion.profile, Text))).over(order_by=order)
    is_list = ImportProfileVersion.profile["shape"].astext == Shape.PIECE_STATUS
    query = _newest(project_id).where(is_list if of_pieces else ~is_list)
    sized = query.add_columns(size.label("bytes"), func.row_number().over(order_by=order).label("place"))
    rows = sized.subquery()
    found = select(rows.c.id, rows.c.version, rows.c.name, rows.c.profile).where(rows.c.bytes <= _MAX_CANDIDATE_BYTES)
    limited = found.order_by(rows.c.place).limit(current_settings().max_import_profiles)
    return [StoredProfile(*row) for row in db.session.execute(limited)]


def unknown_profile(profile_id: int) -> NotFound:
    """Return the error for a profile that doesn't exist, or belongs to another project."""
    return NotFound(
        Message(
            "There is no import profile %(profile)s here. Choose one that the project's list has.", profile=profile_id
        )
    )


def _newest(project_id: int) -> Any:
    return (
        select(ImportProfile.id, ImportProfile.version, ImportProfile.name, ImportProfileVersion.profile)
        .join(
            ImportProfileVersion,
            (ImportProfileVersion.profile_id == ImportProfile.id)
            & (ImportProfileVersion.number == ImportProfile.version),
        )
        .where(or_(ImportProfile.project_id == project_id, ImportProfile.project_id.is_(None)))
    )


def _own(project_id: int | None, profile_id: int) -> ImportProfile:
    """Return the profile, locked, if it belongs to the project or, for None, to the installation."""
    stored = db.session.get(ImportProfile, profile_id, with_for_update=True)
    if stored is None or (stored.project_id is not None and stored.project_id != project_id):
        raise unknown_profile(profile_id)
    if stored.project_id != project_id:
        raise Forbidden("This profile belongs to the whole installation. Ask an administrator to change it.")
    return stored


def _add(project_id: int | None, profile: Profile, created_by: str) -> ImportProfile:
    limit = current_settings().max_import_profiles
    is_here = ImportProfile.project_id.is_not_distinct_from(project_id)
    if (db.session.scalar(select(func.count()).where(is_here)) or 0) >= limit:
        raise Conflict(
            Message(
                "There are %(limit)s import profiles already (MAX_IMPORT_PROFILES). Delete one that is not used.",
                limit=limit,
            )
        )
    stored = ImportProfile(
        project_id=project_id,
        name=clean_text(profile.name),
        name_key=identity_key(profile.name),
        version=1,
        created_by=created_by,
    )
    db.session.add(stored)
    _flush(profile.name)
    db.session.add(_version(stored, profile, created_by))
    _record("create", stored)
    return stored


def _set_version(stored: ImportProfile, profile: Profile, changed_by: str) -> None:
    newest = db.session.get_one(ImportProfileVersion, (stored.id, stored.version))
    if newest.profile == _dump(profile):
        return
    stored.name, stored.name_key = clean_text(profile.name), identity_key(profile.name)
    stored.version += 1
    stored.updated_at = func.clock_timestamp()
    _flush(profile.name)
    db.session.add(_version(stored, profile, changed_by))
    _record("change", stored)


def _version(stored: ImportProfile, profile: Profile, created_by: str) -> ImportProfileVersion:
    return ImportProfileVersion(
        profile_id=stored.id, number=stored.version, profile=_dump(profile), created_by=created_by
    )


def _dump(profile: Profile) -> dict[str, Any]:
    return {**schema.dump_profile(profile), "name": clean_text(profile.name)}


def _record(verb: str, stored: ImportProfile) -> None:
    audit.record(
        audit.Action(f"import_profile.{verb}"), project_id=stored.project_id, about=stored.name, profile_id=stored.id,
        version=stored.version,
    )  # fmt: skip


def _flush(name: str) -> None:
    try:
        db.session.flush()
    except IntegrityError:
        db.session.rollback()
        message = Message(
            "There is already an import profile %(name)s. Choose another name, or change that one.", name=f"{name!r}"
        )
        raise Conflict(message) from None
