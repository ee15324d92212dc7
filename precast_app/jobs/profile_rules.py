"""Rules of corrections that become part of an import profile, so that the next file doesn't need them.

`remember` is one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from precast_app.errors import Conflict, JobFailed, invalid_field
from precast_app.extensions import db
from precast_app.importing import reference_data, sheet_layout
from precast_app.importing.profiles import matching
from precast_app.importing.profiles.profile import (
    GROUP_KEYS,
    BaseTarget,
    ImportProfile,
    ItemTarget,
    ProfileColumn,
    Shape,
    Target,
    value_kind,
)
from precast_app.importing.profiles.schema import dump_profile, load_profile
from precast_app.importing.schema import NOT_IN_FILE, ColumnGroup
from precast_app.jobs import columns
from precast_app.messages import Message
from precast_app.models import ImportJob
from precast_app.models import ImportProfile as StoredProfile
from precast_app.projects import import_profiles
from precast_app.spreadsheets import column_number

_MAX_NAME = 150


def remember(job_id: int, rules: Mapping[tuple[str, str], str], user: str) -> StoredProfile:
    """Add replacements, by column letter and replaced text, to the import profile of the job's file, and return it.

    A file that is read without a profile gets one, named after it. Raise `Conflict` if the file can't be described any
    more, `RequestError` if a column is not one of the profile's.
    """
    job = db.session.get_one(ImportJob, job_id)
    if job.sheet_layout is None:
        raise Conflict(Message("Job %(job)s has read no rows, so there is nothing to remember.", job=job_id))
    project_id, layout = job.project_id, job.sheet_layout
    profile = _profile_of(job, user)
    values = {kind: dict(texts) for kind, texts in profile.values.items()}
    for (letters, old), new in rules.items():
        values.setdefault(_kind(profile, layout, letters), {})[old] = new
    # Validate what the rules make of the profile.
    changed = load_profile(dump_profile(replace(profile, values=values)))
    stored = import_profiles.remember(project_id, changed, user)
    db.session.commit()
    return stored


def _profile_of(job: ImportJob, user: str) -> ImportProfile:
    """Return the newest version of the profile by which the job reads its file, or a new one for such files."""
    if job.profile_id is not None:
        return load_profile(import_profiles.get_usable(job.project_id, job.profile_id).profile)
    if job.profile is not None:
        return load_profile(job.profile)
    name = PurePath(job.file_name or "").stem[:_MAX_NAME] or f"Job {job.id}"
    draft = load_profile({**columns.describe(job, None, user)["profile"], "name": name}, complete=False)
    return _as_read(draft, job)


def _as_read(draft: ImportProfile, job: ImportJob) -> ImportProfile:
    """Return the draft with the meaning of the project's own headings, which a proposal may not have found."""
    reference = reference_data.from_json(job.project_id, job.reference or {})
    read = {column.index: column for column in sheet_layout.map_columns(_layout(job), reference, None).columns}
    names = {(group, item.id): item.name for group in GROUP_KEYS for item in reference.of(group)}
    found = {id(column): index for index, column in _find_columns(draft, _layout(job)).items()}

    def target(column: ProfileColumn) -> Target | None:
        own = read.get(found.get(id(column), NOT_IN_FILE))
        if own is None:
            return None
        if own.group is ColumnGroup.BASE:
            return BaseTarget(str(own.target))
        return ItemTarget(own.group, names[own.group, int(own.target)])

    given = [(column, target(column)) for column in draft.columns]
    changed = [each if each.target == new else replace(each, target=new, unit=None) for each, new in given]
    return replace(draft, columns=tuple(changed), shape=Shape.ELEMENT_TYPE, values={}, constants={})


def _layout(job: ImportJob) -> Mapping[str, Any]:
    return job.sheet_layout or {}


def _find_columns(profile: ImportProfile, layout: Mapping[str, Any]) -> Mapping[int, ProfileColumn]:
    """Return the columns of the profile by their index in the file."""
    try:
        header = matching.find_header(sheet_layout.LayoutBook(layout), profile)
    except JobFailed as error:
        raise Conflict(error.message) from error
    return matching.match_columns(header.headings, profile)


def _kind(profile: ImportProfile, layout: Mapping[str, Any], letters: str) -> str:
    """Return the key of the replacements of a column."""
    column = _find_columns(profile, layout).get(column_number(letters) - 1)
    kind = value_kind(column.target) if column else ""
    if not kind:
        message = Message(
            "The import profile %(profile)s doesn't read column %(column)s.", profile=profile.name, column=letters
        )
        raise invalid_field("rules", message)
    return kind
