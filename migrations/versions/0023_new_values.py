"""Add the measures of element types that a dry run would create.

The column has no default, so it is added without rewriting the table. Older dry runs have none.

Revision ID: 0023
Revises: 0022
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("planned_changes", sa.Column("new_values", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Remove the column; dry runs list new element types without their measures again."""
    op.drop_column("planned_changes", "new_values")
