"""Create the job that a step of `bench.run_step` runs, and print its id.

`python -m bench.job_steps STEP WORKBOOK PROJECT_ID` with STEP one of import, profile, dry, statuses, labels.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text

from bench import piece_lists, workbooks
from precast_app import create_app
from precast_app.config import Settings
from precast_app.extensions import db
from precast_app.jobs import service
from precast_app.jobs.creation import JobOptions
from precast_app.jobs.files import Upload
from precast_app.models import ImportJob

_LABELS = 1_000
_FIRST_PIECES = text("SELECT id FROM pieces WHERE project_id = :project_id ORDER BY code LIMIT :count")


def main() -> None:
    """Create the job of a step and print its id."""
    step, workbook, project_id = sys.argv[1:]
    settings = Settings.from_environment()
    with create_app(settings, limits=settings.job_limits).app_context():
        print(_SUBMIT[step](Path(workbook), int(project_id)))


@dataclass(frozen=True, slots=True)
class _Starter:
    name: str = "bench"
    user_id: None = None


def submit_import(workbook: Path, project_id: int) -> int:
    """Create the import of a workbook."""
    return _submit(workbook, project_id, "element_type_import", JobOptions())


def submit_import_by_profile(workbook: Path, project_id: int) -> int:
    """Create the import of a workbook with a profile."""
    job_id = submit_import(workbook, project_id)
    db.session.get_one(ImportJob, job_id).profile = workbooks.profile()
    db.session.commit()
    return job_id


def submit_dry_run(workbook: Path, project_id: int) -> int:
    """Create the preview of a workbook."""
    return _submit(workbook, project_id, "element_type_import", JobOptions(dry_run=True))


def submit_statuses(workbook: Path, project_id: int) -> int:
    """Create the import of a list of pieces, which is written beside the workbook."""
    path = piece_lists.write(db.session(), workbook, project_id)
    return _submit(path, project_id, "piece_status_import", JobOptions())


def start_labels(_workbook: Path, project_id: int) -> int:
    """Create the job that makes a label for each of the first pieces."""
    ids = list(db.session.scalars(_FIRST_PIECES, {"project_id": project_id, "count": _LABELS}))
    parameters = {
        "filter": {"ids": ids},
        "format": "a4_24",
        "start": 1,
        "date": datetime.now(UTC).date().isoformat(),
        "address": "https://precast.example",
    }
    return service.start(
        project_id=project_id, job_type="label_export", parameters=parameters, total=len(ids), starter=_Starter()
    ).id


_SUBMIT: dict[str, Callable[[Path, int], int]] = {
    "import": submit_import,
    "profile": submit_import_by_profile,
    "dry": submit_dry_run,
    "statuses": submit_statuses,
    "labels": start_labels,
}


def _submit(path: Path, project_id: int, job_type: str, options: JobOptions) -> int:
    with path.open("rb") as stream:
        return service.submit(
            project_id=project_id,
            job_type=job_type,
            created_by="bench",
            options=options,
            upload=Upload(stream, path.name),
        ).id


if __name__ == "__main__":
    main()
