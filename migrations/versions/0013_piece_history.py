"""Add the history of pieces, scrapped pieces and their replacements, parameters and outputs of jobs, planned dates.

Safe while the previous version serves: new columns are nullable, and it neither reads the new tables nor writes the new
status. A downgrade deletes the history and the scrapped pieces, and ends unfinished jobs of the new types.

Revision ID: 0013
Revises: 0012
"""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_STATUSES = ("planned", "in_production", "produced", "dispatched", "erected")
_NEW_JOB_TYPES = ("piece_status_import", "piece_update", "piece_undo", "label_export")


def upgrade() -> None:
    op.execute("ALTER TABLE pieces ADD COLUMN IF NOT EXISTS status_since timestamptz")
    op.execute("ALTER TABLE pieces ADD COLUMN IF NOT EXISTS replaces_id bigint")
    op.execute("ALTER TABLE stages ADD COLUMN IF NOT EXISTS reaches_status varchar(20)")
    op.execute("ALTER TABLE hierarchy_nodes ADD COLUMN IF NOT EXISTS planned_date date")
    op.execute("""
        ALTER TABLE import_jobs
            ADD COLUMN IF NOT EXISTS parameters jsonb,
            ADD COLUMN IF NOT EXISTS output_name varchar(255),
            ADD COLUMN IF NOT EXISTS output_type varchar(100),
            ADD COLUMN IF NOT EXISTS output_bytes bigint
    """)
    _replace_check("pieces", "status", _is_one_of("status", (*_STATUSES, "scrapped")))
    _replace_check("element_type_quantities", "quantity", "quantity >= 0")
    _replace_check("stages", "reaches_status", _is_one_of("reaches_status", _STATUSES[1:]))
    op.execute(f"""
        CREATE TABLE IF NOT EXISTS piece_events (
            id bigserial CONSTRAINT pk_piece_events PRIMARY KEY,
            project_id integer NOT NULL
                CONSTRAINT fk_piece_events_project_id REFERENCES projects ON DELETE CASCADE,
            piece_id bigint NOT NULL,
            kind varchar(10) NOT NULL,
            from_value text,
            to_value text,
            from_since timestamptz,
            stage_id integer,
            happened_at timestamptz NOT NULL,
            recorded_at timestamptz DEFAULT CURRENT_TIMESTAMP NOT NULL,
            user_name varchar(100) NOT NULL,
            job_id integer,
            note text,
            CONSTRAINT ck_piece_events_kind CHECK ({_is_one_of("kind", ("status", "stage", "note"))})
        )
    """)
    op.execute("CREATE INDEX IF NOT EXISTS ix_piece_events_piece_id_id ON piece_events (piece_id, id)")
    op.execute("""
        CREATE INDEX IF NOT EXISTS ix_piece_events_project_id_happened_at ON piece_events (project_id, happened_at)
    """)
    op.execute("CREATE INDEX IF NOT EXISTS ix_piece_events_job_id ON piece_events (job_id) WHERE job_id IS NOT NULL")
    op.execute("""
        CREATE TABLE IF NOT EXISTS piece_stages (
            piece_id bigint,
            stage_id integer CONSTRAINT fk_piece_stages_stage_id REFERENCES stages,
            passed_at timestamptz NOT NULL,
            CONSTRAINT pk_piece_stages PRIMARY KEY (piece_id, stage_id)
        )
    """)
    op.execute("CREATE INDEX IF NOT EXISTS ix_piece_stages_stage_id_piece_id ON piece_stages (stage_id, piece_id)")
    op.execute("""
        CREATE TABLE IF NOT EXISTS planned_piece_moves (
            job_id integer CONSTRAINT fk_planned_piece_moves_job_id REFERENCES import_jobs ON DELETE CASCADE,
            row integer,
            piece_id bigint NOT NULL,
            kind varchar(10) NOT NULL,
            from_value text,
            to_value text,
            stage_id integer,
            happened_at timestamptz NOT NULL,
            note text,
            CONSTRAINT pk_planned_piece_moves PRIMARY KEY (job_id, row)
        )
    """)
    op.execute("""
        CREATE TABLE IF NOT EXISTS job_output_chunks (
            job_id integer CONSTRAINT fk_job_output_chunks_job_id REFERENCES import_jobs ON DELETE CASCADE,
            number integer,
            data bytea NOT NULL,
            CONSTRAINT pk_job_output_chunks PRIMARY KEY (job_id, number)
        )
    """)


def downgrade() -> None:
    listed = ", ".join(f"'{name}'" for name in _NEW_JOB_TYPES)
    op.execute(f"""
        UPDATE import_jobs
        SET status = 'failed', phase = 'done', failure_reason = 'error', lease_token = NULL, lease_until = NULL,
            completed_at = clock_timestamp(), updated_at = clock_timestamp(),
            error = 'This version of the application has no jobs of this type.'
        WHERE status IN ('pending', 'processing') AND job_type IN ({listed})
    """)
    for table in ("job_output_chunks", "planned_piece_moves", "piece_stages", "piece_events"):
        op.drop_table(table)
    op.execute("DELETE FROM pieces WHERE status = 'scrapped'")
    op.execute("DELETE FROM element_type_quantities WHERE quantity = 0")
    _replace_check("pieces", "status", _is_one_of("status", _STATUSES))
    _replace_check("element_type_quantities", "quantity", "quantity > 0")
    for table, column in (
        ("import_jobs", "output_bytes"), ("import_jobs", "output_type"), ("import_jobs", "output_name"),
        ("import_jobs", "parameters"), ("hierarchy_nodes", "planned_date"), ("stages", "reaches_status"),
        ("pieces", "replaces_id"), ("pieces", "status_since"),
    ):  # fmt: skip
        op.drop_column(table, column)


def _is_one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


def _replace_check(table: str, name: str, condition: str) -> None:
    constraint = f"ck_{table}_{name}"
    op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {constraint}")
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {constraint} CHECK ({condition}) NOT VALID")
    op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {constraint}")
