"""Every route, with every odd value in its path, answers and never with a 500."""

from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient

from tests.odd_paths import ODD_VALUES, failures, signed_in_client


def test_for_strangers(client: FlaskClient) -> None:
    assert failures(client, ODD_VALUES.values()) == []
    assert failures(client, ODD_VALUES.values(), headers={"Accept": "text/html"}) == []


def test_for_whoever_is_signed_in(app: Flask, green_meadows: int) -> None:
    assert failures(signed_in_client(app), ODD_VALUES.values()) == []


def test_for_programs(client: FlaskClient, admin: dict[str, str], green_meadows: int) -> None:
    assert failures(client, ODD_VALUES.values(), headers=admin) == []
