"""Starting a job needs the permission for what the job does, at the request and again when the job begins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from precast_app.auth import users
from precast_app.extensions import db
from precast_app.importing import current_reference, reference_data
from precast_app.importing.reference_schema import REFERENCE_SPECS
from precast_app.jobs import lifecycle, registry, service
from precast_app.jobs.creation import JobOptions
from precast_app.jobs.files import Upload
from precast_app.jobs.runner import run_job
from precast_app.models import ElementType, HierarchyNode, ImportBatch, ImportJob, Piece, Role, Stage
from precast_app.projects import projects
from tests.auth_headers import member_headers
from tests.conftest import EXAMPLES, ROOT, get_job, run_import, submit
from tests.job_states import claim_or_fail
from tests.reference_files import write_example

ACTIONS = ("create", "attach file", "cancel", "retry", "apply", "undo")
ROLES = (Role.VIEWER, Role.EDITOR, Role.MANAGER)
BASE = "Element Type,Element Type Name,Height,Length,Thickness,Mass,Volume,Area,Width,Element Type Version"


def documented() -> dict[tuple[str, str], str]:
    """Return the lowest role that docs/access.md names for each kind of job and action."""
    page = (ROOT / "docs" / "access.md").read_text(encoding="utf-8").partition("## Jobs")[2].partition("\n## ")[0]
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in page.splitlines() if "|" in line]
    heading, _, *body = rows
    assert heading[1:] == list(ACTIONS)
    return {(kind, action): role for kind, *roles in body for action, role in zip(ACTIONS, roles, strict=True)}


KINDS = sorted({kind for kind, _ in documented()})


def test_every_job_type_is_documented() -> None:
    assert {kind.partition(" ")[0] for kind in KINDS} == set(registry.TYPES)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file that names a stage which the project lacks."""
    path = tmp_path / "types.csv"
    path.write_text(f"{BASE},Stages_Curing\nWALL,W-1,,,,,,,,,yes\n")
    return path


def target(project_id: int, kind: str, action: str, file: Path, manager: dict[str, str], client: FlaskClient) -> int:
    """Return a job of the kind, created by a manager, in a state that allows the action."""
    job_type, _, option = kind.partition(" ")
    create_missing = "create_missing" in option
    if job_type.startswith("piece_"):
        return _piece_job(project_id, job_type, action, file, manager, client)
    # A different file each time, so that there is always something to undo.
    file.write_text(f"{BASE},Stages_Curing\nWALL,W-{db.session.query(ImportJob).count()},,,,,,,,,yes\n")
    if job_type == "element_type_undo":
        done = run_import(project_id, file, create_missing=create_missing)
        undo = client.post(f"/api/jobs/{done.id}/undo", headers=manager).get_json()["job_id"]
        if action == "undo":
            run_job(undo)
        elif action == "retry":
            db.session.query(ImportJob).filter_by(id=undo).update(
                {"status": "failed", "phase": "done", "completed_at": db.func.now()}
            )
            db.session.commit()
        return int(undo)
    if job_type in ("element_type_update", "element_type_deletion"):
        return _change_of_an_element_type(project_id, job_type, action, file, manager, client)
    if job_type == "label_export":
        labels = client.post(f"/api/project/{project_id}/jobs?job_type=label_export", headers=manager)
        if action == "retry":
            client.post(f"/api/jobs/{labels.get_json()['job_id']}/cancel", headers=manager)
        return int(labels.get_json()["job_id"])
    spec = REFERENCE_SPECS.get(job_type)
    path = write_example(spec, file.parent) if spec else file
    options: dict[str, Any] = {"create_missing": create_missing, "dry_run": action == "apply"}
    if action == "attach file":
        query = {"job_type": job_type, **options}
        answer = client.post(f"/api/project/{project_id}/jobs", query_string=query, headers=manager)
        return int(answer.get_json()["job_id"])
    with path.open("rb") as stream:
        made = service.submit(
            project_id=project_id, job_type=job_type, created_by="manager", options=JobOptions(**options),
            upload=Upload(stream, path.name),
        ).id  # fmt: skip
    if action in ("apply", "undo"):
        run_job(made)
    elif action == "retry":
        client.post(f"/api/jobs/{made}/cancel", headers=manager)
    return made


