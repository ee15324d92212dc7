"""Every column group works from its declaration: its items, templates, mappings, imports, totals and pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pytest
from flask.testing import FlaskClient

from precast_app.importing.schema import GROUP_SPECS, GroupSpec
from precast_app.jobs.runner import run_job
from precast_app.projects import projects
from tests.conftest import run_import
from tests.element_type_files import WriteCsv, wall_row
from tests.export_round_trip import CSV_EXPORT_URL, EXCEL_EXPORT_URL, Export, assert_unchanged
from tests.job_requests import EXCEL_IMPORT_URL, Headers, upload_form
from tests.reference_files import write_example

PROJECT = "/api/project/1"
TEMPLATE_URL = f"{PROJECT}/template"

pytestmark = pytest.mark.parametrize("spec", GROUP_SPECS.values(), ids=lambda spec: spec.group.value)


@pytest.fixture
def item(client: FlaskClient, admin: Headers, project_id: int, spec: GroupSpec) -> dict[str, Any]:
    """Add the example of the group's items, without a parent, and return it."""
    kind = spec.reference
    body = {name: value for name, value in kind.example.items() if name != "parent_id"}
    answer = client.post(f"{PROJECT}/{kind.path}", headers=admin, json=body)
    assert answer.status_code == 201, answer.get_json()
    created: dict[str, Any] = answer.get_json()[kind.api_item]
    return created


@pytest.fixture
def imported(item: dict[str, Any], spec: GroupSpec, write_csv: WriteCsv) -> dict[str, Any]:
    """Import one element type that has the group's example as its value for the item, and return the item."""
    done = run_import(1, write_csv([item[spec.reference.label]], wall_row("W-1", spec.example)))
    assert (done.status, done.created_count, done.warning_count) == ("completed", 1, 0), done.error
    return item


def test_items_are_changed_and_deleted(
    client: FlaskClient, admin: Headers, item: dict[str, Any], spec: GroupSpec
) -> None:
    kind = spec.reference
    url = f"{PROJECT}/{kind.path}/{item['id']}"
    changed = client.patch(url, headers=admin, json={kind.name_parts[0]: "Another name"})
    assert (changed.status_code, changed.get_json()[kind.api_item][kind.name_parts[0]]) == (200, "Another name")
    listed = client.get(f"{PROJECT}/{kind.path}", headers=admin).get_json()
    assert [each["id"] for each in listed[kind.api_items]] == [item["id"]]
    assert client.get(f"{PROJECT}/{kind.path}/csv", headers=admin).status_code == 200
    assert client.delete(url, headers=admin).status_code == 204
    entries = client.get("/api/audit", headers=admin).get_json()["entries"]
    verbs = ("create", "change", "delete")
    assert {f"{kind.api_item}.{verb}" for verb in verbs} <= {entry["act"] for entry in entries}


def test_an_item_is_not_added_twice_or_changed_through_another_project(
    client: FlaskClient, admin: Headers, item: dict[str, Any], spec: GroupSpec
) -> None:
    kind = spec.reference
    body = {name: value for name, value in kind.example.items() if name != "parent_id"}
    assert client.post(f"{PROJECT}/{kind.path}", headers=admin, json=body).status_code == 409
    elsewhere = f"/api/project/{projects.create('Other').id}/{kind.path}/{item['id']}"
    name = {kind.name_parts[0]: "Another name"}
    assert client.patch(elsewhere, headers=admin, json=name).status_code == 404
    assert client.delete(elsewhere, headers=admin).status_code == 404


def test_items_are_imported_from_a_file_and_from_their_export(
    client: FlaskClient, admin: Headers, project_id: int, spec: GroupSpec, tmp_path: Path
) -> None:
    kind = spec.reference
    path = write_example(kind, tmp_path)
    first = run_import(project_id, path, kind.job_type)
    assert (first.status, first.created_count, first.warning_count) == ("completed", 1, 0), first.error
    path.write_bytes(client.get(f"{PROJECT}/{kind.path}/csv", headers=admin).data)
    second = run_import(project_id, path, kind.job_type)
    assert (second.status, second.unchanged_count, second.updated_count) == ("completed", 1, 0), second.error


