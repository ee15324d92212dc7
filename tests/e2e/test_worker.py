"""A real worker runs jobs, is killed and is stopped."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from flask import Flask
from sqlalchemy import text

from precast_app.extensions import db
from precast_app.models import ImportJob
from precast_app.projects import projects
from precast_app.queries import summary as summaries
from tests.conftest import EXAMPLES, REFERENCE_DATA, ROOT, get_job, kill, run_import, submit, wait_for, worker
from tests.element_type_files import SAMPLE_TOTALS, project_totals, write_large_workbook

_ENDED = ("completed", "failed")

# All that an import stores, without generated ids.
_CONTENT = """
    SELECT t.element_type, t.name, t.height, t.version,
        (SELECT array_agg((n.path, q.quantity) ORDER BY n.path)
         FROM element_type_quantities q JOIN hierarchy_nodes n ON n.id = q.node_id WHERE q.element_type_id = t.id),
        (SELECT array_agg((p.code, p.status) ORDER BY p.code) FROM pieces p WHERE p.element_type_id = t.id),
        (SELECT array_agg(s.name ORDER BY s.name)
         FROM element_type_stages e JOIN stages s ON s.id = e.stage_id WHERE e.element_type_id = t.id)
    FROM element_types t WHERE t.project_id = :project_id ORDER BY t.element_type, t.name
