"""Store before-images as json instead of jsonb: smaller and quicker, because no query searches in them."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = ("element_type_changes", "planned_changes")


def upgrade() -> None:
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ALTER fields TYPE json USING fields::json")


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ALTER fields TYPE jsonb USING fields::jsonb")
