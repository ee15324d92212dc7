"""Files of a job: the upload, its annotated copy, its rejected rows, its issues, and what it has made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import marshmallow as ma
from flask import Response, send_file

from precast_app import database, languages, parsing
from precast_app.api import file_responses
from precast_app.api.blueprint import JOB, Blueprint
from precast_app.api.export_slots import requires_export_slot
from precast_app.api.file_responses import BINARY, SPREADSHEETS, TEXT, XLSX
from precast_app.auth.permissions import Permission
from precast_app.auth.request_authentication import current_identity
from precast_app.auth.route_permissions import requires
from precast_app.errors import Conflict, JobFailed, NotFound
from precast_app.exporting import issues
from precast_app.importing.corrections import Corrections
from precast_app.jobs import corrections, files, outputs
from precast_app.jobs.tasks.export_labels import PDF
from precast_app.models import ImportJob
from precast_app.queries import jobs as job_queries
from precast_app.spreadsheets import UnreadableFile

blueprint = Blueprint("job_files", __name__, description="Files of a job.")


class FileQuery(ma.Schema):
    """Which file to return."""

    corrected = ma.fields.Boolean(load_default=False, metadata={"description": "with the corrections of its cells"})


@blueprint.route(f"{JOB}/file", methods=["GET"])
@requires(Permission.READ)
@blueprint.doc(responses={409: "CONFLICT"})
@blueprint.arguments(FileQuery, location="query")
@blueprint.response(200, BINARY, content_type="application/octet-stream")
def download_upload(query: dict[str, Any], job_id: int) -> Response:
    """Return the file as it was uploaded or, with `corrected=true`, with its corrections.

    The corrected file keeps its format and everything else in the cases in which the annotated copy does; otherwise it
    becomes a new workbook with the same cells.
    """
    job = job_queries.get_job(job_id)
    if query["corrected"] and (found := corrections.load(job)) is not None:
        return _corrected_upload(job, found)
    name = job.file_name or "upload"
    file = files.open_stored(job_id)
    # No connection is held while the client reads the file.
    database.release_connection()
    return send_file(file, "application/octet-stream", as_attachment=True, download_name=name)


@blueprint.route(f"{JOB}/output", methods=["GET"])
@requires(Permission.READ)
@blueprint.response(200, BINARY, content_type=PDF)
def download_output(job_id: int) -> Response:
    """Return the file that the job has made, such as labels."""
    job = job_queries.get_job(job_id)
    name, media_type = job.output_name or "output", job.output_type or PDF
    file = outputs.open_stored(job_id)
    # No connection is held while the client reads the file.
    database.release_connection()
    return send_file(file, media_type, as_attachment=True, download_name=name)


@blueprint.route(f"{JOB}/issues.csv", methods=["GET"])
@requires(Permission.READ)
@requires_export_slot
@blueprint.response(200, TEXT, content_type="text/csv")
def download_issues_csv(job_id: int) -> Response:
    """Return the job's issues as a CSV file."""
    return file_responses.csv(
        f"issues-{job_id}.csv", issues.as_csv(job_queries.iterate_issues(job_id), languages.current())
    )


@blueprint.route(f"{JOB}/issues.xlsx", methods=["GET"])
@requires(Permission.READ)
@requires_export_slot
@blueprint.response(200, BINARY, content_type=XLSX)
def download_issues_workbook(job_id: int) -> Response:
    """Return the job's issues as a workbook."""
    language = languages.current()
    found = database.release_after(job_queries.iterate_issues(job_id))
    return file_responses.workbook(f"issues-{job_id}.xlsx", lambda file: issues.as_workbook(found, file, language))


@blueprint.route(f"{JOB}/rejected", methods=["GET"])
@requires(Permission.READ)
@blueprint.doc(responses={409: "CONFLICT"})
@blueprint.response(200, BINARY, content_type=XLSX)
def download_rejected_rows(job_id: int) -> Response:
    """Return the rejected rows with their reasons, as a workbook to correct and upload again."""
    job = job_queries.get_job(job_id)
    reasons = job_queries.rejection_reasons(job_id, languages.current())
    if not reasons:
        raise NotFound("No row of this job was rejected.")
    is_catalogue, profile = job.job_type == "element_type_import", job.profile
    corrected = corrections.load_checked(job)
    with _refusals_as_conflicts(), files.open_stored(job_id) as upload:
        # No connection is held while the file is parsed.
        database.release_connection()
        file = parsing.get_service().export_rejected_rows(
            upload,
            reasons,
            current_identity().name,
            is_catalogue=is_catalogue,
            profile=profile,
            corrections=corrected,
            language=languages.current(),
        )
    return send_file(file, XLSX, as_attachment=True, download_name=f"rejected-{job_id}.xlsx")


@blueprint.route(f"{JOB}/annotated", methods=["GET"])
@requires(Permission.READ)
@blueprint.doc(responses={409: "CONFLICT"})
@blueprint.response(200, BINARY, content_type=XLSX)
def download_annotated_workbook(job_id: int) -> Response:
    """Return a copy of the upload whose bad cells are coloured and commented.

    An Excel workbook (.xlsx, .xlsm, .xltx, .xltm) stays as it is apart from that, but without digital signatures. An
    .ods file keeps its formats unless it is large. Other files become a new workbook with the same cells. The response
    is 409 if the file can't be read or would take too long: from about 5 000 rows as .ods or 50 000 as .xlsx.
    """
    job = job_queries.get_job(job_id)
    stem = (job.file_name or "upload").rpartition(".")[0] or "upload"
    profile, corrected = job.profile, corrections.load_checked(job)
    issues = job_queries.load_issues(job_id)
    with _refusals_as_conflicts(), files.open_stored(job_id) as upload:
        # No connection is held while the file is parsed.
        database.release_connection()
        copy, kind = parsing.get_service().annotate(
            upload, issues, current_identity().name, profile, corrected, languages.current()
        )
    return send_file(copy, SPREADSHEETS[kind], as_attachment=True, download_name=f"{stem}-annotated.{kind}")


def _corrected_upload(job: ImportJob, found: Corrections) -> Response:
    stem, profile = (job.file_name or "upload").rpartition(".")[0] or "upload", job.profile
    with _refusals_as_conflicts(), files.open_stored(job.id) as upload:
        # No connection is held while the file is parsed.
        database.release_connection()
        copy, kind = parsing.get_service().correct(upload, found, current_identity().name, profile)
    return send_file(copy, SPREADSHEETS[kind], as_attachment=True, download_name=f"{stem}-corrected.{kind}")


@contextmanager
def _refusals_as_conflicts() -> Iterator[None]:
    """Turn the error of a stored file that can't be read into `Conflict`."""
    try:
        yield
    except (UnreadableFile, JobFailed) as refusal:
        raise Conflict(refusal.message) from refusal
