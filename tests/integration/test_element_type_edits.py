"""One element type is changed or deleted by a user, and that is undone."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from precast_app.extensions import db
from precast_app.jobs.runner import run_job
from precast_app.models import AuditEntry, ElementType, HierarchyNode, ImportJob, Piece, Stage
from tests import project_snapshot
from tests.conftest import get_job, run_import
from tests.element_type_files import WriteCsv, wall_row
from tests.job_requests import Headers, post_job_action, undo_job

HEADINGS = ["Tower_A.Floor_2", "Casting", "Assembly", "Steel_8MM"]


@pytest.fixture
def project(green_meadows: int, write_csv: WriteCsv) -> int:
    """Return a project with two walls."""
    rows = [wall_row(name, 3, "yes", "a.dwg", "1.5", height="3000") for name in ("W-1", "W-2")]
    assert run_import(green_meadows, write_csv(HEADINGS, *rows)).created_count == len(rows)
    return green_meadows


class Editor:
    """Requests about an element type; a change is carried out at once."""

    def __init__(self, client: FlaskClient, headers: Headers, project: int) -> None:
        self.client, self.headers = client, headers
        self.address = f"/api/project/{project}/element-types"

    def read(self, name: str) -> dict[str, Any]:
        id_ = db.session.scalar(select(ElementType.id).where(ElementType.name == name))
        found: dict[str, Any] = self.client.get(f"{self.address}/{id_}", headers=self.headers).get_json()[
            "element_type"
        ]
        return found

    def send(self, id_: int, **values: Any) -> tuple[int, dict[str, Any]]:
        answer = self.client.patch(f"{self.address}/{id_}", json=values, headers=self.headers)
        return answer.status_code, answer.get_json()

    def change(self, id_: int, **values: Any) -> ImportJob:
        status, body = self.send(id_, **values)
        assert status == 202, body
        run_job(body["job_id"])
        return get_job(body["job_id"])

    def delete(self, id_: int) -> tuple[int, dict[str, Any]]:
        answer = self.client.delete(f"{self.address}/{id_}", headers=self.headers)
        return answer.status_code, answer.get_json()


@pytest.fixture
def editor(client: FlaskClient, admin: Headers, project: int) -> Editor:
    return Editor(client, admin, project)


def item_id(model: Any, **values: str) -> int:
    return int(db.session.scalars(select(model.id).filter_by(**values)).one())


def test_values_of_every_group_are_changed_and_put_back(
    client: FlaskClient, admin: Headers, project: int, editor: Editor
) -> None:
    before = project_snapshot.snapshot_project(project)
    wall = editor.read("W-1")
    floor, curing = item_id(HierarchyNode, path="Tower_A.Floor_3"), item_id(Stage, name="Curing")
    done = editor.change(
        wall["id"],
        height="3100.5",
        mass=2500,
        version="VR-2",
        quantities={str(floor): "2", str(wall["quantities"][0]["node_id"]): 1},
        stages={str(curing): True, str(wall["stages"][0]["stage_id"]): False},
        drawings={str(wall["drawings"][0]["drawing_type_id"]): "b.dwg"},
        bom={str(wall["bom"][0]["product_id"]): None},
    )
    assert (done.status, done.result, done.updated_count) == ("completed", "Changed WALL W-1", 1), done.error
    assert (done.pieces_added, done.pieces_removed) == (2, 2)
    changed = editor.read("W-1")
    assert (changed["height"], changed["mass"], changed["version"]) == ("3100.5", "2500", "VR-2")
    assert {line["path"]: line["quantity"] for line in changed["quantities"]} == {
        "Tower_A.Floor_2": 1, "Tower_A.Floor_3": 2,
    }  # fmt: skip
    assert [line["stage"] for line in changed["stages"]] == ["Curing"]
    assert [line["file_name"] for line in changed["drawings"]] == ["b.dwg"]
    assert changed["bom"] == []
    assert changed["jobs"][-1] | {"completed_at": None} == {
        "job_id": done.id, "created_by": "admin", "completed_at": None, "row": None, "change": "updated",
    }  # fmt: skip
    assert undo_job(client, admin, done.id).status == "completed"
    assert project_snapshot.snapshot_project(project) == before


def test_a_change_is_audited_and_its_undo_is_undone(
    client: FlaskClient, admin: Headers, project: int, editor: Editor
) -> None:
    done = editor.change(editor.read("W-1")["id"], height="3100")
    entries = db.session.scalars(select(AuditEntry).where(AuditEntry.about.contains(f"job {done.id}:"))).all()
    assert [(entry.act, entry.details["job_type"]) for entry in entries] == [("job.create", "element_type_update")]
    undone = undo_job(client, admin, done.id)
    assert editor.read("W-1")["height"] == "3000"
    again = undo_job(client, admin, undone.id)
    assert (again.status, editor.read("W-1")["height"]) == ("completed", "3100"), again.error


def test_a_renamed_element_type_keeps_its_pieces(
    client: FlaskClient, admin: Headers, project: int, editor: Editor
) -> None:
    before = project_snapshot.snapshot_project(project)
    pieces = project_snapshot.snapshot_pieces(project)
    wall = editor.read("W-1")
    for name in ("W-1A", "w-1a"):
        done = editor.change(wall["id"], name=name, length="5000")
        assert (done.status, done.renamed_count) == ("completed", 1), done.error
        assert editor.read(name)["jobs"][-1]["change"] == "renamed"
    assert project_snapshot.snapshot_pieces(project) == pieces
    status, refused = editor.send(wall["id"], name="W-2")
    assert (status, refused["message"]) == (409, "The project already has WALL W-2. Enter another name.")
    for job in reversed(
        db.session.scalars(
            select(ImportJob.id).where(ImportJob.job_type == "element_type_update").order_by(ImportJob.id)
        ).all()
    ):
        assert undo_job(client, admin, job).status == "completed"
    assert project_snapshot.snapshot_project(project) == before


def test_wrong_values_are_refused_by_field(project: int, editor: Editor) -> None:
    wall = editor.read("W-1")
    node = str(wall["quantities"][0]["node_id"])
    status, refused = editor.send(
        wall["id"], height="tall", length="-1", mass="1,250", name=" ", quantities={node: "1.5", "999": 1}
    )
    assert status == 422
    errors = refused["errors"]["json"]
    assert "Enter a number" in errors["height"][0]
    assert "negative" in errors["length"][0]
    assert "decimal sign" in errors["mass"][0]
    assert "blank" in errors["name"][0]
    assert "whole numbers" in errors["quantities"][node][0]
    assert errors["quantities"]["999"] == ["The project has no node 999. Read the list again."]
    for body, field in (({"element_type": "SLAB"}, "element_type"), ({"stages": {"x": True}}, "stages"), ({}, None)):
        status, refused = editor.send(wall["id"], **body)
        assert status == 422
        assert field is None or field in refused["errors"]["json"]
    assert editor.read("W-1")["height"] == "3000"


def test_a_comma_is_read_where_it_is_clear(project: int, editor: Editor) -> None:
    wall = editor.read("W-1")
    assert editor.change(wall["id"], volume="1,25", mass="1.250").status == "completed"
    assert (editor.read("W-1")["volume"], editor.read("W-1")["mass"]) == ("1.25", "1.25")
    same = editor.change(wall["id"], volume="1.25")
    assert (same.result, same.unchanged_count) == ("WALL W-1 is like that already", 1)


def mark_produced(client: FlaskClient, admin: Headers, element_type_id: int) -> str:
    piece = db.session.scalars(select(Piece).where(Piece.element_type_id == element_type_id).order_by(Piece.id)).first()
    assert piece is not None
    assert client.patch(f"/api/elements/{piece.id}", json={"status": "produced"}, headers=admin).status_code == 200
    return piece.code


def test_pieces_in_production_are_never_removed(
    client: FlaskClient, admin: Headers, project: int, editor: Editor
) -> None:
    wall = editor.read("W-1")
    code = mark_produced(client, admin, wall["id"])
    node = str(wall["quantities"][0]["node_id"])
    status, refused = editor.send(wall["id"], quantities={node: 0})
    assert (status, "Write 1 or more" in refused["message"]) == (409, True)
    status, refused = editor.delete(wall["id"])
    assert (status, refused["message"]) == (
        409,
        f"WALL W-1 can't be deleted, because pieces of it are no longer planned: {code} (produced).",
    )


def test_a_change_that_is_overtaken_by_production_changes_nothing(
    client: FlaskClient, admin: Headers, project: int, editor: Editor
) -> None:
    first, second = editor.read("W-1"), editor.read("W-2")
    _, lowering = editor.send(first["id"], quantities={str(first["quantities"][0]["node_id"]): 0})
    _, deleting = editor.delete(second["id"])
    mark_produced(client, admin, first["id"])
    mark_produced(client, admin, second["id"])
    before = project_snapshot.snapshot_project(project)
    for body in (lowering, deleting):
        run_job(body["job_id"])
        failed = get_job(body["job_id"])
        assert (failed.status, "Nothing was changed" in str(failed.error)) == ("failed", True)
    assert project_snapshot.snapshot_project(project) == before


def test_a_deleted_element_type_comes_back_by_undo(
    client: FlaskClient, admin: Headers, project: int, editor: Editor
) -> None:
    before, pieces = project_snapshot.snapshot_project(project), project_snapshot.snapshot_pieces(project)
    wall = editor.read("W-1")
    status, body = editor.delete(wall["id"])
    assert status == 202, body
    run_job(body["job_id"])
    done = get_job(body["job_id"])
    assert (done.status, done.result, done.removed_count, done.pieces_removed) == (
        "completed",
        "Deleted WALL W-1",
        1,
        3,
    )
    assert editor.send(wall["id"], height="1")[0] == editor.delete(wall["id"])[0] == 404
    changes = client.get(f"/api/jobs/{done.id}/changes", headers=admin).get_json()["changes"]
    assert [(each["change"], each["name"]) for each in changes] == [("deleted", "W-1")]
    assert undo_job(client, admin, done.id).status == "completed"
    assert project_snapshot.snapshot_project(project) == before
    assert project_snapshot.snapshot_pieces(project) == pieces


def test_a_repeated_request_is_one_job_and_a_cancelled_one_changes_nothing(
    client: FlaskClient, admin: Headers, project: int, editor: Editor
) -> None:
    wall = editor.read("W-1")
    headers = {**admin, "Idempotency-Key": "delete the wall"}
    first = client.delete(f"{editor.address}/{wall['id']}", headers=headers).get_json()["job_id"]
    run_job(first)
    assert client.delete(f"{editor.address}/{wall['id']}", headers=headers).get_json()["job_id"] == first
    _, body = editor.send(editor.read("W-2")["id"], height="1")
    assert post_job_action(client, admin, "cancel", body["job_id"])[0] == 202
    run_job(body["job_id"])
    assert editor.read("W-2")["height"] == "3000"


def test_a_later_change_is_in_the_way_of_the_undo(
    client: FlaskClient, admin: Headers, project: int, editor: Editor
) -> None:
    wall = editor.read("W-1")
    first, second = editor.change(wall["id"], height="1"), editor.change(wall["id"], height="2")
    status, refused = post_job_action(client, admin, "undo", first.id)
    assert (status, f"Job {second.id} has changed WALL W-1 since" in refused["message"]) == (409, True)
