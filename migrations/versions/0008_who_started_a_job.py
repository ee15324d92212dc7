"""Whose permission a job needs, an audit that can't be emptied, and an index for every foreign key.

Safe while the previous version serves: the column is nullable without a default, and the indexes are built
concurrently. That takes place outside of a transaction, so an upgrade that fails there starts again from the top: every
step can be repeated, and an index that was left unfinished is dropped first.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_REFERENCES = ("applies_job_id", "undoes_job_id", "undone_by_job_id")


def upgrade() -> None:
    # No foreign key: jobs without a user are those of the command line, and deleting a user must not make one of them.
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
