"""The tables that the migrations make are those that the models say."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.exc import IntegrityError

from precast_app.extensions import db
from precast_app.importing import hierarchy
from tests.conftest import ROOT

# The contract's table, column by column: type, whether it may be null, default.
CONTRACT = {
    "id": ("integer", "NO", "nextval('import_jobs_id_seq'::regclass)"),
    "project_id": ("integer", "NO", None),
    "job_type": ("character varying(50)", "NO", None),
    "status": ("character varying(20)", "NO", "'pending'::character varying"),
    "progress": ("integer", "NO", "0"),
    "total_items": ("integer", "NO", "0"),
    "processed_items": ("integer", "NO", "0"),
    "created_by": ("character varying(100)", "NO", None),
    "created_at": ("timestamp with time zone", "YES", "CURRENT_TIMESTAMP"),
    "updated_at": ("timestamp with time zone", "YES", "CURRENT_TIMESTAMP"),
    "completed_at": ("timestamp with time zone", "YES", None),
    "error": ("text", "YES", None),
    "result": ("text", "YES", None),
}


@pytest.mark.filterwarnings("ignore:Computed default")  # PostgreSQL writes the expression of the density its own way
def test_models_and_migrations_agree(app: Flask) -> None:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, db.metadata) == []


def test_the_jobs_table_is_the_contracts(app: Flask) -> None:
    rows = db.session.execute(
        text("""
            SELECT column_name, data_type || coalesce('(' || character_maximum_length || ')', ''), is_nullable,
                   column_default
            FROM information_schema.columns WHERE table_name = 'import_jobs'
        """)
    )
    found = {name: (kind, nullable, default) for name, kind, nullable, default in rows}
    assert {name: found[name] for name in CONTRACT} == CONTRACT


def test_every_foreign_key_has_an_index(app: Flask) -> None:
    """Without one, deleting a row reads the whole of each table that may refer to it."""
    missing = db.session.execute(
        text("""
            SELECT constraint_.conrelid::regclass::text, constraint_.conname FROM pg_constraint constraint_
            WHERE constraint_.contype = 'f' AND NOT EXISTS (
                SELECT FROM pg_index index_
                WHERE index_.indrelid = constraint_.conrelid AND index_.indkey[0] = constraint_.conkey[1]
                  AND index_.indisvalid
                  AND (index_.indpred IS NULL
                       OR pg_get_expr(index_.indpred, index_.indrelid) = format('(%I IS NOT NULL)', (
                           SELECT attname FROM pg_attribute
                           WHERE attrelid = index_.indrelid AND attnum = index_.indkey[0]))))
            ORDER BY 1, 2
        """)
    ).all()
    assert missing == []


_TWO_JOBS = """
    INSERT INTO projects (id, name) VALUES (1, 'Harbour');
    INSERT INTO import_jobs (project_id, job_type, created_by, batch_size, concurrent_batches)
    SELECT 1, 'stage_import', 'ada', 30, 15 FROM generate_series(1, 2)
