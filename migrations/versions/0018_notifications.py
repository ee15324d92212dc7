"""Add webhooks, the outbox of messages to them and to users, and the e-mail addresses of users.

Safe while the previous version serves: it doesn't know the tables, and the new columns have defaults. No large table is
read or rewritten. A downgrade drops the webhooks and the messages that were not sent.

Revision ID: 0018
Revises: 0017
"""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        ALTER TABLE users
            ADD COLUMN email varchar(254),
            ADD COLUMN email_events varchar(20)[] NOT NULL DEFAULT '{}'
    """)
    op.execute("""
        CREATE TABLE webhooks (
            id serial CONSTRAINT pk_webhooks PRIMARY KEY,
            project_id integer NOT NULL CONSTRAINT fk_webhooks_project_id REFERENCES projects ON DELETE CASCADE,
            url text NOT NULL,
            events varchar(20)[] NOT NULL,
            secret varchar(80) NOT NULL,
            previous_secret varchar(80),
            previous_secret_until timestamptz,
            created_by varchar(100) NOT NULL,
            created_at timestamptz DEFAULT CURRENT_TIMESTAMP NOT NULL,
            disabled_at timestamptz,
            disabled_reason text
        )
    """)
    op.execute("CREATE INDEX ix_webhooks_project_id ON webhooks (project_id)")
    op.execute("""
        CREATE TABLE outbox_messages (
            id bigserial CONSTRAINT pk_outbox_messages PRIMARY KEY,
            message_id varchar(40) NOT NULL CONSTRAINT uq_outbox_messages_message_id UNIQUE,
            project_id integer NOT NULL
                CONSTRAINT fk_outbox_messages_project_id REFERENCES projects ON DELETE CASCADE,
            webhook_id integer CONSTRAINT fk_outbox_messages_webhook_id REFERENCES webhooks ON DELETE CASCADE,
            user_id integer CONSTRAINT fk_outbox_messages_user_id REFERENCES users ON DELETE CASCADE,
            job_id integer NOT NULL,
            event varchar(20) NOT NULL,
            payload json NOT NULL,
            created_at timestamptz DEFAULT CURRENT_TIMESTAMP NOT NULL,
            expires_at timestamptz NOT NULL,
            next_attempt_at timestamptz DEFAULT CURRENT_TIMESTAMP,
            attempts integer NOT NULL DEFAULT 0,
            last_attempt_at timestamptz,
            last_status integer,
            last_error text,
            delivered_at timestamptz,
            CONSTRAINT ck_outbox_messages_event CHECK (event IN ('job.completed', 'job.failed', 'job.waiting')),
            CONSTRAINT ck_outbox_messages_one_recipient CHECK ((webhook_id IS NULL) <> (user_id IS NULL)),
            CONSTRAINT ck_outbox_messages_delivered CHECK (delivered_at IS NULL OR next_attempt_at IS NULL)
        )
    """)
    op.execute("CREATE INDEX ix_outbox_messages_project_id ON outbox_messages (project_id)")
    op.execute(
        "CREATE INDEX ix_outbox_messages_due ON outbox_messages (next_attempt_at) WHERE next_attempt_at IS NOT NULL"
    )
    op.execute("CREATE INDEX ix_outbox_messages_ended ON outbox_messages (created_at) WHERE next_attempt_at IS NULL")
    op.execute(
        "CREATE INDEX ix_outbox_messages_webhook_id_id ON outbox_messages (webhook_id, id) "
        "WHERE webhook_id IS NOT NULL"
    )
    op.execute("CREATE INDEX ix_outbox_messages_user_id ON outbox_messages (user_id) WHERE user_id IS NOT NULL")


def downgrade() -> None:
    op.drop_table("outbox_messages")
    op.drop_table("webhooks")
    op.drop_column("users", "email_events")
    op.drop_column("users", "email")
