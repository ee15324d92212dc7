"""Import a file of element types with a client that openapi-python-client has generated into `precast_api/`."""

import os
import time
import uuid
from pathlib import Path

from precast_api import AuthenticatedClient
from precast_api.api.jobs import get_job, import_excel, list_issues
from precast_api.models import AcceptedJob, FileForm, Issues, Job, OneJob, Problem
from precast_api.types import File

PROJECT_ID = int(os.environ["PRECAST_PROJECT"])

client = AuthenticatedClient(base_url=os.environ["PRECAST_URL"], token=os.environ["PRECAST_TOKEN"], timeout=60)


def wait_for(job_id: int) -> Job:
    """Return the job when it has completed or failed."""
    while True:
        response = get_job.sync_detailed(job_id, client=client)
        if isinstance(response.parsed, OneJob) and response.parsed.job.status in ("completed", "failed"):
            return response.parsed.job
        if isinstance(response.parsed, Problem) and response.status_code not in (429, 503):
            raise SystemExit(response.parsed.message)
        time.sleep(int(response.headers.get("Retry-After", 2)))


path = Path(os.environ["PRECAST_FILE"])
with path.open("rb") as file:
    form = FileForm(file=File(payload=file, file_name=path.name))
    accepted = import_excel.sync(PROJECT_ID, client=client, body=form, idempotency_key=str(uuid.uuid4()))
if not isinstance(accepted, AcceptedJob):
    raise SystemExit(accepted.message if accepted else "The server sent an unexpected response.")

job = wait_for(accepted.job_id)
print(job.result or job.error)

issues = list_issues.sync(job.id, client=client, severity="error")
if isinstance(issues, Issues):
    for issue in issues.issues:
        print(f"{issue.cell}: {issue.message}")