def _piece_job(
    project_id: int, job_type: str, action: str, file: Path, manager: dict[str, str], client: FlaskClient
) -> int:
    """Return a job on the pieces of an element type of its own."""
    if action == "attach file":
        answer = client.post(f"/api/project/{project_id}/jobs?job_type={job_type}", headers=manager)
        return int(answer.get_json()["job_id"])
    name = f"W-{db.session.query(ImportJob).count()}"
    if not db.session.query(HierarchyNode).count():
        assert run_import(project_id, EXAMPLES / "hierarchy.csv", "hierarchy_import").status == "completed"
    file.write_text(f"{BASE},Podium\n{name},{name},,,,,,,,,1\n")
    assert run_import(project_id, file).pieces_added == 1
    code = db.session.query(Piece.code).order_by(Piece.id.desc()).limit(1).scalar()
    file.write_text(f"Piece,Status\n{code},produced\n")
    if job_type == "piece_undo":
        done = run_import(project_id, file, "piece_status_import")
        undo = int(client.post(f"/api/jobs/{done.id}/undo", headers=manager).get_json()["job_id"])
        if action == "undo":
            run_job(undo)
        elif action == "retry":
            client.post(f"/api/jobs/{undo}/cancel", headers=manager)
        return undo
    if job_type == "piece_update":
        body = {"filter": {"search": code}, "expected": 1, "set": {"status": "produced"}}
        answer = client.post(f"/api/project/{project_id}/elements/bulk", json=body, headers=manager)
        made = int(answer.get_json()["job_id"])
    else:
        made = submit(project_id, file, job_type, dry_run=action == "apply")
    if action in ("apply", "undo"):
        run_job(made)
    elif action == "retry":
        client.post(f"/api/jobs/{made}/cancel", headers=manager)
    return made


def _change_of_an_element_type(
    project_id: int, job_type: str, action: str, file: Path, manager: dict[str, str], client: FlaskClient
) -> int:
    """Return a job that changes or deletes an element type of its own."""
    assert run_import(project_id, file, create_missing=True).created_count == 1
    number = db.session.query(ElementType.id).order_by(ElementType.id.desc()).limit(1).scalar()
    address = f"/api/project/{project_id}/element-types/{number}"
    if job_type == "element_type_update":
        answer = client.patch(address, json={"height": "3000"}, headers=manager)
    else:
        answer = client.delete(address, headers=manager)
    made = int(answer.get_json()["job_id"])
    if action == "undo":
        run_job(made)
    elif action == "retry":
        client.post(f"/api/jobs/{made}/cancel", headers=manager)
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_each_action_needs_the_documented_role(project_id: int, client: FlaskClient, file: Path, kind: str) -> None:
    asked = {role: member_headers(project_id, role) for role in ROLES}
    job_type, _, option = kind.partition(" ")
    if job_type == "label_export":
        file.write_text(f"{BASE},Tower_A.Floor_1\nWALL,W-1,,,,,,,,,1\n")
        assert run_import(project_id, file, create_missing=True).pieces_added == 1
    found, expected = {}, {}
    for action in ACTIONS:
        least = documented()[kind, action]
        if least == "–":
            continue
        for role in ROLES:
            if action == "create":
                query = {"job_type": job_type, **({"create_missing": "true"} if option else {})}
                answer = client.post(f"/api/project/{project_id}/jobs", query_string=query, headers=asked[role])
            else:
                number = target(project_id, kind, action, file, asked[Role.MANAGER], client)
                address = f"/api/jobs/{number}/{'file' if action == 'attach file' else action}"
                method = "PUT" if action == "attach file" else "POST"
                spec = REFERENCE_SPECS.get(job_type)
                path = write_example(spec, file.parent) if spec else file
                if job_type == "piece_status_import":
                    file.write_text("Piece,Status\nWALL/P/0001,produced\n")
                data = path.read_bytes() if action == "attach file" else None
                answer = client.open(address, method=method, data=data, headers=asked[role])
            found[action, role] = answer.status_code
            expected[action, role] = 403 if ROLES.index(role) < ROLES.index(Role(least)) else found[action, role]
            assert answer.status_code in (201, 202, 403, 409), (action, role, answer.get_json())
            if answer.status_code < 300 and action != "cancel":
                started = db.session.get_one(ImportJob, answer.get_json()["job_id"], populate_existing=True)
                assert started.started_by_user_id == users.get_by_name(role).id, (
                    "the user whose permission the worker checks"
                )
            for left in db.session.query(ImportJob).filter(ImportJob.status == "pending"):
                client.post(f"/api/jobs/{left.id}/cancel", headers=asked[Role.MANAGER])
    assert found == expected
    assert all(found[key] != 409 for key in found if key[1] == Role.MANAGER), found


