"""Limits on requests, uploads and open jobs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from precast_app import create_app
from precast_app.auth import rate_limits, tokens, users
from precast_app.errors import TooManyRequests
from precast_app.models import Role
from precast_app.projects import projects
from tests import job_states
from tests.conftest import EXAMPLES, submit

SHEET = EXAMPLES / "element_types.csv"


@pytest.fixture(autouse=True)
def _count_in_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test in which Redis was unreachable not affect where the next one counts: the process has one limiter."""
    monkeypatch.setattr(rate_limits.limiter, "_storage_dead", False)


def client_with_limits(app: Flask, **limits: int) -> FlaskClient:
    """Return a client of the same installation with other limits."""
    return create_app(replace(app.config["PRECAST"], **limits)).test_client()


def member(project_id: int, name: str) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {tokens.create(users.create(name, 'correct cement'), days=1)}"}
    projects.set_role(project_id, name, Role.EDITOR)
    return headers


def test_requests_are_counted_by_user(app: Flask, project_id: int) -> None:
    client = client_with_limits(app, requests_per_minute=5)
    ada, bob = member(project_id, "ada"), member(project_id, "bob")
    assert [client.get("/api/me", headers=ada).status_code for _ in range(6)] == [200] * 5 + [429]
    refused = client.get("/api/project", headers=ada)
    assert refused.get_json()["status"] == "Too Many Requests"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert client.get("/api/me", headers=bob).status_code == 200
    assert [client.get("/healthz").status_code for _ in range(9)] == [200] * 9, "machines that watch are let in"


def test_anonymous_requests_are_counted_by_address(app: Flask) -> None:
    client = client_with_limits(app, requests_per_minute=5)
    answers = [client.get("/api/me", headers={"Authorization": f"Bearer {number}"}).status_code for number in range(6)]
    assert answers == [401] * 5 + [429]
    assert client.get("/api/me", environ_base={"REMOTE_ADDR": "10.0.0.9"}).status_code == 401


def test_uploads_of_all_routes_are_counted_together_by_user(app: Flask, project_id: int) -> None:
    client, ada = client_with_limits(app, uploads_per_minute=2), member(project_id, "ada")
    for path, expected in (("import/excel", 202), ("import_csv_element_type", 202), ("import/excel", 429)):
        with SHEET.open("rb") as file:
            answer = client.post(f"/api/project/{project_id}/{path}", data={"file": (file, "a.csv")}, headers=ada)
        assert answer.status_code == expected
    assert answer.headers["Retry-After"]
    job = client.post(f"/api/project/{project_id}/jobs?job_type=element_type_import", headers=ada)
    assert job.status_code == 429
    assert client.get(f"/api/project/{project_id}/jobs", headers=ada).status_code == 200


def test_uploads_are_accepted_without_redis(app: Flask, project_id: int) -> None:
    ada = member(project_id, "ada")
    away = create_app(replace(app.config["PRECAST"], redis_url="redis://127.0.0.1:1/0", uploads_per_minute=2))
    answers = []
    for _ in range(3):
        with SHEET.open("rb") as file:
            answers.append(
                away.test_client()
                .post(f"/api/project/{project_id}/import/excel", data={"file": (file, "a.csv")}, headers=ada)
                .status_code
            )
    assert answers == [202, 202, 429]


def test_the_number_of_open_jobs_in_a_project_is_limited(app: Flask, project_id: int) -> None:
    client, ada = client_with_limits(app, max_open_jobs=2), member(project_id, "ada")
    other = projects.create("Harbour").id
    projects.set_role(other, "ada", Role.EDITOR)

    def upload(project: int) -> int:
        with SHEET.open("rb") as file:
            return client.post(
                f"/api/project/{project}/import/excel", data={"file": (file, "a.csv")}, headers=ada
            ).status_code

    assert [upload(project_id) for _ in range(3)] == [202, 202, 429]
    assert upload(other) == 202
    assert job_states.cancel(1, "ada")
    assert upload(project_id) == 202


def test_the_error_about_a_limit_says_what_to_do(app: Flask, project_id: int) -> None:
    settings = app.config["PRECAST"]
    app.config["PRECAST"] = replace(settings, max_open_jobs=1)
    try:
        submit(project_id, SHEET)
        with pytest.raises(TooManyRequests, match="Wait until some have ended, or cancel some"):
            submit(project_id, SHEET)
    finally:
        app.config["PRECAST"] = settings


def test_headers_say_how_many_requests_are_left(app: Flask, project_id: int) -> None:
    client, ada = client_with_limits(app, requests_per_minute=3, uploads_per_minute=1), member(project_id, "ada")
    fields = [client.get("/api/me", headers=ada).headers for _ in range(2)]
    assert [each["RateLimit-Policy"] for each in fields] == ['"requests";q=3;w=60'] * 2
    assert [each["RateLimit"].split(";t=")[0] for each in fields] == ['"requests";r=2', '"requests";r=1']
    assert 0 <= int(fields[0]["RateLimit"].split(";t=")[1]) <= 60
    with SHEET.open("rb") as file:
        upload = client.post(f"/api/project/{project_id}/import/excel", data={"file": (file, "a.csv")}, headers=ada)
    assert upload.headers["RateLimit-Policy"] == '"uploads";q=1;w=60'
    assert upload.headers["RateLimit"].startswith('"uploads";r=0;t=')
    refused = client.get("/api/me", headers=ada)
    assert (refused.status_code, refused.headers["RateLimit"].split(";t=")[0]) == (429, '"requests";r=0')
    assert abs(int(refused.headers["Retry-After"]) - int(refused.headers["RateLimit"].split(";t=")[1])) <= 1
    for path in ("/healthz", "/login"):
        assert "RateLimit" not in client.get(path).headers, path


def test_limits_without_redis_are_in_the_headers(app: Flask, project_id: int) -> None:
    ada = member(project_id, "ada")
    away = create_app(replace(app.config["PRECAST"], redis_url="redis://127.0.0.1:1/0", requests_per_minute=9))
    response = away.test_client().get("/api/me", headers=ada)
    assert (response.status_code, response.headers["RateLimit"].split(";t=")[0]) == (200, '"requests";r=8')
