"""Retention: deletes what ended jobs, users' sessions and notifications leave behind when its time is over."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from precast_app.extensions import current_settings, db
from precast_app.jobs import process_lock


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """How long a table's rows are kept after their job has ended; `key` identifies a row among those of its job.

    `days_setting` names the setting. At most `limit` rows are deleted at a time.
    """

    table: str
    key: str
    days_setting: str
    limit: int


# A dry run can be applied for as long as its file is kept, so its plan is kept as long. A file's chunk has a megabyte.
_RULES = (
    RetentionRule("import_file_chunks", "number", "file_retention_days", 50),
    RetentionRule("job_output_chunks", "number", "file_retention_days", 50),
    RetentionRule("planned_changes", "row", "file_retention_days", 5_000),
    RetentionRule("planned_piece_moves", "row", "file_retention_days", 5_000),
    RetentionRule("missing_element_types", "element_type_id", "file_retention_days", 5_000),
    RetentionRule("rejected_rows", "row", "file_retention_days", 5_000),
    RetentionRule("correction_events", "id", "file_retention_days", 5_000),
    RetentionRule("import_issues", "id", "issue_retention_days", 5_000),
)
_DELETE_EXPIRED_ROWS = """
    DELETE FROM {table} USING (
        SELECT job.id AS job_id, kept.key FROM import_jobs job
        CROSS JOIN LATERAL (SELECT {key} AS key FROM {table} WHERE job_id = job.id LIMIT {limit}) AS kept
        WHERE job.completed_at < clock_timestamp() - make_interval(days => :days)
        LIMIT {limit}
    ) AS expired
    WHERE {table}.job_id = expired.job_id AND {table}.{key} = expired.key
"""
_DELETE_EXPIRED_SESSIONS = text("""
    DELETE FROM user_sessions WHERE id IN (SELECT id FROM user_sessions WHERE expires_at < clock_timestamp() LIMIT 1000)
""")
_DELETE_EXPIRED_MESSAGES = text("""
    DELETE FROM outbox_messages WHERE id IN (
        SELECT id FROM outbox_messages
        WHERE next_attempt_at IS NULL AND created_at < now() - make_interval(days => :days)
        ORDER BY created_at LIMIT 5000)
""")


def delete_expired() -> None:
    """Delete a limited number of expired rows of each table; do nothing if another process is deleting them.

    Each table is a transaction of its own. What is left is deleted by the next calls.
    """
    settings = current_settings()
    with process_lock.try_lock(process_lock.RETENTION) as locked:
        if not locked:
            return
        for rule in _RULES:
            statement = _DELETE_EXPIRED_ROWS.format(table=rule.table, key=rule.key, limit=rule.limit)
            db.session.execute(text(statement), {"days": getattr(settings, rule.days_setting)})
            db.session.commit()
        db.session.execute(_DELETE_EXPIRED_SESSIONS)
        db.session.commit()
        db.session.execute(_DELETE_EXPIRED_MESSAGES, {"days": settings.message_retention_days})
        db.session.commit()
