"""The thread that writes a running job's progress and renews its lease. Each write is a transaction of its own."""

from __future__ import annotations

import logging
import threading
import time
from types import TracebackType

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from precast_app.errors import JobCancelled, JobFailed, LeaseLost, WorkerStopping
from precast_app.extensions import db, settings_of
from precast_app.jobs import lifecycle
from precast_app.jobs.lifecycle import Lease, Progress
from precast_app.jobs.rq_worker import SHUTDOWN_REQUEST
from precast_app.telemetry.job_runs import PhaseTimer

log = logging.getLogger(__name__)

# After each try to write the last progress.
_PAUSES = (0.1, 0.5, 0)


class ProgressReporter:
    """Writer of a job's progress: the latest one, at most every `progress_interval_seconds`.

    It renews the lease, also when there is no progress, and times the phases. Use it as a context manager around the
    work. When the work ends, the progress that was reported last is written. If it can't be, the error of the database
    is raised, so that the job doesn't end with older numbers: it is repeated, and reports them again.
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
        self._error: SQLAlchemyError | None = None
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
        is_written = self._latest == self._written or self._stop_reason is not None
        # Other errors go on: the job is repeated, or they say why it fails.
        ends_job = error is None or isinstance(error, JobFailed)
        if ends_job and not is_written and self._error is not None:
            raise self._error

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
            while self._stop_reason is None and not self._closing.is_set():
                latest = self._latest
                is_renewal_due = time.monotonic() - renewed > self._settings.lease_seconds / 3
                if is_renewal_due or latest != self._written:
                    if self._try_to_write(latest):
                        renewed = time.monotonic()
                else:
                    self._check_lease()
                self._closing.wait(self._settings.progress_interval_seconds)
            self._write_last()

    def _write_last(self) -> None:
        for seconds in _PAUSES:
            if self._stop_reason is not None or self._latest == self._written or self._try_to_write(self._latest):
                return
            time.sleep(seconds)

    def _try_to_write(self, progress: Progress) -> bool:
        try:
            self._write(progress)
        except SQLAlchemyError as error:
            # The next round tries again. If the database stays unreachable, the batches fail.
            log.warning("The progress of job %d could not be written.", self._lease.job_id, exc_info=True)
            db.session.rollback()
            self._error = error
            return False
        return True

    def _write(self, progress: Progress) -> None:
        stop_reason = None
        try:
            lifecycle.write_progress(self._lease, progress, lease_seconds=self._settings.lease_seconds)
        except (LeaseLost, JobCancelled) as reason:
            stop_reason = reason
        db.session.commit()
        self._written, self._stop_reason = progress, stop_reason

    def _check_lease(self) -> None:
        try:
            lifecycle.check_lease(self._lease)
        except (LeaseLost, JobCancelled) as reason:
            self._stop_reason = reason
        except SQLAlchemyError:
            # The next round tries again.
            log.debug("The lease of job %d could not be checked.", self._lease.job_id, exc_info=True)
        db.session.rollback()
