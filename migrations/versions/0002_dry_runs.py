"""Add dry runs, and imports that reject the whole file if a row has an error."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("import_jobs", sa.Column("on_error", sa.String(10), server_default="skip", nullable=False))
    op.add_column("import_jobs", sa.Column("applies_job_id", sa.Integer(), nullable=True))
    op.add_column("import_jobs", sa.Column("plan_digest", sa.String(64), nullable=True))
    op.add_column("import_jobs", sa.Column("unchanged_ids", postgresql.ARRAY(sa.Integer()), nullable=True))
    op.create_check_constraint(op.f("ck_import_jobs_on_error"), "import_jobs", "on_error IN ('skip', 'abort')")
    op.create_foreign_key(
        op.f("fk_import_jobs_applies_job_id"), "import_jobs", "import_jobs", ["applies_job_id"], ["id"],
        ondelete="SET NULL",
    )  # fmt: skip
    op.create_table(
        "planned_changes",
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("element_type_id", sa.Integer(), nullable=True),
        sa.Column("element_type", sa.String(150), nullable=False),
        sa.Column("name", sa.String(150), nullable=False),
        sa.Column("type_key", sa.String(450), nullable=False),
        sa.Column("name_key", sa.String(450), nullable=False),
        sa.Column("fields", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["job_id"], ["import_jobs.id"], name=op.f("fk_planned_changes_job_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "row", name=op.f("pk_planned_changes")),
    )


def downgrade() -> None:
    op.drop_table("planned_changes")
    op.drop_constraint(op.f("fk_import_jobs_applies_job_id"), "import_jobs")
    op.drop_constraint(op.f("ck_import_jobs_on_error"), "import_jobs")
    for column in ("unchanged_ids", "plan_digest", "applies_job_id", "on_error"):
        op.drop_column("import_jobs", column)
