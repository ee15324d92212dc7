"""The tables that the migrations make are those that the models say."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from sqlalchemy import text

from precast_app.extensions import db

# The contract's table, column by column: type, whether it may be null, default.
CONTRACT = {
    "id": ("integer", "NO", "nextval('import_jobs_id_seq'::regclass)"),
    "project_id": ("integer", "NO", None),
    "job_type": ("character varying(50)", "NO", None),
    "status": ("character varying(20)", "NO", "'pending'::character varying"),
    "progress": ("integer", "NO", "0"),
    "total_items": ("integer", "NO", "0"),
    "processed_items": ("integer", "NO", "0"),
    "created_by": ("character varying(100)", "NO", None),
    "created_at": ("timestamp with time zone", "YES", "CURRENT_TIMESTAMP"),
    "updated_at": ("timestamp with time zone", "YES", "CURRENT_TIMESTAMP"),
    "completed_at": ("timestamp with time zone", "YES", None),
    "error": ("text", "YES", None),
    "result": ("text", "YES", None),
}


@pytest.mark.filterwarnings("ignore:Computed default")  # PostgreSQL writes the expression of the density its own way
def test_models_and_migrations_agree(app: Flask) -> None:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, db.metadata) == []


def test_the_jobs_table_is_the_contracts(app: Flask) -> None:
    rows = db.session.execute(
        text("""
            SELECT column_name, data_type || coalesce('(' || character_maximum_length || ')', ''), is_nullable,
                   column_default
            FROM information_schema.columns WHERE table_name = 'import_jobs'
        """)
    )
    found = {name: (kind, nullable, default) for name, kind, nullable, default in rows}
    assert {name: found[name] for name in CONTRACT} == CONTRACT


def test_every_foreign_key_has_an_index(app: Flask) -> None:
    """Without one, deleting a row reads the whole of each table that may refer to it."""
    missing = db.session.execute(
        text("""
            SELECT constraint_.conrelid::regclass::text, constraint_.conname FROM pg_constraint constraint_
            WHERE constraint_.contype = 'f' AND NOT EXISTS (
                SELECT FROM pg_index index_
                WHERE index_.indrelid = constraint_.conrelid AND index_.indkey[0] = constraint_.conkey[1]
                  AND (index_.indpred IS NULL
                       OR pg_get_expr(index_.indpred, index_.indrelid) = format('(%I IS NOT NULL)', (
                           SELECT attname FROM pg_attribute
                           WHERE attrelid = index_.indrelid AND attnum = index_.indkey[0]))))
            ORDER BY 1, 2
        """)
    ).all()
    assert missing == []


def test_a_project_with_very_many_jobs_can_be_deleted(app: Flask) -> None:
    db.session.execute(
        text("""
            INSERT INTO projects (id, name) VALUES (1, 'Large'), (2, 'Other');
            INSERT INTO import_jobs (project_id, job_type, created_by, batch_size, concurrent_batches, phase,
                                     applies_job_id)
            SELECT 1, 'stage_import', 'ada', 30, 15, 'queued', CASE WHEN n % 2 = 0 THEN n - 1 END
            FROM generate_series(1, 20000) AS n
        """)
    )
    db.session.commit()
    # Reading the whole table for each of the jobs would take minutes.
    db.session.execute(text("SET LOCAL statement_timeout = '30s'"))
    db.session.execute(text("DELETE FROM projects WHERE id = 1"))
    db.session.commit()
    assert db.session.execute(text("SELECT count(*) FROM import_jobs")).scalar_one() == 0
