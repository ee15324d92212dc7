"""Attempts of a member of one project to read or change another project."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from precast_app.auth import tokens, users
from precast_app.extensions import db
from precast_app.jobs import service
from precast_app.jobs.creation import JobOptions
from precast_app.models import BomProduct, DrawingType, ElementType, HierarchyNode, ImportJob, Piece, Role, Stage
from precast_app.projects import projects
from tests import job_states, project_snapshot
from tests.auth_headers import user_headers
from tests.conftest import EXAMPLES, run_import, submit

FILE = EXAMPLES / "element_types.csv"
# Far beyond what the tests make.
NOBODYS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Scene:
    """A foreign project with all kinds of data, an own project, and the headers of a manager of the own one only."""

    theirs: int
    ours: int
    manager: dict[str, str]
    viewer: dict[str, str]
    jobs: dict[str, int]
    ids: dict[str, int]


@pytest.fixture
def scene(green_meadows: int) -> Scene:
    ours = projects.create("Ours").id
    people = {}
    for name, role in (("mallory", Role.MANAGER), ("vera", Role.VIEWER)):
        people[name] = user_headers(name)
        projects.set_role(ours, name, role)
    jobs = {"completed": run_import(green_meadows, FILE).id, "dry": run_import(green_meadows, FILE, dry_run=True).id}
    jobs["failed"], jobs["queued"] = submit(green_meadows, FILE), submit(green_meadows, FILE)
    assert job_states.cancel(jobs["failed"], "tester")
    waiting = service.submit(
        project_id=green_meadows,
        job_type="element_type_import",
        created_by="t",
        options=JobOptions(),
        upload=None,
    )
    jobs["waiting"] = waiting.id
    models: dict[str, Any] = {
        "node": HierarchyNode, "stage": Stage, "drawing_type": DrawingType, "product": BomProduct,
        "element_type": ElementType, "piece": Piece,
    }  # fmt: skip
    ids = {name: db.session.scalars(select(model.id).limit(1)).one() for name, model in models.items()}
    return Scene(green_meadows, ours, people["mallory"], people["vera"], jobs, ids)


def said(client: FlaskClient, headers: dict[str, str], method: str, path: str, **options: Any) -> tuple[int, str]:
    """Send a request and return the status and the text of the response."""
    with client.open(path, method=method, headers=headers, **options) as answer:
        return answer.status_code, answer.get_data(as_text=True)


OF_A_JOB = ("", "/issues", "/issues.csv", "/issues.xlsx", "/changes", "/file", "/annotated", "/rejected")
OF_A_PROJECT = (
    "", "/members", "/hierarchy", "/stages", "/drawing-types", "/bom-products", "/jobs", "/element-types",
    "/elements", "/summary", "/export/excel", "/export_csv_element_type", "/template/excel", "/template/csv",
)  # fmt: skip


def test_foreign_ids_and_unknown_ids_get_the_same_response(client: FlaskClient, scene: Scene) -> None:
    """The texts are identical, so that nobody learns which ids are in use."""
    for what in OF_A_JOB:
        missing = said(client, scene.viewer, "GET", f"/api/jobs/{NOBODYS}{what}")
        for number in scene.jobs.values():
            status, text = said(client, scene.viewer, "GET", f"/api/jobs/{number}{what}")
            assert (status, text.replace(f"job {number},", "N")) == (404, missing[1].replace(f"job {NOBODYS},", "N"))
    for what in OF_A_PROJECT:
        missing = said(client, scene.viewer, "GET", f"/api/project/{NOBODYS}{what}")
        status, text = said(client, scene.viewer, "GET", f"/api/project/{scene.theirs}{what}")
        there, nowhere = f"project {scene.theirs},", f"project {NOBODYS},"
        assert (status, text.replace(there, "N")) == (404, missing[1].replace(nowhere, "N"))


def test_foreign_ids_are_not_found_below_the_own_project(client: FlaskClient, scene: Scene) -> None:
    run_import(scene.ours, FILE)
    below = f"/api/project/{scene.ours}"
    ids = scene.ids
    assert said(client, scene.viewer, "GET", f"{below}/element-types/{ids['element_type']}")[0] == 404
    for filters, path in (
        ({"node": ids["node"]}, "element-types"),
        ({"stage": ids["stage"]}, "element-types"),
        ({"node": ids["node"]}, "elements"),
        ({"type": ids["element_type"]}, "elements"),
        ({"job_type": "' OR '1'='1"}, "jobs"),
    ):
        answer = client.get(f"{below}/{path}", query_string=filters, headers=scene.viewer)
        assert (answer.status_code, answer.get_json()["count"]) == (200, 0)
    for name in ("node", "stage"):
        exported = client.get(f"{below}/export_csv_element_type", query_string={name: ids[name]}, headers=scene.viewer)
        assert (exported.status_code, len(exported.get_data(as_text=True).splitlines())) == (200, 1)


def test_foreign_data_cannot_be_changed(client: FlaskClient, scene: Scene) -> None:
    """Neither below the foreign project nor with foreign ids below the own one."""
    before, ids = project_snapshot.snapshot_project(scene.theirs), scene.ids
    jobs = {number: db.session.get_one(ImportJob, number).updated_at for number in scene.jobs.values()}
    tries: list[tuple[str, str, dict[str, Any]]] = [
        ("PATCH", f"/api/elements/{ids['piece']}", {"json": {"status": "in_production"}}),
        ("PATCH", f"/api/project/{scene.theirs}", {"json": {"name": "Mine"}}),
        ("PUT", f"/api/project/{scene.theirs}/members/mallory", {"json": {"role": "manager"}}),
        ("POST", f"/api/project/{scene.theirs}/jobs?job_type=element_type_import", {}),
    ]
    for verb in ("cancel", "retry", "undo", "apply"):
        tries += [("POST", f"/api/jobs/{number}/{verb}", {}) for number in scene.jobs.values()]
    for number in scene.jobs.values():
        tries.append(("PUT", f"/api/jobs/{number}/file", {"data": FILE.read_bytes()}))
    for route in ("import/excel", "import_csv_element_type"):
        tries.append(("POST", f"/api/project/{scene.theirs}/{route}", {"data": {"file": FILE.open("rb")}}))
    bodies = {"hierarchy": "node", "stages": "stage", "drawing-types": "drawing_type", "bom-products": "product"}
    for path, name in bodies.items():
        field = "product_name" if name == "product" else "name"
        for project in (scene.theirs, scene.ours):
            tries.append(("PATCH", f"/api/project/{project}/{path}/{ids[name]}", {"json": {field: "Mine"}}))
            tries.append(("DELETE", f"/api/project/{project}/{path}/{ids[name]}", {}))
    for method, path, options in tries:
        assert (method, path, said(client, scene.manager, method, path, **options)[0]) == (method, path, 404)
    assert project_snapshot.snapshot_project(scene.theirs) == before
    db.session.expire_all()
    assert {number: db.session.get_one(ImportJob, number).updated_at for number in jobs} == jobs


def test_a_foreign_node_cannot_be_a_parent(client: FlaskClient, scene: Scene) -> None:
    hierarchy = f"/api/project/{scene.ours}/hierarchy"
    body = {"name": "Tower", "prefix": "T", "naming_convention": "T"}
    ours = client.post(hierarchy, json=body, headers=scene.manager).get_json()["node"]["id"]
    for their in (scene.ids["node"], NOBODYS):
        new = client.post(hierarchy, json={"name": "Floor", "parent_id": their}, headers=scene.manager)
        moved = client.patch(f"{hierarchy}/{ours}", json={"parent_id": their}, headers=scene.manager)
        for answer in (new, moved):
            assert answer.status_code == 404
            assert answer.get_json()["message"] == f"The project Ours has no node {their}."
    listed = client.get(hierarchy, headers=scene.manager).get_json()
    assert [(node["id"], node["parent_id"]) for node in listed["hierarchy"]] == [(ours, None)]


NOT_FOR_THE_SENDER: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/stages", {"name": "Curing", "id": 1}),
    ("POST", "/stages", {"name": "Curing", "project_id": 1}),
    ("POST", "/stages", {"name": "Curing", "match_key": "x"}),
    ("POST", "/bom-products", {"product_name": "A", "product_type": "B", "unit": "kg", "name_id": "C"}),
    ("PATCH", "", {"name": "Ours", "id": 1}),
    ("PATCH", "", {"name": "Ours", "created_at": "2020-01-01T00:00:00Z"}),
    ("PUT", "/members/vera", {"role": "viewer", "user_id": 1}),
    ("PUT", "/members/vera", {"role": "viewer", "is_admin": True}),
]


def test_fields_that_clients_must_not_set_are_rejected(client: FlaskClient, scene: Scene) -> None:
    for method, path, body in NOT_FOR_THE_SENDER:
        answer = client.open(f"/api/project/{scene.ours}{path}", method=method, json=body, headers=scene.manager)
        assert (body, answer.status_code) == (body, 422)


def test_an_upload_sets_no_fields_of_its_job(client: FlaskClient, scene: Scene) -> None:
    fields = {"created_by": "vera", "project_id": str(scene.theirs), "status": "completed", "id": "1"}
    fields |= {"total_items": "9", "idempotency_key": "monday", "job_type": "stage_import"}
    before = db.session.query(ImportJob).count()
    job_ids = []
    for query, form in ((fields, {}), ({}, fields)):
        data = {"file": (io.BytesIO(FILE.read_bytes()), "a.csv"), **form}
        path = f"/api/project/{scene.ours}/import/excel"
        answer = client.post(path, query_string=query, data=data, headers=scene.manager)
        assert answer.status_code == 202
        job_ids.append(answer.get_json()["job_id"])
    assert db.session.query(ImportJob).count() == before + 2
    for job_id in job_ids:
        job = db.session.get_one(ImportJob, job_id)
        assert (job.project_id, job.job_type, job.status) == (scene.ours, "element_type_import", "pending")
        assert (job.created_by == "vera", job.idempotency_key) == (False, None)


def test_an_idempotency_key_of_another_user_finds_no_job(
    client: FlaskClient, scene: Scene, admin: dict[str, str]
) -> None:
    def waiting(project: int, headers: dict[str, str]) -> tuple[int, Any]:
        answer = client.post(
            f"/api/project/{project}/jobs?job_type=element_type_import",
            headers={**headers, "Idempotency-Key": "monday"},
        )
        return answer.status_code, answer.get_json()

    theirs = waiting(scene.theirs, admin)
    assert theirs[0] == 201
    assert waiting(scene.theirs, scene.manager)[0] == 404
    ours = waiting(scene.ours, scene.manager)
    assert (ours[0], ours[1]["job_id"] != theirs[1]["job_id"]) == (201, True)


def test_a_search_treats_wildcards_as_plain_text(client: FlaskClient, scene: Scene) -> None:
    path = f"/api/project/{scene.theirs}/element-types"
    projects.set_role(scene.theirs, "vera", Role.VIEWER)
    for search in ("%", "_", "\\", "%%", "WALL_", ".*", "^", "[A-Z]", "'", "W%1", "\\%"):
        for name in ("search", "type"):
            answer = client.get(path, query_string={name: search}, headers=scene.viewer)
            assert (search, answer.status_code, answer.get_json()["count"]) == (search, 200, 0)
    assert client.get(path, query_string={"search": "wall"}, headers=scene.viewer).get_json()["count"] > 0


def test_a_read_only_token_changes_nothing(app: Flask, client: FlaskClient, scene: Scene) -> None:
    """Every route is requested with existing ids and a read-only token of an administrator."""
    chief = users.create("chief", "correct cement", is_admin=True)
    reading = {"Authorization": f"Bearer {tokens.create(chief, days=1, read_only=True)}"}
    before, ids = project_snapshot.snapshot_project(scene.theirs), scene.ids
    numbers = {"project_id": scene.theirs, "job_id": scene.jobs["queued"], "element_id": ids["piece"]}
    tried = 0
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) & {"POST", "PUT", "PATCH", "DELETE"}:
            if rule.rule.startswith("/api/"):
                kind = {"hierarchy": "node", "stages": "stage", "drawing-types": "drawing_type"}
                number = ids[kind.get(rule.rule.split("/")[-2], "product")]
                values = {**dict.fromkeys(rule.arguments, 1), "number": number, "user": "vera", **numbers}
                _, path = rule.build(values, append_unknown=False) or ("", "")
                query = "?job_type=element_type_import" if path.endswith("/jobs") else ""
                assert (method, path, said(client, reading, method, path + query)[0]) == (method, path, 403)
                tried += 1
    assert tried > 20
    assert project_snapshot.snapshot_project(scene.theirs) == before


def test_a_viewer_changes_nothing(app: Flask, client: FlaskClient, scene: Scene) -> None:
    projects.set_role(scene.theirs, "vera", Role.VIEWER)
    before = project_snapshot.snapshot_project(scene.theirs)
    for verb in ("cancel", "retry", "undo", "apply"):
        for number in scene.jobs.values():
            assert said(client, scene.viewer, "POST", f"/api/jobs/{number}/{verb}")[0] == 403
    feeding = f"/api/jobs/{scene.jobs['waiting']}/file"
    assert said(client, scene.viewer, "PUT", feeding, data=FILE.read_bytes())[0] == 403
    for header in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        path = f"/api/project/{scene.theirs}/stages/{scene.ids['stage']}"
        answer = client.get(path, headers={**scene.viewer, header: "DELETE"})
        assert answer.status_code == 405
        assert said(client, scene.viewer, "GET", f"/api/jobs/{scene.jobs['queued']}?_method=DELETE")[0] == 200
    assert project_snapshot.snapshot_project(scene.theirs) == before
