"""Whose permission a job needs, an audit that can't be emptied, and an index for every foreign key.

Safe while the previous version serves: the column is nullable without a default, and the indexes are built concurrently.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_REFERENCES = ("applies_job_id", "undoes_job_id", "undone_by_job_id", "started_by_user_id")


def upgrade() -> None:
    op.add_column("import_jobs", sa.Column("started_by_user_id", sa.Integer(), nullable=True))
    op.execute("""
        ALTER TABLE import_jobs ADD CONSTRAINT fk_import_jobs_started_by_user_id FOREIGN KEY (started_by_user_id)
        REFERENCES users (id) ON DELETE SET NULL NOT VALID
    """)
    # Checked without a lock that keeps others from writing.
    op.execute("ALTER TABLE import_jobs VALIDATE CONSTRAINT fk_import_jobs_started_by_user_id")
    op.execute("""
        CREATE TRIGGER audit_is_not_emptied BEFORE TRUNCATE ON audit_entries
        FOR EACH STATEMENT EXECUTE FUNCTION audit_is_kept()
    """)
    with op.get_context().autocommit_block():
        for column in _REFERENCES:
            op.create_index(
                f"ix_import_jobs_{column}", "import_jobs", [column], postgresql_where=sa.text(f"{column} IS NOT NULL"),
                postgresql_concurrently=True, if_not_exists=True,
            )  # fmt: skip


def downgrade() -> None:
    op.execute("DROP TRIGGER audit_is_not_emptied ON audit_entries")
    for column in _REFERENCES:
        op.drop_index(f"ix_import_jobs_{column}", table_name="import_jobs")
    op.drop_column("import_jobs", "started_by_user_id")
