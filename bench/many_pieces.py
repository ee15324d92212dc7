"""Measure lists of pieces in a large database: `python -m bench.many_pieces [--projects 40] [--pieces 125000]`.

Fills a private PostgreSQL with projects of equal size and measures the answers for one of them: alone, with all others
beside it, and after `ANALYZE`. Before that, PostgreSQL has no statistics of the tables. The answers are made in this
process, by the application's own routes.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from devstack import servers
from precast_app import create_app
from precast_app.auth import tokens, users
from precast_app.config import Settings
from precast_app.extensions import db

ROOT = Path(__file__).resolve().parents[1]
_REPEATS = 15
_NODES_PER_TYPE, _PER_NODE = 8, 4
# One project: towers with floors, stages, products, element types, their quantities, pieces and what happened to these.
_FILL = """
    INSERT INTO projects (id, name) VALUES (:p, 'Project ' || :p);
    INSERT INTO hierarchy_nodes (id, project_id, parent_id, name, prefix, path, match_key, naming_convention)
    SELECT :p * 100 + t, :p, NULL, 'Tower ' || t, 'T' || t, 'Tower_' || t, 'tower_' || t, 'T' || t
    FROM generate_series(1, 2) t;
    INSERT INTO hierarchy_nodes
        (id, project_id, parent_id, name, prefix, path, match_key, naming_convention, planned_date)
    SELECT :p * 100 + 10 + (t - 1) * 15 + f, :p, :p * 100 + t, 'Floor ' || f, 'F' || f,
           'Tower_' || t || '.Floor_' || f, 'tower_' || t || '.floor_' || f, 'T' || t || '_F' || f,
           date '2026-01-01' + 14 * f
    FROM generate_series(1, 2) t, generate_series(1, 15) f;
    INSERT INTO stages (id, project_id, name, match_key, position)
    SELECT :p * 100 + s, :p, 'Stage ' || s, 'stage_' || s, s FROM generate_series(1, 8) s;
    INSERT INTO bom_products (id, project_id, product_name, product_type, unit, match_key)
    SELECT :p * 100 + b, :p, 'Steel', b || 'MM', 'kg', 'steel_' || b || 'mm' FROM generate_series(1, 8) b;
    INSERT INTO element_types (id, project_id, element_type, name, type_key, name_key, mass, volume)
    SELECT :p * 100000 + i, :p, 'TYPE' || i % 8, 'W-' || i, 'type' || i % 8, 'w-' || i, 5000 + i % 100, 2.1
    FROM generate_series(1, :types) i;
    INSERT INTO element_type_bom SELECT :p * 100000 + i, :p * 100 + b, 12.5
    FROM generate_series(1, :types) i, generate_series(1, 8) b;
    INSERT INTO element_type_stages SELECT :p * 100000 + i, :p * 100 + s
    FROM generate_series(1, :types) i, generate_series(1, 8) s;
    INSERT INTO element_type_quantities
    SELECT :p * 100000 + i, :p * 100 + 11 + (i * 7 + n) % 30, :per_node
    FROM generate_series(1, :types) i, generate_series(1, :nodes_per_type) n;
    INSERT INTO pieces (id, project_id, element_type_id, node_id, number, status, code, status_since)
    SELECT :p::bigint * 1000000 + k, :p, element_type_id, node_id, number,
           CASE WHEN chance < 0.5 THEN 'planned' WHEN chance < 0.6 THEN 'in_production'
                WHEN chance < 0.75 THEN 'produced' WHEN chance < 0.85 THEN 'dispatched' ELSE 'erected' END,
           type || '/' || naming_convention || '/' || lpad(number::text, 4, '0'),
           CASE WHEN chance >= 0.5 THEN timestamptz '2026-01-01' + chance * interval '300 days' END
    FROM (
        SELECT q.element_type_id, q.node_id, t.element_type AS type, n.naming_convention, random() AS chance,
               row_number() OVER (PARTITION BY t.element_type, q.node_id ORDER BY t.id) AS number,
               row_number() OVER (ORDER BY t.id, q.node_id) AS k
        FROM element_types t JOIN element_type_quantities q ON q.element_type_id = t.id
        JOIN hierarchy_nodes n ON n.id = q.node_id, generate_series(1, :per_node)
        WHERE t.project_id = :p
    ) AS made;
    INSERT INTO piece_events (project_id, piece_id, kind, from_value, to_value, happened_at, user_name)
    SELECT :p, id, 'status', 'planned', status, status_since, 'ada' FROM pieces
    WHERE project_id = :p AND status <> 'planned';
    INSERT INTO piece_stages (piece_id, stage_id, passed_at)
    SELECT id, :p * 100 + 1 + id % 8, status_since FROM pieces WHERE project_id = :p AND status <> 'planned';
"""
_DROP_REFERENCES = """
    DO $$ DECLARE name text; BEGIN
        FOR name IN SELECT conname FROM pg_constraint WHERE conrelid = '{table}'::regclass AND contype = 'f'
        LOOP EXECUTE format('ALTER TABLE {table} DROP CONSTRAINT %I', name); END LOOP;
    END $$
