"""Requests that upload a file to the project 1, and requests on jobs."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from precast_app.jobs.runner import run_job
from precast_app.models import ImportJob
from tests.conftest import EXAMPLES, get_job

EXCEL_IMPORT_URL = "/api/project/1/import/excel"
CSV_IMPORT_URL = "/api/project/1/import_csv_element_type"
SAMPLE_WORKBOOK = EXAMPLES / "element_types.xlsx"

Headers = dict[str, str]


def upload_form(path: Path, **options: Any) -> dict[str, Any]:
    """Return the form fields of an upload."""
    return {"file": (BytesIO(path.read_bytes()), path.name), **options}


def post_job_action(client: FlaskClient, admin: Headers, action: str, job_id: int) -> tuple[int, dict[str, Any]]:
    """Return the status and the body of the response to `POST /api/jobs/<job_id>/<action>`."""
    response = client.post(f"/api/jobs/{job_id}/{action}", headers=admin)
    return response.status_code, response.get_json()


def undo_job(client: FlaskClient, admin: Headers, job_id: int) -> ImportJob:
    """Undo a job and return the finished undo job."""
    status, body = post_job_action(client, admin, "undo", job_id)
    assert status == 202, body
    run_job(body["job_id"])
    return get_job(body["job_id"])
