"""How the columns of an uploaded file are read: by the project's headings, by an import profile, or not yet known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from precast_app import database
from precast_app.errors import Conflict, RequestError, invalid_field
from precast_app.extensions import current_settings, db
from precast_app.importing import current_reference
from precast_app.importing.profiles import schema
from precast_app.importing.profiles.profile import ImportProfile, Shape
from precast_app.jobs import creation, files
from precast_app.jobs.files import Upload
from precast_app.messages import Message
from precast_app.models import ImportJob, Mapping
from precast_app.projects import import_profiles
from precast_app.projects.import_profiles import StoredProfile

ELEMENT_TYPES, PIECE_STATUSES = "element_type_import", "piece_status_import"
_WITH_PROFILES = (ELEMENT_TYPES, PIECE_STATUSES)
# The id that stands for a profile that is not remembered, in the process that reads the file.
_NOT_REMEMBERED = 0


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a first look at a file has found: its data rows and the profile by which they are read, if any."""

    rows: int
    profile: StoredProfile | None = None
    is_understood: bool = True


def set_chosen_profile(job: ImportJob, profile: ImportProfile | None = None) -> None:
    """Give a new job the profile that was chosen for it, or the remembered one that its options name.

    Raise `NotFound` if the project can't use it, `RequestError` if it is for files of another kind. With neither, the
    job has no profile yet.
    """
    if job.job_type not in _WITH_PROFILES:
        return
    if profile is not None:
        set_profile(job, not_remembered(profile))
    elif job.use_profile not in (creation.AUTO_PROFILE, creation.NO_PROFILE):
        set_profile(job, import_profiles.get_usable(job.project_id, int(job.use_profile)))


def set_profile(job: ImportJob, profile: StoredProfile | None) -> None:
    """Let the job read its file by this version of the profile; None: by the project's headings.

    Raise `RequestError` if the profile is for files of another kind.
    """
    if profile is not None:
        _check_shape(job, profile.name, profile.profile["shape"])
    job.profile = profile.profile if profile else None
    job.profile_name = profile.name if profile else None
    is_remembered = profile is not None and profile.id != _NOT_REMEMBERED
    job.profile_id, job.profile_version = (profile.id, profile.version) if profile and is_remembered else (None, None)


def not_remembered(profile: ImportProfile) -> StoredProfile:
    """Return a profile for one job only."""
    return StoredProfile(_NOT_REMEMBERED, 1, profile.name, schema.dump_profile(profile))


def chosen_profile(job: ImportJob) -> StoredProfile | None:
    """Return the profile that the job has; None if it has none."""
    if job.profile is None or job.profile_name is None:
        return None
    return StoredProfile(job.profile_id or _NOT_REMEMBERED, job.profile_version or 1, job.profile_name, job.profile)


def inspect(job: ImportJob, upload: Upload, owner: str) -> Inspection:
    """Look at the file of a job that has none yet.

    Raise `RequestError` if the file can't be imported. That it isn't understood is such an error unless the job's
    options ask for a mapping; the error then has what was found out about its columns.
    """
    candidates = _candidates(job)
    is_chosen = job.profile is not None
    project_id, job_type, asks = job.project_id, job.job_type, job.mapping == Mapping.ASK
    parameters = job.parameters
    # Parsing takes seconds, and must not occupy a database connection.
    database.release_connection()
    sent = _as_arguments(candidates)
    counted = files.count_rows(upload, job_type, owner, sent, is_chosen=is_chosen, parameters=parameters)
    if counted.problem is None:
        profile = next((each for each in candidates if each.id == counted.profile_id), None)
        return Inspection(counted.rows, profile)
    if asks:
        return Inspection(0, is_understood=False)
    # A file that takes long to read is not read twice in one request.
    is_quick = counted.seconds < current_settings().parse_seconds / 4
    described = _proposals(project_id, upload, candidates, owner) if is_quick else {}
    raise RequestError(counted.problem, {"file": [counted.problem]}, described)


def describe(job: ImportJob, draft: ImportProfile | None, owner: str) -> dict[str, Any]:
    """Return what the columns of the job's file mean: as the draft says, as the job's profile says, or as proposed.

    Raise `NotFound` if the file isn't stored any more, `Conflict` if it is not one of element types or can't be read,
    `RequestError` if the draft is for files of another kind.
    """
    if job.job_type != ELEMENT_TYPES:
        raise Conflict(
            Message("Job %(job)s is no import of element types, so the meaning of its columns is fixed.", job=job.id)
        )
    if draft is not None:
        _check_shape(job, draft.name, draft.shape)
    chosen = chosen_profile(job)
    candidates = import_profiles.list_candidates(job.project_id, of_pieces=False)
    reference = current_reference.load(db.session(), job.project_id)
    file = files.open_stored(job.id)
    database.release_connection()
    described_by = chosen.profile if chosen else None
    if draft is not None:
        described_by = schema.dump_profile(draft)
    with file:
        upload = Upload(file, "")
        try:
            described = files.describe_columns(upload, reference, _as_arguments(candidates), described_by, owner)
        except RequestError as error:
            raise Conflict(error.message) from error
    matched = described["matched_profile"]
    if draft is None and chosen is not None:
        found = chosen if chosen.id != _NOT_REMEMBERED else None
    else:
        found = next((each for each in candidates if matched and each.id == matched["id"]), None)
    by_version = found and {"id": found.id, "name": found.name, "version": found.version}
    return {**described, "matched_profile": by_version}


def _check_shape(job: ImportJob, name: str, shape: str) -> None:
    if (shape == Shape.PIECE_STATUS) is not (job.job_type == PIECE_STATUSES):
        message = Message("The import profile %(profile)s is for files of another kind.", profile=name)
        raise invalid_field("shape", message)


def _candidates(job: ImportJob) -> list[StoredProfile]:
    chosen = chosen_profile(job)
    if chosen is not None:
        return [chosen]
    if job.job_type not in _WITH_PROFILES or job.use_profile != creation.AUTO_PROFILE:
        return []
    return import_profiles.list_candidates(job.project_id, of_pieces=job.job_type == PIECE_STATUSES)


def _as_arguments(profiles: list[StoredProfile]) -> list[tuple[int, dict[str, Any]]]:
    return [(each.id, each.profile) for each in profiles]


def _proposals(project_id: int, upload: Upload, candidates: list[StoredProfile], owner: str) -> dict[str, Any]:
    """Return the proposals for the columns of a file that is refused, to be shown with the error."""
    reference = current_reference.load(db.session(), project_id)
    database.release_connection()
    try:
        described = files.describe_columns(upload, reference, _as_arguments(candidates), None, owner)
    except RequestError:
        # It is refused for its headings anyway.
        return {}
    return {"columns": described["columns"], "profile": described["profile"]}
