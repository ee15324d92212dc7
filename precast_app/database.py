"""Bounds on what a process does with its database connections: how long it waits for one and when it gives it back."""

from __future__ import annotations

import select
import time

import psycopg2
from flask import Flask
from psycopg2.errors import IdleInTransactionSessionTimeout, ReadOnlySqlTransaction
from psycopg2.extensions import POLL_OK, POLL_READ, STATUS_SETUP, set_wait_callback
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import OperationalError

from precast_app.config import Settings
from precast_app.extensions import db

# The server answers an expired statement itself; the client only gives up on a server that does not answer at all.
_ANSWER_SECONDS = 2

# Faults of the server or the session, not of the data, although psycopg2 does not call them operational.
UNAVAILABLE = (ReadOnlySqlTransaction, IdleInTransactionSessionTimeout)


def init_app(app: Flask) -> None:
    """Drop connections whose server can't be used any more, and raise `OperationalError` for them."""
    with app.app_context():
        event.listen(db.engine, "handle_error", _drop_unavailable)


def _drop_unavailable(context: ExceptionContext) -> None:
    """Treat a session that was ended, or whose server became read-only in a failover, as a lost connection.

    The whole pool is dropped, so that the next attempt connects to the server that is the primary by then.
    """
    error = context.original_exception
    if isinstance(error, UNAVAILABLE):
        context.is_disconnect = True
        raise OperationalError(context.statement, None, error, hide_parameters=True, connection_invalidated=True)


def release_connection() -> None:
    """End the transaction of this request or thread, so that its connection goes back to the pool.

    What has not been committed is rolled back.
    """
    if db.session.registry.has():
        db.session.rollback()


def limit_waits(settings: Settings) -> None:
    """Let no wait of this process for PostgreSQL last longer than a statement may; raise `OperationalError` instead.

    `statement_timeout` holds in the server. A server that is stopped, or behind a connection that hangs, needs a limit
    on this side. It takes psycopg2's asynchronous mode, in which there is no COPY: the worker can't use it.
    """

    def wait(connection: psycopg2.extensions.connection) -> None:
        connecting = connection.status == STATUS_SETUP
        seconds = settings.web_pool_seconds if connecting else settings.web_statement_seconds + _ANSWER_SECONDS
        end = time.monotonic() + seconds
        while (state := connection.poll()) != POLL_OK:
            poller = select.poll()
            poller.register(connection.fileno(), select.POLLIN if state == POLL_READ else select.POLLOUT)
            left = end - time.monotonic()
            # psycopg2 closes the connection whatever is raised here.
            if left <= 0 or not poller.poll(left * 1000):
                raise psycopg2.OperationalError(f"PostgreSQL has not answered within {seconds} s")

    set_wait_callback(wait)
