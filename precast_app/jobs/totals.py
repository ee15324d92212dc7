"""The totals of projects, which the worker stores after each job, and the reaper where that was not possible."""

from __future__ import annotations

import logging

from sqlalchemy.exc import SQLAlchemyError

from precast_app.extensions import db
from precast_app.totals import storage

log = logging.getLogger(__name__)

# Projects in a sweep; each can take half a second.
_MAX_PROJECTS = 5


def refresh_outdated() -> None:
    """Store the totals of a few projects in which no job runs and for which they are out of date, or soon will be.

    Each project is a transaction of its own. An error of the database is only logged.
    """
    try:
        outdated = storage.find_outdated(db.session(), _MAX_PROJECTS)
        db.session.rollback()
        for project_id in outdated:
            storage.refresh(db.session(), project_id)
            db.session.commit()
    except SQLAlchemyError:
        db.session.rollback()
        log.warning("The totals of a project were not stored. The next sweep tries again.", exc_info=True)
