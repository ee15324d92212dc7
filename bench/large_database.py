"""Projects of 10 000 element types that fill a database for measurements, made in PostgreSQL itself."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, text

TYPES = 10_000
# What an import and moves of pieces fill. Row by row, their indexes and foreign keys would cost most of the time.
TABLES = (
    "element_types", "element_type_drawings", "element_type_quantities", "element_type_stages", "element_type_bom",
    "pieces", "piece_events", "piece_stages",
)  # fmt: skip
# The project and the reference data that the workbooks of `bench.workbooks` name.
_REFERENCE = """
    INSERT INTO projects (id, name) VALUES (:p, 'Project ' || :p);
    INSERT INTO hierarchy_nodes
        (id, project_id, name, prefix, path, match_key, naming_convention, planned_date)
    SELECT :p * 100 + (t - 1) * 6 + f, :p, 'Floor ' || f, 'F' || f, 'Tower_' || chr(64 + t) || '.Floor_' || f,
           'tower_' || lower(chr(64 + t)) || '.floor_' || f, chr(64 + t) || 'F' || f, date '2026-01-01' + 14 * f
    FROM generate_series(1, 4) t, generate_series(1, 6) f;
    INSERT INTO stages (id, project_id, name, match_key, position)
    SELECT :p * 100 + s, :p, 'Stage ' || s, 'stage_' || s, s FROM generate_series(1, 8) s;
    INSERT INTO drawing_types (id, project_id, name, match_key)
    SELECT :p * 100 + d, :p, name, lower(replace(name, ' ', '_'))
    FROM unnest(ARRAY['Assembly', 'Reinforcement Drawing', 'Shuttering']) WITH ORDINALITY AS named(name, d);
    INSERT INTO bom_products (id, project_id, product_name, product_type, unit, match_key)
    SELECT :p * 100 + b, :p, 'Steel', b + 5 || 'MM', 'kg', 'steel_' || b + 5 || 'mm' FROM generate_series(1, 9) b;
"""
# Element types like those of the workbooks: 24 floors with 1 to 3 pieces in 60 % of the cells. Half of the pieces have
# left `planned`, with a history of 300 days.
_ROWS = """
    INSERT INTO element_types (id, project_id, element_type, name, type_key, name_key, mass, volume)
    SELECT :p * 100000 + i, :p, kind, 'W-' || lpad(i::text, 6, '0'), lower(kind), 'w-' || lpad(i::text, 6, '0'),
           5000 + i % 100, 2 + (i % 1000) * 0.0001
    FROM (SELECT i, (ARRAY['WALL', 'BEAM', 'SLAB', 'STAIR', 'COLUMN', 'PARAPET'])[1 + i % 6] AS kind
          FROM generate_series(1, :types) i) AS made;
    INSERT INTO element_type_drawings SELECT :p * 100000 + i, :p * 100 + d, 'W-' || i || '-' || d || '.dwg'
    FROM generate_series(1, :types) i, generate_series(1, 3) d;
    INSERT INTO element_type_bom SELECT :p * 100000 + i, :p * 100 + b, round((1 + random() * 300)::numeric, 3)
    FROM generate_series(1, :types) i, generate_series(1, 9) b;
    INSERT INTO element_type_stages SELECT :p * 100000 + i, :p * 100 + s
    FROM generate_series(1, :types) i, generate_series(1, 8) s;
    CREATE TEMP TABLE made_quantities ON COMMIT DROP AS
    SELECT :p * 100000 + i AS type_id, i, :p * 100 + n AS node_id, n, 1 + (random() * 3)::int % 3 AS quantity
    FROM generate_series(1, :types) i, generate_series(1, 24) n WHERE random() < 0.6;
    INSERT INTO element_type_quantities SELECT type_id, node_id, quantity FROM made_quantities;
    CREATE TEMP TABLE made_pieces ON COMMIT DROP AS
    SELECT :p::bigint * 1000000 + row_number() OVER (ORDER BY type_id, node_id) AS id, type_id, node_id, number,
           kind || '/' || chr(65 + (n - 1) / 6) || 'F' || 1 + (n - 1) % 6 || '/' || lpad(number::text, 4, '0') AS code,
           CASE WHEN rng < 0.5 THEN 'planned' WHEN rng < 0.6 THEN 'in_production'
                WHEN rng < 0.75 THEN 'produced' WHEN rng < 0.85 THEN 'dispatched' ELSE 'erected' END AS status,
           CASE WHEN rng >= 0.5 THEN timestamptz '2026-01-01' + rng * interval '300 days' END AS since
    FROM (
        SELECT q.*, kind, row_number() OVER (PARTITION BY i % 6, node_id ORDER BY type_id) AS number, random() AS rng
        FROM made_quantities q, generate_series(1, quantity),
             LATERAL (SELECT (ARRAY['WALL', 'BEAM', 'SLAB', 'STAIR', 'COLUMN', 'PARAPET'])[1 + i % 6] AS kind) AS named
    ) AS numbered;
    INSERT INTO pieces (id, project_id, element_type_id, node_id, number, status, code, status_since)
    SELECT id, :p, type_id, node_id, number, status, code, since FROM made_pieces;
    INSERT INTO piece_events (project_id, piece_id, kind, from_value, to_value, happened_at, user_name)
    SELECT :p, id, 'status', 'planned', status, since, 'ada' FROM made_pieces WHERE status <> 'planned';
    INSERT INTO piece_stages (piece_id, stage_id, passed_at)
    SELECT id, :p * 100 + 1 + id % 8, since FROM made_pieces WHERE status <> 'planned';
    DROP TABLE made_pieces;
    DROP TABLE made_quantities;
