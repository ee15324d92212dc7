"""Fixtures of the tests that install the system elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.exc import ProgrammingError

from precast_app.config import database_uri

_NAME = "other_installation"


@pytest.fixture
def empty_database(environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """Yield the environment with a database that has no tables yet."""
    server = make_url(database_uri(environment["DATABASE_URL"]))
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    _drop_database(engine)
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {_NAME}"))
    address = server.set(database=_NAME).render_as_string(hide_password=False)
    yield {**environment, "DATABASE_URL": address, "QUEUE_NAME": _NAME}
    _drop_database(engine)
    engine.dispose()


def _drop_database(engine: Engine) -> None:
    """Drop the database; wait for autovacuum to leave it, which only a superuser may end."""
    for seconds in (0.5, 1, 2, 4, None):
        try:
            with engine.connect() as connection:
                connection.execute(text(f"DROP DATABASE IF EXISTS {_NAME} WITH (FORCE)"))
            return
        except ProgrammingError:
            if seconds is None:
                raise
            time.sleep(seconds)