"""


@contextmanager
def _other_database(environment: dict[str, str], name: str) -> Iterator[tuple[Engine, dict[str, str]]]:
    """Create a database of its own; yield its engine and the environment of commands on it."""
    url = make_url(environment["DATABASE_URL"]).set(database=name, drivername="postgresql+psycopg2")
    given = {**environment, "DATABASE_URL": url.set(drivername="postgresql").render_as_string(hide_password=False)}
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    other = create_engine(url)
    try:
        yield other, given
    finally:
        other.dispose()
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"DROP DATABASE {name}"))


def test_an_upgrade_that_failed_between_its_indexes_is_run_again(app: Flask, environment: dict[str, str]) -> None:
    """Indexes are built outside of a transaction: what came before is there, and the last one may be unfinished."""
    valid = text("SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix_import_jobs_undoes_job_id'::regclass")
    with _other_database(environment, "upgraded_twice") as (other, given):
        _flask(given, "upgrade", "0008")
        with other.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(_TWO_JOBS))
            connection.execute(text("DROP INDEX ix_import_jobs_undone_by_job_id, ix_import_jobs_undoes_job_id"))
            unique = "CREATE UNIQUE INDEX CONCURRENTLY ix_import_jobs_undoes_job_id ON import_jobs (job_type)"
            with pytest.raises(IntegrityError):
                connection.execute(text(unique))
            assert connection.execute(valid).scalar_one() is False
        _flask(given, "stamp", "0007")
        _flask(given, "upgrade", "0008")
        with other.connect() as connection:
            assert connection.execute(valid).scalar_one() is True


_VALUES_OF_0009 = """
    INSERT INTO import_jobs (project_id, job_type, created_by, batch_size, concurrent_batches, ring, rung_at)
    VALUES (1, 'stage_import', 'ada', 30, 15, 3, '2026-03-01 12:00+00');
    INSERT INTO hierarchy_nodes (id, project_id, parent_id, name, prefix, path, naming_convention, match_key)
    VALUES (1, 1, NULL, 'Tower A', 'TA', 'Tower_A', 'TA', 'tower_a'),
           (2, 1, 1, '-1', '_1', 'Tower_A._1', 'TA__1', 'tower_a.1'),
           (3, 1, 1, '1. OG', '1', 'Tower_A.1._OG', 'TA_1', 'tower_a.1.og');
    INSERT INTO element_types (id, project_id, element_type, name, type_key, name_key, height, mass)
    VALUES (1, 1, 'WALL', E'Stu\\u0308tze', 'wall', E'stu\\u0308tze', 2972.0, 10),
           (2, 1, 'WALL', E'Stu\\u0308tze 2', 'wall', E'stu\\u0308tze 2', 0.10, NULL),
           (3, 1, 'WALL', E'St\\u00fctze 2', 'wall', E'st\\u00fctze 2', 1, NULL);
"""


def test_stored_values_keep_their_meaning_up_and_down(app: Flask, environment: dict[str, str]) -> None:
    """Jobs keep their counts, numbers get their short form, keys are as headings are compared now."""
    with _other_database(environment, "with_values") as (other, given):
        _flask(given, "upgrade", "0009")
        with other.begin() as connection:
            connection.execute(text("INSERT INTO projects (id, name) VALUES (1, 'Harbour')"))
            connection.exec_driver_sql(_VALUES_OF_0009)
        for _ in range(2):
            _flask(given, "upgrade")
            with other.connect() as connection:
                (job,) = connection.execute(text("SELECT enqueue_count, enqueued_at FROM import_jobs")).all()
                assert (job.enqueue_count, job.enqueued_at.isoformat()) == (3, "2026-03-01T12:00:00+00:00")
                nodes = connection.execute(text("SELECT path, match_key FROM hierarchy_nodes ORDER BY id")).all()
                assert [tuple(node) for node in nodes] == [
                    ("Tower_A", "tower_a"),
                    ("Tower_A.-1", "tower_a.\N{MINUS SIGN}1"),
                    ("Tower_A.1._OG", "tower_a.1.og"),
                ]
                assert [hierarchy.path_key_of(node.path) for node in nodes] == [node.match_key for node in nodes]
                types = connection.execute(text("SELECT name, name_key, height, mass FROM element_types ORDER BY id"))
                found = [(row.name_key, None if row.height is None else str(row.height)) for row in types]
                assert found == [("st\u00fctze", "2972"), ("stu\u0308tze 2", "0.1"), ("st\u00fctze 2", "1")]
            _flask(given, "downgrade", "0009")
            with other.connect() as connection:
                (job,) = connection.execute(text("SELECT ring, rung_at FROM import_jobs")).all()
                assert job.ring == 3


_JOBS_WITH_PROFILES = """
    INSERT INTO import_profiles (id, project_id, name, name_key, version, created_by)
    VALUES (7, 1, 'Hafenstra\u00dfe', 'hafenstrasse', 2, 'ada');
    INSERT INTO import_profile_versions (profile_id, number, profile, created_by)
    VALUES (7, 1, '{"name": "old"}', 'ada'), (7, 2, '{"name": "new"}', 'ada');
    INSERT INTO import_jobs (id, project_id, job_type, created_by, batch_size, concurrent_batches, status, phase,
                             progress, completed_at, profile, profile_name, profile_id, profile_version, needs_mapping)
    VALUES (11, 1, 'element_type_import', 'ada', 30, 15, 'completed', 'done', 100, now(), '{}', 'Hafen', 7, 1, false),
           (12, 1, 'element_type_import', 'ada', 30, 15, 'pending', 'queued', 0, NULL, '{}', 'Hafen', 7, 2, false),
           (13, 1, 'element_type_import', 'ada', 30, 15, 'pending', 'waiting_for_mapping', 0, NULL, NULL, NULL, NULL,
            NULL, true),
           (14, 1, 'element_type_import', 'ada', 30, 15, 'pending', 'queued', 0, NULL, NULL, NULL, NULL, NULL, false);
