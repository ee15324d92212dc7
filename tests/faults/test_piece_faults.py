"""Jobs on pieces, each with one fault at a random moment: the pieces and their history end as without it.

The jobs are imports of lists, moves of all pieces that a filter finds, and undos of such moves.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from precast_app.enums import PieceStatus
from precast_app.extensions import db
from precast_app.jobs import service
from precast_app.jobs.piece_parameters import PieceUpdate
from precast_app.models import ImportJob
from tests import project_snapshot
from tests.conftest import run_import, submit, wait_for
from tests.faults.fault_kinds import KINDS
from tests.faults.fault_runs import RECOVERY_TIMEOUT_SECONDS, RUNS, SEED, has_ended, write_log, write_workbook
from tests.faults.scene import Scene, Servers

KINDS_OF_JOBS = ("piece_status_import", "piece_update", "piece_undo")
# The time of an undo; the times of the lists are beginnings of days.
_CLOCK_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+\+00")
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


@dataclass(frozen=True)
class Starter:
    """Somebody on the server's command line, who needs no permission."""

    user_id: int | None = None
    name: str = "tester"


STARTER = Starter()


def start_update(project_id: int) -> int:
    """Return a job that marks all pieces as produced."""
    count = db.session.connection().exec_driver_sql("SELECT count(*) FROM pieces").scalar_one()
    asked = PieceUpdate(count, status=PieceStatus.PRODUCED, date=DAY)
    job = service.start(
        project_id=project_id, job_type="piece_update", parameters=asked.to_json(), total=count, starter=STARTER
    )
    return job.id


def start(kind: str, project_id: int, path: Path) -> int:
    """Start a job of this kind and return its id."""
    if kind == "piece_status_import":
        return submit(project_id, path, kind)
    if kind == "piece_update":
        return start_update(project_id)
    moved = start_update(project_id)
    assert wait_for(moved, has_ended).status == "completed"
    return service.undo(moved, STARTER).id


_undisturbed: dict[str, tuple[float, dict[str, Any]]] = {}


def outcome(project_id: int, job: ImportJob) -> dict[str, Any]:
    """Return what is compared: the job's counts, the pieces with their stages, and the history."""
    counts = {
        "job": [repr((job.status, job.result, job.updated_count, job.unchanged_count, job.rejected_count, job.error))]
    }
    found = {**counts, **project_snapshot.snapshot_history(project_id)}
    return {name: [_CLOCK_TIME.sub("(now)", row) for row in rows] for name, rows in found.items()}


@pytest.mark.parametrize("run", range(max(3, RUNS // 3)))
@pytest.mark.parametrize("kind", KINDS_OF_JOBS)
def test_a_job_on_pieces_with_a_fault_ends_like_one_without(
    green_meadows: int, scene: Scene, fault_servers: Servers, tmp_path: Path, kind: str, run: int
) -> None:
    assert run_import(green_meadows, write_workbook(tmp_path / "first.xlsx", 250, 1)).status == "completed"
    path = write_list(tmp_path / "list.csv")
    scene.start_worker()
    began = time.monotonic()
    scene.job_id = start(kind, green_meadows, path)
    if kind not in _undisturbed:
        done = wait_for(scene.job_id, has_ended)
        assert (done.status, done.updated_count > 500) == ("completed", True), done.error
        _undisturbed[kind] = time.monotonic() - began, outcome(green_meadows, done)
        return
    seconds, expected = _undisturbed[kind]
    time.sleep(scene.rng.uniform(0, seconds / 2 if kind == "piece_undo" else seconds))
    name = scene.rng.choice(list(KINDS))
    # Some faults close the connections of this process too.
    db.session.remove()
    db.engine.dispose()
    KINDS[name](scene, fault_servers)
    db.session.remove()
    db.engine.dispose()
    done = wait_for(scene.job_id, has_ended, RECOVERY_TIMEOUT_SECONDS)
    description = f"seed {SEED} {kind} run {run:3}: {name:18} → {done.status}, attempt {done.attempt}"
    try:
        project_snapshot.assert_same(outcome(green_meadows, done), expected)
        assert project_snapshot.wrong_totals(green_meadows) == []
    except AssertionError as error:
        write_log(f"{description}: WRONG: {error}")
        raise
    write_log(f"{description}, same result")
