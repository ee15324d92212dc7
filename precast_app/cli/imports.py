"""`flask import`."""

from __future__ import annotations

import json
from pathlib import Path

import click
from flask.cli import with_appcontext

from precast_app import config
from precast_app.cli import waiting
from precast_app.cli.command import Command
from precast_app.errors import RequestError
from precast_app.importing.profiles import schema as profile_schema
from precast_app.importing.profiles.profile import ImportProfile
from precast_app.jobs import registry, service
from precast_app.jobs.creation import AUTO_PROFILE, NO_PROFILE, JobOptions
from precast_app.jobs.files import Upload
from precast_app.messages import Message
from precast_app.models import OnError
from precast_app.queries.paging import LARGEST_ID


@click.command("import", cls=Command)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--project", "project_id", type=int, required=True, help="Id of the project.")
@click.option(
    "--job-type", type=click.Choice(registry.creatable_names()), default="element_type_import", show_default=True
)
@click.option(
    "--profile",
    "chosen",
    default=AUTO_PROFILE,
    show_default=True,
    help="Import profile by which FILE is read: its id, a JSON file with it, auto or none.",
)
@click.option("--dry-run", is_flag=True, help="Show what the file would change, and change nothing.")
@click.option(
    "--on-error",
    type=click.Choice([each.value for each in OnError]),
    default=OnError.SKIP.value,
    show_default=True,
    help="With rows that have errors: import the other rows, or none.",
)
@click.option("--create-missing", is_flag=True, help="Create what the headings name and the project does not have.")
@click.option(
    "--batch-size",
    type=click.IntRange(config.MIN_BATCH_SIZE, config.MAX_BATCH_SIZE),
    default=config.BATCH_SIZE,
    show_default=True,
)
@click.option(
    "--concurrent-batches",
    type=click.IntRange(config.MIN_CONCURRENT_BATCHES, config.MAX_CONCURRENT_BATCHES),
    default=config.CONCURRENT_BATCHES,
    show_default=True,
)
@waiting.wait_option
@waiting.json_option
@with_appcontext
def import_file(
    file: Path,
    project_id: int,
    job_type: str,
    chosen: str,
    dry_run: bool,
    on_error: str,
    create_missing: bool,
    batch_size: int,
    concurrent_batches: int,
    wait: bool,
    as_json: bool,
) -> None:
    """Import FILE into a project. A worker must be running.

    The exit status is 0 if the job completed or, with --no-wait, if it was accepted.
    """
    use_profile, profile = _profile(chosen)
    options = JobOptions(
        batch_size=batch_size,
        concurrent_batches=concurrent_batches,
        dry_run=dry_run,
        on_error=on_error,
        create_missing=create_missing,
        use_profile=use_profile,
    )
    with file.open("rb") as stream:
        job = service.submit(
            project_id=project_id,
            job_type=job_type,
            created_by=waiting.login_name(),
            options=options,
            upload=Upload(stream, file.name),
            profile=profile,
        )
    waiting.report(job.id, wait=wait, as_json=as_json)


def _profile(chosen: str) -> tuple[str, ImportProfile | None]:
    """Return the option `use_profile` and the profile of a JSON file; raise `RequestError` if there is no such one."""
    is_id = chosen.isascii() and chosen.isdigit() and 0 < int(chosen) <= LARGEST_ID
    if chosen in (AUTO_PROFILE, NO_PROFILE) or is_id:
        return chosen, None
    try:
        body = json.loads(Path(chosen).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        message = Message(
            "%(chosen)s is neither the id of an import profile nor a JSON file with one. `auto` and `none` work too.",
            chosen=chosen,
        )
        raise RequestError(message) from None
    # The file may be the response to `GET …/import-profiles/{id}`.
    body = body.get("import_profile", body) if isinstance(body, dict) else body
    return NO_PROFILE, profile_schema.load_exported(body)
