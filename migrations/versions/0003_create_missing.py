"""Add imports that create missing reference data, and the rows whose errors are not listed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("import_jobs", sa.Column("create_missing", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("import_jobs", sa.Column("unlisted_rows", postgresql.ARRAY(sa.Integer()), nullable=True))


def downgrade() -> None:
    op.drop_column("import_jobs", "unlisted_rows")
    op.drop_column("import_jobs", "create_missing")