"""
# The same for pieces that an import has created.
_MOVE = """
    CREATE TEMP TABLE moved ON COMMIT DROP AS
    SELECT id, CASE WHEN rng < 0.6 THEN 'in_production' WHEN rng < 0.75 THEN 'produced'
                    WHEN rng < 0.85 THEN 'dispatched' ELSE 'erected' END AS status,
           timestamptz '2026-01-01' + rng * interval '300 days' AS since
    FROM (SELECT id, random() AS rng FROM pieces WHERE project_id = :p) AS each WHERE rng >= 0.5;
    UPDATE pieces SET status = moved.status, status_since = moved.since FROM moved WHERE pieces.id = moved.id;
    INSERT INTO piece_events (project_id, piece_id, kind, from_value, to_value, happened_at, user_name)
    SELECT :p, id, 'status', 'planned', status, since, 'ada' FROM moved;
    INSERT INTO piece_stages (piece_id, stage_id, passed_at)
    SELECT moved.id, s.id, moved.since FROM moved JOIN stages s ON s.project_id = :p AND s.position = 1 + moved.id % 8;
    DROP TABLE moved;
"""


def add_reference(connection: Connection, project_id: int) -> None:
    """Add a project with reference data and nothing else."""
    _run(connection, _REFERENCE, p=project_id)


def fill(engine: Engine, project_ids: range, types: int = TYPES) -> None:
    """Add projects with these ids, each with about 29 pieces a type; half of these have left `planned`."""
    if not project_ids:
        return
    with engine.begin() as connection, _without_indexes(connection):
        connection.execute(text("SET LOCAL work_mem = '256MB'"))
        for project_id in project_ids:
            started = time.monotonic()
            add_reference(connection, project_id)
            _run(connection, _ROWS, p=project_id, types=types)
            print(f"project {project_id} filled in {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)


def move_pieces(connection: Connection, project_id: int) -> None:
    """Move half of a project's planned pieces on, with their history and one stage each."""
    _run(connection, _MOVE, p=project_id)


def _run(connection: Connection, statements: str, **names: int) -> None:
    for statement in statements.split(";\n"):
        if statement.strip():
            used = {name: value for name, value in names.items() if f":{name}" in statement}
            connection.execute(text(statement.replace("::", "\\:\\:")), used)


@contextmanager
def _without_indexes(connection: Connection) -> Iterator[None]:
    """Drop indexes, foreign keys and triggers of the filled tables, and make them again at the end."""
    tables = ", ".join(f"'{name}'::regclass" for name in TABLES)
    constraints = connection.execute(
        text(
            f"""
            SELECT conrelid::regclass::text AS name, conname, contype, pg_get_constraintdef(oid) AS definition
            FROM pg_constraint WHERE contype IN ('f', 'p', 'u') AND conrelid IN ({tables})
            ORDER BY contype = 'f' DESC
        """.replace("::", "\\:\\:")
        )
    ).all()
    for each in constraints:
        connection.execute(text(f"ALTER TABLE {each.name} DROP CONSTRAINT {each.conname} CASCADE"))
    indexes = connection.execute(
        text(
            f"""
            SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
            FROM pg_index WHERE indrelid IN ({tables})
        """.replace("::", "\\:\\:")
        )
    ).all()
    for each in indexes:
        connection.execute(text(f"DROP INDEX {each.name}"))
    yield
    started = time.monotonic()
    connection.execute(text("SET LOCAL maintenance_work_mem = '1GB'"))
    for each in indexes:
        connection.exec_driver_sql(each.definition)
    for each in reversed(constraints):
        # The rows are right; to check them all would take longer than to insert them.
        late = " NOT VALID" if each.contype == "f" else ""
        connection.exec_driver_sql(f"ALTER TABLE {each.name} ADD CONSTRAINT {each.conname} {each.definition}{late}")
    print(f"indexes made in {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
