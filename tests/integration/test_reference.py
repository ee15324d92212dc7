"""Reference data: listed, created, changed, deleted where unused; and imported from its four files."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from precast_app.extensions import db
from precast_app.models import HierarchyNode, Issue, Stage
from precast_app.projects import projects
from tests.conftest import EXAMPLES, REFERENCE_DATA, run_import

PROJECT = "/api/project/1"
KINDS = [
    ("hierarchy", "node", "hierarchy", {"name": "Tower A"}, {"description": "The tall one"}),
    ("stages", "stage", "stages", {"name": "Casting"}, {"position": 4}),
    ("drawing-types", "drawing_type", "drawing_types", {"name": "Shuttering"}, {"name": "Formwork"}),
    ("bom-products", "bom_product", "bom_products",
     {"product_name": "Steel", "product_type": "6MM", "unit": "kg"}, {"rate": "1.5"}),
]  # fmt: skip
FIELDS = {
    "hierarchy": {"id", "parent_id", "name", "description", "prefix", "path", "naming_convention", "planned_date"},
    "stages": {"id", "name", "position", "reaches_status"},
    "drawing-types": {"id", "name"},
    "bom-products": {"id", "product_name", "product_type", "unit", "rate", "name_id"},
}


def problems(job_id: int) -> list[tuple[int | None, str]]:
    found = db.session.scalars(select(Issue).where(Issue.job_id == job_id).order_by(Issue.row, Issue.id))
    return [(issue.row, issue.code) for issue in found]


@pytest.mark.parametrize(("path", "one", "many", "new", "changed"), KINDS)
def test_made_listed_changed_and_deleted(
    client: FlaskClient,
    admin: dict[str, str],
    project_id: int,
    path: str,
    one: str,
    many: str,
    new: dict[str, Any],
    changed: dict[str, Any],
) -> None:
    address = f"{PROJECT}/{path}"
    assert client.get(address, headers=admin).get_json() == {many: [], "count": 0}
    created = client.post(address, json=new, headers=admin)
    thing = created.get_json()[one]
    assert (created.status_code, set(thing)) == (201, FIELDS[path])
    assert client.post(address, json=new, headers=admin).status_code == 409
    patched = client.patch(f"{address}/{thing['id']}", json=changed, headers=admin)
    assert (patched.status_code, patched.get_json()[one]) == (200, {**thing, **changed})
    assert client.get(address, headers=admin).get_json() == {many: [{**thing, **changed}], "count": 1}
    elsewhere = projects.create("Other").id
    other = f"/api/project/{elsewhere}/{path}/{thing['id']}"
    assert client.patch(other, json=changed, headers=admin).status_code == 404
    assert client.delete(other, headers=admin).status_code == 404
    assert client.delete(f"{address}/{thing['id']}", headers=admin).status_code == 204
    assert client.delete(f"{address}/{thing['id']}", headers=admin).status_code == 404


def test_prefix_path_and_naming_convention_are_derived_from_name_and_parent(
    client: FlaskClient, admin: dict[str, str], project_id: int
) -> None:
    address = f"{PROJECT}/hierarchy"
    tower = client.post(address, json={"name": "Tower A", "prefix": "TA"}, headers=admin).get_json()["node"]
    floor = client.post(
        address, json={"name": "Floor 1", "prefix": "F1", "parent_id": tower["id"]}, headers=admin
    ).get_json()["node"]
    assert (floor["path"], floor["naming_convention"]) == ("Tower_A.Floor_1", "TA_F1")
    cycle = client.patch(f"{address}/{tower['id']}", json={"parent_id": floor["id"]}, headers=admin)
    assert (cycle.status_code, "below itself" in cycle.get_json()["message"]) == (409, True)
    same = client.post(address, json={"name": "Podium", "naming_convention": "TA_F1"}, headers=admin)
    assert (same.status_code, "naming convention" in same.get_json()["message"]) == (409, True)
    slash = client.post(address, json={"name": "Podium", "naming_convention": "T/1"}, headers=admin)
    assert (slash.status_code, "slash" in slash.get_json()["message"]) == (422, True)
    assert client.delete(f"{address}/{tower['id']}", headers=admin).status_code == 409
    assert client.post(address, json={"name": "Lost", "parent_id": 99}, headers=admin).status_code == 404


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("stages", {"name": ""}),
        ("stages", {"name": "\u200b \u00a0"}),
        ("stages", {"name": "---"}),
        ("hierarchy", {"name": "Floor", "path": "Tower..Floor"}),
        ("hierarchy", {"name": "x" * 60}),
        ("bom-products", {"product_name": "Steel", "product_type": "6MM", "unit": "kg", "rate": "1e-20000"}),
        ("bom-products", {"product_name": "Steel", "product_type": "6MM", "unit": "kg", "rate": [1]}),
        ("stages", {"name": "x" * 151}),
        ("stages", {"name": "Casting", "position": -1}),
        ("stages", {"name": "Casting", "id": 7}),
        ("bom-products", {"product_name": "Steel", "product_type": "6MM"}),
        ("bom-products", {"product_name": "Steel", "product_type": "6MM", "unit": "kg", "rate": "-1"}),
        ("bom-products", {"product_name": "Steel", "product_type": "6MM", "unit": "kg", "rate": "NaN"}),
        ("hierarchy", {"name": "Tower", "parent_id": "1 or 2"}),
    ],
)
def test_values_that_cannot_be_taken(
    client: FlaskClient, admin: dict[str, str], project_id: int, path: str, body: dict[str, Any]
) -> None:
    assert client.post(f"{PROJECT}/{path}", json=body, headers=admin).status_code == 422


def test_a_name_is_stored_as_it_is_seen(client: FlaskClient, admin: dict[str, str], project_id: int) -> None:
    answer = client.post(f"{PROJECT}/stages", json={"name": " \ufeffPre\u00a0 cast\t"}, headers=admin)
    assert answer.get_json()["stage"]["name"] == "Pre cast"


def test_two_places_are_not_put_below_each_other_at_the_same_time(
    app: Flask, client: FlaskClient, admin: dict[str, str], project_id: int
) -> None:
    address = f"{PROJECT}/hierarchy"
    first, second = (
        client.post(address, json={"name": name}, headers=admin).get_json()["node"]["id"] for name in ("A", "B")
    )

    def put(pair: tuple[int, int]) -> int:
        answer = app.test_client().patch(f"{address}/{pair[0]}", json={"parent_id": pair[1]}, headers=admin)
        return answer.status_code

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(put, [(first, second), (second, first)])) == [200, 409]


def test_a_naming_convention_in_use_stays(client: FlaskClient, admin: dict[str, str], green_meadows: int) -> None:
    run_import(green_meadows, EXAMPLES / "element_types.csv")
    nodes = client.get(f"{PROJECT}/hierarchy", headers=admin).get_json()["hierarchy"]
    for path, status in (("Podium", 409), ("Tower_A", 200)):
        (node,) = [each for each in nodes if each["path"] == path]
        address = f"{PROJECT}/hierarchy/{node['id']}"
        assert client.patch(address, json={"naming_convention": "NEW"}, headers=admin).status_code == status
        assert client.patch(address, json={"description": "Old"}, headers=admin).status_code == 200


def test_an_item_in_use_is_not_deleted(client: FlaskClient, admin: dict[str, str], green_meadows: int) -> None:
    run_import(green_meadows, EXAMPLES / "element_types.xlsx")
    for path, one, many, _, _ in KINDS:
        used = client.get(f"{PROJECT}/{path}", headers=admin).get_json()[many][0]
        answer = client.delete(f"{PROJECT}/{path}/{used['id']}", headers=admin)
        assert (one, answer.status_code, "in use" in answer.get_json()["message"]) == (one, 409, True)


@pytest.mark.parametrize("job_type", REFERENCE_DATA)
def test_importing_the_sample_twice_changes_nothing(project_id: int, job_type: str) -> None:
    path = EXAMPLES / REFERENCE_DATA[job_type]
    rows = len(path.read_text().splitlines()) - 1
    first, second = run_import(project_id, path, job_type), run_import(project_id, path, job_type)
    assert (first.status, first.created_count, first.total_items, first.processed_items) == (
        "completed", rows, rows, rows,
    )  # fmt: skip
    assert (second.status, second.unchanged_count, second.created_count) == ("completed", rows, 0)
    assert first.result == f"Successfully processed {rows} elements"


def test_a_file_of_another_project_is_rejected(project_id: int) -> None:
    other = projects.create("Other").id
    done = run_import(other, EXAMPLES / "hierarchy.csv", "hierarchy_import")
    assert (done.status, done.created_count) == ("failed", 0)
    assert {code for _, code in problems(done.id)} == {"other_project"}
    assert done.error is not None
    assert "uploaded to project 2" in done.error


def test_good_rows_go_in_and_bad_ones_are_named(project_id: int, tmp_path: Path) -> None:
    path = tmp_path / "hierarchy.csv"
    path.write_text(
        "ID,ProjectID,Name,Description,ParentID,Prefix,Path,NamingConvention\n"
        "3,1,Floor 1,,1,F1,,\n1,1,Tower A,,,TA,,\n2,1,Tower B,,,TB,,TA_F1\n4,1,Floor 2,,9,F2,,\n"
    )
    done = run_import(project_id, path, "hierarchy_import")
    assert (done.status, done.created_count, done.rejected_count) == ("completed", 2, 2)
    assert problems(done.id) == [(4, "conflict"), (5, "unknown_parent")]
    nodes = db.session.scalars(select(HierarchyNode.path).order_by(HierarchyNode.path)).all()
    assert nodes == ["Tower_A", "Tower_A.Floor_1"]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("1,,Tower A,,,T1,,\n2,,Tower B,,,T2,,T1\n3,,FB,,2,FB,,\n", "", [(3, "conflict"), (4, "conflict")]),
        (
            "1,,Z,,,Z,Z,ZZ\n2,,X,,,X,X,NX\n3,,Y,,2,Y,Y,NY\n",
            "3,,Y,,,Y,Y,ZZ\n2,,X,,3,X,X,NX\n",
            [(2, "conflict"), (3, "conflict")],
        ),
    ],
    ids=["the parent is refused", "a circle with what is stored"],
)
def test_a_node_with_an_unusable_parent_is_rejected(
    project_id: int, tmp_path: Path, first: str, second: str, expected: list[tuple[int, str]]
) -> None:
    path = tmp_path / "hierarchy.csv"
    for rows in filter(None, (first, second)):
        path.write_text("ID,ProjectID,Name,Description,ParentID,Prefix,Path,NamingConvention\n" + rows)
        done = run_import(project_id, path, "hierarchy_import")
    assert problems(done.id) == expected


def test_a_column_that_a_hierarchy_file_lacks_does_not_change(project_id: int, tmp_path: Path) -> None:
    path = tmp_path / "hierarchy.csv"
    path.write_text("ID,Name,Description,ParentID,NamingConvention\n1,Tower,High,,TWR\n2,Floor,Low,1,\n")
    assert run_import(project_id, path, "hierarchy_import").created_count == 2
    path.write_text("ID,Name,ParentID\n1,Tower,\n2,Floor,1\n3,Roof,1\n")
    done = run_import(project_id, path, "hierarchy_import")
    assert (done.created_count, done.updated_count, done.unchanged_count) == (1, 0, 2)
    path.write_text("Name,Path,Description\nFloor,Tower.Floor,\n")
    assert run_import(project_id, path, "hierarchy_import").updated_count == 1
    columns = (HierarchyNode.path, HierarchyNode.naming_convention, HierarchyNode.description)
    found = [tuple(row) for row in db.session.execute(select(*columns).order_by(HierarchyNode.id))]
    assert found == [("Tower", "TWR", "High"), ("Tower.Floor", "Tower_Floor", None), ("Tower.Roof", "Tower_Roof", None)]
    children = select(HierarchyNode.name).where(HierarchyNode.parent_id.is_not(None)).order_by(HierarchyNode.id)
    assert db.session.scalars(children).all() == ["Floor", "Roof"]


def test_stages_without_an_order_keep_theirs(project_id: int, tmp_path: Path) -> None:
    path = tmp_path / "stages.csv"
    path.write_text("Name\nA\nB\nC\n")
    assert run_import(project_id, path, "stage_import").created_count == 3
    assert run_import(project_id, path, "stage_import").unchanged_count == 3
    path.write_text("Name,Order\nC,0\n")
    run_import(project_id, path, "stage_import")
    assert db.session.scalars(select(Stage.name).order_by(Stage.position)).all() == ["C", "A", "B"]


def test_a_file_updates_existing_items(project_id: int, tmp_path: Path) -> None:
    path = tmp_path / "stages.csv"
    path.write_text("Name,Order\nCasting,1\nCuring,2\n")
    run_import(project_id, path, "stage_import")
    path.write_text("Name,Order\ncasting,2\nCuring,2\nLoading,\n")
    done = run_import(project_id, path, "stage_import")
    assert (done.created_count, done.updated_count, done.unchanged_count) == (1, 1, 1)


def test_stages_behind_the_highest_position_share_it(
    client: FlaskClient, admin: dict[str, str], project_id: int
) -> None:
    stages = f"/api/project/{project_id}/stages"
    for body in ({"name": "Last", "position": 100_000}, {"name": "Later"}, {"name": "Latest"}):
        made = client.post(stages, json=body, headers=admin)
        assert (made.status_code, made.get_json()["stage"]["position"]) == (201, 100_000)
    listed = client.get(stages, headers=admin).get_json()["stages"]
    assert [stage["name"] for stage in listed] == ["Last", "Later", "Latest"]


def test_a_name_is_no_longer_than_it_may_be_before_it_is_trimmed(
    client: FlaskClient, admin: dict[str, str], project_id: int
) -> None:
    stages = f"/api/project/{project_id}/stages"
    for name, status in ((" " * 149 + "A", 201), (" " * 150 + "B", 422), ("\u200b", 422)):
        assert client.post(stages, json={"name": name}, headers=admin).status_code == status


@pytest.mark.parametrize(("job_type", "file"), REFERENCE_DATA.items())
def test_an_exported_csv_changes_nothing_when_imported(
    client: FlaskClient, admin: dict[str, str], green_meadows: int, job_type: str, file: str, tmp_path: Path
) -> None:
    path = {"hierarchy_import": "hierarchy", "stage_import": "stages"}.get(job_type) or file[:-4].replace("_", "-")
    out = client.get(f"{PROJECT}/{path}/csv", headers=admin)
    assert out.status_code == 200
    again = tmp_path / file
    again.write_bytes(out.data)
    done = run_import(green_meadows, again, job_type)
    assert (done.created_count, done.updated_count, done.rejected_count) == (0, 0, 0)
    assert done.unchanged_count == client.get(f"{PROJECT}/{path}", headers=admin).get_json()["count"] > 0
    empty = projects.create("Empty").id
    assert len(client.get(f"/api/project/{empty}/{path}/csv", headers=admin).text.splitlines()) == 1


def test_stages_are_put_into_an_order_all_at_once(
    client: FlaskClient, admin: dict[str, str], green_meadows: int
) -> None:
    def stages() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = client.get(f"{PROJECT}/stages", headers=admin).get_json()["stages"]
        return found

    def order(numbers: list[int]) -> int:
        return client.put(f"{PROJECT}/stages/order", json={"stages": numbers}, headers=admin).status_code

    before = [stage["id"] for stage in stages()]
    assert order(before[::-1]) == 204
    assert [(stage["id"], stage["position"]) for stage in stages()] == list(zip(before[::-1], range(1, 9), strict=True))
    for wrong in (before[:-1], [*before, before[0]], [*before[:-1], 999], [*before[:-1], before[0]]):
        assert order(wrong) == 409
    assert [stage["id"] for stage in stages()] == before[::-1], "nothing of a refused order is done"


def test_a_stage_means_a_status_in_its_file_and_in_the_api(
    client: FlaskClient, admin: dict[str, str], project_id: int, tmp_path: Path
) -> None:
    path = tmp_path / "stages.csv"
    path.write_text("Name,Order,Status\nCasting,1,\nQC,2,Produced\nStockyard,3,in production\nTruck,4,lost\n")
    done = run_import(project_id, path, "stage_import")
    assert (done.created_count, done.rejected_count) == (3, 1)
    (issue,) = client.get(f"/api/jobs/{done.id}/issues?severity=error", headers=admin).get_json()["issues"]
    assert (issue["code"], issue["row"], issue["column"]) == ("unknown_choice", 5, "C")
    url = f"/api/project/{project_id}/stages"
    stages = client.get(url, headers=admin).get_json()["stages"]
    assert [stage["reaches_status"] for stage in stages] == [None, "produced", "in_production"]
    text = client.get(f"{url}/csv", headers=admin).get_data(as_text=True)
    assert text.splitlines()[1:] == ["Casting,1,", "QC,2,produced", "Stockyard,3,in_production"]
    # A file without the column leaves the statuses as they are; a blank cell clears one.
    path.write_text("Name,Order\nQC,5\n")
    assert run_import(project_id, path, "stage_import").updated_count == 1
    path.write_text("Name,Status\nStockyard,\n")
    assert run_import(project_id, path, "stage_import").updated_count == 1
    stages = {stage["name"]: stage for stage in client.get(url, headers=admin).get_json()["stages"]}
    assert (stages["QC"]["reaches_status"], stages["Stockyard"]["reaches_status"]) == ("produced", None)
    changed = client.patch(f"{url}/{stages['QC']['id']}", json={"reaches_status": "dispatched"}, headers=admin)
    assert changed.get_json()["stage"]["reaches_status"] == "dispatched"
    assert (
        client.patch(f"{url}/{stages['QC']['id']}", json={"reaches_status": "lost"}, headers=admin).status_code == 422
    )
    cleared = client.patch(f"{url}/{stages['QC']['id']}", json={"reaches_status": None}, headers=admin)
    assert cleared.get_json()["stage"]["reaches_status"] is None
    page = client.get(f"/projects/{project_id}/reference/stages", headers=admin).get_data(as_text=True)
    assert "A piece that passes the stage reaches this status." in page
