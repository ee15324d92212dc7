"""Imports of twenty projects at the same time, with four processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from flask import Flask

from precast_app.jobs import broker
from precast_app.models import ImportJob
from precast_app.projects import projects
from precast_app.queries import jobs
from tests.conftest import EXAMPLES, ROOT, get_job, kill, run_import, submit, wait_for
from tests.element_type_files import BASE_HEADER, write_large_workbook


def test_a_large_import_does_not_delay_the_other_projects(
    app: Flask, green_meadows: int, environment: dict[str, str], tmp_path: Path
) -> None:
    """One project has a large import, the others two small ones each."""
    small = tmp_path / "small.csv"
    small.write_text(f"{BASE_HEADER},Casting\n" + "".join(f"WALL,W-{number},1,,,,,,,,yes\n" for number in range(40)))
    ids = [projects.create(f"Project {number}").id for number in range(19)]
    for project_id in ids:
        assert run_import(project_id, EXAMPLES / "stages.csv", "stage_import").status == "completed"
    broker.redis_connection().flushdb()
    large = submit(green_meadows, write_large_workbook(tmp_path / "large.xlsx", 6_000, 100, 1), concurrent_batches=2)
    others = [submit(project_id, small) for _ in range(2) for project_id in ids]
    waiting = [get_job(number) for number in (large, *others)]
    places = jobs.queue_positions(waiting)
    assert [places[each.id] for each in waiting] == list(range(1, 40))

    started = subprocess.Popen([sys.executable, "worker.py", "--processes", "4"], cwd=ROOT, env=environment)
    try:
        ended: list[ImportJob] = [
            wait_for(number, lambda each: each.status in ("completed", "failed"), 120) for number in (*others, large)
        ]
    finally:
        kill(started)
    assert {each.status for each in ended} == {"completed"}
    assert [each.created_count for each in ended] == [40] * 19 + [0] * 19 + [6_000]
    assert [each.unchanged_count for each in ended[19:38]] == [40] * 19
    assert [each.attempt for each in ended] == [1] * 39
    # While the large one ran, more small ones ended than there are processes.
    *small_ones, last = (each.completed_at for each in ended if each.completed_at)
    assert sum(each < last for each in small_ones) > 4
    # In each project, one job after the other in the order of the queue.
    for first, second in zip(ended[:19], ended[19:38], strict=True):
        assert first.completed_at
        assert second.started_at
        assert first.completed_at <= second.started_at
