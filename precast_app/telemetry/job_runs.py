"""Measurement of a job that runs in this process."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from sqlalchemy import Row, TextClause, text
from sqlalchemy.exc import SQLAlchemyError

from precast_app.extensions import db
from precast_app.telemetry import duration_store, durations, instrumentation

log = logging.getLogger(__name__)

# Both times are from the clock of the database. A job that was retried after some batches keeps its first start.
_STARTED = text("""
    SELECT job_type, extract(epoch FROM updated_at - queued_at) AS waited, trace_parent
    FROM import_jobs WHERE id = :job_id
""")
_ENDED = text("""
    SELECT job_type, extract(epoch FROM completed_at - started_at) AS seconds,
           CASE WHEN status = 'failed' AND coalesce(failure_reason, 'error') = 'error' THEN 'failed'
                WHEN status = 'failed' THEN failure_reason
                WHEN rejected_count > 0 THEN 'completed_with_rejects' ELSE 'completed' END AS outcome
    FROM import_jobs WHERE id = :job_id AND completed_at IS NOT NULL
""")


class PhaseTimer:
    """Clock of a job's phases: it counts how long the job spends in each."""

    def __init__(self, job_type: str, phase: str) -> None:
        self._job_type = job_type
        self._phase = phase
        self._entered = time.monotonic()

    def enter(self, phase: str) -> None:
        """Count the time in the phase before, if this is another one."""
        if phase != self._phase:
            self.end()
            self._phase, self._entered = phase, time.monotonic()

    def end(self) -> None:
        """Count the time in the last phase."""
        durations.JOB_PHASES.observe(time.monotonic() - self._entered, self._job_type, self._phase)


@contextmanager
def measure_job(job_id: int, *, is_resumed: bool) -> Iterator[None]:
    """Measure and trace a job that was just claimed: how long it has waited, and how long it takes.

    A job that another worker had begun has been counted as waiting before. Measuring never makes a job fail.
    """
    started = _read(_STARTED, job_id)
    if started is not None and not is_resumed:
        durations.JOB_QUEUE.observe(float(started.waited), started.job_type)
    try:
        with instrumentation.job_span(job_id, started.job_type, started.trace_parent) if started else nullcontext():
            yield
    finally:
        # What follows needs a connection of its own. Behind a pool of few sessions, jobs that each keep one while they
        # wait for another would wait for each other.
        db.session.rollback()
        ended = _read(_ENDED, job_id)
        if ended is not None:
            durations.JOBS.observe(float(ended.seconds), ended.job_type, ended.outcome)
        duration_store.flush()
        instrumentation.flush()


@contextmanager
def batch(number: int) -> Iterator[None]:
    """Measure and trace the block as a batch; one that raises an exception is not counted."""
    started = time.monotonic()
    with instrumentation.batch_span(number):
        yield
    durations.BATCHES.observe(time.monotonic() - started)


def _read(statement: TextClause, job_id: int) -> Row[Any] | None:
    """Return the row of a job, on a connection of its own; None if it can't be read."""
    try:
        with db.engine.connect() as connection:
            return connection.execute(statement, {"job_id": job_id}).first()
    except SQLAlchemyError as error:
        log.warning("The duration of job %d could not be read: %s", job_id, type(error).__name__)
        return None
