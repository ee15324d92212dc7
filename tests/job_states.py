"""Functions that bring a job into a given state, each in a transaction of its own."""

from __future__ import annotations

from sqlalchemy import text

from precast_app.extensions import db
from precast_app.jobs import lifecycle
from precast_app.jobs.lifecycle import Lease
from tests.conftest import EXAMPLES, submit

STAGES_FILE = EXAMPLES / "stages.csv"


def submit_stages(project_id: int) -> int:
    """Submit an import of the sample's stages and return the job id."""
    return submit(project_id, STAGES_FILE, "stage_import")


def claim(job_id: int, lease_seconds: int = 30, attempts: int = 5) -> Lease | None:
    """Return a lease on the job, or None if it can't be claimed."""
    lease = lifecycle.claim(job_id, lease_seconds=lease_seconds, max_attempts=attempts)
    db.session.commit()
    return lease


def claim_or_fail(job_id: int, **times: int) -> Lease:
    """Return a lease on the job; fail the test if it can't be claimed."""
    lease = claim(job_id, **times)
    assert lease is not None
    return lease


def cancel(job_id: int, user: str) -> bool:
    """Cancel the job, and return False if it has ended."""
    is_cancelled = lifecycle.cancel(job_id, user)
    db.session.commit()
    return is_cancelled


def complete(lease: Lease) -> bool:
    """Complete the job, and return False if the lease is lost."""
    is_completed = lifecycle.complete(lease, result="done")
    db.session.commit()
    return is_completed


def fail(lease: Lease) -> bool:
    """Let the job fail, and return False if the lease is lost."""
    has_failed = lifecycle.fail(lease, error="broken")
    db.session.commit()
    return has_failed


def age_job(job_id: int, seconds: int = 3_600) -> None:
    """Set the job's timestamps back by `seconds`."""
    db.session.execute(
        text("""
            UPDATE import_jobs
            SET lease_until = lease_until - passed, enqueued_at = enqueued_at - passed,
                created_at = created_at - passed, completed_at = completed_at - passed
            FROM make_interval(secs => :seconds) AS passed
            WHERE id = :id
        """),
        {"id": job_id, "seconds": seconds},
    )
    db.session.commit()
