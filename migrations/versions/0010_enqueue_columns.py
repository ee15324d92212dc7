"""Rename the columns that count when and how often a job's id was enqueued.

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("import_jobs", "ring", new_column_name="enqueue_count")
    op.alter_column("import_jobs", "rung_at", new_column_name="enqueued_at")


def downgrade() -> None:
    op.alter_column("import_jobs", "enqueued_at", new_column_name="rung_at")
    op.alter_column("import_jobs", "enqueue_count", new_column_name="ring")
