"""`flask import`."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
import marshmallow as ma
from flask.cli import with_appcontext

from precast_app import config
from precast_app.api.schemas import DayOrTime
from precast_app.cli import command, waiting
from precast_app.cli.command import Command
from precast_app.errors import RequestError
from precast_app.importing.job_type_detection import PIECE_STATUSES
from precast_app.importing.profiles import schema as profile_schema
from precast_app.importing.profiles.profile import ImportProfile
from precast_app.jobs import piece_parameters, registry, service
from precast_app.jobs.creation import AUTO_PROFILE, NO_PROFILE, JobOptions
from precast_app.jobs.files import Upload
from precast_app.messages import Message
from precast_app.models import Mapping as MappingOption
from precast_app.models import Missing, OnError, PieceStatus, Renames
from precast_app.pieces.status_file import MoveDefaults
from precast_app.queries.paging import MAX_ID

_JOB_TYPES = [*(name for name in registry.creatable_names() if registry.get(name).has_file), registry.DETECT]


def _day_or_time(ctx: click.Context, param: click.Parameter, value: str | None) -> date | datetime | None:
    """Return the value of an option that is written as a day or a time, as in the API."""
    if value is None:
        return None
    field: ma.fields.Field[Any] = DayOrTime()
    try:
        found: date | datetime = field.deserialize(value)
    except ma.ValidationError as error:
        raise click.BadParameter(str(error.messages[0])) from None
    return found


@click.command("import", cls=Command)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--project", "project_id", type=int, required=True, help="Id of the project.")
@click.option(
    "--job-type",
    type=click.Choice(_JOB_TYPES),
    default="element_type_import",
    show_default=True,
    help="What FILE contains; auto detects it from the headings.",
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
@click.option(
    "--missing",
    type=click.Choice([each.value for each in Missing]),
    default=Missing.KEEP.value,
    show_default=True,
    help="What happens to element types that FILE lacks; remove spares those that have pieces in production.",
)
@click.option(
    "--renames",
    type=click.Choice([each.value for each in Renames]),
    default=Renames.ASK.value,
    show_default=True,
    help="What happens to probable renames; accept carries them out, ask and ignore create the new names.",
)
@click.option(
    "--mapping",
    type=click.Choice([each.value for each in MappingOption]),
    default=MappingOption.REFUSE.value,
    show_default=True,
    help="A file whose headings are not understood is refused, or waits until somebody says what they mean.",
)
@click.option(
    "--status",
    type=click.Choice([each.value for each in PieceStatus]),
    help="Of a list of pieces: the status of all rows that name neither status nor stage.",
)
@click.option("--stage", help="Of a list of pieces: the stage that rows without status and stage have passed.")
@click.option(
    "--date",
    "given_date",
    callback=_day_or_time,
    help="Of a list of pieces: the date of rows without one. Default: now.",
)
@click.option("--idempotency-key", help="The same key within a day is the same job, however often the command runs.")
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
@command.json_option
@with_appcontext
def import_file(
    file: Path,
    project_id: int,
    job_type: str,
    chosen: str,
    dry_run: bool,
    on_error: str,
    missing: str,
    renames: str,
    mapping: str,
    status: str | None,
    stage: str | None,
    given_date: date | datetime | None,
    idempotency_key: str | None,
    create_missing: bool,
    batch_size: int,
    concurrent_batches: int,
    wait: bool,
    as_json: bool,
) -> None:
    """Import FILE into a project. A worker must be running.

    The exit status is 0 if the job completed or, with --no-wait, if it was accepted; 1 if it failed or FILE was
    refused; 2 if the command can't be understood; 3 if the job waits until somebody maps its columns.
    """
    use_profile, profile = _profile(chosen)
    options = JobOptions(
        batch_size=batch_size,
        concurrent_batches=concurrent_batches,
        dry_run=dry_run,
        on_error=on_error,
        create_missing=create_missing,
        use_profile=use_profile,
        mapping=mapping,
        missing=missing,
        renames=renames,
    )
    with file.open("rb") as stream:
        upload, name = Upload(stream, file.name), waiting.login_name()
        if job_type == registry.DETECT:
            job_type = service.detect_job_type(project_id, upload, name)
        if job_type == PIECE_STATUSES:
            defaults = MoveDefaults(PieceStatus(status) if status else None, stage, given_date)
            options = replace(options, parameters=piece_parameters.defaults_to_json(defaults))
        elif status or stage or given_date:
            raise click.UsageError("--status, --stage and --date are for lists of pieces (piece_status_import).")
        job = service.submit(
            project_id=project_id,
            job_type=job_type,
            created_by=name,
            options=options,
            upload=upload,
            idempotency_key=idempotency_key,
            profile=profile,
        )
    waiting.report(job.id, wait=wait, as_json=as_json)


def _profile(chosen: str) -> tuple[str, ImportProfile | None]:
    """Return the option `use_profile` and the profile of a JSON file; raise `RequestError` if there is no such one."""
    is_id = chosen.isascii() and chosen.isdigit() and 0 < int(chosen) <= MAX_ID
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
