"""Checks and time limits of database connections, and their release."""

from __future__ import annotations

import select
import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg2
from flask import Flask
from psycopg2.errors import IdleInTransactionSessionTimeout, ReadOnlySqlTransaction
from psycopg2.extensions import POLL_OK, POLL_READ, STATUS_SETUP, set_wait_callback
from sqlalchemy import Executable, Row, event
from sqlalchemy.engine import Connection, Engine, ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidatePoolError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from precast_app.config import Settings
from precast_app.extensions import db

Item = TypeVar("Item")

# The server answers an expired statement itself; the client only gives up on a server that does not answer at all.
_ANSWER_SECONDS = 2

# A connection that was used a moment ago is hardly ever lost, and a request uses its connection several times.
_SECONDS_WITHOUT_PING = 1.0
_RETURNED_AT = "precast.returned_at"

# Errors of the server or the session, not of the data, although psycopg2 does not raise them as OperationalError.
UNAVAILABLE = (ReadOnlySqlTransaction, IdleInTransactionSessionTimeout)


def init_app(app: Flask) -> None:
    """Let the application's engine replace connections that are lost or whose server can't be used any more."""
    with app.app_context():
        event.listen(db.engine, "handle_error", _drop_unavailable)
        _ping_idle_connections(db.engine)


def _ping_idle_connections(engine: Engine) -> None:
    """Replace a connection that has been in the pool for a while if it is lost.

    Unlike SQLAlchemy's `pool_pre_ping`, this spares a connection that was in use a moment ago the round trip.
    """

    def record_return(connection: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
        entry.info[_RETURNED_AT] = time.monotonic()

    def ping(connection: DBAPIConnection, entry: ConnectionPoolEntry, _: PoolProxiedConnection) -> None:
        returned_at = entry.info.get(_RETURNED_AT)
        if returned_at is None or time.monotonic() - returned_at < _SECONDS_WITHOUT_PING:
            return
        try:
            engine.dialect.do_ping(connection)
        except psycopg2.Error as error:
            raise InvalidatePoolError("A connection was lost while it was in the pool.") from error

    event.listen(engine, "checkin", record_return)
    event.listen(engine, "checkout", ping)


def _drop_unavailable(context: ExceptionContext) -> None:
    """Treat a session that PostgreSQL has ended, or whose server became read-only, as a lost connection.

    SQLAlchemy then drops the whole pool, so that after a failover the next attempt connects to the new primary.
    """
    error = context.original_exception
    if isinstance(error, UNAVAILABLE):
        context.is_disconnect = True
        raise OperationalError(context.statement, None, error, hide_parameters=True, connection_invalidated=True)


def read_row(statement: Executable, parameters: Mapping[str, object]) -> Row[Any] | None:
    """Return the first row of a statement that only reads, or None. The connection is released at once.

    The row is read in the transaction of the session if there is one, and otherwise without one, which saves the two
    round trips that begin and end it.
    """
    if db.session.registry.has() and db.session().in_transaction():
        return db.session.execute(statement, parameters).first()
    return read_row_without_session(db.engine, statement, parameters)


def read_row_without_session(
    engine: Engine, statement: Executable, parameters: Mapping[str, object]
) -> Row[Any] | None:
    """Return what `read_row` returns, without a transaction. Needs no context of the application."""
    with engine.connect() as connection, _autocommit(connection):
        return connection.execute(statement, parameters).first()


@contextmanager
def _autocommit(connection: Connection) -> Iterator[None]:
    # SQLAlchemy's own option rolls back twice, on a connection that has no transaction.
    driver: Any = connection.connection.dbapi_connection
    driver.autocommit = True
    try:
        yield
    finally:
        if not driver.closed:
            driver.autocommit = False


def driver_cursor() -> Any:
    """Return a psycopg2 cursor in the session's transaction, for COPY and arrays."""
    connection = db.session.connection().connection.dbapi_connection
    assert connection is not None
    return connection.cursor()


def release_connection() -> None:
    """Roll back the transaction of this request or thread, which returns its connection to the pool."""
    if db.session.registry.has():
        db.session.rollback()


def release_after(rows: Iterable[Item]) -> Generator[Item]:
    """Yield the rows and then release the connection.

    What is done with the rows after the last one, such as compressing a workbook, can take longer than a transaction
    may be idle.
    """
    yield from rows
    release_connection()


def limit_waits(settings: Settings) -> None:
    """Let this process raise `OperationalError` if PostgreSQL doesn't answer in the time that a statement may take.

    `statement_timeout` works in the server. If the server is stopped, or the connection hangs, a limit on this side is
    needed. It needs psycopg2's asynchronous mode, which has no COPY, so the worker can't use it.
    """

    def wait(connection: psycopg2.extensions.connection) -> None:
        connecting = connection.status == STATUS_SETUP
        seconds = settings.web_pool_seconds if connecting else settings.web_statement_seconds + _ANSWER_SECONDS
        end = time.monotonic() + seconds
        while (state := connection.poll()) != POLL_OK:
            poller = select.poll()
            poller.register(connection.fileno(), select.POLLIN if state == POLL_READ else select.POLLOUT)
            left = end - time.monotonic()
            # psycopg2 closes the connection after any exception that is raised here.
            if left <= 0 or not poller.poll(left * 1000):
                raise psycopg2.OperationalError(f"PostgreSQL has not answered within {seconds} s")

    set_wait_callback(wait)
