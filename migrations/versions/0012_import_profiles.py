"""Add import profiles with their versions, and the profile by which a job reads its file.

Safe while the previous version serves: the columns of jobs are nullable or have a default. A downgrade deletes the
profiles. It ends the jobs that the previous version could not run: those that wait for their columns to be mapped, and
unfinished ones with a profile. The index is built concurrently, outside of a transaction, so an upgrade that fails there
starts again from the top: every step can be repeated.

Revision ID: 0012
Revises: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_PHASES = (
    "waiting_for_file", "queued", "reading", "checking", "planning", "writing", "cancelling", "undoing", "done",
)  # fmt: skip
_INDEX = "ix_import_jobs_profile_id"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE IF NOT EXISTS import_profiles (
            id serial CONSTRAINT pk_import_profiles PRIMARY KEY,
            project_id integer CONSTRAINT fk_import_profiles_project_id REFERENCES projects ON DELETE CASCADE,
            name varchar(150) NOT NULL,
            name_key varchar(450) NOT NULL,
            version integer NOT NULL,
            created_by varchar(100) NOT NULL,
            created_at timestamptz DEFAULT CURRENT_TIMESTAMP NOT NULL,
            updated_at timestamptz DEFAULT CURRENT_TIMESTAMP NOT NULL,
            CONSTRAINT ck_import_profiles_version CHECK (version > 0),
            CONSTRAINT uq_import_profiles_project_id_name_key UNIQUE (project_id, name_key)
        )
    """)
    op.execute("""
        CREATE UNIQUE INDEX IF NOT EXISTS uq_import_profiles_name_key ON import_profiles (name_key)
        WHERE project_id IS NULL
    """)
    op.execute("""
        CREATE TABLE IF NOT EXISTS import_profile_versions (
            profile_id integer CONSTRAINT fk_import_profile_versions_profile_id
                REFERENCES import_profiles ON DELETE CASCADE,
            number integer,
            profile jsonb NOT NULL,
            created_by varchar(100) NOT NULL,
            created_at timestamptz DEFAULT CURRENT_TIMESTAMP NOT NULL,
            CONSTRAINT pk_import_profile_versions PRIMARY KEY (profile_id, number)
        )
    """)
    op.execute("""
        ALTER TABLE import_jobs
            ADD COLUMN IF NOT EXISTS use_profile varchar(12) NOT NULL DEFAULT 'auto',
            ADD COLUMN IF NOT EXISTS mapping varchar(10) NOT NULL DEFAULT 'refuse',
            ADD COLUMN IF NOT EXISTS needs_mapping boolean NOT NULL DEFAULT false,
            ADD COLUMN IF NOT EXISTS profile jsonb,
            ADD COLUMN IF NOT EXISTS profile_name varchar(150),
            ADD COLUMN IF NOT EXISTS profile_id integer,
            ADD COLUMN IF NOT EXISTS profile_version integer
    """)
    _replace_check("phase", (*_PHASES, "waiting_for_mapping"))
    _replace_check("mapping", ("refuse", "ask"))
    op.execute("ALTER TABLE import_jobs DROP CONSTRAINT IF EXISTS fk_import_jobs_profile_id")
    op.execute("""
        ALTER TABLE import_jobs ADD CONSTRAINT fk_import_jobs_profile_id FOREIGN KEY (profile_id)
        REFERENCES import_profiles ON DELETE SET NULL NOT VALID
    """)
    op.execute("ALTER TABLE import_jobs VALIDATE CONSTRAINT fk_import_jobs_profile_id")
    with op.get_context().autocommit_block():
        op.drop_index(_INDEX, table_name="import_jobs", postgresql_concurrently=True, if_exists=True)
        op.create_index(
            _INDEX, "import_jobs", ["profile_id"], postgresql_where=sa.text("profile_id IS NOT NULL"),
            postgresql_concurrently=True,
        )  # fmt: skip


def downgrade() -> None:
    op.execute("""
        UPDATE import_jobs
        SET status = 'failed', phase = 'done', failure_reason = 'error', lease_token = NULL, lease_until = NULL,
            completed_at = clock_timestamp(), updated_at = clock_timestamp(),
            error = 'This version of the application can''t read the file with an import profile. Upload a file with '
                'the headings of the template.'
        WHERE status IN ('pending', 'processing') AND (phase = 'waiting_for_mapping' OR profile IS NOT NULL)
    """)
    _replace_check("phase", _PHASES)
    # With their columns, the constraints and the index on them are dropped.
    for column in (
        "profile_version", "profile_id", "profile_name", "profile", "needs_mapping", "mapping", "use_profile",
    ):  # fmt: skip
        op.drop_column("import_jobs", column)
    op.drop_table("import_profile_versions")
    op.drop_table("import_profiles")


def _replace_check(column: str, values: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{value}'" for value in values)
    op.execute(f"ALTER TABLE import_jobs DROP CONSTRAINT IF EXISTS ck_import_jobs_{column}")
    op.execute(f"ALTER TABLE import_jobs ADD CONSTRAINT ck_import_jobs_{column} CHECK ({column} IN ({listed})) NOT VALID")
    op.execute(f"ALTER TABLE import_jobs VALIDATE CONSTRAINT ck_import_jobs_{column}")
