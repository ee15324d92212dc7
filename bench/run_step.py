"""One measured step in a process of its own; prints its time in seconds and its peak memory as JSON.

`python -m bench.run_step STEP WORKBOOK PROJECT_ID` with STEP one of import, profile, dry, floor, pandas, export,
cells. The application is created and its modules are imported before the clock starts, as in a waiting worker.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path


def main() -> None:
    step, workbook, project_id = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    if step in ("import", "profile", "dry"):
        seconds, result = _import(workbook, project_id, dry_run=step == "dry", by_profile=step == "profile")
    elif step in ("export", "cells"):
        seconds, result = _export(workbook, project_id, only_cells=step == "cells")
    else:
        seconds, result = _baseline(step, workbook, project_id)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Kilobytes on Linux, bytes on macOS.
    mebibytes = peak / 1024 if sys.platform == "linux" else peak / 1024**2
    print(json.dumps({"seconds": seconds, "mebibytes": mebibytes, "result": result}))


def _import(workbook: Path, project_id: int, *, dry_run: bool, by_profile: bool) -> tuple[float, str]:
    from bench import workbooks
    from precast_app import create_app
    from precast_app.config import Settings
    from precast_app.extensions import db
    from precast_app.jobs import gc_tuning, service
    from precast_app.jobs.creation import JobOptions
    from precast_app.jobs.files import Upload
    from precast_app.jobs.runner import run_job
    from precast_app.models import ImportJob
    from precast_app.queries import jobs

    settings = Settings.from_environment()
    # As many connections as a job has in a worker.
    with create_app(settings, connections=settings.job_connections, limits=settings.job_limits).app_context():
        with workbook.open("rb") as stream:
            job_id = service.submit(
                project_id=project_id,
                job_type="element_type_import",
                created_by="bench",
                options=JobOptions(dry_run=dry_run),
                upload=Upload(stream, workbook.name),
            ).id
        if by_profile:
            db.session.get_one(ImportJob, job_id).profile = workbooks.profile()
            db.session.commit()
        gc_tuning.freeze_objects()  # as a job process does
        start = time.perf_counter()
        run_job(job_id)
        seconds = time.perf_counter() - start
        job = jobs.get_job(job_id)
        if job.status != "completed":
            raise SystemExit(f"the import failed: {job.error}")
        return seconds, f"{job.created_count} created, {job.unchanged_count} unchanged"


def _export(workbook: Path, project_id: int, *, only_cells: bool) -> tuple[float, str]:
    """Export the project; with `only_cells` only write its cells, which are read before the clock starts."""
    import xlsxwriter

    from precast_app import create_app
    from precast_app.api import exports
    from precast_app.exporting import workbook as writing
    from precast_app.queries.element_types import ElementTypeFilter

    target = workbook.with_suffix(".out.xlsx")
    with create_app().test_request_context(), target.open("wb") as file:
        start = time.perf_counter()
        name, columns = exports.project_columns(project_id)
        rows = exports.project_rows(project_id, ElementTypeFilter(), columns)
        if only_cells:
            cells = list(rows)
            start = time.perf_counter()
            with xlsxwriter.Workbook(file, {"constant_memory": True}) as book:
                sheet = book.add_worksheet()
                for number, row in enumerate(cells):
                    for index, cell in enumerate(row):
                        if cell is not None:
                            sheet.write(number, index, cell)
        else:
            writing.write(file, writing.ProjectTitle(project_id, name), columns, rows)
        seconds = time.perf_counter() - start
    return seconds, f"{target.stat().st_size} bytes"


def _baseline(step: str, workbook: Path, project_id: int) -> tuple[float, str]:
    # Imported here, because pandas would add to the memory of the import step.
    from bench import baselines
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
    run = {"floor": baselines.floor, "pandas": baselines.with_pandas}[step]
    start = time.perf_counter()
    run(url, workbook, project_id, ids, conventions)
    return time.perf_counter() - start, str(baselines.count(url))


if __name__ == "__main__":
    main()
