"""Add what a review of a new revision needs: missing and renamed element types, and the choice of a job.

Safe while the previous version serves: new columns are nullable or have a default. A dry run of the previous version
can't be applied by this one, which compares each of its rows. A downgrade deletes the missing element types of dry
runs, and forgets what removals have changed in jobs that can then no longer be undone.

Revision ID: 0014
Revises: 0013
"""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_CHECKS = {"missing": ("keep", "remove"), "renames": ("ask", "accept", "ignore")}


def upgrade() -> None:
    op.execute("""
        ALTER TABLE import_jobs
            ADD COLUMN IF NOT EXISTS missing varchar(10) NOT NULL DEFAULT 'keep',
            ADD COLUMN IF NOT EXISTS renames varchar(10) NOT NULL DEFAULT 'ask',
            ADD COLUMN IF NOT EXISTS review jsonb,
            ADD COLUMN IF NOT EXISTS missing_count integer NOT NULL DEFAULT 0,
            ADD COLUMN IF NOT EXISTS renamed_count integer NOT NULL DEFAULT 0,
            ADD COLUMN IF NOT EXISTS removed_count integer NOT NULL DEFAULT 0,
            ADD COLUMN IF NOT EXISTS left_out_count integer NOT NULL DEFAULT 0
    """)
    for column, values in _CHECKS.items():
        listed = ", ".join(f"'{value}'" for value in values)
        op.execute(f"ALTER TABLE import_jobs DROP CONSTRAINT IF EXISTS ck_import_jobs_{column}")
        op.execute(
            f"ALTER TABLE import_jobs ADD CONSTRAINT ck_import_jobs_{column} CHECK ({column} IN ({listed})) NOT VALID"
        )
        op.execute(f"ALTER TABLE import_jobs VALIDATE CONSTRAINT ck_import_jobs_{column}")
    op.execute("""
        ALTER TABLE import_batches
            ADD COLUMN IF NOT EXISTS renamed_count integer NOT NULL DEFAULT 0,
            ADD COLUMN IF NOT EXISTS removed_count integer NOT NULL DEFAULT 0
    """)
    op.execute("ALTER TABLE element_type_changes ALTER COLUMN row DROP NOT NULL")
    op.execute("""
        ALTER TABLE planned_changes
            ADD COLUMN IF NOT EXISTS digest varchar(32),
            ADD COLUMN IF NOT EXISTS counterpart varchar(310)
    """)
    op.execute("""
        CREATE TABLE IF NOT EXISTS missing_element_types (
            job_id integer CONSTRAINT fk_missing_element_types_job_id REFERENCES import_jobs ON DELETE CASCADE,
            element_type_id integer,
            element_type varchar(150) NOT NULL,
            name varchar(150) NOT NULL,
            renamed_row integer,
            digest varchar(32),
            counterpart varchar(310),
            CONSTRAINT pk_missing_element_types PRIMARY KEY (job_id, element_type_id)
        )
    """)


def downgrade() -> None:
    op.drop_table("missing_element_types")
    op.drop_column("planned_changes", "counterpart")
    op.drop_column("planned_changes", "digest")
    op.execute("DELETE FROM element_type_changes WHERE row IS NULL")
    op.execute("ALTER TABLE element_type_changes ALTER COLUMN row SET NOT NULL")
    op.drop_column("import_batches", "removed_count")
    op.drop_column("import_batches", "renamed_count")
    # With their columns, the constraints on them are dropped.
    for column in ("left_out_count", "removed_count", "renamed_count", "missing_count", "review", "renames", "missing"):
        op.drop_column("import_jobs", column)
