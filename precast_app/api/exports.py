"""Exports of element types in the formats of the import, and empty templates."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from contextlib import closing
from typing import IO, Any

import marshmallow as ma
from flask import Response

from precast_app import database
from precast_app.api import file_responses
from precast_app.api.blueprint import PROJECT, Blueprint
from precast_app.api.element_types import ElementTypesFilter
from precast_app.api.export_slots import requires_export_slot
from precast_app.api.file_responses import BINARY, TEXT, XLSX
from precast_app.auth.permissions import Permission
from precast_app.auth.route_permissions import requires
from precast_app.exporting import delimited, export_columns, template, workbook
from precast_app.exporting.export_columns import ExportColumn, ExportItems
from precast_app.exporting.row_cells import Cell, row_cells
from precast_app.exporting.template import TemplateOptions
from precast_app.exporting.workbook import ProjectTitle
from precast_app.importing.reference_data import ReferenceData
from precast_app.importing.reference_schema import ReferenceSpec
from precast_app.importing.schema import GROUP_SPECS, GROUPS_IN_PAGE_ORDER
from precast_app.messages import Message
from precast_app.projects import projects
from precast_app.queries import exports as export_queries
from precast_app.queries.element_types import ElementTypeFilter

# Of an id in a query.
_MAX_DIGITS = 10
_UNSAFE_IN_FILE_NAMES = re.compile(r"[\W_]+")

# The options that limit a template to some items of a group.
_CHOICES = {spec.reference.snapshot_key: spec.group for spec in GROUPS_IN_PAGE_ORDER}


class Identifiers(ma.fields.String):
    """Ids separated by commas; an empty text is an empty set."""

    default_error_messages = {"ids": Message("Give ids separated by commas, such as 3,5.")}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> Any:
        words = [word for word in str(value).split(",") if word]
        if not all(word.isascii() and word.isdigit() and len(word) <= _MAX_DIGITS for word in words):
            raise self.make_error("ids")
        return frozenset(map(int, words))


def _identifiers(kind: ReferenceSpec) -> Identifiers:
    words = kind.snapshot_key.replace("_", " ")
    if kind.is_hierarchy:
        words = "towers or floors (a tower with all its floors)"
    return Identifiers(
        metadata={"description": f"ids of {words}, separated by commas; all if left out, none if empty"},
    )


def _as_options(schema: ma.Schema, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    chosen = {group: data[name] for name, group in _CHOICES.items() if name in data}
    return {"options": TemplateOptions(chosen, data["guide"])}


TemplateQuery = type(
    "TemplateQuery",
    (ma.Schema,),
    {
        "__doc__": "The columns of a template, and whether it explains itself.",
        **{name: _identifiers(GROUP_SPECS[group].reference) for name, group in _CHOICES.items()},
        "guide": ma.fields.Boolean(
            load_default=False,
            metadata={
                "description": "units in the headings, a realistic sample row that is never imported and, in a "
                "workbook, a note in each column about what its cells take"
            },
        ),
        "_as_options": ma.post_load(_as_options),
    },
)


blueprint = Blueprint("exports", __name__, description="Workbooks and CSV files that can be imported again.")


@blueprint.route(f"{PROJECT}/export/excel", methods=["GET"])
@requires(Permission.READ)
@requires_export_slot
@blueprint.arguments(ElementTypesFilter, location="query")
@blueprint.response(200, BINARY, content_type=XLSX)
def export_excel(query: dict[str, Any], project_id: int) -> Response:
    """Export the element types as a workbook."""
    return _workbook(project_id, query["filter"])


@blueprint.route(f"{PROJECT}/export_csv_element_type", methods=["GET"])
@requires(Permission.READ)
@requires_export_slot
@blueprint.arguments(ElementTypesFilter, location="query")
@blueprint.response(200, TEXT, content_type="text/csv")
def export_csv(query: dict[str, Any], project_id: int) -> Response:
    """Export the element types as a CSV file."""
    return _csv(project_id, query["filter"])


@blueprint.route(f"{PROJECT}/template/excel", methods=["GET"])
@requires(Permission.READ)
@blueprint.arguments(TemplateQuery, location="query")
@blueprint.response(200, BINARY, content_type=XLSX)
def download_excel_template(query: dict[str, Any], project_id: int) -> Response:
    """Return a workbook with the project's headings and no rows, to fill in."""
    options: TemplateOptions = query["options"]
    name, columns, items = _template_columns(project_id, options)
    about = ProjectTitle(project_id, name)
    headings = template.base_headings(options)
    guides = template.column_guides(columns, items) if options.guide else []
    return file_responses.workbook(
        f"{file_name_part(name)}_template.xlsx",
        lambda file: workbook.write(file, about, columns, [], headings=headings, guides=guides),
    )


