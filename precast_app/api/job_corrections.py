"""Corrections of a job's file: its rejected rows, what their cells should say, and the import with that."""

from __future__ import annotations

from typing import Any

from flask import url_for

from precast_app.api import page_links
from precast_app.api.blueprint import JOB, LOCATION, Blueprint
from precast_app.api.correction_schemas import (
    CheckedRows,
    CheckRowsRequest,
    CorrectionHistory,
    Corrections,
    CorrectionsRequest,
    HistoryQuery,
    IfMatchHeader,
    ImportRejectedRequest,
    RejectedRows,
    RejectedRowsQuery,
    RememberedProfile,
    RememberRequest,
)
from precast_app.api.job_permissions import requires_job_permission
from precast_app.api.job_schemas import CreatedJob
from precast_app.api.schemas import requested_page
from precast_app.auth.permissions import Permission
from precast_app.auth.request_authentication import current_identity
from precast_app.auth.route_permissions import requires
from precast_app.errors import PreconditionRequired, RequestError, invalid_field
from precast_app.jobs import corrected_imports, corrections, profile_rules
from precast_app.messages import Message
from precast_app.models import ImportJob
from precast_app.queries import corrections as correction_queries
from precast_app.queries import jobs as job_queries
from precast_app.queries import rejected_rows
from precast_app.queries.paging import PageRequest
from precast_app.text import clean_text

blueprint = Blueprint("job_corrections", __name__, description="Corrections of a job's file.")

_ETAG = {"ETag": {"description": "the version, for `If-Match`", "required": True, "schema": {"type": "string"}}}


@blueprint.route(f"{JOB}/corrections", methods=["GET"])
@requires(Permission.READ)
@blueprint.response(200, Corrections, headers=_ETAG)
def get_corrections(job_id: int) -> Any:
    """Return what the cells of the job's file should say, with who changed each and when."""
    return _current(job_queries.get_job(job_id))


@blueprint.route(f"{JOB}/corrections", methods=["PUT"])
@requires_job_permission
@blueprint.arguments(IfMatchHeader, location="headers")
@blueprint.arguments(CorrectionsRequest)
@blueprint.doc(responses={412: "PRECONDITION_FAILED", 428: "PRECONDITION_REQUIRED"})
@blueprint.response(200, Corrections, headers=_ETAG)
def replace_corrections(headers: dict[str, Any], body: dict[str, Any], job_id: int) -> Any:
    """Replace all corrections of the job; its file stays as it came.

    `If-Match` names the version that was read. If they have been changed since, nothing is stored, and the 412 lists
    what was changed as `errors.changes`.
    """
    corrections.save(job_id, *_wanted(body), _version(headers["version"]), current_identity().name)
    return _current(job_queries.get_job(job_id))


@blueprint.route(f"{JOB}/corrections/history", methods=["GET"])
@requires(Permission.READ)
@blueprint.arguments(HistoryQuery, location="query")
@blueprint.response(200, CorrectionHistory)
def list_correction_history(query: dict[str, Any], job_id: int) -> dict[str, Any]:
    """List who corrected which cell from what to what, the newest change first."""
    changes, count = correction_queries.list_history(job_id, requested_page(query))
    return {"changes": changes, "count": count}


@blueprint.route(f"{JOB}/corrections/remember", methods=["POST"])
@requires_job_permission
@blueprint.arguments(RememberRequest)
@blueprint.response(200, RememberedProfile)
def remember_rules(body: dict[str, Any], job_id: int) -> Any:
    """Add rules to the import profile of the job's file, so that the next such file needs no correction.

    A file that was read without a profile gets one, named after the file.
    """
    return profile_rules.remember(job_id, _rules(body["rules"]), current_identity().name)


@blueprint.route(f"{JOB}/rejected-rows", methods=["GET"])
@requires(Permission.READ)
@blueprint.doc(responses={409: "CONFLICT"})
@blueprint.arguments(RejectedRowsQuery, location="query")
@blueprint.response(200, RejectedRows)
def list_rejected_rows(query: dict[str, Any], job_id: int) -> dict[str, Any]:
    """List the cells of the rejected rows with their corrections and the errors that they have then."""
    job = job_queries.get_job(job_id)
    # Rows have no ids; a page continues after the number of a row.
    page_links.remember(PageRequest(query["limit"], after=query["after"] or None), "row")
    found = rejected_rows.list_rejected(
        job, limit=query["limit"], after=query["after"], only_open=query["state"] == "open"
    )
    names = ("sheet", "rows", "count", "open_count", "mistakes")
    columns = [{"column": letter, "heading": heading, "is_number": number} for letter, heading, number in found.columns]
    return {
        **{name: getattr(found, name) for name in names},
        "columns": columns,
        "rejected_count": job.rejected_count,
        "version": job.corrections_version,
    }


