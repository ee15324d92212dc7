"""Options and form fields that a route does not have: ignored where existing clients send them, rejected elsewhere."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.conftest import EXAMPLES, submit
from tests.job_requests import CSV_IMPORT_URL, EXCEL_IMPORT_URL, SAMPLE_WORKBOOK, Headers, upload_form

JOBS_URL = "/api/project/1/jobs"


@pytest.mark.parametrize("query", ["_=1", "_=%00", "_=1&_=2", "colour=red"])
def test_reading_jobs_ignores_unknown_options(
    client: FlaskClient, admin: Headers, green_meadows: int, query: str
) -> None:
    job_id = submit(green_meadows, SAMPLE_WORKBOOK)
    listed = client.get(f"{JOBS_URL}?{query}", headers=admin)
    assert (listed.status_code, listed.get_json()["count"]) == (200, 5)
    shown = client.get(f"/api/jobs/{job_id}?{query}", headers=admin)
    assert (shown.status_code, shown.get_json()["job"]["id"]) == (200, job_id)


@pytest.mark.parametrize("url", [EXCEL_IMPORT_URL, CSV_IMPORT_URL])
def test_an_import_ignores_unknown_options_and_form_fields(
    client: FlaskClient, admin: Headers, green_meadows: int, url: str
) -> None:
    form = upload_form(SAMPLE_WORKBOOK, project_id="1", batch_size="7", comment=["a", "b"])
    response = client.post(f"{url}?_=1&page=2", data=form, headers=admin)
    assert (response.status_code, response.get_json()["batch_size"]) == (202, 7)


def test_creating_a_job_ignores_unknown_options_and_form_fields(
    client: FlaskClient, admin: Headers, project_id: int
) -> None:
    form = upload_form(EXAMPLES / "stages.csv", project_id="1")
    assert client.post(f"{JOBS_URL}?job_type=stage_import&_=1", data=form, headers=admin).status_code == 201


def test_jobs_are_paged_by_page_and_page_size(client: FlaskClient, admin: Headers, green_meadows: int) -> None:
    newest = submit(green_meadows, SAMPLE_WORKBOOK)

    def ids(query: str) -> list[int]:
        body = client.get(f"{JOBS_URL}?{query}", headers=admin).get_json()
        assert body["count"] == 5
        return [job["id"] for job in body["jobs"]]

    assert ids("page=1&page_size=10") == list(range(newest, newest - 5, -1))
    assert ids("page=2&page_size=2") == [newest - 2, newest - 3]
    assert ids("page=3&page_size=2") == [newest - 4]
    assert ids("page=2&limit=3&offset=1") == [newest - 3, newest - 4]
    assert ids("page=9") == []


@pytest.mark.parametrize("query", ["page=0", "page=x", "page_size=0", "page_size=1001", "page=1&page=2", "limit=0"])
def test_a_page_that_does_not_exist_is_rejected(
    client: FlaskClient, admin: Headers, project_id: int, query: str
) -> None:
    response = client.get(f"{JOBS_URL}?{query}", headers=admin)
    assert (response.status_code, query.partition("=")[0] in response.get_json()["message"]) == (422, True)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/project"),
        ("GET", "/api/project/1"),
        ("GET", "/api/project/1/stages"),
        ("GET", "/api/project/1/stages/csv"),
        ("GET", "/api/project/1/element-types"),
        ("GET", "/api/project/1/elements"),
        ("GET", "/api/project/1/summary"),
        ("GET", "/api/project/1/template/excel"),
        ("GET", "/api/project/1/export/excel"),
        ("GET", "/api/project/1/audit"),
        ("GET", "/api/jobs/{job_id}/issues"),
        ("GET", "/api/jobs/{job_id}/issues.csv"),
        ("GET", "/api/jobs/{job_id}/changes"),
        ("GET", "/api/jobs/{job_id}/file"),
        ("GET", "/api/jobs/{job_id}/annotated"),
        ("GET", "/api/jobs/{job_id}/rejected"),
        ("PUT", "/api/jobs/{job_id}/file"),
        ("POST", "/api/jobs/{job_id}/cancel"),
        ("POST", "/api/jobs/{job_id}/retry"),
        ("GET", "/api/me"),
        ("GET", "/api/users"),
    ],
)
def test_other_routes_reject_unknown_options(
    client: FlaskClient, admin: Headers, green_meadows: int, method: str, path: str
) -> None:
    path = path.format(job_id=submit(green_meadows, SAMPLE_WORKBOOK))
    response = client.open(f"{path}?colour=red", method=method, headers=admin)
    body: dict[str, Any] = response.get_json()
    assert (response.status_code, "colour" in body["message"]) == (422, True)
    assert body["errors"] == {"query": {"colour": ["Unknown field."]}}


def test_attaching_a_file_rejects_other_form_fields(client: FlaskClient, admin: Headers, project_id: int) -> None:
    job_id = client.post(f"{JOBS_URL}?job_type=stage_import", headers=admin).get_json()["job_id"]
    form = {"file": (BytesIO(b"name\nCuring\n"), "stages.csv"), "batch_size": "7"}
    response = client.put(f"/api/jobs/{job_id}/file", data=form, headers=admin)
    assert (response.status_code, "Remove batch_size" in response.get_json()["message"]) == (422, True)
    form = upload_form(EXAMPLES / "stages.csv")
    assert client.put(f"/api/jobs/{job_id}/file", data=form, headers=admin).status_code == 202
