"""The page that compares two uploads."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from precast_app.auth.permissions import Permission
from precast_app.auth.request_authentication import current_identity
from precast_app.auth.route_permissions import requires
from precast_app.errors import Conflict
from precast_app.importing.review.compare import RowChange
from precast_app.jobs import comparison
from precast_app.jobs.comparison import ComparisonWindow
from precast_app.queries import changes, element_types
from precast_app.queries import jobs as job_queries
from precast_app.web import labels, paging, project_context

blueprint = Blueprint("comparisons", __name__)

_PAGE_SIZE = 50
_KINDS = [change.value for change in RowChange if change is not RowChange.SAME]


@blueprint.get("/jobs/<int(max=2147483647):job_id>/compare")
@requires(Permission.READ)
def choose(job_id: int) -> str | Response:
    """Compare the job's upload with the one that the form names or, by default, with the one before it."""
    other = request.args.get("with", "")
    if not (other.isascii() and other.isdigit() and len(other) < 10):
        uploads = job_queries.list_comparable_uploads(job_queries.get_job(job_id))
        others = [each.id for each in uploads if each.id != job_id]
        earlier = [other_id for other_id in others if other_id < job_id] or others
        if not earlier:
            return _page(job_id, job_id, None)
        other = str(earlier[0])
    return redirect(url_for(".show", job_id=other, other_id=job_id))


@blueprint.get("/jobs/<int(max=2147483647):job_id>/compare/<int(max=2147483647):other_id>")
@requires(Permission.READ)
def show(job_id: int, other_id: int) -> str:
    """Show what differs between the uploads of two jobs."""
    change = request.args.get("change")
    page = paging.requested_page(_PAGE_SIZE)
    window = ComparisonWindow(change if change in _KINDS else None, page.limit, page.offset)
    return _page(job_id, other_id, window, corrected=request.args.get("corrected") == "true")


def _page(job_id: int, other_id: int, window: ComparisonWindow | None, *, corrected: bool = False) -> str:
    found, problem = None, None
    if window is not None:
        # First, because the comparison releases the database connection.
        try:
            found = comparison.compare(job_id, other_id, current_identity().name, window, corrected=corrected)
        except Conflict as conflict:
            problem = str(conflict)
    job = job_queries.get_job(job_id)
    pair = [job, job_queries.get_job(other_id)]
    uploads = {each.id: each for each in [*job_queries.list_comparable_uploads(job), *pair]}
    names = {id_: uploads[id_].file_name or gettext("upload") for id_ in sorted(uploads, reverse=True)}
    filters = {"change": window.change if window else None, "corrected": "true" if corrected else None}

    def link(**changed: Any) -> str:
        return url_for(".show", job_id=job_id, other_id=other_id, **{**filters, **changed})

    return render_template(
        "jobs/compare.html",
        **project_context.for_project(job.project_id, "Jobs"),
        first=job_id,
        second=other_id,
        uploads=list(names.items()),
        names=names,
        found=found,
        problem=problem,
        kinds=_KINDS,
        change=window.change if window else None,
        page=paging.requested_page(_PAGE_SIZE),
        link=link,
        has_corrections=any(each.corrections_version for each in pair),
        corrected=corrected,
        heading_labels=labels.headings() | element_types.place_labels(job.project_id),
        text_headings=frozenset().union(*map(changes.text_headings, pair)),
    )
