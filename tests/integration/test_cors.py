"""Access to the API from pages of other origins."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from precast_app import create_app
from tests.job_requests import Headers

PLAN, YARD, EVIL = "https://plan.example", "https://yard.example", "https://evil.example"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization, content-type"}


@pytest.fixture
def open_client(app: Flask) -> FlaskClient:
    """Return a client of an application that two origins may call."""
    return create_app(replace(app.config["PRECAST"], cors_origins=f"{PLAN}, {YARD}")).test_client()


@pytest.mark.parametrize("origin", [PLAN, YARD])
def test_a_listed_origin_may_call_the_api(open_client: FlaskClient, admin: Headers, origin: str) -> None:
    asked = open_client.options("/api/project", headers={"Origin": origin, **PREFLIGHT})
    assert asked.headers["Access-Control-Allow-Origin"] == origin
    assert "POST" in asked.headers["Access-Control-Allow-Methods"]
    assert {"authorization", "content-type"} <= set(asked.headers["Access-Control-Allow-Headers"].lower().split(", "))
    read = open_client.get("/api/project", headers={**admin, "Origin": origin})
    assert (read.status_code, read.headers["Access-Control-Allow-Origin"]) == (200, origin)
    assert "Retry-After" in read.headers["Access-Control-Expose-Headers"]
    # The browser must not send the session cookie along.
    assert "Access-Control-Allow-Credentials" not in read.headers
    refused = open_client.get("/api/project", headers={"Origin": origin})
    assert (refused.status_code, refused.headers["Access-Control-Allow-Origin"]) == (401, origin)


@pytest.mark.parametrize(
    "origin", [EVIL, f"{PLAN}.evil.example", "null", "https://plan-example", "http://plan.example"]
)
def test_another_origin_may_not(open_client: FlaskClient, admin: Headers, origin: str) -> None:
    for response in (
        open_client.options("/api/project", headers={"Origin": origin, **PREFLIGHT}),
        open_client.get("/api/project", headers={**admin, "Origin": origin}),
    ):
        assert "Access-Control-Allow-Origin" not in response.headers


def test_pages_and_the_default_allow_no_other_origin(
    open_client: FlaskClient, client: FlaskClient, admin: Headers
) -> None:
    assert "Access-Control-Allow-Origin" not in open_client.get("/login", headers={"Origin": PLAN}).headers
    assert "Access-Control-Allow-Origin" not in client.get("/api/project", headers={**admin, "Origin": PLAN}).headers
