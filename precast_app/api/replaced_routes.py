"""Routes of the system that this one replaces, for its clients; new clients use the ones named in each description."""

from __future__ import annotations

from typing import Any

from precast_app.api import jobs as job_routes
from precast_app.api.blueprint import JOB, Blueprint, ignores_options
from precast_app.api.job_permissions import requires_job_permission
from precast_app.api.job_schemas import CreatedJob, Job, UnfinishedJobs
from precast_app.auth.permissions import Permission
from precast_app.auth.route_permissions import requires
from precast_app.projects import projects
from precast_app.queries import jobs as job_queries

blueprint = Blueprint("replaced_routes", __name__, description="Routes that clients of the replaced system call.")


@blueprint.route("/api/jobs/pending-processing/<int(max=2147483647):project_id>", methods=["GET"])
@ignores_options
@requires(Permission.READ)
@blueprint.response(200, UnfinishedJobs)
def list_unfinished_jobs(project_id: int) -> dict[str, Any]:
    """List the project's pending and processing jobs, newest first, as `GET /api/project/{project_id}/jobs` does."""
    projects.get(project_id)
    jobs = job_queries.list_unfinished(project_id)
    positions = job_queries.queue_positions(jobs)
    return {"jobs": [Job.of(job, positions) for job in jobs], "count": len(jobs)}


@blueprint.route(f"{JOB}/terminate", methods=["DELETE"])
@ignores_options
@requires_job_permission
@blueprint.response(202, CreatedJob)
def terminate_job(job_id: int) -> dict[str, Any]:
    """Cancel a job and revert what it has written. See `POST /api/jobs/{job_id}/cancel`."""
    return job_routes.cancelled(job_id)
