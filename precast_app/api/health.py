"""For machines that watch the installation. Both addresses answer in time whatever the database or Redis does."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import closing
from dataclasses import dataclass, field
from threading import Lock, Thread

import psycopg2
from flask import Blueprint, Flask, Response, current_app, jsonify
from redis.exceptions import RedisError

from precast_app.auth.route_permissions import public
from precast_app.config import Settings, libpq_url
from precast_app.extensions import current_settings
from precast_app.jobs import broker

log = logging.getLogger(__name__)
blueprint = Blueprint("health", __name__)

_EXTENSION = "precast.health"
# A result is shared for this long: whoever asks without end causes no more than this many checks.
_FRESH_SECONDS = 0.25

# What people need: their jobs can be read, something can be written and there is room on the disk for it. A new table
# takes a block of its own, which a row that fits an old one doesn't.
_CAN_WRITE = """
    SELECT FROM import_jobs LIMIT 1;
    INSERT INTO audit_entries (who, act) VALUES ('', 'health');
    CREATE TEMPORARY TABLE health_probe AS SELECT 1
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a check; `found` fails with what the check raised that tells nothing of the server."""

    settings: Settings
    found: Future[bool] = field(default_factory=Future)
    started: float = field(default_factory=time.monotonic)

    def answer(self) -> bool:
        """Return what the run found; False once it has taken longer than `health_timeout_seconds`."""
        left = self.started + self.settings.health_timeout_seconds - time.monotonic()
        done, _ = wait([self.found], timeout=max(0, left))
        return bool(done) and self.found.result()


class Probe:
    """A check that runs in a thread of its own, one run at a time, so that one that hangs holds nobody who asks."""

    def __init__(self, app: Flask, check: Callable[[], bool]) -> None:
        self._app = app
        self._check = check
        self._lock = Lock()
        self._newest: Run | None = None

    def run(self, settings: Settings) -> Run:
        """Return the run that is under way, or has just ended; begin one where there is none."""
        with self._lock:
            newest = self._newest
            if newest is None or newest.settings is not settings or self._is_old(newest):
                newest = self._newest = Run(settings)
                Thread(target=self._fill, args=(newest.found,), name="health", daemon=True).start()
            return newest

    def _is_old(self, run: Run) -> bool:
        return run.found.done() and time.monotonic() - run.started > _FRESH_SECONDS

    def _fill(self, found: Future[bool]) -> None:
        try:
            with self._app.app_context():
                found.set_result(self._check())
        except (psycopg2.Error, RedisError) as error:
            log.warning("Not ready: %s: %s", type(error).__name__, error)
            found.set_result(False)
        except BaseException as error:
            found.set_exception(error)


def init_app(app: Flask) -> None:
    """Give the application its checks."""
    checks = {"database": _database, "redis": _redis, "worker": broker.has_worker}
    app.extensions[_EXTENSION] = {name: Probe(app, check) for name, check in checks.items()}


@blueprint.get("/healthz")
@public
def alive() -> Response:
    """The process answers."""
    return jsonify({"status": "ok"})


@blueprint.get("/readyz")
@public
def ready() -> tuple[Response, int]:
    """The database can be written, Redis answers, and a worker was seen lately; 503 where one of them is missing."""
    settings = current_settings()
    probes: dict[str, Probe] = current_app.extensions[_EXTENSION]
    runs = {name: probe.run(settings) for name, probe in probes.items()}
    checks = {name: run.answer() for name, run in runs.items()}
    ok = all(checks.values())
    return jsonify({"status": "ok" if ok else "not ready", "checks": checks}), 200 if ok else 503


def _database() -> bool:
    """Try to read and to write, in a connection of its own: those of the pool may all be in use."""
    settings = current_settings()
    half = round(settings.health_timeout_seconds * 500)
    with closing(psycopg2.connect(libpq_url(settings.database_url), connect_timeout=2)) as connection:
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {half}; SET LOCAL lock_timeout = {half}")
            cursor.execute(_CAN_WRITE)
        connection.rollback()
    return True


def _redis() -> bool:
    return bool(broker.redis_connection().ping())
