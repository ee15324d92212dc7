"""Health checks and the OpenAPI description."""

from __future__ import annotations

import time

from flask import Flask
from flask.testing import FlaskClient

from precast_app.jobs import broker
from tests.app_settings import changed_settings
from tests.conftest import worker


def test_the_process_is_alive(client: FlaskClient) -> None:
    assert client.get("/healthz").get_json() == {"status": "ok"}


def test_the_installation_is_ready_with_a_worker(app: Flask, client: FlaskClient, environment: dict[str, str]) -> None:
    without = client.get("/readyz")
    assert (without.status_code, without.get_json()) == (
        503,
        {"status": "not ready", "checks": {"database": True, "redis": True, "worker": False}},
    )
    with worker(environment):
        for _ in range(100):
            answer = client.get("/readyz")
            if answer.status_code == 200:
                break
            time.sleep(0.1)
    assert answer.get_json() == {"status": "ok", "checks": {"database": True, "redis": True, "worker": True}}


def test_the_installation_is_not_ready_without_redis(app: Flask, client: FlaskClient) -> None:
    with changed_settings(app, redis_url="redis://127.0.0.1:1/0"):
        assert client.get("/readyz").get_json()["checks"] == {"database": True, "redis": False, "worker": False}


def test_the_installation_is_not_ready_if_redis_refuses_to_write(app: Flask, client: FlaskClient) -> None:
    """It is full, or a read-only replica: it still responds."""
    redis = broker.redis_connection()
    # It then refuses every write, because it has no replica.
    redis.config_set("min-replicas-to-write", 1)
    try:
        assert redis.ping()
        assert client.get("/readyz").get_json()["checks"]["redis"] is False
    finally:
        redis.config_set("min-replicas-to-write", 0)
    time.sleep(0.3)
    assert client.get("/readyz").get_json()["checks"]["redis"] is True


def test_the_openapi_description_is_served(app: Flask, client: FlaskClient) -> None:
    described = client.get("/api/openapi.json").get_json()
    assert described["openapi"] == "3.1.0"
    rules = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/") and not rule.rule.startswith(("/api/docs", "/api/openapi.json"))
    }
    assert len(described["paths"]) == len(rules)
    for name in ("/api/project/{project_id}/import/excel", "/api/jobs/{job_id}", "/api/elements/{element_id}"):
        assert name in described["paths"]
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            assert method == "parameters" or operation["summary"], f"{method} {path} isn't described"
    page = client.get("/api/docs").text
    assets = [part.split('"')[0] for part in page.split('"/api/docs/assets/')[1:]]
    assert assets
    for name in assets:
        with client.get(f"/api/docs/assets/{name}") as answer:
            assert answer.status_code == 200
    assert "https://" not in page
