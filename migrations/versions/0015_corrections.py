"""Add the corrections of a job's file, the cells of its rejected rows, and the rows that a job is limited to.

Safe while the previous version serves: the new columns are nullable or have a default. A downgrade drops the
corrections and ends the unfinished jobs that have some or are limited to rows, because the previous version would import
the file as it came. The index is built concurrently, outside of a transaction, so an upgrade that fails there starts
again from the top: every step can be repeated.

Revision ID: 0015
Revises: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_INDEX = "ix_import_jobs_corrects_job_id"
_COLUMNS = ("corrects_job_id", "only_rows", "sheet_layout", "checked_corrections_version", "corrections_version")


def upgrade() -> None:
    op.execute("""
        ALTER TABLE import_jobs
            ADD COLUMN IF NOT EXISTS corrections_version integer NOT NULL DEFAULT 0,
            ADD COLUMN IF NOT EXISTS checked_corrections_version integer NOT NULL DEFAULT 0,
            ADD COLUMN IF NOT EXISTS sheet_layout jsonb,
            ADD COLUMN IF NOT EXISTS only_rows integer[],
            ADD COLUMN IF NOT EXISTS corrects_job_id integer
    """)
    op.execute("ALTER TABLE import_jobs DROP CONSTRAINT IF EXISTS fk_import_jobs_corrects_job_id")
    op.execute("""
        ALTER TABLE import_jobs ADD CONSTRAINT fk_import_jobs_corrects_job_id FOREIGN KEY (corrects_job_id)
        REFERENCES import_jobs ON DELETE SET NULL NOT VALID
    """)
    op.execute("ALTER TABLE import_jobs VALIDATE CONSTRAINT fk_import_jobs_corrects_job_id")
    op.execute("""
        CREATE TABLE IF NOT EXISTS correction_events (
            id bigserial CONSTRAINT pk_correction_events PRIMARY KEY,
            job_id integer NOT NULL CONSTRAINT fk_correction_events_job_id REFERENCES import_jobs ON DELETE CASCADE,
            version integer NOT NULL,
            "row" integer,
            "column" varchar(3) NOT NULL,
            from_text text,
            to_text text,
            changed_by varchar(100) NOT NULL,
            changed_at timestamptz DEFAULT CURRENT_TIMESTAMP NOT NULL
        )
    """)
    op.execute("CREATE INDEX IF NOT EXISTS ix_correction_events_job_id_id ON correction_events (job_id, id)")
    op.execute("""
        CREATE TABLE IF NOT EXISTS rejected_rows (
            job_id integer CONSTRAINT fk_rejected_rows_job_id REFERENCES import_jobs ON DELETE CASCADE,
            "row" integer,
            cells jsonb NOT NULL,
            filled jsonb NOT NULL,
            CONSTRAINT pk_rejected_rows PRIMARY KEY (job_id, "row")
        )
    """)
    with op.get_context().autocommit_block():
        op.drop_index(_INDEX, table_name="import_jobs", postgresql_concurrently=True, if_exists=True)
        op.create_index(
            _INDEX, "import_jobs", ["corrects_job_id"], postgresql_where=sa.text("corrects_job_id IS NOT NULL"),
            postgresql_concurrently=True,
        )  # fmt: skip


def downgrade() -> None:
    op.execute("""
        UPDATE import_jobs
        SET status = 'failed', phase = 'done', failure_reason = 'error', lease_token = NULL, lease_until = NULL,
            completed_at = clock_timestamp(), updated_at = clock_timestamp(),
            error = 'This version of the application can''t import a file with corrections. Upload the corrected file.'
        WHERE status IN ('pending', 'processing') AND (corrections_version > 0 OR only_rows IS NOT NULL)
    """)
    op.drop_table("rejected_rows")
    op.drop_table("correction_events")
    # With their columns, the constraint and the index on them are dropped.
    for column in _COLUMNS:
        op.drop_column("import_jobs", column)
