"""Exports of pieces, and printable lists of what goes to chosen places."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from datetime import UTC, datetime
from typing import IO, Any

import marshmallow as ma
from flask import Response

from precast_app import database
from precast_app.api import file_responses
from precast_app.api.blueprint import PROJECT, Blueprint
from precast_app.api.element_schemas import PieceFilterFields
from precast_app.api.export_slots import requires_export_slot
from precast_app.api.exports import Identifiers, file_name_part
from precast_app.api.file_responses import BINARY, TEXT, XLSX
from precast_app.auth.permissions import Permission
from precast_app.auth.route_permissions import requires
from precast_app.errors import RequestError
from precast_app.exporting import piece_lists, site_list
from precast_app.pieces.selection import PieceFilter
from precast_app.projects import projects
from precast_app.queries import piece_exports

blueprint = Blueprint("piece_exports", __name__, description="Lists of pieces as files.")


class SiteListQuery(ma.Schema):
    """The places of a site list."""

    nodes = Identifiers(
        required=True,
        metadata={"description": "ids of towers or floors, separated by commas (a tower with all its floors)"},
    )


@blueprint.route(f"{PROJECT}/elements.csv", methods=["GET"])
@requires(Permission.READ)
@requires_export_slot
@blueprint.arguments(PieceFilterFields, location="query")
@blueprint.response(200, TEXT, content_type="text/csv")
def export_elements_csv(query: dict[str, Any], project_id: int) -> Response:
    """Export the pieces that match the filter as a CSV file: status, date and the day of each stage."""
    name = file_name_part(projects.get(project_id).name)
    return file_responses.csv(f"{name}_pieces.csv", csv_lines(project_id, query["filter"]))


@blueprint.route(f"{PROJECT}/elements.xlsx", methods=["GET"])
@requires(Permission.READ)
@requires_export_slot
@blueprint.arguments(PieceFilterFields, location="query")
@blueprint.response(200, BINARY, content_type=XLSX)
def export_elements_workbook(query: dict[str, Any], project_id: int) -> Response:
    """Export the pieces that match the filter as a workbook: status, date and the day of each stage."""
    name = file_name_part(projects.get(project_id).name)
    return file_responses.workbook(
        f"{name}_pieces.xlsx", lambda file: write_workbook(file, project_id, query["filter"])
    )


def csv_lines(project_id: int, filters: PieceFilter) -> Generator[str]:
    """Return the lines of a CSV file of the pieces that match the filter."""
    found = piece_exports.iterate_pieces(project_id, filters)
    return piece_lists.csv_lines(found, piece_exports.stage_columns(project_id))


def write_workbook(file: IO[bytes], project_id: int, filters: PieceFilter) -> None:
    """Write the pieces that match the filter as a workbook."""
    stages = piece_exports.stage_columns(project_id)
    # Closed if writing fails, too: the thread that reads ahead must not use the session any more.
    with closing(database.release_after(piece_exports.iterate_pieces(project_id, filters))) as found:
        piece_lists.write(file, found, stages)


@blueprint.route(f"{PROJECT}/site-list.xlsx", methods=["GET"])
@requires(Permission.READ)
@requires_export_slot
@blueprint.arguments(SiteListQuery, location="query")
@blueprint.response(200, BINARY, content_type=XLSX)
def export_site_list(query: dict[str, Any], project_id: int) -> Response:
    """Return a printable list of what goes to the chosen places: element types, quantities and totals, nothing else."""
    name = projects.get(project_id).name
    places = piece_exports.place_names_below(project_id, query["nodes"])
    if not places:
        raise RequestError("None of these ids is a node of the project. Choose towers or floors of it.")
    found = piece_exports.site_list(project_id, places)
    return file_responses.workbook(
        f"{file_name_part(name)}_site_list.xlsx",
        lambda file: site_list.write(file, name, found, datetime.now(UTC)),
    )
