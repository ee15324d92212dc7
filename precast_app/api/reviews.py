"""What a job changes, in numbers and as a workbook, and the comparison of two uploads."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Response, send_file

from precast_app import database
from precast_app.api import file_responses
from precast_app.api.blueprint import JOB, Blueprint
from precast_app.api.export_slots import requires_export_slot
from precast_app.api.file_responses import BINARY, XLSX
from precast_app.api.job_schemas import BeforeAfter
from precast_app.api.schemas import PageQuery, ResponseSchema, requested_page
from precast_app.auth.permissions import Permission
from precast_app.auth.request_authentication import current_identity
from precast_app.auth.route_permissions import requires
from precast_app.exporting import comparison_workbook
from precast_app.importing.review.compare import RowChange
from precast_app.jobs import comparison
from precast_app.jobs.comparison import ComparisonWindow
from precast_app.queries import changes

blueprint = Blueprint("reviews", __name__, description="Reviews of jobs, and comparisons of uploads.")

_OTHER = f"{JOB}/compare/<int(max=2147483647):other_id>"
_LISTED = [change.value for change in RowChange if change is not RowChange.SAME]


class FieldCount(ResponseSchema):
    """In how many rows a field differs."""

    field = ma.fields.String(metadata={"description": "the heading"})
    count = ma.fields.Integer()


class ChangesSummary(ResponseSchema):
    """How many changes of each kind and of each field a job has."""

    kinds = ma.fields.Dict(keys=ma.fields.String(metadata={"enum": [*changes.KINDS]}), values=ma.fields.Integer())
    changed_fields = ma.fields.List(ma.fields.Nested(FieldCount), attribute="fields", data_key="fields")
    in_production = ma.fields.Integer(
        metadata={"description": "changes of element types that have pieces in production or further"}
    )


class ComparedRow(ResponseSchema):
    """An element type that differs between two files."""

    change = ma.fields.String(metadata={"enum": _LISTED})
    row_a = ma.fields.Integer(allow_none=True)
    row_b = ma.fields.Integer(allow_none=True)
    element_type = ma.fields.String()
    name = ma.fields.String()
    changed_fields = ma.fields.Dict(
        keys=ma.fields.String(), values=ma.fields.Nested(BeforeAfter), attribute="fields", data_key="fields"
    )


class ComparedFiles(ResponseSchema):
    """A page of the differences between two files, and how many there are of each kind."""

    rows = ma.fields.List(ma.fields.Nested(ComparedRow))
    count = ma.fields.Integer()
    counts = ma.fields.Dict(
        keys=ma.fields.String(metadata={"enum": [change.value for change in RowChange]}), values=ma.fields.Integer()
    )
    changed_fields = ma.fields.List(ma.fields.Nested(FieldCount), attribute="fields", data_key="fields")


class CorrectedQuery(ma.Schema):
    """Whether the corrections of the files count."""

    corrected = ma.fields.Boolean(
        load_default=False, metadata={"description": "compare the files with the corrections of their cells"}
    )


class ComparisonQuery(CorrectedQuery, PageQuery):
    """The differences to list."""

    change = ma.fields.String(load_default=None, validate=ma.validate.OneOf(_LISTED))


@blueprint.route(f"{JOB}/changes/summary", methods=["GET"])
@requires(Permission.READ)
@blueprint.response(200, ChangesSummary)
def summarize_changes(job_id: int) -> dict[str, Any]:
    """Return how many element types the job changes in which way, in which fields, and how many are in production."""
    return changes.summarize(job_id)


@blueprint.route(f"{JOB}/changes.xlsx", methods=["GET"])
@requires(Permission.READ)
@requires_export_slot
@blueprint.response(200, BINARY, content_type=XLSX)
def download_changes_workbook(job_id: int) -> Response:
    """Return the job's changes as a workbook: old and new side by side, with a sheet for each kind of change."""
    found = database.release_after(changes.iterate_changes(job_id))
    return file_responses.workbook(
        f"changes-{job_id}.xlsx", lambda file: comparison_workbook.export_review(found, file)
    )


@blueprint.route(_OTHER, methods=["GET"])
@requires(Permission.READ)
@blueprint.doc(responses={409: "CONFLICT"})
@blueprint.arguments(ComparisonQuery, location="query")
@blueprint.response(200, ComparedFiles)
def compare_uploads(query: dict[str, Any], job_id: int, other_id: int) -> dict[str, Any]:
    """Compare the uploads of two jobs of a project: what the second file adds, lacks and changes.

    What is stored in the project doesn't matter. The response is 409 if one of the files can't be read.
    """
    page = requested_page(query)
    window = ComparisonWindow(query["change"], page.limit, page.offset)
    return comparison.compare(job_id, other_id, current_identity().name, window, corrected=query["corrected"])


@blueprint.route(f"{_OTHER}.xlsx", methods=["GET"])
@requires(Permission.READ)
@blueprint.doc(responses={409: "CONFLICT"})
@blueprint.arguments(CorrectedQuery, location="query")
@blueprint.response(200, BINARY, content_type=XLSX)
def download_comparison(query: dict[str, Any], job_id: int, other_id: int) -> Response:
    """Return the comparison of two uploads as a workbook, with a sheet for each kind of change."""
    user = current_identity().name
    file = comparison.compare_as_workbook(job_id, other_id, user, corrected=query["corrected"])
    return send_file(file, XLSX, as_attachment=True, download_name=f"comparison-{job_id}-{other_id}.xlsx")
