"""For machines that watch the installation."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from precast_app.extensions import db
from precast_app.jobs import queue

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def alive() -> Response:
    """The process answers."""
    return jsonify({"status": "ok"})


@blueprint.get("/readyz")
def ready() -> tuple[Response, int]:
    """Database and Redis answer; 503 where one of them doesn't."""
    checks = {"database": _database(), "redis": _redis()}
    return jsonify({"status": "ok" if all(checks.values()) else "not ready", "checks": checks}), (
        200 if all(checks.values()) else 503
    )


def _database() -> bool:
    try:
        db.session.execute(text("SELECT FROM import_jobs LIMIT 1"))
        return True
    except SQLAlchemyError:
        return False


def _redis() -> bool:
    try:
        return bool(queue.connection().ping())
    except RedisError:
        return False
