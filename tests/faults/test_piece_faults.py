"""Lists of pieces, each imported with one fault at a random moment: the pieces and their history end as without it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from precast_app.extensions import db
from precast_app.models import ImportJob
from tests import project_snapshot
from tests.conftest import run_import, submit, wait_for
from tests.faults.fault_kinds import KINDS
from tests.faults.fault_runs import BOUND_SECONDS, RUNS, SEED, has_ended, workbook, write_log
from tests.faults.scene import Scene, Servers

KIND = "piece_status_import"
DAY = datetime.now(UTC).date() - timedelta(days=10)


def write_list(path: Path) -> Path:
    """Return a list of most pieces: statuses, a stage, and rows that are rejected."""
    codes = db.session.connection().exec_driver_sql("SELECT code FROM pieces ORDER BY code").scalars().all()
    lines = ["Piece,Status,Date"]
    for number, code in enumerate(codes):
        status = ("produced", "Casting", "erected", "scrapped", "in_production")[number % 5]
        lines.append(f"{code if number % 50 else code + 'X'},{status},{DAY}")
    path.write_text("\n".join(lines) + "\n")
    return path


_undisturbed: dict[str, Any] = {}


def outcome(project_id: int, job: ImportJob) -> dict[str, Any]:
    """Return what is compared: the job's counts, the pieces with their stages, and the history."""
    counts = {
        "job": [repr((job.status, job.result, job.updated_count, job.unchanged_count, job.rejected_count, job.error))]
    }
    return counts | project_snapshot.snapshot_history(project_id)


@pytest.mark.parametrize("run", range(max(3, RUNS // 3)))
def test_a_list_of_pieces_with_a_fault_ends_like_one_without(
    green_meadows: int, scene: Scene, fault_servers: Servers, tmp_path: Path, run: int
) -> None:
    assert run_import(green_meadows, workbook(tmp_path / "first.xlsx", 250, 100, 1)).status == "completed"
    path = write_list(tmp_path / "list.csv")
    scene.start_worker()
    start = time.monotonic()
    scene.job_id = submit(green_meadows, path, KIND)
    if not _undisturbed:
        done = wait_for(scene.job_id, has_ended)
        assert (done.status, done.rejected_count > 20, done.updated_count > 500) == ("completed", True, True), (
            done.error
        )
        _undisturbed["seconds"] = time.monotonic() - start
        _undisturbed["outcome"] = outcome(green_meadows, done)
        return
    time.sleep(scene.chance.uniform(0, _undisturbed["seconds"]))
    name = scene.chance.choice(list(KINDS))
    # Some faults close the connections of this process too.
    db.session.remove()
    db.engine.dispose()
    KINDS[name](scene, fault_servers)
    db.session.remove()
    db.engine.dispose()
    done = wait_for(scene.job_id, has_ended, BOUND_SECONDS)
    description = f"seed {SEED} pieces run {run:3}: {name:18} → {done.status}, attempt {done.attempt}"
    try:
        project_snapshot.assert_same(outcome(green_meadows, done), _undisturbed["outcome"])
        assert project_snapshot.wrong_totals(green_meadows) == []
    except AssertionError as error:
        write_log(f"{description}: WRONG: {error}")
        raise
    write_log(f"{description}, same result")
