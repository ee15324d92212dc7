"""Add cancelling and undoing of jobs, and the idempotency keys of uploads."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ONE_UNDO = "uq_import_jobs_undoes_job_id"
ONE_KEY = "uq_import_jobs_created_by_idempotency_key"


def upgrade() -> None:
    op.add_column("import_jobs", sa.Column("cancelled_by", sa.String(100), nullable=True))
    op.add_column("import_jobs", sa.Column("undoes_job_id", sa.Integer(), nullable=True))
    op.add_column("import_jobs", sa.Column("idempotency_key", sa.String(200), nullable=True))
    op.create_foreign_key(
        "fk_import_jobs_undoes_job_id_import_jobs",
        "import_jobs",
        "import_jobs",
        ["undoes_job_id"],
        ["id"],
        ondelete="CASCADE",
    )
    op.create_index(
        ONE_UNDO, "import_jobs", ["undoes_job_id"], unique=True, postgresql_where=sa.text("status <> 'failed'")
    )
    op.create_index(
        ONE_KEY,
        "import_jobs",
        ["created_by", "idempotency_key"],
        unique=True,
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index(ONE_KEY, "import_jobs")
    op.drop_index(ONE_UNDO, "import_jobs")
    op.drop_constraint("fk_import_jobs_undoes_job_id_import_jobs", "import_jobs")
    op.drop_column("import_jobs", "idempotency_key")
    op.drop_column("import_jobs", "undoes_job_id")
    op.drop_column("import_jobs", "cancelled_by")
