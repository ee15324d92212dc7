"""Durations of all processes in one table, so that every web process shows those of all machines."""

from __future__ import annotations

import logging
from dataclasses import asdict
from threading import Thread
from time import sleep

from flask import Flask
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from precast_app.extensions import db
from precast_app.models import DurationBucket
from precast_app.telemetry import durations
from precast_app.telemetry.durations import Bucket

log = logging.getLogger(__name__)

_FLUSH_SECONDS = 10.0


def flush() -> None:
    """Add what this process has counted to the table, in a transaction and on a connection of its own.

    If the database can't be written, this is logged, and the next call tries again. Needs an application context.
    """
    counted = durations.take()
    if not counted:
        return
    new = insert(DurationBucket)
    add = new.on_conflict_do_update(
        index_elements=["metric", "labels", "upper_bound"],
        set_={
            "observations": DurationBucket.observations + new.excluded.observations,
            "seconds": DurationBucket.seconds + new.excluded.seconds,
        },
    )
    try:
        # The rows are sorted, so processes that flush at the same moment wait for each other without a deadlock.
        with db.engine.begin() as connection:
            connection.execute(add, [{**asdict(bucket), "labels": list(bucket.labels)} for bucket in counted])
    except SQLAlchemyError as error:
        durations.put_back(counted)
        log.warning("Durations could not be stored: %s", type(error).__name__)


def load() -> list[Bucket]:
    """Return the durations of all processes, sorted by metric, labels and bound."""
    key = DurationBucket.metric, DurationBucket.labels, DurationBucket.upper_bound
    rows = db.session.execute(select(*key, DurationBucket.observations, DurationBucket.seconds).order_by(*key))
    return [Bucket(metric, tuple(labels), bound, count, seconds) for metric, labels, bound, count, seconds in rows]


def start_flushing(app: Flask) -> None:
    """Start a thread that flushes every ten seconds."""

    def run() -> None:
        while True:
            sleep(_FLUSH_SECONDS)
            with app.app_context():
                flush()

    Thread(target=run, name="durations", daemon=True).start()
