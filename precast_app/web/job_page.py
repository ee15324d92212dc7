"""What the page of a job shows: what it is, what can be done with it, its problems, its changes and its history."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import request, url_for
from flask_babel import gettext, ngettext

from precast_app import languages
from precast_app.auth.permissions import Permission
from precast_app.jobs import dry_run, files, permissions, registry
from precast_app.message_catalogue import translate
from precast_app.models import FailureReason, ImportJob, Issue, JobStatus, OnError, Severity
from precast_app.queries import changes, element_types, piece_changes
from precast_app.queries import jobs as job_queries
from precast_app.queries.changes import ChangeFilter
from precast_app.queries.paging import PageRequest
from precast_app.web import labels, paging

FILTERS = ("change", "severity", "field", "in_production")
_PAGE_SIZE = 50
# Notes on how the file was read; each is one or two lines.
_MAX_NOTES = 40
_ALL = "all"
_IMPORT = "element_type_import"
_ENDED = (JobStatus.COMPLETED, JobStatus.FAILED)
# The list of new items says it already.
_SAID_BY_NEW_ITEMS = "made_from_heading"


@dataclass(frozen=True, slots=True)
class Actions:
    """What the user can do with a job. `apply` and `preview_again` exclude each other."""

    cancel: bool = False
    apply: bool = False
    preview_again: bool = False
    change_columns: bool = False
    correct_names: bool = False
    retry: bool = False
    undo: bool = False


@dataclass(frozen=True, slots=True)
class Count:
    """A figure of a job that filters its changes or issues: `link` shows what is counted, `tone` is a colour."""

    label: str
    number: int
    link: str
    is_current: bool
    tone: str = ""


def context(job: ImportJob, permission: Permission) -> dict[str, Any]:
    """Return the variables of the page, for the filters and offsets in the URL."""
    change, severity = request.args.get("change") or None, request.args.get("severity") or None
    filters = ChangeFilter(
        change,
        request.args.get("field") or None,
        request.args.get("in_production") == "true",
        without_unchanged=change is None,
    )
    page, issue_page = paging.requested_page(_PAGE_SIZE), paging.requested_page(_PAGE_SIZE, "issue")
    link = _linker(job.id, page, issue_page)
    required = permissions.required_permission(job)
    can_act, has_file = permission >= required, files.is_stored(job.id)
    applying_job = job_queries.find_applying_job(job.id)
    is_outdated = job.dry_run and job.status == JobStatus.COMPLETED and registry.get(job.job_type).is_outdated(job)
    actions = _actions(job, has_file, applying_job, is_outdated=is_outdated) if can_act else Actions()
    issue_kinds = job_queries.list_issue_kinds(job.id)
    problem_kinds = [
        kind
        for kind in issue_kinds
        if kind.severity != Severity.INFO and not (actions.correct_names and kind.code == _SAID_BY_NEW_ITEMS)
    ]
    shown_severity = severity or (problem_kinds[0].severity if problem_kinds else _ALL)
    hidden_code = _SAID_BY_NEW_ITEMS if actions.correct_names else None
    issues, issue_count = job_queries.list_issues(
        job.id, None if shown_severity == _ALL else shown_severity, issue_page, without_code=hidden_code
    )
    notes, _ = job_queries.list_issues(job.id, Severity.INFO, PageRequest(_MAX_NOTES))
    changed, changed_count = changes.list_changes(job.id, filters, page)
    summary = changes.summarize(job.id) if _lists_changes(job) else None
    pieces, piece_count = piece_changes.list_changes(job.id, page) if _is_about_pieces(job) else ([], 0)
    return {
        "job": job,
        "can_act": can_act,
        "is_for_managers": required > Permission.IMPORT,
        "actions": actions,
        "applying_job": applying_job,
        "correcting_job": job_queries.find_correcting_job(job.id),
        "is_outdated": is_outdated,
        "outdated_count": dry_run.count_outdated(job) if actions.apply and job.job_type == _IMPORT else 0,
        "has_unchecked_corrections": _has_unchecked_corrections(job),
        "has_changes": _has_changes(job),
        "has_file": has_file,
        "has_grid": can_act and has_file and _has_grid(job, applying_job),
        "counts": _counts(job, summary, change, severity, link),
        "issues": issues,
        "issue_count": issue_count,
        "issue_page": issue_page,
        "issue_link": lambda offset: f"{link(issue=offset)}#cells",
        "problem_kinds": problem_kinds,
        "issues_requested": bool({"severity", "issue"} & request.args.keys()),
        "severity": shown_severity,
        "severities": [*dict.fromkeys(kind.severity for kind in issue_kinds), _ALL],
        "has_issues": bool(issue_kinds),
        "has_marked_cells": job_queries.has_marked_cells(job.id),
        "notes": _grouped_notes(notes),
        "changes": changed,
        "change_count": changed_count,
        "change": change,
        "change_filter": filters,
        "is_filtered": bool(change or filters.field or filters.in_production),
        "has_only_unchanged": job.job_type == _IMPORT and job.status in _ENDED and job.unchanged_count > 0,
        "summary": summary,
        "heading_labels": labels.headings() | element_types.place_labels(job.project_id),
        "text_headings": changes.text_headings(job),
        "is_about_pieces": _is_about_pieces(job),
        "piece_changes": pieces,
        "piece_change_count": piece_count,
        "change_link": lambda offset: f"{link(offset=offset)}#changes",
        "page": page,
        "link": link,
        "throughput": job_queries.throughput(job),
    }


def _actions(job: ImportJob, has_file: bool, applying_job: ImportJob | None, *, is_outdated: bool) -> Actions:
    is_preview = job.dry_run and job.status == JobStatus.COMPLETED
    is_stale = applying_job is not None or is_outdated or _has_unchecked_corrections(job)
    is_aborted = job.rejected_count > 0 and job.on_error == OnError.ABORT
    is_import, job_type = job.job_type == _IMPORT, registry.get(job.job_type)
    return Actions(
        cancel=job.status in (JobStatus.PENDING, JobStatus.PROCESSING),
        apply=is_preview and _has_changes(job) and has_file and not is_stale and not is_aborted,
        preview_again=is_preview and has_file and is_stale,
        change_columns=is_import
        and has_file
        and applying_job is None
        and job.status in _ENDED
        and (job.dry_run or job.status == JobStatus.FAILED),
        correct_names=is_import and is_preview and has_file and applying_job is None and job.profile_name is not None,
        retry=job.status == JobStatus.FAILED and (has_file or not job_type.has_file or job.undoes_job_id is not None),
        undo=job.status == JobStatus.COMPLETED
        and not job.dry_run
        and job.undone_by_job_id is None
        and (job_type.undo_type is not None or job.undoes_job_id is not None),
    )


def _is_about_pieces(job: ImportJob) -> bool:
    return job.job_type.startswith("piece_")


def _has_grid(job: ImportJob, applying_job: ImportJob | None) -> bool:
    """Return whether the rejected rows of a job can be corrected on its page."""
    has_ended = job.status == JobStatus.COMPLETED or job.failure_reason in (
        FailureReason.REJECTED,
        FailureReason.ABORTED,
    )
    has_rows = bool(job.rejected_count or job.corrections_version)
    return job.job_type == _IMPORT and has_ended and has_rows and not (job.dry_run and applying_job is not None)


def _lists_changes(job: ImportJob) -> bool:
    """Return whether a job has ended and has or plans changes of element types, which its page filters."""
    changed = job.created_count + job.updated_count + job.renamed_count + job.missing_count + job.removed_count
    return job.status in _ENDED and changed > 0 and not _is_about_pieces(job)


def _has_unchecked_corrections(job: ImportJob) -> bool:
    """Return whether corrections were made after a preview, so that it doesn't show what they change."""
    return job.dry_run and job.corrections_version != job.checked_corrections_version


