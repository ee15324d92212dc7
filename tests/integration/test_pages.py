"""The HTML of the pages: what each role sees, and the texts of empty pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlalchemy
from flask import Flask
from flask.testing import FlaskClient

from precast_app.auth import users
from precast_app.extensions import db
from precast_app.importing.profiles.schema import load_profile
from precast_app.jobs import service
from precast_app.jobs.creation import JobOptions
from precast_app.jobs.runner import run_job
from precast_app.models import Role
from precast_app.projects import import_profiles, projects
from precast_app.web.template_filters import in_order
from tests import job_states
from tests.conftest import EXAMPLES, run_import, submit
from tests.pages import BROWSER, page, signed_in

SHEET = EXAMPLES / "element_types.csv"


@pytest.fixture
def viewer(app: Flask, green_meadows: int) -> FlaskClient:
    return signed_in(app, green_meadows, "vera", Role.VIEWER)


@pytest.fixture
def editor(app: Flask, green_meadows: int) -> FlaskClient:
    return signed_in(app, green_meadows, "eve", Role.EDITOR)


def test_a_page_redirects_to_the_sign_in_form_and_back(client: FlaskClient, project_id: int) -> None:
    answer = client.get(f"/projects/{project_id}/jobs?state=failed", headers=BROWSER)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/login?next=/projects/1/jobs%3Fstate%3Dfailed")
    assert "<h1>Sign in</h1>" in page(client, "/login")


def test_browsers_get_errors_as_pages_and_others_as_json(viewer: FlaskClient) -> None:
    other = projects.create("Harbour").id
    for path in (f"/projects/{other}", "/projects/999", "/jobs/999", "/nowhere"):
        assert "<h1>Not found</h1>" in page(viewer, path, 404)
    refused = page(viewer, "/projects/1/import", 403)
    assert "<h1>Not allowed</h1>" in refused
    assert "the editor role in the project Green Meadows" in refused
    assert "The project Green Meadows has no element type 99" in page(viewer, "/projects/1/element-types/99", 404)
    assert viewer.get("/api/nowhere", headers=BROWSER).is_json, "the API answers with JSON"
    assert viewer.get("/nowhere").is_json, "and so does any path if no page was requested"


def test_empty_pages_say_what_to_do(app: Flask, project_id: int) -> None:
    admin = signed_in(app, project_id, "ada", None)
    assert "<h1>Drop your list</h1>" in page(admin, f"/projects/{project_id}")
    assert "No jobs yet" in page(admin, f"/projects/{project_id}/jobs")
    assert "No element types yet" in page(admin, f"/projects/{project_id}/element-types")
    users.create("nora", "correct cement")
    nora = app.test_client()
    nora.post("/login", data={"name": "nora", "password": "correct cement"})
    assert "An administrator creates projects" in page(nora, "/")


def test_the_overview_shows_figures_floors_and_materials(
    editor: FlaskClient, viewer: FlaskClient, green_meadows: int
) -> None:
    run_import(green_meadows, SHEET)
    shown = page(editor, f"/projects/{green_meadows}")
    for text in (
        "<strong>120</strong>",
        "Tower",
        "What is left, by tower and floor",
        "Still to produce",
        "element_types.csv",
    ):
        assert text in shown
    assert f'href="/projects/{green_meadows}/import"' in shown
    assert f'href="/projects/{green_meadows}/import"' not in page(viewer, f"/projects/{green_meadows}")
    assert "120 element types" in page(viewer, "/")


def test_a_dry_run_can_be_applied_by_editors_only(editor: FlaskClient, viewer: FlaskClient, green_meadows: int) -> None:
    done = run_import(green_meadows, SHEET, dry_run=True)
    shown = page(editor, f"/jobs/{done.id}")
    assert "<strong>120</strong> new" in shown
    assert f'data-call="POST /api/jobs/{done.id}/apply"' in shown
    assert "data-call" not in page(viewer, f"/jobs/{done.id}")


def test_a_job_with_rejected_rows_shows_the_invalid_cells(
    editor: FlaskClient, green_meadows: int, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.csv"
    lines = SHEET.read_text(encoding="utf-8").splitlines()
    cells = lines[1].split(",")
    cells[2] = "<b>tall</b>"
    bad.write_text("\n".join([lines[0], ",".join(cells), *lines[2:]]), encoding="utf-8")
    done = run_import(green_meadows, bad)
    shown = page(editor, f"/jobs/{done.id}")
    assert "119 of 120 elements" in shown
    assert "&lt;b&gt;tall&lt;/b&gt;" in shown
    assert f'href="/api/jobs/{done.id}/annotated"' in shown
    assert f'data-call="POST /api/jobs/{done.id}/undo"' in shown
    only = page(editor, f"/jobs/{done.id}?change=unchanged&severity=warning")
    assert "<h2>Changes</h2>" in only


def test_a_changed_field_is_shown_with_its_old_and_new_value(
    editor: FlaskClient, green_meadows: int, tmp_path: Path
) -> None:
    run_import(green_meadows, SHEET)
    lines = SHEET.read_text(encoding="utf-8").splitlines()
    cells = lines[1].split(",")
    before, cells[2] = cells[2], "3333"
    changed = tmp_path / "changed.csv"
    changed.write_text("\n".join([lines[0], ",".join(cells)]), encoding="utf-8")
    done = run_import(green_meadows, changed)
    shown = page(editor, f"/jobs/{done.id}")
    assert f"<del>{before}</del> → <ins>3333</ins>" in shown
    assert "/annotated" not in shown, "no cell is invalid"


def test_queued_and_cancelled_jobs(editor: FlaskClient, green_meadows: int) -> None:
    waiting = submit(green_meadows, SHEET)
    shown = page(editor, f"/jobs/{waiting}")
    assert "Queued" in shown
    assert "data-moving" in shown
    assert f'data-call="POST /api/jobs/{waiting}/cancel"' in shown
    assert job_states.cancel(waiting, "eve")
    shown = page(editor, f"/jobs/{waiting}")
    assert "Cancelled by eve; nothing was changed" in shown
    assert "data-moving" not in shown
    assert f'data-call="POST /api/jobs/{waiting}/retry"' in shown


def test_a_job_without_its_file_says_that_it_waits(editor: FlaskClient, green_meadows: int) -> None:
    job = service.submit(
        project_id=green_meadows,
        job_type="element_type_import",
        created_by="eve",
        options=JobOptions(),
        upload=None,
    )
    shown = page(editor, f"/jobs/{job.id}")
    assert "Waiting for its file" in shown
    assert "progressbar" not in shown
    assert "<h2>Downloads</h2>" not in shown
    assert " 0 rows" not in page(editor, f"/projects/{green_meadows}/jobs")


def test_polled_parts_answer_304_if_nothing_changed(viewer: FlaskClient, green_meadows: int) -> None:
    job = submit(green_meadows, SHEET)
    for path in (f"/jobs/{job}/state", f"/projects/{green_meadows}/jobs/rows", f"/projects/{green_meadows}/recent"):
        first = viewer.get(path)
        assert first.status_code == 200
        assert viewer.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
        assert job_states.cancel(job, "eve") == (path == f"/jobs/{job}/state"), "a job is cancelled only once"
    assert "Cancelled" in viewer.get(f"/jobs/{job}/state").text


def test_jobs_can_be_filtered(viewer: FlaskClient, green_meadows: int) -> None:
    failed = submit(green_meadows, SHEET)
    assert job_states.cancel(failed, "eve")
    shown = page(viewer, f"/projects/{green_meadows}/jobs?state=cancelled")
    assert f'href="/jobs/{failed}"' in shown
    assert "stages.csv" not in shown
    assert "No jobs match the filter" in page(viewer, f"/projects/{green_meadows}/jobs?state=queued")
    assert "No jobs" in page(viewer, f"/projects/{green_meadows}/jobs?offset=999999999999")


def test_the_filter_of_jobs_has_the_words_of_their_badges(editor: FlaskClient, green_meadows: int) -> None:
    run_import(green_meadows, SHEET, dry_run=True)
    undone = run_import(green_meadows, SHEET)
    assert editor.post(f"/api/jobs/{undone.id}/undo").status_code == 202
    run_job(undone.id + 1)
    cancelled = submit(green_meadows, SHEET)
    assert job_states.cancel(cancelled, "eve")
    submit(green_meadows, SHEET)
    shown = page(editor, f"/projects/{green_meadows}/jobs")
    labels = dict(re.findall(r'<option value="(\w+)">([\w ]+)</option>', shown.partition("Kind")[0]))
    badges = re.findall(r'<span class="badge[^>]*>([^<]+)<', shown)
    assert {"Preview", "Undone", "Completed", "Cancelled", "Queued"} <= set(badges)
    found = []
    for state, label in labels.items():
        of_state = re.findall(
            r'<span class="badge[^>]*>([^<]+)<', page(editor, f"/projects/{green_meadows}/jobs?state={state}")
        )
        assert set(of_state) <= {label}
        found += of_state
    assert sorted(found) == sorted(badges)


def test_element_types_can_be_searched_and_shown(viewer: FlaskClient, green_meadows: int) -> None:
    run_import(green_meadows, SHEET)
    listed = page(viewer, f"/projects/{green_meadows}/element-types?search=w-&node=&offset=0")
    assert "export/excel?search=w-" in listed
    nothing = page(viewer, f"/projects/{green_meadows}/element-types?search=%25_nothing")
    assert "Nothing matches" in nothing
    one = page(viewer, f"/projects/{green_meadows}/element-types/1")
    for text in ("Height", "Materials", "Jobs that changed it", "new, row"):
        assert text in one
    assert "Not found" in page(viewer, f"/projects/{green_meadows}/element-types/999999", 404)
    next_page = page(viewer, f"/projects/{green_meadows}/element-types?offset=100")
    assert 'rel="prev"' in next_page
    assert 'rel="next"' not in next_page


def test_an_account_shows_tokens_and_sessions(editor: FlaskClient, green_meadows: int) -> None:
    made = editor.post(
        "/api/tokens", json={"name": "Nightly <export>", "days": 5, "project_id": green_meadows}
    ).get_json()["token"]
    shown = page(editor, "/account")
    assert "Nightly &lt;export&gt;" in shown
    assert "only Green Meadows" in shown
    assert f"…{made[-4:]}" in shown
    assert made not in shown, "the token itself is never shown again"
    assert "this session" in shown


def test_managers_see_members_and_the_audit_log(app: Flask, editor: FlaskClient, green_meadows: int) -> None:
    manager = signed_in(app, green_meadows, "mia", Role.MANAGER)
    assert editor.post(f"/api/jobs/{submit(green_meadows, SHEET)}/cancel").status_code == 202
    members = page(manager, f"/projects/{green_meadows}/members")
    assert "/members/eve" in members
    assert "Audit" in members
    done = page(manager, f"/projects/{green_meadows}/audit?by=eve")
    assert "<td>Job cancelled</td>" in done
    assert "<td>Role of a member set</td>" not in done
    assert "No entries match the filter" in page(manager, f"/projects/{green_meadows}/audit?act=nothing")
    page(manager, "/users", 403)
    page(editor, f"/projects/{green_meadows}/members", 403)


def test_administrators_see_users(app: Flask, editor: FlaskClient, green_meadows: int) -> None:
    admin = signed_in(app, green_meadows, "ada", None)
    users.set_disabled("eve", True)
    shown = page(admin, "/users")
    assert ">disabled<" in shown
    assert "administrator" in shown
    assert "session.start" in page(admin, "/audit?offset=0")


@pytest.mark.parametrize("odd", ["project_id=9", "job_id=9", "endpoint=x", "_method=PUT", "_external=1", "_scheme=x"])
def test_unknown_parameters_are_left_out_of_links(app: Flask, green_meadows: int, odd: str) -> None:
    admin = signed_in(app, green_meadows, "ada", None)
    job = run_import(green_meadows, SHEET).id
    for path in (f"/projects/{green_meadows}/jobs", f"/jobs/{job}", "/audit", f"/projects/{green_meadows}/audit"):
        shown = page(admin, f"{path}?offset=1&{odd}")
        assert odd.partition("=")[0] + "=" not in shown


def test_everyone_sees_reference_data_and_managers_can_change_it(
    app: Flask, editor: FlaskClient, green_meadows: int
) -> None:
    run_import(green_meadows, SHEET)
    manager = signed_in(app, green_meadows, "mia", Role.MANAGER)
    base = f"/projects/{green_meadows}/reference"
    assert editor.get(base, headers=BROWSER).headers["Location"] == f"{base}/hierarchy"
    for path, text in (
        ("hierarchy", "Tower_A.Floor_1"),
        ("stages", "Stockyard"),
        ("drawing-types", "Assembly"),
        ("bom-products", "6MM"),
    ):
        shown = page(manager, f"{base}/{path}")
        assert text in shown
        assert f'data-api="POST /api/project/{green_meadows}/{path}"' in shown
        assert 'data-call="DELETE' not in shown, "everything in the sample is used"
        assert "data-api" not in page(editor, f"{base}/{path}")
    assert "<h1>Not found</h1>" in page(editor, f"{base}/colours", 404)


def test_names_are_sorted_by_the_numbers_in_them() -> None:
    assert in_order(["Basement", "Floor 10", "Floor 2", "Roof", "Floor 1"]) == [
        "Basement",
        "Floor 1",
        "Floor 2",
        "Roof",
        "Floor 10",
    ]
    assert in_order(["B.F2", "A.F10", "A.F9", "B.F1"]) == ["B.F1", "A.F9", "A.F10", "B.F2"]


def test_the_list_of_projects_answers_304_if_nothing_changed(editor: FlaskClient, green_meadows: int) -> None:
    first = editor.get("/projects/rows")
    assert first.status_code == 200
    again = {"If-None-Match": first.headers["ETag"]}
    assert editor.get("/projects/rows", headers=again).status_code == 304
    submit(green_meadows, SHEET)
    moved = editor.get("/projects/rows", headers=again)
    assert (moved.status_code, "data-moving" in moved.text) == (200, True)


def test_long_lists_are_split_into_pages(app: Flask, project_id: int) -> None:
    chief = signed_in(app, project_id, "chief", None)
    db.session.execute(
        sqlalchemy.text("""
            INSERT INTO projects (name) SELECT 'Site ' || lpad(n::text, 3, '0') FROM generate_series(1, 100) AS n;
            INSERT INTO users (name, password_hash)
            SELECT 'user ' || lpad(n::text, 3, '0'), '' FROM generate_series(1, 100) AS n;
            INSERT INTO memberships (project_id, user_id, role) SELECT :id, id, 'viewer' FROM users;
            INSERT INTO audit_entries (who, act) SELECT 'ada', 'project.rename' FROM generate_series(1, 101)
        """),
        {"id": project_id},
    )
    db.session.commit()
    for path, last in (("/", "Site 100"), ("/users", "user 100"), (f"/projects/{project_id}/members", "user 100")):
        first = page(chief, path)
        assert (last in first, "of 101 " in first, 'rel="next"' in first) == (False, True, True), path
        second = page(chief, f"{path}?offset=100")
        assert (last in second, 'rel="prev"' in second, 'rel="next"' in second) == (True, True, False), path
        assert 'rel="prev"' in page(chief, f"{path}?offset=9999999999")
    chosen = page(chief, "/audit?act=project.rename&by=ada&next=elsewhere")
    assert 'href="/audit?act=project.rename&amp;by=ada&amp;offset=100"' in chosen, (
        "links keep the filters and nothing else"
    )
    assert "/projects/rows?offset=100" in page(chief, "/?offset=100")
    assert "Site 100" in page(chief, "/projects/rows?offset=100")


def test_the_page_about_columns_belongs_to_the_project_of_the_job(
    editor: FlaskClient, viewer: FlaskClient, green_meadows: int
) -> None:
    job_id = submit(green_meadows, SHEET)
    path = f"/projects/{green_meadows}/jobs/{job_id}/columns"
    shown = page(editor, path)
    assert f'data-job="{job_id}"' in shown
    assert "What is a row?" in shown
    page(viewer, path, 403)
    other = projects.create("Harbour").id
    projects.set_role(other, "eve", Role.EDITOR)
    page(editor, f"/projects/{other}/jobs/{job_id}/columns", 404)


def test_remembered_profiles_are_listed_and_managers_delete_them(
    app: Flask, editor: FlaskClient, green_meadows: int
) -> None:
    path = f"/projects/{green_meadows}/import"
    assert "Lists that are read without a question" not in page(editor, path)
    columns = [{"heading": "Pos.", "target": "name"}, {"heading": "Bauteil", "target": "element_type"}]
    profile = load_profile({"name": "Hafenstraße", "columns": columns})
    stored = import_profiles.create(green_meadows, profile, "eve").id
    shown = page(editor, path)
    for text in ("Lists that are read without a question", "Hafenstraße", "Pos., Bauteil", "version 1"):
        assert text in shown
    delete = f'data-call="DELETE /api/project/{green_meadows}/import-profiles/{stored}"'
    assert delete not in shown
    assert delete in page(signed_in(app, green_meadows, "mona", Role.MANAGER), path)


def test_pieces_are_listed_by_place_and_status_and_moved_on_from_their_page(
    editor: FlaskClient, viewer: FlaskClient, green_meadows: int
) -> None:
    run_import(green_meadows, SHEET)
    pieces = editor.get(f"/api/project/{green_meadows}/elements?limit=1000&sort=code").get_json()["elements"]
    first = pieces[0]
    assert editor.patch(f"/api/elements/{first['id']}", json={"status": "in_production"}).status_code == 200
    path = f"/projects/{green_meadows}/pieces"
    shown = page(viewer, path)
    assert (first["code"] in shown, 'rel="next"' in shown) == (True, True)
    after = page(viewer, f"{path}?after={pieces[99]['id']}")
    assert (first["code"] in after, pieces[100]["code"] in after, "From the start" in after) == (False, True, True)
    codes = re.findall(r">([^<]+)</a><span", page(viewer, f"{path}?sort=-code"))
    assert (len(codes), codes) == (100, sorted(codes, reverse=True))
    moved = page(viewer, f"{path}?status=in_production&node_id={first['node_id']}&tower={first['tower']}")
    assert (first["code"] in moved, ">1 piece<" in moved, 'rel="next"' in moved) == (True, True, False)
    assert "Nothing matches" in page(viewer, f"{path}?status=erected&node_id=nowhere")
    assert ">1 piece<" in page(viewer, f"{path}?search={first['code']}")
    only = page(viewer, f"{path}?element_type_id={first['element_type_id']}&status=never")
    assert set(re.findall(r'/element-types/(\d+)"', only)) == {str(first["element_type_id"])}
    one = page(editor, f"/pieces/{first['id']}?code={first['code']}")
    assert ("Mark as produced" in one, "Added to the project" in one) == (True, True)
    assert f'data-call="PATCH /api/elements/{first["id"]}"' in one
    assert "data-call" not in page(viewer, f"/pieces/{first['id']}")
    page(viewer, "/pieces/999999", 404)
