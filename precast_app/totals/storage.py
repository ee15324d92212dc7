"""Stored totals: read them with what has happened since, find those that are out of date, and store them again.

Totals are stored with the state of the project's jobs that change element types (`content`) and with a snapshot of the
database. They are used as long as no such job has gone on; moves of pieces since the snapshot are added when they are
read. So they are exact at any time, and whatever changes element types or moves pieces needs to write nothing more.
Only while a job changes element types, `read_recent` returns those from before it, with their time.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from precast_app.importing.reference_schema import REFERENCE_SPECS
from precast_app.totals import computation
from precast_app.totals.project_totals import ProjectTotals

# Types of jobs that change neither element types nor what belongs to them. All others are assumed to.
WITHOUT_CHANGES = (
    "label_export",
    "piece_status_import",
    "piece_update",
    "piece_undo",
    *REFERENCE_SPECS,
)
# With more moves since, reading them takes longer than it should, and the totals are stored again.
_MANY_CHANGES = 1_000

# A batch is committed with its row, and a job ends in the transaction of its last change or later. So what this returns
# changes with every change of element types, also while a job runs. Of a restored database, no stored totals are used.
_CONTENT = """
    SELECT concat_ws(' ', extract(epoch FROM project.created_at), jobs.content)
    FROM projects project CROSS JOIN LATERAL (
        SELECT concat_ws(' ', count(*), max(j.id), sum(j.attempt), count(j.completed_at),
                         extract(epoch FROM max(j.completed_at)),
                         sum(CASE WHEN j.completed_at IS NULL THEN
                                 (SELECT count(*) FROM import_batches b WHERE b.job_id = j.id) END)) AS content
        FROM import_jobs j WHERE j.project_id = project.id AND NOT j.dry_run AND j.job_type <> ALL(:without_changes)
    ) AS jobs WHERE project.id = {project_id}
"""
_IS_OURS = "t.xmin::text::bigint = t.transaction_id & 4294967295".replace("::", "\\:\\:")
_READ_CONTENT = text(_CONTENT.format(project_id=":project_id"))
_READ = text(f"""
    SELECT t.snapshot, t.totals, t.stored_at, t.content = ({_CONTENT.format(project_id="t.project_id")}) AS is_current,
           EXISTS (
               SELECT FROM import_jobs j
               WHERE j.project_id = t.project_id AND j.status = 'processing' AND NOT j.dry_run
                 AND j.job_type <> ALL(:without_changes)) AS is_changing
    FROM project_totals t WHERE t.project_id = :project_id AND {_IS_OURS}
""")
_READ_COUNTS = text(f"""
    SELECT t.project_id, t.element_types, t.pieces FROM project_totals t
    WHERE t.project_id = ANY(CAST(:project_ids AS int[])) AND {_IS_OURS}
      AND t.content = ({_CONTENT.format(project_id="t.project_id")})
""")
_OUTDATED = text(f"""
    SELECT p.id FROM projects p LEFT JOIN project_totals t ON t.project_id = p.id AND {_IS_OURS}
    WHERE NOT EXISTS (SELECT FROM import_jobs j WHERE j.project_id = p.id AND j.status = 'processing')
      AND (t.content IS DISTINCT FROM ({_CONTENT.format(project_id="p.id")}) OR (
          SELECT count(*) FROM (
              SELECT FROM piece_events e
              WHERE e.project_id = p.id
                AND e.transaction_id >= CAST(CAST(pg_snapshot_xmin(CAST(t.snapshot AS pg_snapshot)) AS text) AS bigint)
                AND {_IS_OURS.replace("t.", "e.")}
              LIMIT :many) AS since) >= :many)
    ORDER BY p.id LIMIT :limit
""")
_STORE = text("""
    INSERT INTO project_totals (project_id, content, snapshot, stored_at, element_types, pieces, totals)
    VALUES (:project_id, :content, :snapshot, now(), :element_types, :pieces, CAST(:totals AS json))
    ON CONFLICT (project_id) DO UPDATE SET
        content = excluded.content, snapshot = excluded.snapshot, stored_at = excluded.stored_at,
        element_types = excluded.element_types, pieces = excluded.pieces, totals = excluded.totals,
        transaction_id = excluded.transaction_id