@blueprint.route(f"{JOB}/check-rows", methods=["POST"])
@requires_job_permission
@blueprint.arguments(CheckRowsRequest)
@blueprint.response(200, CheckedRows)
def check_rows(body: dict[str, Any], job_id: int) -> dict[str, Any]:
    """Return the errors that rejected rows would have with these cells. Nothing is stored."""
    edits: dict[int, dict[str, str]] = {}
    for each in body["rows"]:
        edits.setdefault(each["row"], {}).update(each["cells"])
    return {"rows": rejected_rows.check_rows(job_queries.get_job(job_id), edits)}


@blueprint.route(f"{JOB}/revalidate", methods=["POST"])
@requires_job_permission
@blueprint.response(202, CreatedJob, headers=LOCATION)
def revalidate_job(job_id: int) -> Any:
    """Run a dry run again with its corrections. Returns 409 if it has been applied already."""
    return _started(corrected_imports.revalidate(job_id, current_identity()))


@blueprint.route(f"{JOB}/import-rejected", methods=["POST"])
@requires_job_permission
@blueprint.arguments(ImportRejectedRequest, required=False)
@blueprint.response(202, CreatedJob, headers=LOCATION)
def import_rejected_rows(body: dict[str, Any], job_id: int) -> Any:
    """Import the rejected rows of an import with their corrections, in a new job."""
    return _started(corrected_imports.import_rejected(job_id, current_identity(), dry_run=body["dry_run"]))


def _current(job: ImportJob) -> Any:
    found = corrections.list_current(job.id, job.corrections_version)
    body = {
        "version": job.corrections_version,
        "checked_version": job.checked_corrections_version,
        "cells": [each for each in found if each.row is not None],
        "rules": [each for each in found if each.row is None],
    }
    return body, 200, {"ETag": f'"{job.corrections_version}"'}


def _wanted(body: dict[str, Any]) -> tuple[dict[tuple[int, str], str], dict[tuple[str, str], str]]:
    """Return the cells and the rules of a request; raise `RequestError` if a cell is given twice, or as `_rules`."""
    cells: dict[tuple[int, str], str] = {}
    for each in body["cells"]:
        if (key := (each["row"], each["column"])) in cells:
            raise _invalid(
                "cells", Message("The cell %(cell)s is given twice. Give it once.", cell=f"{key[1]}{key[0]}")
            )
        cells[key] = each["value"]
    return cells, _rules(body["rules"])


def _rules(given: list[dict[str, Any]]) -> dict[tuple[str, str], str]:
    """Return the new text by column and replaced text; raise `RequestError` for a repeated or blank text."""
    rules: dict[tuple[str, str], str] = {}
    for each in given:
        rule = each["column"], clean_text(each["old"])
        if not rule[1]:
            raise _invalid("rules", Message("A rule replaces a text. Correct blank cells one by one."))
        if rule in rules:
            raise _invalid(
                "rules", Message("Column %(column)s has two rules for the same text. Keep one of them.", column=rule[0])
            )
        rules[rule] = each["new"]
    return rules


def _invalid(name: str, message: Message) -> RequestError:
    return invalid_field(name, message)


def _version(etag: str | None) -> int:
    """Return the version that an ETag names, -1 for one that is not ours; raise `PreconditionRequired` for None."""
    if etag is None:
        raise PreconditionRequired(
            "Send the ETag of the corrections that you have read as the header If-Match, so that no edits are lost."
        )
    digits = etag.strip().removeprefix("W/").strip('"')
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else -1


def _started(job: ImportJob) -> Any:
    body = {"message": "Import job started successfully", "job_id": job.id, "status": job.status}
    return body, 202, {"Location": url_for("jobs.get_job", job_id=job.id)}
