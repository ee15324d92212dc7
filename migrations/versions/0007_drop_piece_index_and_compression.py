"""Drop an index of pieces and the compression of uploads, which cost more time than they save."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_pieces_node_id_element_type_id", table_name="pieces")
    op.execute("ALTER TABLE import_file_chunks ALTER COLUMN data SET STORAGE EXTERNAL")


def downgrade() -> None:
    op.execute("ALTER TABLE import_file_chunks ALTER COLUMN data SET STORAGE EXTENDED")
    op.create_index("ix_pieces_node_id_element_type_id", "pieces", ["node_id", "element_type_id"])
