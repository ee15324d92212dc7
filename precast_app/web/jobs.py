"""The pages of jobs: the upload form, the list of jobs, and one job with its progress, issues and changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from precast_app.auth.permissions import Permission
from precast_app.auth.route_permissions import requires
from precast_app.errors import NotFound
from precast_app.importing.reference_schema import REFERENCE_SPECS, ReferenceSpec
from precast_app.models import ImportJob, Phase, PieceStatus
from precast_app.queries import import_profiles, reference_data
from precast_app.queries import jobs as job_queries
from precast_app.queries.job_states import JobState
from precast_app.queries.paging import PageRequest
from precast_app.web import job_page, labels, paging, project_context
from precast_app.web.partials import render_partial

blueprint = Blueprint("job_pages", __name__)

_PAGE_SIZE = 50
_FILTERS = ("state", "job_type")
_MAX_PROFILES = 100


@blueprint.get("/projects/<int(max=2147483647):project_id>/import")
@requires(Permission.IMPORT)
def import_form(project_id: int) -> str:
    """Show the form to upload files with."""
    return render_template(
        "jobs/import.html",
        **project_context.for_project(project_id, "Import"),
        selected_type=request.args.get("job_type"),
        template_choices=_template_choices(project_id),
        profiles=import_profiles.list_profiles(project_id, PageRequest(_MAX_PROFILES))[0],
        list_statuses=[*PieceStatus],
    )


@blueprint.get("/projects/<int(max=2147483647):project_id>/jobs")
@requires(Permission.READ)
def index(project_id: int) -> str:
    """Show the project's jobs that match the filters of the URL, newest first."""
    state, job_type = _requested_state(), request.args.get("job_type")
    page = paging.requested_page(_PAGE_SIZE)
    jobs, count = job_queries.list_jobs(project_id, None, job_type, page, state, include_applied_dry_runs=False)
    return render_template(
        "jobs/list.html",
        **project_context.for_project(project_id, "Jobs"),
        jobs=jobs,
        count=count,
        page=page,
        type_labels=labels.JOB_TYPES,
        state_labels=labels.STATES,
        state=state,
        job_type=job_type,
        link=paging.links(**_current_filters()),
    )


@blueprint.get("/projects/<int(max=2147483647):project_id>/jobs/rows")
@requires(Permission.READ)
def index_table(project_id: int) -> Response:
    """Return only the table of the jobs, for the open page to poll."""
    state, job_type = _requested_state(), request.args.get("job_type")
    page = paging.requested_page(_PAGE_SIZE)
    jobs, _ = job_queries.list_jobs(project_id, None, job_type, page, state, include_applied_dry_runs=False)
    return render_partial("jobs/rows.html", jobs=jobs, is_filtered=bool(state or job_type))


@blueprint.get("/jobs/<int(max=2147483647):job_id>")
@requires(Permission.READ)
def show(job_id: int) -> str | Response:
    """Show a job: its state, the issues in its file and its changes; redirect to its columns if it waits for them."""
    job = job_queries.get_job(job_id)
    context = project_context.for_project(job.project_id, "Jobs")
    if job.phase == Phase.WAITING_FOR_MAPPING and context["can_import"]:
        return redirect(url_for(".columns", project_id=job.project_id, job_id=job_id))
    shown = job_page.context(job, context["permission"])
    return render_template("jobs/show.html", **context, **shown, position=_queue_position(job))


@blueprint.get("/projects/<int(max=2147483647):project_id>/jobs/<int(max=2147483647):job_id>/columns")
@requires(Permission.IMPORT)
def columns(project_id: int, job_id: int) -> str:
    """Show what the columns of the job's file mean, to confirm or change it; the job is previewed with the result."""
    job = job_queries.get_job(job_id)
    if job.project_id != project_id:
        raise NotFound("The project has no such job.")
    return render_template("jobs/columns.html", **project_context.for_project(project_id, "Import"), job=job)


@blueprint.get("/jobs/<int(max=2147483647):job_id>/state")
@requires(Permission.READ)
def state(job_id: int) -> Response:
    """Return only the state of the job, for the open page to poll."""
    job = job_queries.get_job(job_id)
    return render_partial(
        "jobs/state.html", job=job, position=_queue_position(job), throughput=job_queries.throughput(job)
    )


def _template_choices(project_id: int) -> list[tuple[ReferenceSpec, Sequence[Any]]]:
    """Return the kinds of items that the project has, each with its items, for limiting a template to some of them."""
    found = [(spec, reference_data.list_all(project_id, job_type)) for job_type, spec in REFERENCE_SPECS.items()]
    return [(spec, items) for spec, items in found if items]


def _requested_state() -> JobState | None:
    state = request.args.get("state", "")
    return JobState(state) if state in [*JobState] else None


def _current_filters() -> dict[str, str]:
    """Return the filters of the URL for the links of the page; other parameters are left out."""
    return {name: text for name, text in request.args.items() if name in _FILTERS}


def _queue_position(job: ImportJob) -> int | None:
    return job_queries.queue_positions([job]).get(job.id)
