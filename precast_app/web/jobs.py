"""Imports and jobs: drop a file, see what it would do, let it, watch it, and see what it did."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from precast_app.auth.permissions import Permission
from precast_app.auth.route_permissions import requires
from precast_app.jobs import files, permissions, registry
from precast_app.models import ImportJob, JobStatus, Severity
from precast_app.queries import changes
from precast_app.queries import jobs as job_queries
from precast_app.queries.paging import Page
from precast_app.web import paging, project_context
from precast_app.web.partials import render_partial
from precast_app.web.template_filters import KINDS

blueprint = Blueprint("job_pages", __name__)

_PAGE_SIZE = 50
_FILTERS = ("status", "job_type", "change", "severity")
# What a reader tells of a file; each is a line or two.
_MAX_NOTES = 20
_ALL = "all"


@blueprint.get("/projects/<int(max=2147483647):project_id>/import")
@requires(Permission.IMPORT)
def new(project_id: int) -> str:
    """Where files are dropped."""
    known = project_context.for_project(project_id, "Import")
    picked = request.args.get("job_type")
    return render_template("jobs/import.html", **known, kinds=_importable(known["may"]), picked=picked)


@blueprint.get("/projects/<int(max=2147483647):project_id>/jobs")
@requires(Permission.READ)
def of_project(project_id: int) -> str:
    """A project's jobs, newest first."""
    status, job_type, where = (
        request.args.get("status"),
        request.args.get("job_type"),
        paging.requested_page(_PAGE_SIZE),
    )
    found, count = job_queries.list_jobs(project_id, status, job_type, where)
    return render_template(
        "jobs/list.html",
        **project_context.for_project(project_id, "Jobs"),
        jobs=found,
        count=count,
        page=where,
        kinds=KINDS,
        statuses=[*JobStatus],
        chosen={"status": status, "job_type": job_type},
        link=paging.links(**_given()),
    )


@blueprint.get("/projects/<int(max=2147483647):project_id>/jobs/rows")
@requires(Permission.READ)
def rows(project_id: int) -> Response:
    """The jobs alone, for a page that is open."""
    status, job_type, where = (
        request.args.get("status"),
        request.args.get("job_type"),
        paging.requested_page(_PAGE_SIZE),
    )
    found, _ = job_queries.list_jobs(project_id, status, job_type, where)
    return render_partial("jobs/rows.html", jobs=found)


@blueprint.get("/jobs/<int(max=2147483647):job_id>")
@requires(Permission.READ)
def show(job_id: int) -> str:
    """One job: how it stands, what it did, and what was wrong with its file."""
    job = job_queries.get_job(job_id)
    change = request.args.get("change") or None
    kinds_of_issue = job_queries.count_issues_by_code(job_id)
    found_wrong = [each for each in kinds_of_issue if each[0] != Severity.INFO]
    # What the reader tells stands above them.
    severity = request.args.get("severity") or (found_wrong[0][0] if found_wrong else _ALL)
    where, issue_where = paging.requested_page(_PAGE_SIZE), paging.requested_page(_PAGE_SIZE, "issue")
    changed, changed_count = changes.list_changes(job_id, change, where)
    issues, issue_count = job_queries.list_issues(job_id, None if severity == _ALL else severity, issue_where)
    read_as, _ = job_queries.list_issues(job_id, Severity.INFO, Page(_MAX_NOTES))
    known = project_context.for_project(job.project_id, "Jobs")
    # Each of the two lists keeps its place while one pages through the other.
    places = {"offset": where.offset, "issue": issue_where.offset}

    def link(**given: Any) -> str:
        return url_for(".show", job_id=job_id, **{**_given(), **places, **given})

    return render_template(
        "jobs/show.html",
        **known,
        job=job,
        kinds=_importable(known["may"]),
        picked=job.job_type,
        may_act=known["may"] >= permissions.required_permission(job),
        position=_position(job),
        pace=job_queries.throughput(job),
        changed=changed,
        changed_count=changed_count,
        issues=issues,
        issue_count=issue_count,
        issue_page=issue_where,
        issue_link=lambda offset: f"{link(issue=offset)}#cells",
        read_as=read_as,
        kinds_of_issue=kinds_of_issue,
        found_wrong=found_wrong,
        asked_for_cells=bool({"severity", "issue"} & request.args.keys()),
        severities=[*Severity, _ALL],
        has_file=files.is_stored(job_id),
        page=where,
        chosen={"change": change, "severity": severity},
        link=link,
    )


@blueprint.get("/jobs/<int(max=2147483647):job_id>/state")
@requires(Permission.READ)
def state(job_id: int) -> Response:
    """How a job stands, alone, for a page that is open."""
    job = job_queries.get_job(job_id)
    return render_partial("jobs/state.html", job=job, position=_position(job), pace=job_queries.throughput(job))


def _importable(may: Permission) -> list[str]:
    """The types of job that one may drop a file for."""
    return [name for name in registry.creatable_names() if name in KINDS and registry.get(name).permission <= may]


def _given() -> dict[str, str]:
    """What the page was asked for, to be asked for again; nothing else of the address goes into its links."""
    return {name: text for name, text in request.args.items() if name in _FILTERS}


def _position(job: ImportJob) -> int | None:
    return job_queries.queue_positions([job]).get(job.id)
