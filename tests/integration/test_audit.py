"""The audit log: written with the action, visible to those in charge, and never changed."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.exc import InternalError, ProgrammingError

from precast_app.auth import audit, tokens, users
from precast_app.extensions import db
from precast_app.models import AuditEntry, Role
from precast_app.projects import projects
from tests.conftest import EXAMPLES

SHEET = EXAMPLES / "element_types.csv"


def acts(project_id: int | None = None) -> list[tuple[str, str, str]]:
    db.session.rollback()
    query = select(AuditEntry).order_by(AuditEntry.id)
    if project_id is not None:
        query = query.where(AuditEntry.project_id == project_id)
    return [(entry.who, entry.act, entry.about) for entry in db.session.scalars(query)]


def member(project_id: int, name: str, role: Role) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {tokens.create(users.create(name, 'correct cement'), days=1)}"}
    projects.set_role(project_id, name, role)
    return headers


def test_actions_in_a_project_are_recorded(client: FlaskClient, admin: dict[str, str], project_id: int) -> None:
    editor, manager = member(project_id, "eve", Role.EDITOR), member(project_id, "mia", Role.MANAGER)
    before = len(acts(project_id))
    with SHEET.open("rb") as file:
        number = client.post(
            f"/api/project/{project_id}/import/excel", data={"file": (file, "types.csv")}, headers=editor
        ).get_json()["job_id"]
    assert client.post(f"/api/jobs/{number}/cancel", headers=manager).status_code == 202
    assert client.post(f"/api/jobs/{number}/retry", headers=editor).status_code == 202
    stages = f"/api/project/{project_id}/stages"
    stage = client.post(stages, json={"name": "Casting"}, headers=manager).get_json()["stage"]["id"]
    client.patch(f"{stages}/{stage}", json={"name": "Curing"}, headers=manager)
    client.delete(f"{stages}/{stage}", headers=manager)
    client.put(f"/api/project/{project_id}/members/eve", json={"role": "viewer"}, headers=manager)
    client.delete(f"/api/project/{project_id}/members/eve", headers=manager)
    assert acts(project_id)[before:] == [
        ("eve", "job.create", f"job {number}: types.csv"),
        ("mia", "job.cancel", f"job {number}"),
        ("eve", "job.retry", f"job {number}"),
        ("mia", "stage.create", "Casting"),
        ("mia", "stage.change", "Curing"),
        ("mia", "stage.delete", f"number {stage}"),
        ("mia", "member.set", "eve"),
        ("mia", "member.remove", "eve"),
    ]
    shown = client.get(f"/api/project/{project_id}/audit?who=mia&limit=2", headers=manager).get_json()
    assert (shown["count"], [each["act"] for each in shown["entries"]]) == (6, ["member.remove", "member.set"])
    assert client.get(f"/api/project/{project_id}/audit", headers=editor).status_code == 404


def test_a_rejected_action_is_not_recorded(client: FlaskClient, admin: dict[str, str], project_id: int) -> None:
    stages = f"/api/project/{project_id}/stages"
    assert client.post(stages, json={"name": "Casting"}, headers=admin).status_code == 201
    before = acts()
    assert client.post(stages, json={"name": "Casting"}, headers=admin).status_code == 409
    assert client.delete(f"{stages}/9999", headers=admin).status_code == 404
    assert client.post("/api/project", json={"name": "Green Meadows"}, headers=admin).status_code == 409
    assert acts() == before


def test_successful_and_failed_sign_ins_are_recorded(client: FlaskClient, app: Flask) -> None:
    users.create("ada", "correct cement")
    for password in ("wrong", "correct cement"):
        client.post("/login", data={"name": "ada", "password": password}, environ_base={"REMOTE_ADDR": "10.1.2.3"})
    client.post("/login", data={"name": "no\0body" * 99, "password": "x"})
    client.post("/logout")
    found = db.session.scalars(select(AuditEntry).where(AuditEntry.act.like("session.%")).order_by(AuditEntry.id)).all()
    assert [(each.act, each.who[:9], each.address) for each in found] == [
        ("session.refused", "ada", "10.1.2.3"),
        ("session.start", "ada", "10.1.2.3"),
        ("session.refused", "no\N{REPLACEMENT CHARACTER}bodyno", "127.0.0.1"),
        ("session.end", "ada", "127.0.0.1"),
    ]


def test_entries_about_tokens_and_users_contain_no_secrets(client: FlaskClient, admin: dict[str, str]) -> None:
    text_of = client.post("/api/tokens", json={"name": "Nightly"}, headers=admin).get_json()["token"]
    client.post("/api/users", json={"name": "bob", "password": "battery staple"}, headers=admin)
    client.patch("/api/users/bob", json={"password": "staple battery", "disabled": True}, headers=admin)
    assert acts()[-4:] == [
        ("admin", "token.create", "admin: Nightly"),
        ("admin", "user.create", "bob"),
        ("admin", "user.password", "bob"),
        ("admin", "user.disable", "bob"),
    ]
    everything = str(db.session.execute(text("SELECT array_agg(entry::text) FROM audit_entries entry")).scalar())
    assert "Nightly" in everything
    assert not any(secret in everything for secret in (text_of, "battery staple", "staple battery"))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET who = 'nobody'",
        "DELETE FROM audit_entries",
        "TRUNCATE audit_entries",
        "TRUNCATE audit_entries, projects CASCADE",
    ],
)
def test_entries_cannot_be_changed_or_deleted(app: Flask, statement: str) -> None:
    audit.record(audit.Action.SESSION_START, who="ada")
    db.session.commit()
    with pytest.raises((InternalError, ProgrammingError), match="neither changed nor deleted"):
        db.session.execute(text(statement))
    db.session.rollback()
    assert acts() == [("ada", "session.start", "")]


def test_only_administrators_see_the_audit_of_the_installation(
    client: FlaskClient, admin: dict[str, str], project_id: int
) -> None:
    shown = client.get("/api/audit?act=user.create", headers=admin).get_json()
    assert [(each["who"], each["about"]) for each in shown["entries"]] == [(audit.COMMAND, "admin")]
    assert client.get("/api/audit", headers=member(project_id, "mia", Role.MANAGER)).status_code == 403
    later = client.get("/api/audit?since=2200-01-01T00:00:00Z", headers=admin).get_json()
    assert later == {"entries": [], "count": 0}
