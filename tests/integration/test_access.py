"""Who gets in: every route asks, and what one may not see is not there."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from precast_app.accounts import projects, tokens, users
from precast_app.accounts.permissions import Act
from precast_app.models import Role
from tests.conftest import EXAMPLES, submit

# Whoever asks gets these: the description of the API, and what machines ask to see whether we are alive.
OPEN = ("/api/docs", "/api/openapi.json", "/healthz", "/readyz", "/login", "/logout", "/", "/favicon.ico")


def bearer(name: str, *, password: str = "correct horse", **narrowed: Any) -> dict[str, str]:
    """The headers of a new user's requests."""
    return {"Authorization": f"Bearer {tokens.create(users.create(name, password), days=1, **narrowed)}"}


def member(project_id: int, role: Role, **narrowed: Any) -> dict[str, str]:
    headers = bearer(role, **narrowed)
    projects.set_role(project_id, role, role)
    return headers


def address(rule: str) -> str:
    for variable in ("project_id", "job_id", "element_id", "element_type_id", "number"):
        rule = rule.replace(f"<int(max=2147483647):{variable}>", "1")
    return rule.replace("<user>", "anyone")


def guarded(app: Flask) -> list[tuple[str, str, Act]]:
    """Method, address and act of every route of the API but those that are open."""
    routes = []
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(("/rq", "/static")) or rule.rule in OPEN or rule.rule.startswith("/api/docs/"):
            continue
        view = app.view_functions[rule.endpoint]
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            routes.append((method, address(rule.rule), view.takes))  # type: ignore[attr-defined]
    return routes


def test_nobody_gets_in_without_saying_who_they_are(app: Flask, client: FlaskClient, project_id: int) -> None:
    routes = guarded(app)
    assert len(routes) > 30
    for method, path, _ in routes:
        answer = client.open(path, method=method)
        assert (path, answer.status_code) == (path, 401)
        assert set(answer.get_json()) == {"code", "status", "message", "errors"}
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert client.open(path, method=method, headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_a_stranger_sees_nothing_of_a_project(app: Flask, client: FlaskClient, green_meadows: int) -> None:
    submit(green_meadows, EXAMPLES / "element_types.csv")
    stranger = bearer("stranger")
    for method, path, _ in guarded(app):
        answer = client.open(path, method=method, headers=stranger)
        if path in ("/api/project", "/metrics"):
            expected = 200 if (method, path) == ("GET", "/api/project") else 403
            assert answer.status_code == expected
        else:
            assert (method, path, answer.status_code) == (method, path, 404)
    assert client.get("/api/project", headers=stranger).get_json() == {"projects": [], "count": 0}


@pytest.mark.parametrize(
    ("role", "may"), [(Role.VIEWER, Act.READ), (Role.EDITOR, Act.IMPORT), (Role.MANAGER, Act.MANAGE)]
)
def test_a_role_allows_what_it_says(app: Flask, client: FlaskClient, project_id: int, role: Role, may: Act) -> None:
    headers = member(project_id, role)
    for method, path, act in guarded(app):
        # Closed, since some send a file.
        with client.open(path, method=method, headers=headers) as answer:
            refused = answer.status_code == 403
        if path in ("/api/jobs/1", "/api/elements/1") or "/jobs/1/" in path:
            assert answer.status_code == 404
        elif act > may:
            assert (method, path, refused) == (method, path, True)
        else:
            assert (method, path, refused) == (method, path, False)


def test_a_token_is_narrowed_to_reading_and_to_a_project(client: FlaskClient, project_id: int) -> None:
    other = projects.create("Other").id
    reading = member(project_id, Role.MANAGER, read_only=True)
    assert client.get(f"/api/project/{project_id}/stages", headers=reading).status_code == 200
    refused = client.post(f"/api/project/{project_id}/stages", headers=reading, json={"name": "Curing"})
    assert (refused.status_code, refused.get_json()["status"]) == (403, "Forbidden")
    admin = users.create("chief", "correct horse", is_admin=True)
    narrow = {"Authorization": f"Bearer {tokens.create(admin, days=1, project_id=other)}"}
    assert client.get(f"/api/project/{other}", headers=narrow).status_code == 200
    assert client.get(f"/api/project/{project_id}", headers=narrow).status_code == 404
    assert client.post("/api/project", headers=narrow, json={"name": "Third"}).status_code == 403
    assert client.get("/api/project", headers=narrow).get_json()["count"] == 1


def test_a_job_type_asks_for_more_than_its_route(client: FlaskClient, project_id: int) -> None:
    editor = member(project_id, Role.EDITOR)
    path = f"/api/project/{project_id}/jobs?job_type="
    assert client.post(f"{path}element_type_import", headers=editor).status_code == 201
    assert client.post(f"{path}stage_import", headers=editor).status_code == 403
    viewer = member(project_id, Role.VIEWER)
    assert client.post(f"{path}element_type_import", headers=viewer).status_code == 403
    assert client.put("/api/jobs/1/file", headers=viewer, data=b"x").status_code == 403


def log_in(client: FlaskClient, name: str, password: str) -> int:
    return client.post("/login", data={"name": name, "password": password}).status_code


def test_a_browser_logs_in_and_out(client: FlaskClient, admin: dict[str, str], project_id: int) -> None:
    assert client.get("/").headers["Location"] == "/login"
    assert log_in(client, "admin", "wrong") == 401
    assert log_in(client, "nobody", "correct horse") == 401
    assert log_in(client, "ad\0min", "correct horse") == 401
    assert log_in(client, "admin", "correct horse") == 302
    assert b"Green Meadows" in client.get("/").data
    assert client.get("/api/project").get_json()["count"] == 1
    assert client.post("/logout").status_code == 302
    assert client.get("/api/project").status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Origin": "http://localhost"}, 201),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_a_page_of_another_site_cannot_act_with_the_cookie(
    client: FlaskClient, admin: dict[str, str], headers: dict[str, str], status: int
) -> None:
    log_in(client, "admin", "correct horse")
    assert client.post("/api/project", json={"name": "Harbour"}, headers=headers).status_code == status


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example"])
def test_after_the_login_one_stays_here(client: FlaskClient, admin: dict[str, str], target: str) -> None:
    answer = client.post("/login", query_string={"next": target}, data={"name": "admin", "password": "correct horse"})
    assert answer.headers["Location"] == "/"


def test_the_dashboard_is_for_administrators(client: FlaskClient, admin: dict[str, str], project_id: int) -> None:
    assert client.get("/rq/").headers["Location"].startswith("/login")
    assert client.get("/rq/", headers=member(project_id, Role.MANAGER)).status_code == 403
    assert client.get("/rq/", headers=admin).status_code == 200
    assert client.get("/rq/0/data/queues.json", headers=admin).status_code == 200
    assert client.get("/rq/0/data/workers.json", headers=admin).status_code == 200
    assert client.get("/rq/requeue/1", headers=admin).status_code == 422
