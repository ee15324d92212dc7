"""One measured step in a process of its own; prints its times in seconds and its peak memory as JSON.

`python -m bench.run_step STEP WORKBOOK PROJECT_ID` with STEP one of import, profile, dry, statuses, labels, moves,
floor, parallel, pandas, django, inserts, export, cells. `python` and `postgres` are CPU seconds of the measured part,
`count` is the number of items of a job or of moved pieces. The application is created and its modules are imported
before the clock starts, as in a waiting worker.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.processor_time import Meter, ProcessorTime


def main() -> None:
    step, workbook, project_id = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    count = 0
    if step in ("import", "profile", "dry", "statuses", "labels"):
        result, count = _job(step, workbook, project_id)
    elif step == "moves":
        result, count = _moves(workbook, project_id)
    elif step in ("export", "cells"):
        result = _export(workbook, project_id, only_cells=step == "cells")
    else:
        result = _baseline(step, workbook, project_id)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Kilobytes on Linux, bytes on macOS.
    mebibytes = peak / 1024 if sys.platform == "linux" else peak / 1024**2
    used = _stopwatch.used
    print(
        json.dumps(
            {
                "seconds": _stopwatch.seconds,
                "python": used.python,
                "postgres": used.postgres,
                "mebibytes": mebibytes,
                "count": count,
                "result": result,
            }
        )
    )


class _Stopwatch:
    """Seconds and CPU seconds of the measured part of a step."""

    seconds = 0.0
    used = ProcessorTime(0.0, 0.0)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Measure the block."""
        meter = Meter(os.environ["DATABASE_URL"])
        before, start = meter.read(), time.perf_counter()
        yield
        self.seconds = time.perf_counter() - start
        self.used = meter.read() - before


_stopwatch = _Stopwatch()


def _job(step: str, workbook: Path, project_id: int) -> tuple[str, int]:
    """Run a job from its claim to its completion; return its result and the number of its items."""
    from precast_app import create_app, gc_tuning
    from precast_app.config import Settings
    from precast_app.jobs.runner import run_job
    from precast_app.queries import jobs

    settings = Settings.from_environment()
    # In a process of its own, because a worker's has neither the API nor what reads an upload.
    command = [sys.executable, "-m", "bench.job_steps", step, str(workbook), str(project_id)]
    job_id = int(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
    app = create_app(settings, connections=settings.job_connections, limits=settings.job_limits, serves_requests=False)
    with app.app_context():
        gc_tuning.freeze_objects()  # as a job process does
        with _stopwatch.running():
            run_job(job_id)
        job = jobs.get_job(job_id)
        if job.status != "completed":
            raise SystemExit(f"the job failed: {job.error}")
        if step == "statuses" and job.updated_count != job.total_items:
            raise SystemExit(f"{job.updated_count} of {job.total_items} pieces were moved")
        return str(job.result), job.total_items


def _moves(workbook: Path, project_id: int) -> tuple[str, int]:
    """Store the moves of the list that the step `statuses` imports, without a job; return their number."""
    from bench import piece_lists
    from precast_app import create_app
    from precast_app.extensions import db

    with create_app().app_context():
        path = piece_lists.write(db.session(), workbook, project_id)
    with _stopwatch.running():
        count = piece_lists.store_moves(os.environ["DATABASE_URL"], path, project_id)
    return f"{count} pieces moved", count


def _export(workbook: Path, project_id: int, *, only_cells: bool) -> str:
    """Export the project; with `only_cells` only write its cells, which are read before the clock starts."""
    import xlsxwriter

    from precast_app import create_app
    from precast_app.api import exports
    from precast_app.config import Settings
    from precast_app.exporting import workbook as writing
    from precast_app.queries.element_types import ElementTypeFilter

    target = workbook.with_suffix(".out.xlsx")
    settings = Settings.from_environment()
    # A request must not leave its transaction idle for as long as the cells alone are written.
    app = create_app(settings, limits=settings.command_limits)
    with app.test_request_context(), target.open("wb") as file:
        name, columns = exports.project_columns(project_id)
        rows = exports.project_rows(project_id, ElementTypeFilter(), columns)
        if only_cells:
            cells = list(rows)
            with _stopwatch.running(), xlsxwriter.Workbook(file, {"constant_memory": True}) as book:
                sheet = book.add_worksheet()
                for number, row in enumerate(cells):
                    for index, cell in enumerate(row):
                        if cell is not None:
                            sheet.write(number, index, cell)
        else:
            with _stopwatch.running():
                writing.write(file, writing.ProjectTitle(project_id, name), columns, rows)
    return f"{target.stat().st_size} bytes"


def _baseline(step: str, workbook: Path, project_id: int) -> str:
    # Imported here, because pandas would add to the memory of the import step.
    from bench import baselines, django_baseline, single_inserts
    from bench.workbooks import DRAWINGS, NODES, PRODUCTS, STAGES
    from precast_app import create_app
    from precast_app.extensions import db
    from precast_app.importing import current_reference
    from precast_app.importing.schema import ColumnGroup

    with create_app().app_context():
        reference = current_reference.load(db.session(), project_id)
    groups = {
        "drawings": (reference.of(ColumnGroup.DRAWINGS), DRAWINGS),
        "nodes": (reference.of(ColumnGroup.NODES), NODES),
        "stages": (reference.of(ColumnGroup.STAGES), STAGES),
        "products": (reference.of(ColumnGroup.BOM), PRODUCTS),
    }
    ids = {
        group: [{each.name: each.id for each in members}[heading] for heading in headings]
        for group, (members, headings) in groups.items()
    }
    conventions = [reference.naming_conventions[node] for node in ids["nodes"]]
    url = os.environ["DATABASE_URL"]
    runs: dict[str, Callable[[str, Path, int, dict[str, list[int]], list[str]], None]] = {
        "floor": baselines.floor,
        "parallel": baselines.parallel_floor,
        "pandas": baselines.with_pandas,
        "django": django_baseline.with_import_export,
        "inserts": single_inserts.store,
    }
    run = runs[step]
    with _stopwatch.running():
        run(url, workbook, project_id, ids, conventions)
    return str(baselines.count(url))


if __name__ == "__main__":
    main()
