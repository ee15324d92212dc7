"""Store with the totals of a project when they were stored.

Safe while the previous version serves: it leaves the time to the default. Totals that exist have no known time, so they
are deleted; the worker stores them again, project by project.

Revision ID: 0022
Revises: 0021
"""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DELETE FROM project_totals")
    op.execute("ALTER TABLE project_totals ADD COLUMN stored_at timestamptz DEFAULT now() NOT NULL")


def downgrade() -> None:
    op.drop_column("project_totals", "stored_at")
