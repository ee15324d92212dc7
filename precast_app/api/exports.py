"""Exports of element types in the formats of the import, and empty templates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from flask import Response

from precast_app import database
from precast_app.api import file_responses
from precast_app.api.blueprint import PROJECT, Blueprint
from precast_app.api.element_types import ElementTypesFilter
from precast_app.api.export_slots import requires_export_slot
from precast_app.api.file_responses import BINARY, TEXT, XLSX
from precast_app.auth.permissions import Permission
from precast_app.auth.route_permissions import requires
from precast_app.exporting import delimited, export_columns, workbook
from precast_app.exporting.export_columns import ExportColumn
from precast_app.exporting.row_cells import Cell, row_cells
from precast_app.exporting.workbook import ProjectTitle
from precast_app.projects import projects
from precast_app.queries import exports as export_queries
from precast_app.queries.element_types import ElementTypeFilter

_UNSAFE_IN_FILE_NAMES = re.compile(r"[^A-Za-z0-9]+")

blueprint = Blueprint("exports", __name__, description="Workbooks and CSV files that can be imported again.")


@blueprint.route(f"{PROJECT}/export/excel", methods=["GET"])
@requires(Permission.READ)
@requires_export_slot
@blueprint.arguments(ElementTypesFilter, location="query")
@blueprint.response(200, BINARY, content_type=XLSX)
def export_workbook(query: dict[str, Any], project_id: int) -> Response:
    """Export the element types as a workbook."""
    return _workbook(project_id, query["filter"], "element_types")


@blueprint.route(f"{PROJECT}/export_csv_element_type", methods=["GET"])
@requires(Permission.READ)
@requires_export_slot
@blueprint.arguments(ElementTypesFilter, location="query")
@blueprint.response(200, TEXT, content_type="text/csv")
def export_csv(query: dict[str, Any], project_id: int) -> Response:
    """Export the element types as a CSV file."""
    return _csv(project_id, query["filter"], "element_types")


@blueprint.route(f"{PROJECT}/template/excel", methods=["GET"])
@requires(Permission.READ)
@blueprint.response(200, BINARY, content_type=XLSX)
def workbook_template(project_id: int) -> Response:
    """Return a workbook with the project's headings and no rows, to fill in."""
    return _workbook(project_id, None, "template")


@blueprint.route(f"{PROJECT}/template/csv", methods=["GET"])
@requires(Permission.READ)
@blueprint.response(200, TEXT, content_type="text/csv")
def csv_template(project_id: int) -> Response:
    """Return a CSV file with the project's headings and no rows, to fill in."""
    return _csv(project_id, None, "template")


def project_columns(project_id: int) -> tuple[str, tuple[ExportColumn, ...]]:
    """Return the project's name and columns; all later reads of the request see the same snapshot of the database."""
    # The snapshot needs a transaction of its own.
    database.release_connection()
    export_queries.use_one_snapshot()
    name = projects.get(project_id).name
    return name, export_columns.columns(*export_queries.export_items(project_id))


def project_rows(
    project_id: int, filters: ElementTypeFilter | None, columns: tuple[ExportColumn, ...]
) -> Iterator[list[Cell]]:
    """Yield the cells of each matching element type; none if `filters` is None, for a template."""
    if filters is not None:
        for row in export_queries.iterate_rows(project_id, filters):
            yield row_cells(row.element_type, row.groups, columns)


def _workbook(project_id: int, filters: ElementTypeFilter | None, kind: str) -> Response:
    name, columns = project_columns(project_id)
    rows = project_rows(project_id, filters, columns)
    about = ProjectTitle(project_id, name)
    return file_responses.workbook(
        f"{_file_name_part(name)}_{kind}.xlsx", lambda file: workbook.write(file, about, columns, rows)
    )


def _csv(project_id: int, filters: ElementTypeFilter | None, kind: str) -> Response:
    name, columns = project_columns(project_id)
    rows = project_rows(project_id, filters, columns)
    return file_responses.csv(f"{_file_name_part(name)}_{kind}.csv", delimited.lines(rows, columns))


def _file_name_part(name: str) -> str:
    """Return the project's name as part of a file name that is valid on every system."""
    return _UNSAFE_IN_FILE_NAMES.sub("_", name).strip("_") or "project"
