"""For machines that watch the installation."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, jsonify
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from precast_app.accounts.guard import open_to_all
from precast_app.extensions import db
from precast_app.jobs import queue

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@open_to_all
def alive() -> Response:
    """The process answers."""
    return jsonify({"status": "ok"})


@blueprint.get("/readyz")
@open_to_all
def ready() -> tuple[Response, int]:
    """Database and Redis answer, and a worker was seen lately; 503 where one of them is missing."""
    checks = {
        "database": _database(),
        "redis": _redis(lambda: queue.connection().ping()),
        "worker": _redis(queue.has_worker),
    }
    ok = all(checks.values())
    return jsonify({"status": "ok" if ok else "not ready", "checks": checks}), 200 if ok else 503


def _database() -> bool:
    try:
        db.session.execute(text("SELECT FROM import_jobs LIMIT 1"))
        return True
    except SQLAlchemyError:
        return False


def _redis(ask: Callable[[], object]) -> bool:
    try:
        return bool(ask())
    except RedisError:
        return False
