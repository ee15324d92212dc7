"""The one thread that writes a running job's progress and keeps its lease."""

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
from precast_app.jobs.rq_worker import SHUTDOWN_REQUESTED

log = logging.getLogger(__name__)


class ProgressReporter:
    """Writes the newest progress at most every `progress_interval_seconds`, and renews the lease while there is none.

    Used as a context manager around the work; what is the newest when the work ends is written too.
    """

    def __init__(self, app: Flask, lease: Lease, first: Progress) -> None:
        self._app = app
        self._lease = lease
        self._settings = settings_of(app)
        self._latest = first
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

    @property
    def latest(self) -> Progress:
        """What was told last."""
        return self._latest

    def report(self, progress: Progress) -> None:
        """Tell how far the work is; raises as `check` does."""
        self._latest = progress
        self.raise_if_stopped()

    def raise_if_stopped(self) -> None:
        """Raise `LeaseLost` where the job is another's by now, `JobCancelled` where a person wants it stopped.

        And `Stopped` where this process is to end.
        """
        if SHUTDOWN_REQUESTED.is_set():
            raise WorkerStopping(f"Job {self._lease.job_id} is given back: this worker stops.")
        if self._stop_reason is not None:
            raise self._stop_reason

    def _run(self) -> None:
        renewed = 0.0
        with self._app.app_context():
            while self._stop_reason is None:
                over = self._closing.is_set()
                newest = self._latest
                due = time.monotonic() - renewed > self._settings.lease_seconds / 3
                if due or newest != self._written:
                    if self._write(newest):
                        renewed, self._written = time.monotonic(), newest
                    elif over:
                        return
                else:
                    self._check_lease()
                if over:
                    return
                self._closing.wait(self._settings.progress_interval_seconds)

    def _write(self, progress: Progress) -> bool:
        try:
            lifecycle.write_progress(self._lease, progress, lease_seconds=self._settings.lease_seconds)
        except (LeaseLost, JobCancelled) as end:
            self._stop_reason = end
            return False
        except SQLAlchemyError:
            # The next round tries again; if the database stays away, the batches fail and say so.
            log.warning("The progress of job %d could not be written.", self._lease.job_id, exc_info=True)
            db.session.rollback()
            return False
        return True

    def _check_lease(self) -> None:
        try:
            lifecycle.check_lease(self._lease)
        except (LeaseLost, JobCancelled) as end:
            self._stop_reason = end
        except SQLAlchemyError:
            db.session.rollback()
