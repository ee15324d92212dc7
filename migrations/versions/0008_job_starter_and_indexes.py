"""Store which user started a job, forbid TRUNCATE of the audit log, and add an index for every foreign key.

Safe while the previous version serves: the column is nullable without a default, and the indexes are built
concurrently, which works only outside a transaction. If the upgrade fails there, run it again: every step can be
repeated, and an unfinished index is dropped first.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_REFERENCES = ("applies_job_id", "undoes_job_id", "undone_by_job_id")


def upgrade() -> None:
    # No foreign key that clears the column: a job without a user is one of the command line.
    op.execute("ALTER TABLE import_jobs ADD COLUMN IF NOT EXISTS started_by_user_id integer")
    op.execute("DROP TRIGGER IF EXISTS audit_is_not_emptied ON audit_entries")
    op.execute("""
        CREATE TRIGGER audit_is_not_emptied BEFORE TRUNCATE ON audit_entries
        FOR EACH STATEMENT EXECUTE FUNCTION audit_is_kept()
    """)
    with op.get_context().autocommit_block():
        for column in _REFERENCES:
            index = f"ix_import_jobs_{column}"
            op.drop_index(index, table_name="import_jobs", postgresql_concurrently=True, if_exists=True)
            op.create_index(
                index, "import_jobs", [column], postgresql_where=sa.text(f"{column} IS NOT NULL"),
                postgresql_concurrently=True,
            )  # fmt: skip


def downgrade() -> None:
    op.execute("DROP TRIGGER audit_is_not_emptied ON audit_entries")
    for column in _REFERENCES:
        op.drop_index(f"ix_import_jobs_{column}", table_name="import_jobs")
    op.drop_column("import_jobs", "started_by_user_id")
