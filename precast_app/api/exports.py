"""Element types out again, as the files that they come in as; and empty ones to fill in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from flask import Response

from precast_app.accounts import projects
from precast_app.accounts.guard import takes
from precast_app.accounts.permissions import Act
from precast_app.api import attachments
from precast_app.api.attachments import BINARY, TEXT, XLSX
from precast_app.api.blueprint import PROJECT, Blueprint
from precast_app.api.catalogue import ElementTypesFilter
from precast_app.api.export_slots import takes_export_slot
from precast_app.exporting import delimited, layout, workbook
from precast_app.exporting.layout import ExportColumn
from precast_app.exporting.rows import Cell, cells
from precast_app.exporting.workbook import About
from precast_app.reading import exports as reading
from precast_app.reading.catalogue import Filter

_NOT_IN_FILE_NAMES = re.compile(r"[^A-Za-z0-9]+")

blueprint = Blueprint("exports", __name__, description="Workbooks and CSV files that can be imported again.")


@blueprint.route(f"{PROJECT}/export/excel", methods=["GET"])
@takes(Act.READ)
@takes_export_slot
@blueprint.arguments(ElementTypesFilter, location="query")
@blueprint.response(200, BINARY, content_type=XLSX)
def excel(query: dict[str, Any], project_id: int) -> Response:
    """The element types as the canonical workbook."""
    return _workbook(project_id, query["filter"], "element_types")


@blueprint.route(f"{PROJECT}/export_csv_element_type", methods=["GET"])
@takes(Act.READ)
@takes_export_slot
@blueprint.arguments(ElementTypesFilter, location="query")
@blueprint.response(200, TEXT, content_type="text/csv")
def csv(query: dict[str, Any], project_id: int) -> Response:
    """The element types as the flat CSV file."""
    return _csv(project_id, query["filter"], "element_types")


@blueprint.route(f"{PROJECT}/template/excel", methods=["GET"])
@takes(Act.READ)
@blueprint.response(200, BINARY, content_type=XLSX)
def excel_template(project_id: int) -> Response:
    """The canonical workbook without rows, to fill in."""
    return _workbook(project_id, None, "template")


@blueprint.route(f"{PROJECT}/template/csv", methods=["GET"])
@takes(Act.READ)
@blueprint.response(200, TEXT, content_type="text/csv")
def csv_template(project_id: int) -> Response:
    """The header row of the flat CSV file, to fill in below."""
    return _csv(project_id, None, "template")


def project_columns(project_id: int) -> tuple[str, tuple[ExportColumn, ...]]:
    """The project's name, and its columns; what is read after it in this request is of the same moment."""
    name = projects.get(project_id).name
    reading.one_view()
    return name, layout.columns(*reading.members(project_id))


def project_rows(project_id: int, wanted: Filter | None, columns: tuple[ExportColumn, ...]) -> Iterator[list[Cell]]:
    """The cells of the element types that are wanted; none for a template."""
    if wanted is not None:
        for row in reading.rows(project_id, wanted):
            yield cells(row.element_type, row.groups, columns)


def _workbook(project_id: int, wanted: Filter | None, kind: str) -> Response:
    name, columns = project_columns(project_id)
    rows = project_rows(project_id, wanted, columns)
    about = About(project_id, name)
    return attachments.workbook(f"{_safe(name)}_{kind}.xlsx", lambda file: workbook.write(file, about, columns, rows))


def _csv(project_id: int, wanted: Filter | None, kind: str) -> Response:
    name, columns = project_columns(project_id)
    rows = project_rows(project_id, wanted, columns)
    return attachments.csv(f"{_safe(name)}_{kind}.csv", delimited.lines(rows, columns))


def _safe(name: str) -> str:
    """A project's name as part of a file's name, on any system."""
    return _NOT_IN_FILE_NAMES.sub("_", name).strip("_") or "project"
