"""Add the histograms of the metrics, and the trace that a job belongs to.

Safe while the previous version serves: the new column is nullable and the table is new. The column is added without
reading the table; both take milliseconds, whatever its size.

Revision ID: 0019
Revises: 0018
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "duration_buckets",
        sa.Column("metric", sa.String(60), nullable=False),
        sa.Column("labels", postgresql.ARRAY(sa.Text), nullable=False),
        sa.Column("upper_bound", sa.Double, nullable=False),
        sa.Column("observations", sa.BigInteger, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("metric", "labels", "upper_bound", name="pk_duration_buckets"),
    )
    op.add_column("import_jobs", sa.Column("trace_parent", sa.String(55)))


def downgrade() -> None:
    op.drop_column("import_jobs", "trace_parent")
    op.drop_table("duration_buckets")
