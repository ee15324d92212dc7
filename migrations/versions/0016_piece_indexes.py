"""Add indexes for lists of pieces, for their numbers by status, and for what has been produced when.

All are built concurrently, outside of a transaction, so an upgrade that fails starts again from the top: every step can be
repeated. In a table of five million pieces, they take about a minute and 500 MB.

Revision ID: 0016
Revises: 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_PRODUCED = "('produced', 'dispatched', 'erected')"
# Name, table, columns and condition.
_INDEXES = (
    ("ix_pieces_project_id_id", "pieces", ["project_id", "id"], None),
    (
        "ix_pieces_project_id_status_since_id", "pieces", ["project_id", "status_since", "id"],
        "status_since IS NOT NULL",
    ),
    ("ix_pieces_moved", "pieces", ["project_id", "element_type_id", "node_id", "status"], "status <> 'planned'"),
    (
        "ix_piece_events_produced", "piece_events", ["project_id", "happened_at", "piece_id", "id"],
        f"kind = 'status' AND to_value IN {_PRODUCED} AND from_value NOT IN {_PRODUCED}",
    ),
    (
        "ix_piece_events_reverted", "piece_events", ["project_id", "piece_id", "id"],
        f"kind = 'status' AND from_value IN {_PRODUCED} AND to_value NOT IN {_PRODUCED}",
    ),
)  # fmt: skip


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for name, table, columns, condition in _INDEXES:
            op.drop_index(name, table_name=table, postgresql_concurrently=True, if_exists=True)
            op.create_index(
                name, table, columns, postgresql_where=None if condition is None else sa.text(condition),
                postgresql_concurrently=True,
            )  # fmt: skip


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name, table, _, _ in _INDEXES:
            op.drop_index(name, table_name=table, postgresql_concurrently=True, if_exists=True)
