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
