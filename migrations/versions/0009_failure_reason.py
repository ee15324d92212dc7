"""Store why a job failed as a value of its own instead of words in its error.

Safe while the previous version serves: a job that fails in it has no reason, and counts as an error.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("import_jobs", sa.Column("failure_reason", sa.String(20), nullable=True))
    op.execute("""
        ALTER TABLE import_jobs ADD CONSTRAINT ck_import_jobs_failure_reason CHECK (failure_reason IN
            ('error', 'cancelled', 'rejected', 'gave_up', 'expired', 'aborted')) NOT VALID
    """)
    # The texts are those of the versions so far.
    op.execute("""
        UPDATE import_jobs SET failure_reason = CASE
            WHEN cancelled_by IS NOT NULL OR error LIKE 'Cancelled by %' THEN 'cancelled'
            WHEN error LIKE 'None of the % rows could be imported.%' THEN 'rejected'
            WHEN error LIKE '%(on_error=abort)%' THEN 'aborted'
            WHEN error LIKE 'The import was interrupted % times and was given up.%' THEN 'gave_up'
            WHEN error LIKE 'No file was uploaded for this job in time.%' THEN 'expired'
            ELSE 'error' END
        WHERE status = 'failed'
    """)
    op.execute("""
        UPDATE import_jobs SET cancelled_by = substring(error FROM '^Cancelled by (.*);')
        WHERE failure_reason = 'cancelled' AND cancelled_by IS NULL
    """)
    op.execute("ALTER TABLE import_jobs VALIDATE CONSTRAINT ck_import_jobs_failure_reason")


def downgrade() -> None:
    op.drop_column("import_jobs", "failure_reason")
