"""Limits for the pieces of a cell, a file and a project: they are checked before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from precast_app.jobs.runner import run_job
from precast_app.models import ImportJob
from tests import project_snapshot
from tests.conftest import get_job, run_import
from tests.element_type_files import WriteCsv, piece_codes, wall_row
from tests.job_requests import undo_job

Headers = dict[str, str]


SetLimits = Callable[..., None]


@pytest.fixture
def set_limits(app: Flask, monkeypatch: pytest.MonkeyPatch) -> SetLimits:
    """Return a function that changes settings of the application for one test."""

    def change(**settings: int) -> None:
        monkeypatch.setitem(app.config, "PRECAST", replace(app.config["PRECAST"], **settings))

    return change


def issues(client: FlaskClient, admin: Headers, done: ImportJob) -> list[dict[str, Any]]:
    found = client.get(f"/api/jobs/{done.id}/issues?severity=error", headers=admin).get_json()["issues"]
    return [{name: each[name] for name in ("code", "row", "column", "heading", "value")} for each in found]


def test_a_small_file_with_large_quantities_creates_no_pieces(
    green_meadows: int, tmp_path: Path, write_csv: WriteCsv
) -> None:
    path = write_csv(["Podium"], *(wall_row(f"W{number}", 100_000) for number in range(30)))
    assert path.stat().st_size < 1_000
    done = run_import(green_meadows, path)
    assert (done.status, done.created_count, done.rejected_count, piece_codes(green_meadows)) == ("failed", 0, 30, [])


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("quantity", [11, 100_001, 10**12])
def test_a_cell_with_too_many_pieces_is_rejected(
    client: FlaskClient,
    admin: Headers,
    green_meadows: int,
    write_csv: WriteCsv,
    set_limits: SetLimits,
    dry_run: bool,
    quantity: int,
) -> None:
    set_limits(pieces_per_cell=10)
    path = write_csv(["Podium", "Tower_A.Floor_1"], wall_row("A", 10, 1), wall_row("B", 1, quantity))
    done = run_import(green_meadows, path, dry_run=dry_run)
    assert (done.status, done.created_count, done.rejected_count, done.pieces_added) == ("completed", 1, 1, 11)
    assert len(piece_codes(green_meadows)) == (0 if dry_run else 11)
    assert issues(client, admin, done) == [
        {"code": "too_many_pieces", "row": 3, "column": "L", "heading": "Tower_A.Floor_1", "value": str(quantity)}
    ]
    assert done.error is not None
    assert "Write 10 or less" in done.error


@pytest.mark.parametrize("on_error", ["skip", "abort"])
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_file_with_too_many_pieces_fails(
    client: FlaskClient,
    admin: Headers,
    green_meadows: int,
    write_csv: WriteCsv,
    set_limits: SetLimits,
    on_error: str,
    dry_run: bool,
) -> None:
    set_limits(pieces_per_file=20)
    assert run_import(green_meadows, write_csv(["Podium"], wall_row("A", 20))).pieces_added == 20
    before = project_snapshot.snapshot_project(green_meadows)
    path = write_csv(["Podium"], wall_row("A", 30), wall_row("B", 10), wall_row("C", 1))
    done = run_import(green_meadows, path, on_error=on_error, dry_run=dry_run)
    assert (done.status, done.created_count, done.updated_count) == ("failed", 0, 0)
    assert done.error == (
        "The file would add 21 pieces; a file may add 20 at most (PIECES_PER_FILE). Nothing was changed. Look for a "
        "quantity that is too large, or split the file."
    )
    assert [each["code"] for each in issues(client, admin, done)] == ["too_many_pieces_in_file"]
    project_snapshot.assert_same(project_snapshot.snapshot_project(green_meadows), before)
    if not dry_run:
        set_limits(pieces_per_file=21)
        assert client.post(f"/api/jobs/{done.id}/retry", headers=admin).status_code == 202
        run_job(done.id)
        assert (get_job(done.id).status, get_job(done.id).pieces_added) == ("completed", 21)


def test_a_file_that_fills_the_project_fails(
    client: FlaskClient,
    admin: Headers,
    green_meadows: int,
    write_csv: WriteCsv,
    set_limits: SetLimits,
) -> None:
    """Deleted pieces make room for others; an undo that has no room for them is rejected."""
    set_limits(pieces_per_project=30)
    assert run_import(green_meadows, write_csv(["Podium"], wall_row("A", 20), wall_row("B", 10))).status == "completed"
    for dry_run in (True, False):
        refused = run_import(green_meadows, write_csv(["Podium"], wall_row("A", 25), wall_row("B", 6)), dry_run=dry_run)
        assert refused.status == "failed"
        assert (refused.error or "").startswith(
            "The project has 30 pieces and would have 31; a project may have 30 at most (PIECES_PER_PROJECT)."
        )
        assert [each["code"] for each in issues(client, admin, refused)] == ["too_many_pieces_in_project"]
    assert len(piece_codes(green_meadows)) == 30
    assert run_import(green_meadows, write_csv(["Podium"], wall_row("A", 25), wall_row("B", 5))).status == "completed"
    fewer = run_import(green_meadows, write_csv(["Podium"], wall_row("A", 5)))
    assert fewer.pieces_removed == 20
    other = run_import(green_meadows, write_csv(["Podium"], wall_row("C", 15)))
    assert (other.status, len(piece_codes(green_meadows))) == ("completed", 25)
    answer = client.post(f"/api/jobs/{fewer.id}/undo", headers=admin)
    assert (answer.status_code, "would have 45 pieces" in answer.get_json()["message"]) == (409, True)
    assert len(piece_codes(green_meadows)) == 25
    assert undo_job(client, admin, other.id).status == "completed"
    assert undo_job(client, admin, fewer.id).status == "completed"
    assert len(piece_codes(green_meadows)) == 30