@pytest.mark.parametrize("query", ["", "guide=true"])
def test_templates_have_the_items_that_are_chosen(
    export: Export, item: dict[str, Any], spec: GroupSpec, query: str
) -> None:
    option = spec.reference.snapshot_key
    widths = []
    for chosen in ("", f"&{option}={item['id']}", f"&{option}="):
        sheet = openpyxl.load_workbook(export(f"{TEMPLATE_URL}/excel?{query}{chosen}"))["Element Types"]
        widths.append(sheet.max_column)
        if query and not chosen:
            assert str(sheet.cell(3, 11).value) == str(spec.example)
        export(f"{TEMPLATE_URL}/csv?{query}{chosen}")
    assert widths == [11, 11, 10]


@pytest.mark.parametrize("url", [EXCEL_EXPORT_URL, CSV_EXPORT_URL])
def test_exports_change_nothing_when_they_are_imported(
    imported: dict[str, Any], export: Export, spec: GroupSpec, url: str
) -> None:
    assert_unchanged(1, export(url), 1)


def test_a_column_of_another_office_is_mapped_to_an_item(
    client: FlaskClient, admin: Headers, item: dict[str, Any], spec: GroupSpec, tmp_path: Path
) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"Pos.;Bauteil;Xyz\nF-1;Wand;{spec.example}\n", encoding="utf-8")
    upload = client.post(EXCEL_IMPORT_URL, headers=admin, data=upload_form(path, mapping="ask"))
    assert upload.status_code == 202, upload.get_json()
    url = f"/api/jobs/{upload.get_json()['job_id']}"
    described = client.get(f"{url}/columns", headers=admin)
    assert described.status_code == 200, described.get_json()
    target = {spec.reference.profile_key: item[spec.reference.label]}
    assert target in [each["target"] for each in described.get_json()["targets"]]
    profile = {**described.get_json()["profile"], "name": "Another office"}
    targets = {"Pos.": "name", "Bauteil": "element_type", "Xyz": target}
    profile["columns"] = [{"heading": heading, "target": meaning} for heading, meaning in targets.items()]
    started = client.put(f"{url}/mapping", headers=admin, json=profile)
    assert started.status_code == 202, started.get_json()
    run_job(upload.get_json()["job_id"])
    assert summary(client, admin)[spec.count_field] == 1


def test_values_are_counted_shown_and_edited(
    client: FlaskClient, admin: Headers, imported: dict[str, Any], spec: GroupSpec
) -> None:
    assert summary(client, admin)[spec.count_field] == 1
    (listed,) = client.get(f"{PROJECT}/element-types", headers=admin).get_json()["element_types"]
    url = f"{PROJECT}/element-types/{listed['id']}"
    (line,) = client.get(url, headers=admin).get_json()["element_type"][spec.group]
    assert line[spec.target_column] == imported["id"]
    for page in (f"element-types/{listed['id']}", f"element-types/{listed['id']}/edit", "import", "jobs", ""):
        assert client.get(f"/projects/1/{page}".rstrip("/"), headers=admin).status_code == 200, page
    shown = client.get(f"/projects/1/reference/{spec.reference.path}", headers=admin)
    assert imported[spec.reference.name_parts[0]] in shown.text
    blank = None if spec.value_column else False
    edited = client.patch(url, headers=admin, json={spec.group.value: {str(imported["id"]): blank}})
    assert edited.status_code == 202, edited.get_json()
    run_job(edited.get_json()["job_id"])
    assert summary(client, admin)[spec.count_field] == 0
    deleted = client.delete(f"{PROJECT}/{spec.reference.path}/{imported['id']}", headers=admin)
    assert deleted.status_code == 204, deleted.get_json()


def summary(client: FlaskClient, admin: Headers) -> dict[str, Any]:
    answer = client.get(f"{PROJECT}/summary", headers=admin)
    assert answer.status_code == 200, answer.get_json()
    found: dict[str, Any] = answer.get_json()["summary"]
    return found
