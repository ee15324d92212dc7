"""Fixtures of the tests that install the system elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, make_url, text

from precast_app.config import database_uri

_NAME = "other_installation"


@pytest.fixture
def empty_database(environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """Yield the environment with a database that has no tables yet."""
    server = make_url(database_uri(environment["DATABASE_URL"]))
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {_NAME} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {_NAME}"))
    address = server.set(database=_NAME).render_as_string(hide_password=False)
    yield {**environment, "DATABASE_URL": address, "QUEUE_NAME": _NAME}
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {_NAME} WITH (FORCE)"))
    engine.dispose()
