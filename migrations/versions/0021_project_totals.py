"""Store totals of projects, and with each event of a piece the transaction that added it.

Safe while the previous version serves. Events that exist get no transaction id: all totals that are stored from now on
contain them. The new index replaces one that no query uses. The worker computes the totals, project by project. The
indexes are built concurrently, outside of a transaction, so an upgrade that fails there starts again from the top: every
step can be repeated.

Revision ID: 0021
Revises: 0020
"""

from __future__ import annotations

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_OLD, _NEW = "ix_piece_events_project_id_happened_at", "ix_piece_events_project_id_transaction_id"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE IF NOT EXISTS project_totals (
            project_id integer CONSTRAINT pk_project_totals PRIMARY KEY
                CONSTRAINT fk_project_totals_project_id_projects REFERENCES projects ON DELETE CASCADE,
            content text NOT NULL,
            snapshot text NOT NULL,
            element_types integer NOT NULL,
            pieces integer NOT NULL,
            totals json NOT NULL,
            transaction_id bigint DEFAULT pg_current_xact_id()::text::bigint NOT NULL
        )
    """)
    # Added without a default, the column is null in the rows that exist, and none of them has to be written again.
    op.execute("ALTER TABLE piece_events ADD COLUMN IF NOT EXISTS transaction_id bigint")
    op.execute("ALTER TABLE piece_events ALTER transaction_id SET DEFAULT pg_current_xact_id()::text::bigint")
    _replace_index(_OLD, _NEW, ["project_id", "transaction_id"])


def downgrade() -> None:
    _replace_index(_NEW, _OLD, ["project_id", "happened_at"])
    op.drop_column("piece_events", "transaction_id", if_exists=True)
    op.drop_table("project_totals", if_exists=True)


def _replace_index(old: str, new: str, columns: list[str]) -> None:
    with op.get_context().autocommit_block():
        op.drop_index(new, table_name="piece_events", postgresql_concurrently=True, if_exists=True)
        op.create_index(new, "piece_events", columns, postgresql_concurrently=True)
        op.drop_index(old, table_name="piece_events", postgresql_concurrently=True, if_exists=True)