"""
_FILLED = ("pieces", "piece_events", "piece_stages", "element_types", "element_type_quantities", "element_type_bom")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.many_pieces", description=__doc__)
    parser.add_argument("--projects", type=int, default=40)
    parser.add_argument("--pieces", type=int, default=125_000, help="pieces of each project")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder), durable=False) as used:
        environment = {
            **os.environ, "DATABASE_URL": used.database_url, "REDIS_URL": used.redis_url,
            "SECRET_KEY": "only for measurements, abcdefghijkl", "REQUESTS_PER_MINUTE": "1000000",
        }  # fmt: skip
        subprocess.run([sys.executable, "-m", "flask", "db", "upgrade"], cwd=ROOT, env=environment, check=True)
        settings = Settings.from_environment(environment)
        app = create_app(settings, limits=replace(settings.web_limits, idle_transaction_seconds=0))
        with app.app_context():
            _measure(app, options.projects, options.pieces)
            db.session.remove()
            db.engine.dispose()


def _measure(app: Flask, projects: int, pieces: int) -> None:
    for table in _FILLED:
        db.session.execute(text(f"ALTER TABLE {table} SET (autovacuum_enabled = false)"))
    # To check millions of references takes longer than everything else.
    for name in ("pieces", "piece_stages"):
        db.session.execute(text(_DROP_REFERENCES.format(table=name)))
    admin = users.create("ada", "correct cement battery", is_admin=True)
    headers = {"Authorization": f"Bearer {tokens.create(admin, days=1)}"}
    client = app.test_client()
    project = projects // 2 + 1
    _fill(project, pieces)
    alone = _medians(client, headers, project)
    for other in range(1, projects + 1):
        if other != project:
            _fill(other, pieces)
    among = _medians(client, headers, project)
    db.session.execute(text("ANALYZE"))
    db.session.commit()
    analyzed = _medians(client, headers, project)
    print(f"{projects} projects with {_count(project):,} pieces each; median of {_REPEATS} answers in ms")
    print("| what | one project | among all | with statistics | among all / one |\n|---|---:|---:|---:|---:|")
    for name in alone:
        shown = [f"{each[name] * 1000:.0f}" for each in (alone, among, analyzed)]
        print(f"| {name} | {' | '.join(shown)} | {among[name] / alone[name]:.2f} |")


def _fill(project: int, pieces: int) -> None:
    types = max(pieces // (_NODES_PER_TYPE * _PER_NODE), 1)
    names = {"p": project, "types": types, "nodes_per_type": _NODES_PER_TYPE, "per_node": _PER_NODE}
    started = time.monotonic()
    for statement in _FILL.split(";\n"):
        if statement.strip():
            db.session.execute(text(statement.replace("::", "\\:\\:")), names)
    db.session.commit()
    print(f"project {project} filled in {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)


def _count(project: int) -> int:
    statement = text("SELECT count(*) FROM pieces WHERE project_id = :p")
    return int(db.session.execute(statement, {"p": project}).scalar_one())


def _medians(client: FlaskClient, headers: Mapping[str, str], project: int) -> dict[str, float]:
    """Return the median seconds of each address by its name."""
    return {name: _median(client, headers, address) for name, address in _addresses(project, _count(project)).items()}


def _median(client: FlaskClient, headers: Mapping[str, str], address: str) -> float:
    seconds = []
    for _ in range(_REPEATS):
        started = time.perf_counter()
        answer = client.get(address, headers=dict(headers))
        seconds.append(time.perf_counter() - started)
        assert answer.status_code == 200, (address, answer.get_json())
    return statistics.median(seconds)


def _addresses(project: int, count: int) -> dict[str, str]:
    pieces, api = f"/projects/{project}/pieces", f"/api/project/{project}"
    middle = project * 1_000_000 + count // 2
    queries: dict[str, Any] = {
        "first page": "",
        "page in the middle": f"after={middle}",
        "newest moves": "sort=-moved",
        "a floor": f"node_id={project * 100 + 17}",
        "a tower": "tower=Tower 1",
        "a type": "type=TYPE3",
        "a status": "status=produced",
        "a floor, planned": f"node_id={project * 100 + 17}&status=planned",
        "a stage": f"stage={project * 100 + 3}",
        "moved in a week": "moved_from=2026-08-03&moved_to=2026-08-09",
        "search of a code": "search=TYPE3/T1_F7/0003",
        "search of a part": "search=T1_F7/00",
        "search of nothing": "search=xyz",
    }
    return {
        **{f"API: {name}": f"{api}/elements?sort=code&limit=100&{query}" for name, query in queries.items()
           if "sort" not in query},
        "API: newest moves": f"{api}/elements?limit=100&sort=-moved",
        "API: in order of creation": f"{api}/elements?limit=100&after={middle}",
        **{f"page: {name}": f"{pieces}?{query}" for name, query in queries.items()},
        "API: summary": f"{api}/summary",
        "page: overview": f"/projects/{project}",
    }  # fmt: skip


if __name__ == "__main__":
    main()
