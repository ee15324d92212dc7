"""Settings from the environment; each is told about where people look."""

from __future__ import annotations

from dataclasses import fields

import pytest

from precast_app.config import Settings, database_uri
from precast_app.errors import ConfigurationError
from tests.conftest import ROOT

NEEDED = {
    "DATABASE_URL": "postgresql://localhost/precast",
    "REDIS_URL": "redis://localhost",
    "SECRET_KEY": "only for tests, abcdefghijklmnop",
}


@pytest.mark.parametrize("missing", NEEDED)
def test_what_has_no_default_must_be_set(missing: str) -> None:
    given = {name: value for name, value in NEEDED.items() if name != missing}
    with pytest.raises(ConfigurationError, match=f"Set {missing}"):
        Settings.from_environment(given)


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("UPLOAD_BYTES", "50 MB"),
        ("UPLOAD_BYTES", "-1"),
        ("LEASE_SECONDS", "0"),
        ("WATCH_SECONDS", "soon"),
        ("COOKIE_SECURE", "maybe"),
    ],
)
def test_a_malformed_setting_is_named(variable: str, text: str) -> None:
    with pytest.raises(ConfigurationError, match=variable):
        Settings.from_environment({**NEEDED, variable: text})


def test_settings_are_read_with_their_types() -> None:
    read = Settings.from_environment(
        {**NEEDED, "UPLOAD_BYTES": "1000", "WATCH_SECONDS": "0.5", "COOKIE_SECURE": "true", "PROXIES": "0"}
    )
    assert (read.upload_bytes, read.watch_seconds, read.cookie_secure, read.proxies) == (1000, 0.5, True, 0)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2", "postgresql+psycopg"])
def test_whatever_a_host_calls_postgresql_the_driver_is_ours(scheme: str) -> None:
    assert (
        database_uri(f"{scheme}://u:p@h:5432/d?sslmode=require") == "postgresql+psycopg2://u:p@h:5432/d?sslmode=require"
    )


@pytest.mark.parametrize("url", ["sqlite:///x.db", "mysql://h/d", "precast", ""])
def test_another_database_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_URL must name a PostgreSQL database"):
        database_uri(url)


def test_every_setting_is_documented() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for setting in fields(Settings):
        row = f"| `{setting.metadata['variable']}` | {_shown(setting.default)} | {setting.metadata['effect']} |"
        assert row in page
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert len(rows) == len(fields(Settings))


def _shown(default: object) -> str:
    return "must be set" if default == "" else f"`{str(default).lower() if isinstance(default, bool) else default}`"
