"""`flask export`."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import IO, Any

import click
import marshmallow as ma
from flask.cli import with_appcontext

from precast_app.api import exports, piece_exports
from precast_app.api.element_schemas import PieceFilterFields
from precast_app.api.element_types import ElementTypesFilter
from precast_app.cli.command import Command
from precast_app.enums import PieceStatus
from precast_app.projects import projects

_DAY = click.DateTime(["%Y-%m-%d"])
# The names of the options in the schemas of the API.
_OF_ELEMENT_TYPES = {name: name for name in ("search", "type", "node", "stage", "without_drawing")}
_OF_PIECES = {
    "search": "search", "type": "type", "node": "node_id", "stage": "stage", "tower": "tower", "status": "status",
    "element_type": "element_type_id", "moved_from": "moved_from", "moved_to": "moved_to",
}  # fmt: skip


@click.command("export", cls=Command)
@click.option("--project", "project_id", type=int, required=True, help="Id of the project.")
@click.option("--pieces", is_flag=True, help="Export the pieces, not the element types.")
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["xlsx", "csv"]),
    help="Format of the file. Default: by the ending of the output's name, else xlsx.",
)
@click.option("-o", "--output", type=click.File("wb"), default="-", help="File to write. Default: standard output.")
@click.option("--search", help="A part of the name or the type; of pieces, also a code.")
@click.option("--type", help="The whole type, such as WALL.")
@click.option("--node", type=int, help="Id of a tower or floor; exactly this one.")
@click.option("--stage", type=int, help="Id of a stage; of pieces, the last one that they have passed.")
@click.option("--without-drawing", type=int, help="Id of a drawing type: only element types without such a drawing.")
@click.option("--tower", help="With --pieces: name or path of a tower, with all its floors.")
@click.option("--status", type=click.Choice([each.value for each in PieceStatus]), help="With --pieces: their status.")
@click.option("--element-type", type=int, help="With --pieces: id of their element type.")
@click.option("--moved-from", type=_DAY, help="With --pieces: reached their status on this day (UTC) or later.")
@click.option("--moved-to", type=_DAY, help="With --pieces: reached their status on this day (UTC) or earlier.")
@with_appcontext
def export(project_id: int, pieces: bool, file_format: str | None, output: IO[bytes], **conditions: Any) -> None:
    """Export the element types of a project, in the format of the import, or its pieces.

    Nothing is written unless the whole file could be made.
    """
    file_format = file_format or ("csv" if Path(getattr(output, "name", "")).suffix == ".csv" else "xlsx")
    if file_format == "xlsx" and output.isatty():
        raise click.UsageError("A workbook can't be shown in a terminal. Name a file with --output.")
    filters = _filters(conditions, pieces=pieces)
    projects.get(project_id)
    source: Any = piece_exports if pieces else exports
    with tempfile.TemporaryFile() as made:
        if file_format == "csv":
            made.writelines(line.encode() for line in source.csv_lines(project_id, filters))
        else:
            source.write_workbook(made, project_id, filters)
        made.seek(0)
        shutil.copyfileobj(made, output)


def _filters(conditions: dict[str, Any], *, pieces: bool) -> Any:
    """Return the filter for the options; raise `UsageError` for one that is invalid or not of what is exported."""
    given = {name: value for name, value in conditions.items() if value is not None}
    known = _OF_PIECES if pieces else _OF_ELEMENT_TYPES
    for name in given:
        if name not in known:
            option = f"--{name.replace('_', '-')}"
            raise click.UsageError(f"{option} can't be used with --pieces." if pieces else f"{option} needs --pieces.")
    schema = PieceFilterFields() if pieces else ElementTypesFilter()
    days = {name: f"{value:%Y-%m-%d}" for name, value in given.items() if name.startswith("moved_")}
    try:
        return schema.load({known[name]: value for name, value in {**given, **days}.items()})["filter"]
    except ma.ValidationError as error:
        name, messages = next(iter(error.normalized_messages().items()))
        raise click.UsageError(f"{name}: {messages[0]}") from None