def _has_changes(job: ImportJob) -> bool:
    """Return whether a preview would change something, with the missing element types that could be removed."""
    is_preview = job.dry_run and job.status == JobStatus.COMPLETED
    return is_preview and bool(job.created_count + job.updated_count + job.renamed_count + job.missing_count)


def _counts(
    job: ImportJob, summary: dict[str, Any] | None, change: str | None, severity: str | None, link: Callable[..., str]
) -> list[Count]:
    """Return the figures of an ended job, without those that are 0."""
    if job.status not in _ENDED:
        return []
    # An undo's own count of changed element types includes those that it has renamed or created again.
    kinds = (
        summary["kinds"]
        if job.undoes_job_id and summary
        else {
            "created": job.created_count,
            "updated": job.updated_count,
            "renamed": job.renamed_count,
            "missing": job.missing_count - job.removed_count,
            "deleted": job.removed_count,
            "unchanged": job.unchanged_count,
        }
    )
    words = {
        "created": gettext("new"),
        "updated": gettext("changed"),
        "renamed": gettext("renamed"),
        "missing": gettext("missing"),
        "deleted": gettext("removed"),
        "unchanged": gettext("unchanged"),
    }
    by_change = [(word, kind, kinds[kind]) for kind, word in words.items()]
    by_severity = (
        (gettext("rejected"), Severity.ERROR, job.rejected_count, "bad"),
        (ngettext("warning", "warnings", job.warning_count), Severity.WARNING, job.warning_count, "warn"),
    )
    # The list of pieces has no filter.
    found = [
        Count(label, number, "#changes", is_current=False)
        if _is_about_pieces(job)
        else Count(label, number, f"{link(change='' if change == kind else kind, offset=0)}#changes", change == kind)
        for label, kind, number in by_change
    ]
    found += [
        Count(label, number, f"{link(severity=kind, issue=0)}#cells", severity == kind, tone)
        for label, kind, number, tone in by_severity
    ]
    return [count for count in found if count.number > 0]


def _grouped_notes(notes: Sequence[Issue]) -> list[str]:
    """Return the notes as sentences, equal ones once with the headings that they are about."""
    headings: dict[str, list[str]] = {}
    for note in notes:
        headings.setdefault(translate(note.text, languages.current()), []).append(note.heading or "")
    return [_with_headings(message, filter(None, named)) for message, named in headings.items()]


def _with_headings(message: str, named: Iterable[str]) -> str:
    headings = ", ".join(named)
    return f"{headings}: {message}" if headings else message


def _linker(job_id: int, page: PageRequest, issue_page: PageRequest) -> Callable[..., str]:
    """Return a function that makes links to the page with changed filters.

    Turning the pages of one list keeps the page of the other.
    """
    current = {name: text for name, text in request.args.items() if name in FILTERS}
    offsets = {"offset": page.offset, "issue": issue_page.offset}

    def link(**changed: Any) -> str:
        arguments = {**current, **offsets, **changed}
        return url_for("job_pages.show", job_id=job_id, **{name: each for name, each in arguments.items() if each})

    return link
