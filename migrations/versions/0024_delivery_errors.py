"""Add what the errors of deliveries in other languages are made from.

A column without a default is added without rewriting the table, which is locked for a moment only.

Revision ID: 0024
Revises: 0023
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("outbox_messages", sa.Column("last_error_parts", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Remove the column; errors are shown in English again."""
    op.drop_column("outbox_messages", "last_error_parts")
