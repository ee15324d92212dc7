"""Keep PostgreSQL from collecting statistics of the columns by which the rows of one project are found.

A project that is new since the last ANALYZE is among none of the values that it has counted, so it expects one row of
it, and reads all of them where another index has the few that are wanted. Without statistics it expects a two hundredth
of the table, whatever the project.

Statistics that exist would stay for good. Giving a column its own type again removes them, and builds its partial indexes
again, while the table can't be read.

Revision ID: 0025
Revises: 0024
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_HAS_STATISTICS = sa.text("""
    SELECT EXISTS (
        SELECT FROM pg_stats WHERE schemaname = current_schema() AND tablename = :table AND attname = :column)
""")
_COLUMNS = (("element_types", "project_id"), ("pieces", "project_id"), ("piece_stages", "stage_id"))


def upgrade() -> None:
    """Remove the statistics of the columns, and collect none any more."""
    for table, column in _COLUMNS:
        if op.get_bind().scalar(_HAS_STATISTICS, {"table": table, "column": column}):
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE integer")
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0")


def downgrade() -> None:
    """Collect statistics of the columns again, from the next ANALYZE on."""
    for table, column in _COLUMNS:
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS -1")
