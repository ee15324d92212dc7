"""Every route answers, and never with a 500, whatever is in its path; `make attack` tries more values."""

from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient

from tests.odd_paths import ODD_VALUES, failures, signed_in_client

QUICK = ("line feed", "NUL", "slash", "not UTF-8", "surrogate", "emoji", "long", "large number")


def test_for_strangers(client: FlaskClient) -> None:
    assert failures(client, [ODD_VALUES[name] for name in QUICK]) == []


def test_for_whoever_is_signed_in(app: Flask) -> None:
    assert failures(signed_in_client(app), [ODD_VALUES[name] for name in QUICK]) == []


def test_for_programs(client: FlaskClient, admin: dict[str, str]) -> None:
    assert (
        failures(client, [ODD_VALUES["line feed"], ODD_VALUES["NUL"]], headers={**admin, "Accept": "text/html"}) == []
    )