""")


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of a project's element types and pieces; scrapped pieces don't count."""

    element_types: int
    pieces: int


@dataclass(frozen=True, slots=True)
class RecentTotals:
    """Totals, and when element types were counted for them; `counted_at` is None if they are as they are now."""

    totals: ProjectTotals
    counted_at: datetime | None = None


def read_recent(session: Session, project_id: int) -> RecentTotals:
    """Return the totals of a project as they are now or, while a job changes element types, as they were before it.

    Each batch of the job makes the stored totals outdated, and anyone who looks meanwhile would count all rows. Moves
    of pieces since are included, unless the job has removed one of these pieces.
    """
    stored = _read_row(session, project_id)
    if stored is not None and not stored.is_current and stored.is_changing:
        changes = computation.compute_changes(session, project_id, stored.snapshot)
        totals = ProjectTotals.from_json(stored.totals)
        return RecentTotals(totals + changes.totals if changes else totals, stored.stored_at)
    found = _bring_up_to_date(session, project_id, stored)
    return RecentTotals(computation.compute(session, project_id).totals if found is None else found)


def read(session: Session, project_id: int) -> ProjectTotals:
    """Return the totals of a project as they are now, computed from all its rows if the stored ones are out of date."""
    found = read_stored(session, project_id)
    return computation.compute(session, project_id).totals if found is None else found


def read_stored(session: Session, project_id: int) -> ProjectTotals | None:
    """Return the totals of a project as they are now; None if the stored ones are out of date."""
    return _bring_up_to_date(session, project_id, _read_row(session, project_id))


def read_counts(session: Session, project_ids: Sequence[int]) -> dict[int, Counts]:
    """Return the counts of those of the projects whose stored totals are not out of date, by project id."""
    parameters = {"project_ids": list(project_ids), "without_changes": list(WITHOUT_CHANGES)}
    return {row[0]: Counts(row[1], row[2]) for row in session.execute(_READ_COUNTS, parameters)}


def find_outdated(session: Session, limit: int) -> list[int]:
    """Return the ids of at most `limit` projects in which no job runs and whose totals should be stored again.

    They are out of date, or so many pieces have moved since that reading them takes long.
    """
    parameters = {"limit": limit, "many": _MANY_CHANGES, "without_changes": list(WITHOUT_CHANGES)}
    return list(session.scalars(_OUTDATED, parameters))


def refresh(session: Session, project_id: int) -> None:
    """Compute and store the totals of a project; do nothing if it no longer exists. The caller commits."""
    parameters = {"project_id": project_id, "without_changes": list(WITHOUT_CHANGES)}
    # The content is read first: what is committed after that makes the totals outdated, though they may contain it.
    content = session.scalar(_READ_CONTENT, parameters)
    if content is None:
        return
    computed = computation.compute(session, project_id)
    totals = computed.totals
    session.execute(
        _STORE,
        {
            "project_id": project_id,
            "content": content,
            "snapshot": computed.snapshot,
            "element_types": totals.rows["element_types"],
            "pieces": totals.pieces,
            "totals": json.dumps(totals.as_json()),
        },
    )


def _read_row(session: Session, project_id: int) -> Row[Any] | None:
    parameters = {"project_id": project_id, "without_changes": list(WITHOUT_CHANGES)}
    return session.execute(_READ, parameters).one_or_none()


def _bring_up_to_date(session: Session, project_id: int, stored: Row[Any] | None) -> ProjectTotals | None:
    """Return stored totals with the moves of pieces since; None if they are out of date."""
    if stored is None or not stored.is_current:
        return None
    changes = computation.compute_changes(session, project_id, stored.snapshot)
    if changes is None:
        return None
    totals = ProjectTotals.from_json(stored.totals)
    return totals + changes.totals if changes.changes else totals
