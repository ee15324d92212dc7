"""No route answers an odd value in its path with a 500."""

from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient

from tests.odd_paths import ODD_VALUES, failures, signed_in_client


def test_anonymous_requests(client: FlaskClient) -> None:
    assert failures(client, ODD_VALUES.values()) == []
    assert failures(client, ODD_VALUES.values(), headers={"Accept": "text/html"}) == []


def test_requests_of_a_signed_in_user(app: Flask, green_meadows: int) -> None:
    assert failures(signed_in_client(app), ODD_VALUES.values()) == []


def test_requests_with_a_token(client: FlaskClient, admin: dict[str, str], green_meadows: int) -> None:
    assert failures(client, ODD_VALUES.values(), headers=admin) == []
