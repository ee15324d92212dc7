"""Add a function that says whether a poll of a job can have another answer than before.

In a function, PostgreSQL keeps the plan for the session. Planning the query takes five times as long as executing it, and
polls are most of the requests of an installation.

Revision ID: 0026
Revises: 0025
"""

from __future__ import annotations

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

# `xmin` is the number of the transaction that wrote a row. The job's time too, because after a failover to another server
# the number of a transaction may occur again.
_FUNCTION = """
    CREATE FUNCTION poll_version(polled_job_id integer, sent_token_hash text, asked_at timestamptz) RETURNS text
    LANGUAGE plpgsql STABLE AS $$
    BEGIN
        RETURN (
            SELECT concat_ws(' ', token.xmin, account.xmin, member.xmin, job.xmin, job.updated_at)
            FROM api_tokens token
            JOIN users account ON account.id = token.user_id
            JOIN import_jobs job ON job.id = polled_job_id
            LEFT JOIN memberships member ON member.user_id = account.id AND member.project_id = job.project_id
            WHERE token.token_hash = sent_token_hash AND token.expires_at > asked_at
              AND token.used_at >= asked_at - interval '1 minute'
              AND account.disabled_at IS NULL AND job.phase <> 'queued'
        );
    END $$
"""


def upgrade() -> None:
    """Add the function."""
    op.execute(_FUNCTION)


def downgrade() -> None:
    """Remove the function."""
    op.execute("DROP FUNCTION poll_version(integer, text, timestamptz)")
