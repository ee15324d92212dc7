"""Broken files go through the API and a real worker: each is refused or its job ends, and all of its files answer.

`FUZZ_JOBS` says how many of each format are tried (`make fuzz` tries many), `FUZZ_SEED` which ones.
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
from tests.unit.broken_files import FILES, SEED, mutated

JOBS = int(os.environ.get("FUZZ_JOBS", "3"))
REFUSED = (400, 413, 415, 422)
DOWNLOADS = ("file", "issues", "issues.csv", "issues.xlsx", "rejected", "annotated", "changes")


@pytest.mark.parametrize("name", FILES)
def test_a_broken_file_ends_in_a_clear_answer(
    client: FlaskClient,
    admin: dict[str, str],
    green_meadows: int,
    environment: dict[str, str],
    name: str,
) -> None:
    with worker(environment) as process:
        ended = _tried(client, admin, green_meadows, name)
        assert process.poll() is None
    assert sum(ended.values()) == JOBS
    wanted, made = (db.session.scalar(select(query)) for query in (func.sum(Quantity.quantity), func.count(Piece.id)))
    assert (wanted or 0) == made


def _tried(client: FlaskClient, admin: dict[str, str], project_id: int, name: str) -> Counter[str]:
    """How many were refused at once, completed and failed."""
    ended: Counter[str] = Counter()
    for run in range(JOBS):
        told = f"run {run} of {name} with seed {SEED}"
        form = {"file": (io.BytesIO(mutated(name, run)), f"types.{name}"), "create_missing": str(run % 2 == 0).lower()}
        answer = client.post(f"/api/project/{project_id}/import/excel", data=form, headers=admin)
        if answer.status_code != 202:
            assert answer.status_code in REFUSED, (told, answer.get_json())
            assert len(answer.get_json()["message"]) > 20
            ended["refused"] += 1
            continue
        job_id = answer.get_json()["job_id"]
        job = wait_for(job_id, lambda each: each.status in ("completed", "failed"))
        ended[job.status] += 1
        assert job.status == "completed" or "our side" not in str(job.error), (told, job.error)
        for what in DOWNLOADS:
            with client.get(f"/api/jobs/{job_id}/{what}", headers=admin) as download:
                assert download.status_code in (200, 404, 409), (told, what, download.status_code)
    return ended
