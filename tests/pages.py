"""Pages as a browser requests them."""

from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient

from precast_app.models import Role
from precast_app.projects import projects
from tests.auth_headers import PASSWORD, create_user

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def signed_in(app: Flask, project_id: int, name: str, role: Role | None) -> FlaskClient:
    create_user(name, is_admin=role is None)
    if role is not None:
        projects.set_role(project_id, name, role)
    client = app.test_client()
    assert client.post("/login", data={"name": name, "password": PASSWORD}).status_code == 302
    return client


def page(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path, headers=BROWSER)
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "text/html"
    for forbidden in ("style=", "onclick", "<script>", "<style"):
        assert forbidden not in answer.text, "the content security policy blocks it"
    return answer.text
