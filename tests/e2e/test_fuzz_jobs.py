"""Broken files sent through the API to a real worker are rejected, or their jobs finish and all downloads respond.

`FUZZ_JOBS` is the number of files per format (`make fuzz` tries many), `FUZZ_SEED` selects them.
"""

from __future__ import annotations

import io
import os
from collections import Counter

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from precast_app.extensions import db
from precast_app.models import Piece, Quantity
from tests.conftest import wait_for, worker
from tests.unit.broken_files import FILES, SEED, broken_file

JOBS = int(os.environ.get("FUZZ_JOBS", "3"))
REJECTED_STATUSES = (400, 413, 415, 422)
DOWNLOADS = ("file", "issues", "issues.csv", "issues.xlsx", "rejected", "annotated", "changes")


@pytest.mark.parametrize("name", FILES)
def test_a_broken_file_is_rejected_or_its_job_finishes(
    client: FlaskClient,
    admin: dict[str, str],
    green_meadows: int,
    environment: dict[str, str],
    name: str,
) -> None:
    with worker(environment) as process:
        ended = _import_broken_files(client, admin, green_meadows, name)
        assert process.poll() is None
    assert sum(ended.values()) == JOBS
    wanted, made = (db.session.scalar(select(query)) for query in (func.sum(Quantity.quantity), func.count(Piece.id)))
    assert (wanted or 0) == made


def _import_broken_files(client: FlaskClient, admin: dict[str, str], project_id: int, name: str) -> Counter[str]:
    """Import broken files; return how many were rejected at once, completed and failed."""
    ended: Counter[str] = Counter()
    for run in range(JOBS):
        label = f"run {run} of {name} with seed {SEED}"
        form = {
            "file": (io.BytesIO(broken_file(name, run)), f"types.{name}"),
            "create_missing": str(run % 2 == 0).lower(),
        }
        answer = client.post(f"/api/project/{project_id}/import/excel", data=form, headers=admin)
        if answer.status_code != 202:
            assert answer.status_code in REJECTED_STATUSES, (label, answer.get_json())
            assert len(answer.get_json()["message"]) > 20
            ended["rejected"] += 1
            continue
        job_id = answer.get_json()["job_id"]
        job = wait_for(job_id, lambda each: each.status in ("completed", "failed"))
        ended[job.status] += 1
        assert job.status == "completed" or "our side" not in str(job.error), (label, job.error)
        for what in DOWNLOADS:
            with client.get(f"/api/jobs/{job_id}/{what}", headers=admin) as download:
                assert download.status_code in (200, 404, 409), (label, what, download.status_code)
    return ended
