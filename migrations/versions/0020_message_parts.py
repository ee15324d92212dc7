"""Add what the messages of issues and jobs in other languages are made from.

Columns without a default are added without rewriting the tables, which are locked for a moment only.

Revision ID: 0020
Revises: 0019
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_COLUMNS = (("import_issues", "message_parts"), ("import_jobs", "result_parts"), ("import_jobs", "error_parts"))


def upgrade() -> None:
    """Add the columns."""
    for table, name in _COLUMNS:
        op.add_column(table, sa.Column(name, sa.JSON(), nullable=True))


def downgrade() -> None:
    """Remove the columns; messages are shown in English again."""
    for table, name in reversed(_COLUMNS):
        op.drop_column(table, name)
