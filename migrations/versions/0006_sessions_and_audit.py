"""Add sessions, names of tokens, disabled users, and the audit log, which can't be changed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def moment(name: str, *, now: bool = False, nullable: bool = False) -> sa.Column:
    default = sa.text("CURRENT_TIMESTAMP") if now else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=nullable)


def text(name: str, most: int, *, default: str | None = None) -> sa.Column:
    return sa.Column(name, sa.String(most), server_default=default, nullable=False)


def upgrade() -> None:
    op.add_column("users", moment("disabled_at", nullable=True))
    op.add_column("api_tokens", text("name", 100, default=""))
    op.add_column("api_tokens", text("ending", 8, default=""))
    op.add_column("api_tokens", moment("used_at", nullable=True))
    op.create_table(
        "user_sessions",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("user_id", sa.Integer(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
        text("session_hash", 64),
        text("address", 45),
        text("browser", 200),
        moment("created_at", now=True),
        moment("seen_at", now=True),
        moment("expires_at"),
        sa.UniqueConstraint("session_hash", name="uq_user_sessions_session_hash"),
    )
    op.create_index("ix_user_sessions_expires_at", "user_sessions", ["expires_at"])
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        moment("at", now=True),
        sa.Column("who", sa.String(100), nullable=False, index=True),
        text("act", 40),
        sa.Column("project_id", sa.Integer(), nullable=True),
        text("about", 200, default=""),
        sa.Column("details", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        text("address", 45, default=""),
    )
    op.create_index("ix_audit_entries_project_id_id", "audit_entries", ["project_id", "id"])
    op.execute("""
        CREATE FUNCTION audit_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'What is in audit_entries is neither changed nor deleted.';
        END $$
    """)
    op.execute("""
        CREATE TRIGGER audit_is_kept BEFORE UPDATE OR DELETE ON audit_entries
        FOR EACH ROW EXECUTE FUNCTION audit_is_kept()
    """)


def downgrade() -> None:
    op.drop_table("audit_entries")
    op.execute("DROP FUNCTION audit_is_kept()")
    op.drop_table("user_sessions")
    op.drop_column("api_tokens", "used_at")
    op.drop_column("api_tokens", "ending")
    op.drop_column("api_tokens", "name")
    op.drop_column("users", "disabled_at")