"""


def test_profiles_can_be_added_and_removed_with_jobs_that_use_them(app: Flask, environment: dict[str, str]) -> None:
    with _other_database(environment, "with_profiles") as (other, given):
        _flask(given, "upgrade", "0011")
        with other.begin() as connection:
            connection.execute(text(_TWO_JOBS))
        _flask(given, "upgrade")
        with other.begin() as connection:
            old = connection.execute(text("SELECT use_profile, mapping, profile, needs_mapping FROM import_jobs")).all()
            assert [tuple(row) for row in old] == [("auto", "refuse", None, False)] * 2
            connection.exec_driver_sql(_JOBS_WITH_PROFILES)
            connection.execute(text("DELETE FROM import_profiles WHERE id = 7"))
            kept = "SELECT profile_name, profile_id FROM import_jobs WHERE id = 11"
            assert tuple(connection.execute(text(kept)).one()) == ("Hafen", None)
            connection.exec_driver_sql(_JOBS_WITH_PROFILES.split("INSERT INTO import_jobs")[0])
        _flask(given, "downgrade", "0011")
        with other.connect() as connection:
            jobs = connection.execute(text("SELECT id, status, phase FROM import_jobs WHERE id > 10 ORDER BY id")).all()
            assert [tuple(job) for job in jobs] == [
                (11, "completed", "done"), (12, "failed", "done"), (13, "failed", "done"), (14, "pending", "queued"),
            ]  # fmt: skip
        _flask(given, "upgrade")
        with other.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM import_profiles")).scalar_one() == 0


_STATISTICS = text("SELECT count(*) FROM pg_stats WHERE (tablename, attname) = ('element_types', 'project_id')")


def test_statistics_of_projects_are_removed_and_not_collected_again(app: Flask, environment: dict[str, str]) -> None:
    with _other_database(environment, "statistics") as (other, given):
        _flask(given, "upgrade", "0024")
        for command, revision, before, after in (("upgrade", "0025", 1, 0), ("downgrade", "0024", 0, 1)):
            with other.begin() as connection:
                connection.execute(text("INSERT INTO projects (name) VALUES (:name)"), {"name": command})
                connection.execute(_ONE_TYPE, {"name": command})
                connection.execute(text("ANALYZE element_types"))
                assert connection.scalar(_STATISTICS) == before
            _flask(given, command, revision)
            with other.begin() as connection:
                assert connection.scalar(_STATISTICS) == 0
                connection.execute(text("ANALYZE element_types"))
                assert connection.scalar(_STATISTICS) == after


_ONE_TYPE = text("""
    INSERT INTO element_types (project_id, element_type, name, type_key, name_key)
    SELECT id, 'WALL', name, 'wall', name FROM projects WHERE name = :name
""")


def _flask(environment: dict[str, str], *words: str) -> None:
    subprocess.run([sys.executable, "-m", "flask", "db", *words], cwd=ROOT, env=environment, check=True)
