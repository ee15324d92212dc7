"""Tasks that a child of the fork server runs on a file. Arguments and results are JSON values."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import asdict
from typing import IO, Any, cast

import xlsxwriter

from precast_app.exporting import annotating, rejected_workbook
from precast_app.importing import column_mapping, job_type_detection, reference_files
from precast_app.importing.issues import Issue
from precast_app.importing.profiles.profile import ImportProfile
from precast_app.importing.profiles.schema import load_profile
from precast_app.importing.schema import BASE_COLUMNS
from precast_app.models import Severity
from precast_app.spreadsheets import Book, Limits, open_book


def count_rows(upload: IO[bytes], out: IO[bytes], *, limits: dict[str, int], job_type: str) -> int:
    """Return the number of data rows, from a quick scan of the file."""
    book = _open(upload, limits)
    if job_type != "element_type_import":
        return reference_files.count_rows(book, job_type)
    return column_mapping.count_rows(book)[1]


def detect_job_types(upload: IO[bytes], out: IO[bytes], *, limits: dict[str, int]) -> list[str]:
    """Return the job types that the file may be meant for, by its headings."""
    return job_type_detection.detect_job_types(_open(upload, limits))


def annotate(
    upload: IO[bytes],
    out: IO[bytes],
    *,
    limits: dict[str, int],
    issues: list[list[Any]],
    seconds: float,
    profile: dict[str, Any] | None = None,
) -> str:
    """Write the upload with its issues as comments and return the copy's kind: xlsx, xlsm, xltx, xltm or ods.

    `profile` is the JSON of the import profile by which the file was read.
    """
    book = _open(upload, limits, None if profile is None else load_profile(profile))
    return annotating.write(upload, book, map(_issue, issues), out, seconds)


def export_rejected_rows(
    upload: IO[bytes],
    out: IO[bytes],
    *,
    limits: dict[str, int],
    reasons: list[tuple[int, str]],
    is_catalogue: bool,
    profile: dict[str, Any] | None = None,
) -> None:
    """Write the rejected rows as a workbook with the upload's layout.

    `profile` is the JSON of the import profile by which the file was read.
    """
    loaded = None if profile is None else load_profile(profile)
    book = _open(upload, limits, loaded)
    rejected_workbook.write(out, book, dict(reasons), is_catalogue=is_catalogue, profile=loaded)


TASKS: dict[str, Callable[..., Any]] = {
    "count_rows": count_rows,
    "detect_job_types": detect_job_types,
    "annotate": annotate,
    "export_rejected_rows": export_rejected_rows,
}


def sample_workbook() -> IO[bytes]:
    """Return a small workbook to warm up with."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as out:
        sheet = out.add_worksheet("Element Types")
        sheet.write_row(0, 0, [column.heading for column in BASE_COLUMNS])
        for row in range(1, 60):
            sheet.write_row(row, 0, ["WALL", f"W-{row}", 2500.5])
    return file


def warm_up(book: IO[bytes]) -> None:
    """Run every task once, so that one-time work such as late imports happens before the first fork."""
    limits = asdict(Limits())
    issue = [Severity.ERROR, "not_a_number", "Enter a number.", 2, "C", "Element Types"]
    annotate(book, io.BytesIO(), limits=limits, issues=[issue], seconds=1)
    export_rejected_rows(book, io.BytesIO(), limits=limits, reasons=[(2, "Enter a number.")], is_catalogue=True)
    prefault_memory(book)


def prefault_memory(book: IO[bytes]) -> None:
    """Make the kernel copy the pages that a task writes to, before the child is given a user's file."""
    count_rows(book, io.BytesIO(), limits=asdict(Limits()), job_type="element_type_import")


def _open(upload: IO[bytes], limits: dict[str, int], profile: ImportProfile | None = None) -> Book:
    encoding, delimiter = (profile.encoding, profile.delimiter) if profile else (None, None)
    return open_book(cast(Any, upload), Limits(**limits), encoding=encoding, delimiter=delimiter)


def _issue(fields: list[Any]) -> Issue:
    severity, code, message, row, column, sheet = fields
    return Issue(severity=Severity(severity), code=code, message=message, row=row, column=column, sheet=sheet)