@blueprint.route(f"{PROJECT}/template/csv", methods=["GET"])
@requires(Permission.READ)
@blueprint.arguments(TemplateQuery, location="query")
@blueprint.response(200, TEXT, content_type="text/csv")
def download_csv_template(query: dict[str, Any], project_id: int) -> Response:
    """Return a CSV file with the project's headings and no rows, to fill in; with a guide it has a sample row."""
    options: TemplateOptions = query["options"]
    name, columns, items = _template_columns(project_id, options)
    sample = [[guide.example for guide in template.column_guides(columns, items)]] if options.guide else []
    lines = delimited.lines(sample, columns, template.base_headings(options))
    return file_responses.csv(f"{file_name_part(name)}_template.csv", lines)


def project_columns(project_id: int) -> tuple[str, tuple[ExportColumn, ...]]:
    """Return the project's name and columns; all later reads of the request see the same snapshot of the database."""
    name, items, reference = _project_items(project_id)
    return name, export_columns.columns(items, reference)


def _template_columns(project_id: int, options: TemplateOptions) -> tuple[str, tuple[ExportColumn, ...], ExportItems]:
    """Return the project's name, the chosen columns and the project's reference data."""
    name, items, reference = _project_items(project_id)
    return name, template.limit_columns(export_columns.columns(items, reference), items, options), items


def _project_items(project_id: int) -> tuple[str, ExportItems, ReferenceData]:
    """Return the project's name and reference data; all later reads of the request see the same snapshot."""
    # The snapshot needs a transaction of its own.
    database.release_connection()
    export_queries.use_one_snapshot()
    return projects.get(project_id).name, *export_queries.export_items(project_id)


def project_rows(
    project_id: int, filters: ElementTypeFilter, columns: tuple[ExportColumn, ...]
) -> Generator[list[Cell]]:
    """Return the cells of each matching element type; the connection is released after the last."""
    return row_cells(database.release_after(export_queries.iterate_rows(project_id, filters)), columns)


def _workbook(project_id: int, filters: ElementTypeFilter) -> Response:
    name, columns = project_columns(project_id)
    return file_responses.workbook(
        f"{file_name_part(name)}_element_types.xlsx",
        lambda file: _write(file, ProjectTitle(project_id, name), columns, filters),
    )


def _csv(project_id: int, filters: ElementTypeFilter) -> Response:
    name, columns = project_columns(project_id)
    lines = delimited.lines(project_rows(project_id, filters, columns), columns)
    return file_responses.csv(f"{file_name_part(name)}_element_types.csv", lines)


def write_workbook(file: IO[bytes], project_id: int, filters: ElementTypeFilter) -> None:
    """Write the matching element types as a workbook; raise `NotFound` if there is no such project."""
    name, columns = project_columns(project_id)
    _write(file, ProjectTitle(project_id, name), columns, filters)


def _write(file: IO[bytes], about: ProjectTitle, columns: tuple[ExportColumn, ...], filters: ElementTypeFilter) -> None:
    # Closed if writing fails, too: the thread that reads ahead must not use the session any more.
    with closing(project_rows(about.project_id, filters, columns)) as rows:
        workbook.write(file, about, columns, rows)


def csv_lines(project_id: int, filters: ElementTypeFilter) -> Generator[str]:
    """Return the lines of a CSV file of the matching element types; raise `NotFound` if there is no such project."""
    _, columns = project_columns(project_id)
    return delimited.lines(project_rows(project_id, filters, columns), columns)


def file_name_part(name: str) -> str:
    """Return the project's name as part of a file name that is valid on every system: its letters and digits."""
    return _UNSAFE_IN_FILE_NAMES.sub("_", name).strip("_") or "project"