"""


def content(project_id: int) -> list[Any]:
    return [tuple(row) for row in db.session.execute(text(_CONTENT), {"project_id": project_id})]


def test_a_worker_imports_the_sample(green_meadows: int, environment: dict[str, str]) -> None:
    with worker(environment):
        first = wait_for(submit(green_meadows, EXAMPLES / "element_types.xlsx"), lambda job: job.status in _ENDED)
        assert (first.status, first.created_count) == ("completed", 120), first.error
        second = wait_for(submit(green_meadows, EXAMPLES / "element_types.csv"), lambda job: job.status in _ENDED)
    assert (second.status, second.unchanged_count) == ("completed", 120), second.error
    assert project_totals(green_meadows) == SAMPLE_TOTALS


def test_another_worker_finishes_the_import_of_a_killed_worker(
    app: Flask, green_meadows: int, environment: dict[str, str], tmp_path: Path
) -> None:
    """The import creates and changes element types; the result is the same as without the kill."""
    undisturbed = projects.create("Undisturbed").id
    for job_type, name in REFERENCE_DATA.items():
        path = EXAMPLES / name
        if job_type == "hierarchy_import":
            path = tmp_path / name
            path.write_text((EXAMPLES / name).read_text().replace(",1,", f",{undisturbed},", 15))
        assert run_import(undisturbed, path, job_type).status == "completed"
    before = write_large_workbook(tmp_path / "before.xlsx", 1_500, 100, 1)
    after = write_large_workbook(tmp_path / "after.xlsx", 4_000, 200, 0)
    for project_id in (green_meadows, undisturbed):
        assert run_import(project_id, before).status == "completed"
    expected = run_import(undisturbed, after)

    # Few small batches at a time, so that the worker can be killed between two of them.
    job_id = submit(green_meadows, after, batch_size=30, concurrent_batches=2)
    with worker(environment) as first:
        seen = wait_for(job_id, lambda job: job.status in _ENDED or 10 <= job.progress < 90)
        kill(first)
    killed = get_job(job_id)
    assert seen.status == "processing"
    assert killed.status == "processing"
    done_before = db.session.execute(
        text("SELECT count(*) FROM import_batches WHERE job_id = :id"), {"id": job_id}
    ).scalar_one()
    assert 0 < done_before < 134

    with worker(environment):
        ended = wait_for(job_id, lambda job: job.status in _ENDED)
    assert (ended.status, ended.attempt) == ("completed", 2), ended.error
    counts = ("result", "created_count", "updated_count", "unchanged_count", "pieces_added", "pieces_removed")
    assert [getattr(ended, name) for name in counts] == [getattr(expected, name) for name in counts]
    assert ended.processed_items == ended.total_items == 4_000
    assert content(green_meadows) == content(undisturbed)
    assert summaries.project_summary(green_meadows)["pieces"] == summaries.project_summary(undisturbed)["pieces"]


def test_a_file_that_needs_too_much_memory_fails_its_job_and_the_worker_continues(
    green_meadows: int, environment: dict[str, str], tmp_path: Path
) -> None:
    header = (EXAMPLES / "element_types.csv").read_text().splitlines()[0].split(",")[:10]
    path = tmp_path / "large.csv"
    with path.open("w") as file:
        file.write(",".join(header) + "\n")
        for row in range(190_000):
            file.write(f"WALL,N-{row},{','.join(f'{row}.{place}1' for place in range(7))},V{row}\n")
    # Without the memory that measuring coverage takes.
    unmeasured = {name: value for name, value in environment.items() if not name.startswith("COVERAGE_")}
    with worker({**unmeasured, "JOB_MEMORY_BYTES": str(260 * 1024**2)}):
        large = wait_for(submit(green_meadows, path), lambda job: job.status in _ENDED, seconds=180)
        small = wait_for(submit(green_meadows, EXAMPLES / "element_types.xlsx"), lambda job: job.status in _ENDED)
    assert (large.status, large.attempt) == ("failed", 1)
    assert "more memory than the 273 MB" in str(large.error)
    assert small.status == "completed", small.error


def test_a_worker_that_gets_sigterm_releases_its_job(
    green_meadows: int, environment: dict[str, str], tmp_path: Path
) -> None:
    """A host sends SIGTERM to each process; all exit in time, and another worker continues the job."""
    path = write_large_workbook(tmp_path / "types.xlsx", 4_000, 200, 1)
    job_id = submit(green_meadows, path, concurrent_batches=2)
    with worker(environment) as first:
        wait_for(job_id, lambda job: job.status in _ENDED or job.progress >= 10)
        family = [psutil.Process(first.pid), *psutil.Process(first.pid).children(recursive=True)]
        for each in family:
            # One may have exited already because its parent passed on the signal.
            with suppress(psutil.NoSuchProcess):
                each.send_signal(signal.SIGTERM)
        gone, alive = psutil.wait_procs(family, timeout=20)
    assert (len(gone), alive) == (len(family), [])
    released = get_job(job_id)
    assert (released.status, released.attempt) == ("processing", 0)
    assert 0 < released.progress < 100
    with worker(environment):
        ended = wait_for(job_id, lambda job: job.status in _ENDED)
    assert (ended.status, ended.created_count, ended.attempt) == ("completed", 4_000, 1), ended.error
    assert summaries.project_summary(green_meadows)["pieces"] == ended.pieces_added


def test_a_worker_that_may_need_too_many_connections_does_not_start(environment: dict[str, str]) -> None:
    started = subprocess.run(
        [sys.executable, "worker.py", "--processes", "50"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert started.returncode == 2
    assert "50 processes with JOB_CONNECTIONS=8 may open 402 connections, but PostgreSQL allows" in started.stderr


def test_progress_is_written_while_the_batches_share_few_connections(
    green_meadows: int, environment: dict[str, str], tmp_path: Path
) -> None:
    """Fifteen batches share two of the worker's four connections; the others are reserved, one for the progress."""
    job_id = submit(green_meadows, write_large_workbook(tmp_path / "types.xlsx", 4_000, 100, 2))
    seen: set[int] = set()

    def has_ended(job: ImportJob) -> bool:
        seen.add(job.progress)
        return job.status in _ENDED

    with worker({**environment, "JOB_CONNECTIONS": "4"}):
        ended = wait_for(job_id, has_ended)
    assert (ended.status, ended.created_count) == ("completed", 4_000), ended.error
    assert len(seen) > 8, seen
