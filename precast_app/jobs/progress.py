"""The thread that writes a running job's progress and renews its lease. Each write is a transaction of its own."""

from __future__ import annotations

import logging
import threading
import time
from types import TracebackType

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from precast_app.errors import JobCancelled, LeaseLost, WorkerStopping
from precast_app.extensions import db, settings_of
from precast_app.jobs import lifecycle
from precast_app.jobs.lifecycle import Lease, Progress
from precast_app.jobs.rq_worker import SHUTDOWN_REQUEST
from precast_app.telemetry.job_runs import PhaseTimer

log = logging.getLogger(__name__)


class ProgressReporter:
    """Writer of a job's progress: the latest one, at most every `progress_interval_seconds`.

    It renews the lease, also when there is no progress, and times the phases. Use it as a context manager around the
    work; the progress that was reported last is written when the work ends.
    """

    def __init__(self, app: Flask, lease: Lease, first: Progress, timer: PhaseTimer) -> None:
        self._app = app
        self._lease = lease
        self._settings = settings_of(app)
        self._latest = first
        self._timer = timer
        self._written: Progress | None = None
        self._closing = threading.Event()
        self._stop_reason: LeaseLost | JobCancelled | None = None
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)

    def __enter__(self) -> ProgressReporter:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._thread.join()
        self._timer.end()

    @property
    def latest(self) -> Progress:
        """The progress that was reported last."""
        return self._latest

    def report(self, progress: Progress) -> None:
        """Set the progress that is written next; raise as `raise_if_stopped` does."""
        self._latest = progress
        self._timer.enter(progress.phase)
        self.raise_if_stopped()

    def raise_if_stopped(self) -> None:
        """Raise `LeaseLost` if another worker took the job, `JobCancelled` if a user cancelled it.

        Raise `WorkerStopping` if this process has to exit.
        """
        if SHUTDOWN_REQUEST.is_made:
            raise WorkerStopping(f"Job {self._lease.job_id} is released, because this worker stops.")
        if self._stop_reason is not None:
            raise self._stop_reason

    def _run(self) -> None:
        renewed = 0.0
        with self._app.app_context():
            while self._stop_reason is None:
                is_last = self._closing.is_set()
                latest = self._latest
                is_renewal_due = time.monotonic() - renewed > self._settings.lease_seconds / 3
                if not is_renewal_due and latest == self._written:
                    self._check_lease()
                elif self._write(latest):
                    renewed, self._written = time.monotonic(), latest
                if is_last:
                    return
                self._closing.wait(self._settings.progress_interval_seconds)

    def _write(self, progress: Progress) -> bool:
        """Return whether the progress was written and the work may go on."""
        stop_reason = None
        try:
            try:
                lifecycle.write_progress(self._lease, progress, lease_seconds=self._settings.lease_seconds)
            except (LeaseLost, JobCancelled) as reason:
                stop_reason = reason
            db.session.commit()
        except SQLAlchemyError:
            # The next round tries again. If the database stays unreachable, the batches fail.
            log.warning("The progress of job %d could not be written.", self._lease.job_id, exc_info=True)
            db.session.rollback()
            return False
        self._stop_reason = stop_reason
        return stop_reason is None

    def _check_lease(self) -> None:
        try:
            lifecycle.check_lease(self._lease)
        except (LeaseLost, JobCancelled) as reason:
            self._stop_reason = reason
        except SQLAlchemyError:
            # The next round tries again.
            log.debug("The lease of job %d could not be checked.", self._lease.job_id, exc_info=True)
        db.session.rollback()
