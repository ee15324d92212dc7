"""Settings: reading them from the environment, and their documentation."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from redis import Redis

from precast_app.config import Settings, database_uri
from precast_app.config.environment import variable_of
from precast_app.errors import ConfigurationError
from tests.conftest import ROOT

NEEDED = {
    "DATABASE_URL": "postgresql://localhost/precast",
    "REDIS_URL": "redis://localhost",
    "SECRET_KEY": "only for tests, abcdefghijklmnop",
}


@pytest.mark.parametrize("missing", NEEDED)
def test_a_setting_without_a_default_must_be_set(missing: str) -> None:
    given = {name: value for name, value in NEEDED.items() if name != missing}
    with pytest.raises(ConfigurationError, match=f"Set {missing}"):
        Settings.from_environment(given)


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("MAX_UPLOAD_BYTES", "50 MB"),
        ("MAX_UPLOAD_BYTES", "-1"),
        ("LEASE_SECONDS", "0"),
        ("REAPER_INTERVAL_SECONDS", "soon"),
        ("COOKIE_SECURE", "maybe"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_a_malformed_setting_is_named(variable: str, text: str) -> None:
    with pytest.raises(ConfigurationError, match=variable):
        Settings.from_environment({**NEEDED, variable: text})


def test_settings_are_read_with_the_type_of_their_default() -> None:
    read = Settings.from_environment(
        {
            **NEEDED,
            "MAX_UPLOAD_BYTES": "1000",
            "REAPER_INTERVAL_SECONDS": "0.5",
            "COOKIE_SECURE": "true",
            "TRUSTED_PROXIES": "0",
        }
    )
    assert (read.max_upload_bytes, read.reaper_interval_seconds, read.cookie_secure, read.trusted_proxies) == (
        1000,
        0.5,
        True,
        0,
    )


def test_a_setting_is_read_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret_key"
    secret.write_text("only for tests, in a file, abcdef\n")
    given = {name: value for name, value in NEEDED.items() if name != "SECRET_KEY"}
    read = Settings.from_environment({**given, "SECRET_KEY_FILE": str(secret)})
    assert read.secret_key == "only for tests, in a file, abcdef"
    with pytest.raises(ConfigurationError, match="only one of SECRET_KEY and SECRET_KEY_FILE"):
        Settings.from_environment({**NEEDED, "SECRET_KEY_FILE": str(secret)})
    secret.write_text("\n")
    with pytest.raises(ConfigurationError, match="is empty"):
        Settings.from_environment({**given, "SECRET_KEY_FILE": str(secret)})
    with pytest.raises(ConfigurationError, match=r"SECRET_KEY_FILE names can't be read"):
        Settings.from_environment({**given, "SECRET_KEY_FILE": str(tmp_path / "none")})


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("rediss://:p@h:6380", "rediss://:p@h:6380?ssl_cert_reqs=none"),
        (
            "rediss://:p@h:6380/1?health_check_interval=9",
            "rediss://:p@h:6380/1?health_check_interval=9&ssl_cert_reqs=none",
        ),
        ("rediss://:p@h:6380?ssl_cert_reqs=optional", "rediss://:p@h:6380?ssl_cert_reqs=optional"),
        ("redis://h:6379/0", "redis://h:6379/0"),
    ],
)
def test_the_certificate_of_redis_is_checked_unless_a_setting_forbids_it(given: str, read: str) -> None:
    environment = {**NEEDED, "REDIS_URL": given}
    assert Settings.from_environment(environment).redis_url == given
    unchecked = Settings.from_environment({**environment, "REDIS_VERIFY_CERTIFICATE": "false"})
    assert unchecked.redis_url == read
    assert (Redis.from_url(unchecked.redis_url).connection_pool.connection_kwargs.get("ssl_cert_reqs") == "none") == (
        read.endswith("=none")
    )


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2", "postgresql+psycopg"])
def test_every_form_of_a_postgresql_address_gets_the_same_driver(scheme: str) -> None:
    assert (
        database_uri(f"{scheme}://u:p@h:5432/d?sslmode=require") == "postgresql+psycopg2://u:p@h:5432/d?sslmode=require"
    )


@pytest.mark.parametrize("url", ["sqlite:///x.db", "mysql://h/d", "precast", ""])
def test_the_address_of_another_database_is_rejected(url: str) -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_URL must name a PostgreSQL database"):
        database_uri(url)


def test_every_setting_is_documented() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for setting in fields(Settings):
        row = f"| `{variable_of(setting)}` | {_shown(setting.default)} | {setting.metadata['effect']} |"
        assert row in page
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert len(rows) == len(fields(Settings))


def _shown(default: object) -> str:
    return "must be set" if default == "" else f"`{str(default).lower() if isinstance(default, bool) else default}`"


DEPRECATED = {
    setting.metadata["deprecated_variable"]: setting
    for setting in fields(Settings)
    if setting.metadata["deprecated_variable"]
}


@pytest.mark.parametrize("variable", DEPRECATED)
def test_a_deprecated_variable_is_read_with_a_warning(variable: str, caplog: pytest.LogCaptureFixture) -> None:
    setting = DEPRECATED[variable]
    read = Settings.from_environment({**NEEDED, variable: "7"})
    assert getattr(read, setting.name) == 7
    assert f"{variable} is deprecated" in caplog.text
    assert f"set {variable_of(setting)} instead" in caplog.text


@pytest.mark.parametrize("variable", DEPRECATED)
def test_the_new_variable_wins_over_the_deprecated_one(variable: str, caplog: pytest.LogCaptureFixture) -> None:
    setting = DEPRECATED[variable]
    read = Settings.from_environment({**NEEDED, variable: "7", variable_of(setting): "8"})
    assert getattr(read, setting.name) == 8
    assert not caplog.text


def test_a_malformed_deprecated_variable_is_named() -> None:
    with pytest.raises(ConfigurationError, match="WATCH_SECONDS must be a number"):
        Settings.from_environment({**NEEDED, "WATCH_SECONDS": "soon"})