def test_an_editor_can_not_create_reference_data_through_a_managers_job(
    project_id: int, client: FlaskClient, file: Path
) -> None:
    manager, editor = member_headers(project_id, Role.MANAGER), member_headers(project_id, Role.EDITOR)
    address = f"/api/project/{project_id}/jobs?job_type=element_type_import&create_missing=true"
    waiting = client.post(address, headers=manager).get_json()["job_id"]
    refused = client.put(f"/api/jobs/{waiting}/file", data=file.read_bytes(), headers=editor)
    assert (refused.status_code, get_job(waiting).phase) == (403, "waiting_for_file")
    assert client.put(f"/api/jobs/{waiting}/file", data=file.read_bytes(), headers=manager).status_code == 202
    run_job(waiting)
    undo = client.post(f"/api/jobs/{waiting}/undo", headers=manager).get_json()["job_id"]
    run_job(undo)
    assert (get_job(undo).status, db.session.query(Stage).count()) == ("completed", 0)
    assert client.post(f"/api/jobs/{undo}/undo", headers=editor).status_code == 403
    assert db.session.query(ImportJob).count() == 2


@pytest.mark.parametrize("how", ["disabled", "removed", "demoted", "deleted"])
def test_a_job_whose_starter_lost_the_permission_does_not_begin(
    project_id: int, client: FlaskClient, admin: dict[str, str], file: Path, how: str
) -> None:
    editor = member_headers(project_id, Role.EDITOR)
    with file.open("rb") as stream:
        sent = client.post(f"/api/project/{project_id}/import/excel", data={"file": (stream, "a.csv")}, headers=editor)
    number = sent.get_json()["job_id"]
    if how == "disabled":
        users.set_disabled("editor", True)
    elif how == "removed":
        projects.remove_member(project_id, "editor")
    elif how == "deleted":
        db.session.delete(users.get_by_name("editor"))
        db.session.commit()
    else:
        projects.set_role(project_id, "editor", Role.VIEWER)
    run_job(number)
    failed = get_job(number)
    assert (failed.status, failed.created_count, failed.processed_items) == ("failed", 0, 0)
    assert ("user who started it" if how == "deleted" else "editor") in str(failed.error)
    assert "retry" in str(failed.error)
    assert client.post(f"/api/jobs/{number}/retry", headers=admin).status_code == 202
    run_job(number)
    assert (get_job(number).status, get_job(number).created_count) == ("completed", 1)


def test_a_job_of_the_command_line_needs_no_permission(project_id: int, file: Path) -> None:
    users.create("tester", "correct cement")
    assert run_import(project_id, file).status == "completed"


@pytest.mark.parametrize("written", ["nothing", "a batch", "reference data"])
def test_a_resumed_job_is_finished_without_its_starter_if_it_has_written_something(
    project_id: int, client: FlaskClient, file: Path, written: str
) -> None:
    """A complete import can be undone, which is better than a partial one."""
    manager = member_headers(project_id, Role.MANAGER)
    stages = EXAMPLES / "stages.csv"
    if written == "a batch":
        query, content = {"job_type": "stage_import"}, stages.read_bytes()
    else:
        query, content = {"job_type": "element_type_import", "create_missing": "true"}, file.read_bytes()
    number = client.post(f"/api/project/{project_id}/jobs", query_string=query, headers=manager).get_json()["job_id"]
    client.put(f"/api/jobs/{number}/file", data=content, headers=manager)
    lease = claim_or_fail(number)
    if written == "reference data":
        values: dict[Any, Any] = {"reference": reference_data.to_json(current_reference.load(db.session(), project_id))}
        db.session.query(ImportJob).filter_by(id=number).update(values)
    elif written == "a batch":
        counts = dict.fromkeys(("updated_count", "rejected_count", "pieces_added", "pieces_removed"), 0)
        db.session.add(ImportBatch(job_id=number, number=1, created_count=8, **counts))
    db.session.commit()
    lifecycle.release(lease)
    db.session.commit()
    projects.remove_member(project_id, "manager")
    run_job(number)
    assert get_job(number).status == ("failed" if written == "nothing" else "completed"), get_job(number).error


def test_the_page_offers_what_the_role_allows(project_id: int, client: FlaskClient, file: Path) -> None:
    manager, editor = member_headers(project_id, Role.MANAGER), member_headers(project_id, Role.EDITOR)
    done = run_import(project_id, file, create_missing=True)
    undo = client.post(f"/api/jobs/{done.id}/undo", headers=manager).get_json()["job_id"]
    for number, action in ((done.id, "undo"), (undo, "cancel")):
        call = f"POST /api/jobs/{number}/{action}"
        assert call in client.get(f"/jobs/{number}", headers=manager).text
        assert call not in client.get(f"/jobs/{number}", headers=editor).text
