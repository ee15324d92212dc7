"""The address of the database, in the forms that SQLAlchemy and libpq read."""

from __future__ import annotations

from precast_app.errors import ConfigurationError


def database_uri(url: str) -> str:
    """Return the address with psycopg2 as its driver; raise `ConfigurationError` if it is not one of PostgreSQL.

    For `postgres://` SQLAlchemy has no driver, and for `postgresql://` it may choose another one.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.partition("+")[0] not in ("postgres", "postgresql"):
        raise ConfigurationError(
            "DATABASE_URL must name a PostgreSQL database, for example postgresql://user:password@localhost/precast."
        )
    return f"postgresql+psycopg2://{rest}"


def libpq_url(url: str) -> str:
    """Return the address as libpq reads it: without a driver."""
    return database_uri(url).replace("+psycopg2", "", 1)
