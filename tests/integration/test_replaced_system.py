"""What clients of the replaced system send: a token without a scheme, pages of jobs, and routes of their own."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.conftest import submit
from tests.job_requests import SAMPLE_WORKBOOK, Headers


def test_a_token_without_a_scheme_is_accepted(client: FlaskClient, admin: Headers, project_id: int) -> None:
    token = admin["Authorization"].removeprefix("Bearer ")
    assert client.get("/api/project/1", headers={"Authorization": token}).status_code == 200
    for header in (f"Basic {token}", f"Token {token}", f"{token}x", "Bearer", f"Bearer {token} {token}"):
        assert client.get("/api/project/1", headers={"Authorization": header}).status_code == 401, header


def test_unfinished_jobs_are_listed(client: FlaskClient, admin: Headers, green_meadows: int) -> None:
    url = "/api/jobs/pending-processing/1"
    assert client.get(url, headers=admin).get_json() == {"jobs": [], "count": 0}
    first, second = submit(green_meadows, SAMPLE_WORKBOOK), submit(green_meadows, SAMPLE_WORKBOOK)
    listed = client.get(f"{url}?_=1", headers=admin).get_json()
    assert [(job["id"], job["status"]) for job in listed["jobs"]] == [(second, "pending"), (first, "pending")]
    assert (listed["count"], listed["jobs"][0]["queue_position"]) == (2, 2)
    assert client.get("/api/jobs/pending-processing/9", headers=admin).status_code == 404


def test_terminating_a_job_cancels_it(client: FlaskClient, admin: Headers, green_meadows: int) -> None:
    job_id = submit(green_meadows, SAMPLE_WORKBOOK)
    terminated = client.delete(f"/api/jobs/{job_id}/terminate", headers=admin)
    assert (terminated.status_code, terminated.get_json()["message"]) == (202, "Import job was cancelled")
    job = client.get(f"/api/jobs/{job_id}", headers=admin).get_json()["job"]
    assert (job["status"], job["failure_reason"]) == ("failed", "cancelled")
    assert client.delete(f"/api/jobs/{job_id}/terminate", headers=admin).status_code == 409


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("page=1&page_size=2", {"page": 1, "page_size": 2, "total": 5, "pages": 3}),
        ("page=3&page_size=2", {"page": 3, "page_size": 2, "total": 5, "pages": 3}),
        ("limit=2&offset=2", {"page": 2, "page_size": 2, "total": 5, "pages": 3}),
        ("", {"page": 1, "page_size": 1000, "total": 5, "pages": 1}),
        ("status=failed", {"page": 1, "page_size": 1000, "total": 0, "pages": 0}),
    ],
)
def test_a_list_of_jobs_says_which_page_it_is(
    client: FlaskClient, admin: Headers, green_meadows: int, query: str, expected: dict[str, int]
) -> None:
    submit(green_meadows, SAMPLE_WORKBOOK)
    listed = client.get(f"/api/project/1/jobs?{query}", headers=admin).get_json()
    assert (listed["pagination"], listed["count"]) == (expected, expected["total"])
