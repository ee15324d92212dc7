"""Import profiles in the API: create, read, change and delete them, for a project and for the installation."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from precast_app.extensions import db
from precast_app.models import AuditEntry, ImportProfile, Role
from precast_app.projects import import_profiles, projects
from tests.app_settings import changed_settings
from tests.auth_headers import member_headers, user_headers

HARBOUR: dict[str, Any] = {
    "name": "Hafenstraße",
    "sheet": "Stückliste",
    "header_rows": [3],
    "first_data_row": 4,
    "columns": [
        {"heading": "Pos.", "target": "name"},
        {"heading": "Bauteil", "target": "element_type"},
        {"heading": "Länge [m]", "target": "length", "unit": "m"},
        {"heading": "EG", "target": {"node": "EG"}},
        {"heading": "Bemerkung", "target": None},
    ],
    "constants": {"version": "VR-1"},
    "values": {"element_type": {"Wand": "WALL"}, "stage": {"ja": "yes"}},
    "decimal": ",",
}
OF_PROJECT = "/api/project/1/import-profiles"


def created(client: FlaskClient, headers: dict[str, str], url: str = OF_PROJECT, **changes: Any) -> dict[str, Any]:
    answer = client.post(url, json={**HARBOUR, **changes}, headers=headers)
    assert answer.status_code == 201, answer.get_json()
    stored: dict[str, Any] = answer.get_json()["import_profile"]
    return stored


def test_a_profile_is_kept_in_all_its_versions(client: FlaskClient, project_id: int) -> None:
    editor = member_headers(project_id, Role.EDITOR)
    first = created(client, editor)
    assert {**first, **HARBOUR, "columns": first["columns"]} == first
    assert (first["version"], first["project_id"], first["created_by"]) == (1, project_id, "editor")
    assert first["columns"][3]["target"] == {"node": "EG"}
    url = f"{OF_PROJECT}/{first['id']}"
    same = client.put(url, json=HARBOUR, headers=editor).get_json()["import_profile"]
    assert same == first
    second = client.put(url, json={**HARBOUR, "decimal": "."}, headers=editor).get_json()["import_profile"]
    assert (second["id"], second["version"], second["decimal"]) == (first["id"], 2, ".")
    assert client.get(f"{url}?version=1", headers=editor).get_json()["import_profile"] == first
    assert client.get(url, headers=editor).get_json()["import_profile"] == second
    assert client.get(f"{url}?version=3", headers=editor).status_code == 404
    assert client.get(OF_PROJECT, headers=editor).get_json() == {"import_profiles": [second], "count": 1}


def test_an_exported_profile_can_be_imported_into_another_project(
    client: FlaskClient, admin: dict[str, str], project_id: int
) -> None:
    exported = created(client, admin)
    other = projects.create("Other").id
    copied = created(client, admin, f"/api/project/{other}/import-profiles", **exported)
    assert (copied["project_id"], copied["columns"]) == (other, exported["columns"])


def test_a_name_is_given_once_in_a_project(client: FlaskClient, admin: dict[str, str], project_id: int) -> None:
    created(client, admin)
    harbour = client.post(OF_PROJECT, json={**HARBOUR, "name": "  HAFENSTRASSE "}, headers=admin)
    assert (harbour.status_code, "already" in harbour.get_json()["message"]) == (409, True)
    other = created(client, admin, name="Other")
    renamed = client.put(f"{OF_PROJECT}/{other['id']}", json=HARBOUR, headers=admin)
    assert renamed.status_code == 409
    created(client, admin, "/api/import-profiles")
    assert client.post("/api/import-profiles", json=HARBOUR, headers=admin).status_code == 409
    assert db.session.query(ImportProfile).count() == 3


def test_only_managers_delete_and_only_administrators_change_shared_profiles(
    client: FlaskClient, admin: dict[str, str], project_id: int
) -> None:
    editor, manager = member_headers(project_id, Role.EDITOR), member_headers(project_id, Role.MANAGER)
    viewer = member_headers(project_id, Role.VIEWER)
    url = f"{OF_PROJECT}/{created(client, editor)['id']}"
    assert client.post(OF_PROJECT, json=HARBOUR, headers=viewer).status_code == 403
    assert client.delete(url, headers=editor).status_code == 403
    assert client.delete(url, headers=manager).status_code == 204
    assert client.get(url, headers=manager).status_code == 404
    assert client.post("/api/import-profiles", json=HARBOUR, headers=manager).status_code == 403
    shared = created(client, admin, "/api/import-profiles")
    below = f"{OF_PROJECT}/{shared['id']}"
    assert client.get(below, headers=viewer).get_json()["import_profile"] == shared
    assert client.get(OF_PROJECT, headers=viewer).get_json()["import_profiles"] == [shared]
    for method in ("PUT", "DELETE"):
        assert client.open(below, method=method, json=HARBOUR, headers=manager).status_code == 403
    above = f"/api/import-profiles/{shared['id']}"
    assert (
        client.put(above, json={**HARBOUR, "blank": "keep"}, headers=admin).get_json()["import_profile"]["version"] == 2
    )
    assert client.delete(above, headers=admin).status_code == 204


def test_a_profile_of_another_project_is_not_found(client: FlaskClient, admin: dict[str, str], project_id: int) -> None:
    foreign = created(client, admin)["id"]
    ours = projects.create("Ours").id
    mallory = user_headers("mallory")
    projects.set_role(ours, "mallory", Role.MANAGER)
    for number in (foreign, 2_000_000_000):
        url = f"/api/project/{ours}/import-profiles/{number}"
        answers = [client.get(url, headers=mallory), client.put(url, json=HARBOUR, headers=mallory)]
        answers.append(client.delete(url, headers=mallory))
        texts = {(answer.status_code, answer.get_json()["message"].replace(str(number), "N")) for answer in answers}
        assert texts == {(404, "There is no import profile N here. Choose one that the project's list has.")}
        assert client.get(f"/api/import-profiles/{number}", headers=admin).status_code == 404
    assert client.get(f"/api/project/{ours}/import-profiles", headers=mallory).get_json()["count"] == 0
    assert client.get(f"{OF_PROJECT}/{foreign}", headers=mallory).status_code == 404
    assert [each.id for each in import_profiles.list_candidates(ours, of_pieces=False)] == []


BROKEN: list[tuple[dict[str, Any], list[str]]] = [
    ({"shape": "row"}, ["shape"]),
    (
        {"columns": [{"heading": "Pos.", "target": "name"}, {"heading": "A", "target": "colour"}]},
        ["columns", "1", "target"],
    ),
    ({"columns": [{"heading": 5, "target": "name"}]}, ["columns", "0", "heading"]),
    ({"columns": "Pos."}, ["columns"]),
    ({"columns": [{"heading": "x" * 100_000, "target": "name"}]}, ["columns", "0", "heading"]),
    ({"columns": [None]}, ["columns", "0"]),
    ({"header_rows": [0]}, ["header_rows", "0"]),
    ({"constants": {"name": {"a": 1}}}, ["constants", "name"]),
    ({"values": {"colour": {}}}, ["values", "colour"]),
    ({"encoding": "klingon"}, ["encoding"]),
    ({"colour": "red"}, ["colour"]),
    ({"name": ""}, ["name"]),
    ({"name": "\u200b"}, ["name"]),
    ({"name": "a\0b"}, []),
    ({"columns": [{"heading": "", "target": None}] * 30_000}, ["columns"]),
]


@pytest.mark.parametrize(("changes", "path"), BROKEN)
def test_a_broken_profile_is_refused_with_the_field(
    client: FlaskClient, admin: dict[str, str], project_id: int, changes: dict[str, Any], path: list[str]
) -> None:
    answer = client.post(OF_PROJECT, json={**HARBOUR, **changes}, headers=admin)
    assert answer.status_code == 422
    found = answer.get_json()["errors"]["json"]
    for name in path:
        assert name in found, found
        found = found[name]
    assert len(answer.data) < 100_000
    assert db.session.query(ImportProfile).count() == 0


def test_a_body_is_limited(client: FlaskClient, admin: dict[str, str], project_id: int) -> None:
    columns = [{"heading": f"column {number}", "target": None} for number in range(100_000)]
    assert client.post(OF_PROJECT, json={**HARBOUR, "columns": columns}, headers=admin).status_code == 413


def test_the_number_of_profiles_is_limited(
    app: Flask, client: FlaskClient, admin: dict[str, str], project_id: int
) -> None:
    with changed_settings(app, max_import_profiles=2):
        for name in ("A", "B"):
            created(client, admin, name=name)
        full = client.post(OF_PROJECT, json=HARBOUR, headers=admin)
    assert (full.status_code, "MAX_IMPORT_PROFILES" in full.get_json()["message"]) == (409, True)


def test_every_change_of_a_profile_is_in_the_audit(client: FlaskClient, admin: dict[str, str], project_id: int) -> None:
    url = f"{OF_PROJECT}/{created(client, admin)['id']}"
    client.put(url, json={**HARBOUR, "decimal": "."}, headers=admin)
    client.put(url, json={**HARBOUR, "decimal": "."}, headers=admin)
    client.delete(url, headers=admin)
    entries = select(AuditEntry).where(AuditEntry.act.like("import_profile.%")).order_by(AuditEntry.id)
    found = [(entry.act, entry.about, entry.project_id, entry.who) for entry in db.session.scalars(entries)]
    verbs = ("create", "change", "delete")
    assert found == [(f"import_profile.{verb}", "Hafenstraße", project_id, "admin") for verb in verbs]
