"""Wait for a job that a command has started, and print how it ended."""

from __future__ import annotations

import getpass
import sys
import time

import click

from precast_app.api.job_schemas import Job
from precast_app.cli import command
from precast_app.extensions import db
from precast_app.models import ImportJob, JobStatus, Phase
from precast_app.queries import jobs
from precast_app.queries.paging import PageRequest

_POLL_SECONDS = 0.3
# The exit status of a command whose job waits for a person.
_WAITS = 3
_ENDED = (JobStatus.COMPLETED, JobStatus.FAILED)

wait_option = click.option(
    "--wait/--no-wait", default=True, show_default=True, help="Wait until the job ends, or only print its id."
)


def report(job_id: int, *, wait: bool, as_json: bool, expected: JobStatus = JobStatus.COMPLETED) -> None:
    """Print the job's result, and its issues as errors; exit with status 1 if it ended in another status than expected.

    Without `wait`, print only its id. A job that waits until somebody maps its columns exits with status 3.
    """
    job = _wait_with_progress_bar(job_id, hidden=as_json) if wait else jobs.get_job(job_id)
    if as_json:
        print_job(job)
    elif wait and job.phase == Phase.WAITING_FOR_MAPPING:
        message = "waits until somebody says what the columns of its file mean, on its page or by PUT"
        click.echo(f"Job {job_id} {message} /api/jobs/{job_id}/mapping.", err=True)
    elif wait:
        _print_issues(job_id)
        click.echo(job.error if job.status == JobStatus.FAILED else job.result, err=job.status == JobStatus.FAILED)
    else:
        click.echo(job_id)
    if job.status in _ENDED and job.status != expected:
        sys.exit(1)
    if wait and job.phase == Phase.WAITING_FOR_MAPPING:
        sys.exit(_WAITS)


def print_job(job: ImportJob) -> None:
    """Print the job as the API returns it."""
    command.print_json(Job().dump(Job.of(job, jobs.queue_positions([job]))))


def login_name() -> str:
    """Return the name of the user of this machine, for the history of jobs."""
    try:
        return getpass.getuser()[:100]
    except (KeyError, OSError):
        # In some containers the user has a number but no name.
        return "command line"


def _print_issues(job_id: int) -> None:
    issues, count = jobs.list_issues(job_id, None, PageRequest(limit=50))
    for issue in issues:
        cell = f"{issue.column or ''}{issue.row or ''}"
        click.echo(f"{issue.severity}{' ' if cell else ''}{cell}: {issue.message}", err=True)
    if count > len(issues):
        click.echo(f"… and {count - len(issues)} more issues: GET /api/jobs/{job_id}/issues", err=True)


def _wait_with_progress_bar(job_id: int, *, hidden: bool) -> ImportJob:
    hidden = hidden or not sys.stderr.isatty()
    with click.progressbar(length=100, label=f"Job {job_id}", file=sys.stderr, hidden=hidden) as bar:
        while True:
            db.session.rollback()
            job = jobs.get_job(job_id)
            bar.update(job.progress - bar.pos)
            if job.status in _ENDED or job.phase == Phase.WAITING_FOR_MAPPING:
                return job
            time.sleep(_POLL_SECONDS)
