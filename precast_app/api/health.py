"""Health checks for monitoring. They respond in time even if the database or Redis does not."""

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
# How long a result is reused, so that frequent requests don't cause as many checks.
_FRESH_SECONDS = 0.25

# Checks that jobs can be read, that rows can be written, and that the disk has space: a new table needs a new block,
# while a new row may fit into an old one.
_CAN_WRITE = """
    SELECT FROM import_jobs LIMIT 1;
    INSERT INTO audit_entries (who, act) VALUES ('', 'health');
    CREATE TEMPORARY TABLE health_probe AS SELECT 1
"""
_REDIS_KEY = "precast:health"
_REDIS_KEY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class ProbeRun:
    """One run of a check. `result` is False if the server failed, and an exception if the check itself did."""

    settings: Settings
    result: Future[bool] = field(default_factory=Future)
    started: float = field(default_factory=time.monotonic)

    def passed(self) -> bool:
        """Wait for the result and return it; False if the run takes longer than `health_timeout_seconds`."""
        left = self.started + self.settings.health_timeout_seconds - time.monotonic()
        done, _ = wait([self.result], timeout=max(0, left))
        return bool(done) and self.result.result()


class Probe:
    """Check that runs in its own thread, one run at a time, so that a check that hangs blocks no request."""

    def __init__(self, app: Flask, check: Callable[[], bool]) -> None:
        self._app = app
        self._check = check
        self._lock = Lock()
        self._newest: ProbeRun | None = None

    def run(self, settings: Settings) -> ProbeRun:
        """Return the run that is in progress or has just ended; start one if there is none."""
        with self._lock:
            newest = self._newest
            if newest is None or newest.settings is not settings or self._is_old(newest):
                newest = self._newest = ProbeRun(settings)
                Thread(target=self._run_check, args=(newest.result,), name="health", daemon=True).start()
            return newest

    def _is_old(self, run: ProbeRun) -> bool:
        return run.result.done() and time.monotonic() - run.started > _FRESH_SECONDS

    def _run_check(self, result: Future[bool]) -> None:
        try:
            with self._app.app_context():
                result.set_result(self._check())
        except (psycopg2.Error, RedisError) as error:
            log.warning("Not ready: %s: %s", type(error).__name__, error)
            result.set_result(False)
        except BaseException as error:
            result.set_exception(error)


def init_app(app: Flask) -> None:
    """Create the application's probes."""
    checks = {"database": _database, "redis": _redis, "worker": broker.has_worker}
    app.extensions[_EXTENSION] = {name: Probe(app, check) for name, check in checks.items()}


@blueprint.get("/healthz")
@public
def alive() -> Response:
    """Return 200, because the process responds."""
    return jsonify({"status": "ok"})


@blueprint.get("/readyz")
@public
def ready() -> tuple[Response, int]:
    """Return 200 if the database and Redis can be written and a worker was seen recently; 503 otherwise."""
    settings = current_settings()
    probes: dict[str, Probe] = current_app.extensions[_EXTENSION]
    runs = {name: probe.run(settings) for name, probe in probes.items()}
    checks = {name: run.passed() for name, run in runs.items()}
    ok = all(checks.values())
    return jsonify({"status": "ok" if ok else "not ready", "checks": checks}), 200 if ok else 503


def _database() -> bool:
    """Try to read and to write, on a new connection, because those of the pool may all be in use."""
    settings = current_settings()
    half = round(settings.health_timeout_seconds * 500)
    with closing(psycopg2.connect(libpq_url(settings.database_url), connect_timeout=2)) as connection:
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {half}; SET LOCAL lock_timeout = {half}")
            cursor.execute(_CAN_WRITE)
        connection.rollback()
    return True


def _redis() -> bool:
    """Try to write: a full Redis and a read-only replica still respond, but no job id can be enqueued there."""
    return bool(broker.redis_connection().set(_REDIS_KEY, "1", ex=_REDIS_KEY_SECONDS))
