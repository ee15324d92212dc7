"""Pieces of files are stored as they come: a workbook is a zip, and PostgreSQL tried in vain to make it smaller."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE import_file_chunks ALTER COLUMN data SET STORAGE EXTERNAL")


def downgrade() -> None:
    op.execute("ALTER TABLE import_file_chunks ALTER COLUMN data SET STORAGE EXTENDED")
