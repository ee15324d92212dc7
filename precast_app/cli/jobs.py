"""`flask job`."""

from __future__ import annotations

from dataclasses import dataclass

import click

from precast_app.api.job_schemas import Job
from precast_app.cli import command, waiting
from precast_app.cli.command import Group
from precast_app.errors import NotFound
from precast_app.extensions import db
from precast_app.jobs import service
from precast_app.messages import Message
from precast_app.models import ImportJob, JobStatus
from precast_app.projects import projects
from precast_app.queries import jobs
from precast_app.queries.paging import MAX_ID, PageRequest

job_group = Group("job", help="List, show, cancel, retry, undo and apply jobs.")
_JOB = click.argument("job_id", type=click.IntRange(1, MAX_ID))


@dataclass(frozen=True, slots=True)
class _LoginName:
    """The user of this machine, who needs no permission."""

    name: str
    user_id: None = None


@job_group.command("list")
@click.option("--project", "project_id", type=int, required=True, help="Id of the project.")
@click.option("--status", type=click.Choice([each.value for each in JobStatus]), help="Only jobs with this status.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="Number of jobs.")
@command.json_option
def list_jobs(project_id: int, status: str | None, limit: int, as_json: bool) -> None:
    """List the jobs of a project, newest first: id, type, status, progress, file and user."""
    projects.get(project_id)
    found = jobs.list_jobs(project_id, status, None, PageRequest(limit=limit))[0]
    if as_json:
        positions = jobs.queue_positions(found)
        command.print_json(Job(many=True).dump([Job.of(job, positions) for job in found]))
        return
    for job in found:
        cells = (job.id, job.job_type, job.status, f"{job.progress} %", job.file_name or "", job.created_by)
        click.echo("\t".join(map(str, cells)))


@job_group.command("show")
@_JOB
def show_job(job_id: int) -> None:
    """Print JOB_ID as the API returns it."""
    waiting.print_job(_get(job_id))


@job_group.command("cancel")
@_JOB
@waiting.wait_option
@command.json_option
def cancel_job(job_id: int, wait: bool, as_json: bool) -> None:
    """Cancel JOB_ID and revert what it has written."""
    _get(job_id)
    service.cancel(job_id, waiting.login_name())
    waiting.report(job_id, wait=wait, as_json=as_json, expected=JobStatus.FAILED)


@job_group.command("retry")
@_JOB
@waiting.wait_option
@command.json_option
def retry_job(job_id: int, wait: bool, as_json: bool) -> None:
    """Retry the failed JOB_ID with its stored file; committed batches are kept."""
    _get(job_id)
    waiting.report(service.retry(job_id, None).id, wait=wait, as_json=as_json)


@job_group.command("undo")
@_JOB
@waiting.wait_option
@command.json_option
def undo_job(job_id: int, wait: bool, as_json: bool) -> None:
    """Undo the import JOB_ID in a new job."""
    _get(job_id)
    starter = _LoginName(waiting.login_name())
    waiting.report(service.undo(job_id, starter).id, wait=wait, as_json=as_json)


@job_group.command("apply")
@_JOB
@waiting.wait_option
@command.json_option
def apply_job(job_id: int, wait: bool, as_json: bool) -> None:
    """Apply the dry run JOB_ID in a new job."""
    _get(job_id)
    starter = _LoginName(waiting.login_name())
    waiting.report(service.apply(job_id, starter).id, wait=wait, as_json=as_json)


def _get(job_id: int) -> ImportJob:
    job = db.session.get(ImportJob, job_id)
    if job is None:
        raise NotFound(Message("There is no job %(job)s.", job=job_id))
    return job
