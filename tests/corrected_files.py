"""Files with mistakes that the tests of corrections correct, and requests that do it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import xlsxwriter
from flask.testing import FlaskClient

from precast_app.jobs.runner import run_job
from precast_app.models import ImportJob
from tests.conftest import get_job

HEADINGS = (
    "Element Type", "Element Type Name", "Height (mm)", "Length (mm)", "Thickness (mm)", "Mass (kg)", "Tower A.Floor 1",
)  # fmt: skip
FIRST_DATA_ROW = 2
THICKNESS, LENGTH = "E", "D"


def write_workbook(path: Path, rows: list[list[Any]]) -> Path:
    """Write a workbook with these rows under the headings and return its path."""
    with xlsxwriter.Workbook(path) as out:
        sheet = out.add_worksheet("Element Types")
        bold = out.add_format({"bold": True})
        sheet.write_row(0, 0, HEADINGS, bold)
        for number, row in enumerate(rows, FIRST_DATA_ROW - 1):
            sheet.write_row(number, 0, row)
    return path


def wall(number: int, **changed: Any) -> list[Any]:
    """Return a row for a wall; `changed` replaces cells by their letter."""
    row: list[Any] = ["WALL", f"W-{number}", 2950, 4000 + number, 200, 5100.5, 2]
    for letter, cell in changed.items():
        row[ord(letter) - ord("A")] = cell
    return row


def put_corrections(
    client: FlaskClient, headers: dict[str, str], job_id: int, version: int, **body: Any
) -> tuple[int, dict[str, Any]]:
    """Send all corrections of a job as a change of a version; return the status and the body of the response."""
    match = {**headers, "If-Match": f'"{version}"'}
    response = client.put(f"/api/jobs/{job_id}/corrections", json=body, headers=match)
    return response.status_code, response.get_json()


def cell(row: int, column: str, value: str) -> dict[str, Any]:
    """Return the correction of a cell."""
    return {"row": row, "column": column, "value": value}


def rule(column: str, old: str, new: str) -> dict[str, str]:
    """Return the correction of all cells of a column with a text."""
    return {"column": column, "from": old, "to": new}


def revalidate(client: FlaskClient, headers: dict[str, str], job_id: int) -> ImportJob:
    """Run the dry run again and return it."""
    response = client.post(f"/api/jobs/{job_id}/revalidate", headers=headers)
    assert (response.status_code, response.get_json()["job_id"]) == (202, job_id), response.get_json()
    run_job(job_id)
    return get_job(job_id)
