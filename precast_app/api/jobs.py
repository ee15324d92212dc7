"""Jobs: create, attach a file, follow, cancel, retry, apply, undo; their issues and changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import request, url_for

from precast_app.api import labels, uploads
from precast_app.api.blueprint import JOB, LOCATION, PROJECT, Blueprint, ignores_options
from precast_app.api.body_limits import receives_upload
from precast_app.api.file_responses import BINARY
from precast_app.api.job_permissions import LEAST_JOB_PERMISSION, requires_job_permission
from precast_app.api.job_schemas import (
    AcceptedJob,
    ApplyRequest,
    ChangedElementTypes,
    ChangesQuery,
    CreatedJob,
    Issues,
    IssuesQuery,
    Job,
    Jobs,
    JobsQuery,
    OneJob,
    pagination,
)
from precast_app.api.schemas import EXAMPLE_CSV, FileForm, OptionalFileForm, requested_page
from precast_app.api.uploads import FileNameQuery, IdempotencyKeyHeader, JobQuery, OptionsQuery
from precast_app.auth import rate_limits
from precast_app.auth.permissions import Permission
from precast_app.auth.request_authentication import current_identity
from precast_app.auth.route_permissions import requires
from precast_app.importing.job_type_detection import PIECE_STATUSES
from precast_app.importing.review.choice import ReviewRequest
from precast_app.jobs import permissions, piece_parameters, registry, service
from precast_app.jobs.creation import JobOptions
from precast_app.models import ImportJob, JobStatus
from precast_app.projects import projects
from precast_app.queries import changes
from precast_app.queries import jobs as job_queries
from precast_app.queries.changes import ChangeFilter

blueprint = Blueprint("jobs", __name__, description="Background jobs, such as imports.")

_POLL_SECONDS = "2"

# The OpenAPI description of a request whose body is a file, or a form with the file as one of its fields.
_FILE_BODY = {
    "required": True,
    "content": {
        "application/octet-stream": {"schema": BINARY, "example": EXAMPLE_CSV},
        "multipart/form-data": {
            "schema": {"type": "object", "required": ["file"], "properties": {"file": BINARY}},
            "example": {"file": EXAMPLE_CSV},
        },
    },
}


@blueprint.route(f"{PROJECT}/jobs", methods=["POST"])
@receives_upload
@requires(LEAST_JOB_PERMISSION)
@rate_limits.limit_uploads
@blueprint.arguments(JobQuery, location="query")
@blueprint.arguments(IdempotencyKeyHeader, location="headers")
@blueprint.arguments(OptionalFileForm, location="files", required=False)
@blueprint.response(201, CreatedJob)
def create_job(
    query: dict[str, Any], headers: dict[str, Any], files: dict[str, Any], project_id: int
) -> dict[str, Any]:
    """Create a job. If the request includes a file, the job starts at once; otherwise it waits for its file.

    `label_export` has no file, but the options of `POST /api/project/{project_id}/elements/labels`. With
    `job_type=auto` the headings of the file decide what it contains. If several types fit, the response is a 422
    that lists them as `errors.job_types`.
    """
    upload = uploads.from_form() if request.files else None
    name = query.pop("job_type")
    if name == registry.DETECT:
        name = service.detect_job_type(project_id, upload, current_identity().name)
    job_type = registry.get_creatable(name)
    if job_type.name == labels.JOB_TYPE:
        permissions.require_to_create(current_identity(), project_id, job_type.name, create_missing=False)
        return _created(labels.start_from_query(project_id, headers["key"]))
    defaults = uploads.take_move_defaults(query)
    options = _options(query, project_id, job_type.name)
    if job_type.name == PIECE_STATUSES:
        options = replace(options, parameters=piece_parameters.defaults_to_json(defaults))
    job = service.submit(
        project_id=project_id,
        job_type=job_type.name,
        created_by=current_identity().name,
        started_by_user_id=current_identity().user_id,
        options=options,
        upload=upload,
        idempotency_key=headers["key"],
    )
    return _created(job)


@blueprint.route(f"{JOB}/file", methods=["PUT"])
@receives_upload
@requires_job_permission
@rate_limits.limit_uploads
@blueprint.arguments(FileNameQuery, location="query")
@blueprint.doc(requestBody=_FILE_BODY)
@blueprint.response(202, CreatedJob)
def attach_file(query: dict[str, Any], job_id: int) -> dict[str, Any]:
    """Attach the file to a waiting job and start it. Send the file as the raw body or as the multipart field `file`."""
    if request.mimetype == "multipart/form-data":
        uploads.reject_form_fields()
        job = service.attach_file(job_id, uploads.from_form(), current_identity())
    else:
        with uploads.from_body(query["file_name"]) as upload:
            job = service.attach_file(job_id, upload, current_identity())
    return {"message": "Import job started successfully", "job_id": job.id, "status": job.status}


@blueprint.route(JOB, methods=["GET"])
@ignores_options
@requires(Permission.READ)
@blueprint.etag
@blueprint.response(200, OneJob)
def get_job(job_id: int) -> Any:
    """Return a job. While it is pending or processing, `Retry-After` says in how many seconds to poll again."""
    job = job_queries.get_job(job_id)
    headers = {"Retry-After": _POLL_SECONDS} if job.status in ("pending", "processing") else {}
    return {"job": Job.of(job, job_queries.queue_positions([job]))}, 200, headers


@blueprint.route(f"{PROJECT}/jobs", methods=["GET"])
@requires(Permission.READ)
@blueprint.arguments(JobsQuery, location="query")
@blueprint.response(200, Jobs)
def list_jobs(query: dict[str, Any], project_id: int) -> dict[str, Any]:
    """List the jobs of a project, newest first."""
    projects.get(project_id)
    page = requested_page(query)
    jobs, count = job_queries.list_jobs(project_id, query.get("status"), query.get("job_type"), page)
    positions = job_queries.queue_positions(jobs)
    return {
        "jobs": [Job.of(job, positions) for job in jobs],
        "count": count,
        "pagination": pagination(page, count),
    }


@blueprint.route(f"{JOB}/issues", methods=["GET"])
@requires(Permission.READ)
@blueprint.arguments(IssuesQuery, location="query")
@blueprint.response(200, Issues)
def list_issues(query: dict[str, Any], job_id: int) -> dict[str, Any]:
    """List the issues that the job found in its file, by row."""
    found, count = job_queries.list_issues(job_id, query.get("severity"), requested_page(query))
    return {"issues": found, "count": count}


@blueprint.route(f"{JOB}/changes", methods=["GET"])
@requires(Permission.READ)
@blueprint.arguments(ChangesQuery, location="query")
@blueprint.response(200, ChangedElementTypes)
def list_changes(query: dict[str, Any], job_id: int) -> dict[str, Any]:
    """List the element types that the job changed, removed, lacks or left unchanged, or would in a dry run."""
    filters = ChangeFilter(query["change"], query["field"], query["in_production"])
    found, count = changes.list_changes(job_id, filters, requested_page(query))
    return {"changes": found, "count": count}


@blueprint.route(f"{JOB}/apply", methods=["POST"])
@requires_job_permission
@blueprint.arguments(ApplyRequest, required=False)
@blueprint.response(202, CreatedJob, headers=LOCATION)
def apply_job(body: dict[str, Any], job_id: int) -> Any:
    """Apply a dry run, or what the body chooses of it, in a new job.

    A row whose data has changed since the dry run is rejected. Returns 409 if reference data or the data of every row
    has changed.
    """
    return _started(service.apply(job_id, current_identity(), ReviewRequest(**body)))


@blueprint.route(f"{JOB}/undo", methods=["POST"])
@requires_job_permission
@blueprint.response(202, CreatedJob, headers=LOCATION)
def undo_job(job_id: int) -> Any:
    """Undo a job that has ended, in a new job. Returns 409 with the reasons if it can't be undone.

    Undoing an undo does again what the original job did.
    """
    return _started(service.undo(job_id, current_identity()))


@blueprint.route(f"{JOB}/retry", methods=["POST"])
@requires_job_permission
@blueprint.response(202, CreatedJob, headers=LOCATION)
def retry_job(job_id: int) -> Any:
    """Retry a failed job with its stored file; committed batches are kept. Returns 409 if it has not failed."""
    return _started(service.retry(job_id, current_identity().user_id))


@blueprint.route(f"{JOB}/cancel", methods=["POST"])
@requires_job_permission
@blueprint.response(202, CreatedJob)
def cancel_job(job_id: int) -> dict[str, Any]:
    """Cancel a job and revert what it has written. Returns 409 if the job has ended."""
    return cancelled(job_id)


def cancelled(job_id: int) -> dict[str, Any]:
    """Cancel a job for the user of the request, and return the response."""
    job = service.cancel(job_id, current_identity().name)
    ended = job.status == JobStatus.FAILED
    message = "Import job was cancelled" if ended else "Import job is being cancelled"
    return {"message": message, "job_id": job.id, "status": job.status}


@blueprint.route(f"{PROJECT}/import/excel", methods=["POST"], endpoint="import_excel")
@blueprint.route(f"{PROJECT}/import_csv_element_type", methods=["POST"], endpoint="import_csv")
@receives_upload
@requires(Permission.IMPORT)
@rate_limits.limit_uploads
@blueprint.arguments(OptionsQuery, location="query")
@blueprint.arguments(IdempotencyKeyHeader, location="headers")
@blueprint.arguments(FileForm, location="files")
@blueprint.response(202, AcceptedJob, headers=LOCATION)
def import_element_types(query: dict[str, Any], headers: dict[str, Any], files: dict[str, Any], project_id: int) -> Any:
    """Import a workbook or a CSV file of element types. The format is detected from the content of the file."""
    job = service.submit(
        project_id=project_id,
        job_type="element_type_import",
        created_by=current_identity().name,
        started_by_user_id=current_identity().user_id,
        options=_options(query, project_id, "element_type_import"),
        upload=uploads.from_form(),
        idempotency_key=headers["key"],
    )
    return _accepted(job), 202, {"Location": url_for("jobs.get_job", job_id=job.id)}


def _created(job: ImportJob) -> dict[str, Any]:
    return {"message": "Import job created successfully", "job_id": job.id, "status": job.status}


def _started(job: ImportJob) -> Any:
    body = {"message": "Import job started successfully", "job_id": job.id, "status": job.status}
    return body, 202, {"Location": url_for("jobs.get_job", job_id=job.id)}


def _options(query: dict[str, Any], project_id: int, job_type: str) -> JobOptions:
    """Return the options of the request; raise `Forbidden` if the user may not create such a job."""
    options = uploads.parse_options(query)
    permissions.require_to_create(current_identity(), project_id, job_type, create_missing=options.create_missing)
    return options


def _accepted(job: ImportJob) -> dict[str, Any]:
    return {
        "message": "Import job started successfully",
        "job_id": job.id,
        "status": job.status,
        "total_elements": job.total_items,
        "batch_size": job.batch_size,
        "concurrent_batches": job.concurrent_batches,
    }
