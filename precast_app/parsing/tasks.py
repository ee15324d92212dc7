"""Tasks that a child of the fork server runs on a file. Arguments are JSON values; so are results, but for messages."""

from __future__ import annotations

import io
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import IO, Any, cast

import xlsxwriter

from precast_app.errors import JobFailed, NoDataRows, RequestError
from precast_app.exporting import annotating, comparison_workbook, rejected_workbook
from precast_app.importing import column_mapping, job_type_detection, reference_data, reference_files
from precast_app.importing.corrections import CorrectedBook, Corrections, from_json, to_json
from precast_app.importing.issues import Issue
from precast_app.importing.job_type_detection import PIECE_STATUSES
from precast_app.importing.profiles import application, column_description, profile_choice
from precast_app.importing.profiles.profile import ImportProfile
from precast_app.importing.profiles.schema import load_profile
from precast_app.importing.review import compare, compared_files
from precast_app.importing.review.compare import RowChange, RowDifference
from precast_app.importing.schema import BASE_COLUMNS
from precast_app.message_catalogue import SOURCE_LANGUAGE
from precast_app.models import Severity
from precast_app.pieces import status_file
from precast_app.spreadsheets import Book, Limits, open_book

# Encoding and delimiter of a text file whose profile names neither.
_AS_DETECTED = (None, None)
# The kinds of differences that are listed if none is asked for.
_LISTED = tuple(change.value for change in RowChange if change is not RowChange.SAME)
_INVALID_PROFILE = "The import profile is not valid any more. Change it, or map the columns again."
# How many encodings and delimiters of profiles a text file is tried with.
_MAX_READINGS = 5

# The id of a profile and its JSON.
StoredProfile = tuple[int, dict[str, Any]]


def count_rows(
    upload: IO[bytes],
    out: IO[bytes],
    *,
    limits: dict[str, int],
    job_type: str,
    profiles: Sequence[StoredProfile] = (),
    is_chosen: bool = False,
    parameters: dict[str, Any] | None = None,
) -> list[Any]:
    """Return the values of `parsing.RowCount`, from a quick scan of the file.

    `profiles` are the profiles that the file may need, as ids and JSON; with `is_chosen` the first one is used.
    """
    began = time.process_time()
    if job_type == PIECE_STATUSES:
        has_default = bool(parameters and parameters.keys() & {"status", "stage"})
        return _count_statuses(upload, limits, _load_profiles(profiles), is_chosen=is_chosen, has_default=has_default)
    if job_type != "element_type_import":
        return [reference_files.count_rows(_open(upload, limits), job_type)]
    known = _load_profiles(profiles)
    try:
        book, profile_id = _open_with_profile(upload, limits, known, is_chosen=is_chosen)
        if profile_id is None:
            return [column_mapping.count_rows(book)[1]]
        _, rows = application.count_rows(book, dict(known)[profile_id])
        if not rows:
            raise NoDataRows
        return [rows, profile_id]
    except NoDataRows:
        raise
    except JobFailed as error:
        return [0, None, error.message, time.process_time() - began]


def _count_statuses(
    upload: IO[bytes],
    limits: dict[str, int],
    profiles: Sequence[tuple[int, ImportProfile]],
    *,
    is_chosen: bool,
    has_default: bool,
) -> list[Any]:
    """Return the values of `parsing.RowCount` for a list of pieces; raise `JobFailed` if it is none."""
    book, chosen = _open_with_profile(upload, limits, profiles, is_chosen=is_chosen)
    profile = None if chosen is None else dict(profiles)[chosen]
    return [status_file.count_rows(book, profile, has_default=has_default), chosen]


def describe_columns(
    upload: IO[bytes],
    out: IO[bytes],
    *,
    limits: dict[str, int],
    project_id: int,
    reference: dict[str, Any],
    profiles: Sequence[StoredProfile],
    draft: dict[str, Any] | None,
) -> dict[str, Any]:
    """Return what the columns of the file mean, by the draft of a profile or else as a proposal."""
    project = reference_data.from_json(project_id, reference)
    profile = None if draft is None else load_profile(draft, complete=False)
    book = _open(upload, limits, profile)
    return column_description.describe(book, project, _load_profiles(profiles), profile)


def detect_job_types(
    upload: IO[bytes], out: IO[bytes], *, limits: dict[str, int], profiles: Sequence[StoredProfile] = ()
) -> list[str]:
    """Return the job types that the file may be meant for, by its headings; `profiles` are for lists of pieces."""
    known = _load_profiles(profiles)
    if known and _choose_profile(upload, limits, known)[1] is not None:
        return [PIECE_STATUSES]
    return job_type_detection.detect_job_types(_open(upload, limits))


def annotate(
    upload: IO[bytes],
    out: IO[bytes],
    *,
    limits: dict[str, int],
    issues: list[list[Any]],
    seconds: float,
    profile: dict[str, Any] | None = None,
    corrections: dict[str, Any] | None = None,
) -> str:
    """Write the upload with its issues as comments and return the copy's kind: xlsx, xlsm, xltx, xltm or ods.

    `profile` is the JSON of the import profile by which the file was read, `corrections` what its cells were read as.
    """
    loaded = None if profile is None else load_profile(profile)
    if corrections is None:
        return annotating.write(upload, _open(upload, limits, loaded), map(_issue, issues), out, seconds)
    with tempfile.TemporaryFile() as corrected:
        kind = correct(upload, corrected, limits=limits, corrections=corrections, seconds=seconds / 2, profile=profile)
        corrected.seek(0)
        book = _open(corrected, limits, loaded if kind == "csv" else None)
        return annotating.write(corrected, book, map(_issue, issues), out, seconds / 2)


def correct(
    upload: IO[bytes],
    out: IO[bytes],
    *,
    limits: dict[str, int],
    corrections: dict[str, Any],
    seconds: float,
    profile: dict[str, Any] | None = None,
) -> str:
    """Write the upload with its corrections and return the copy's kind; for the arguments see `annotate`."""
    loaded = None if profile is None else load_profile(profile)
    encoding, delimiter = (loaded.encoding, loaded.delimiter) if loaded else _AS_DETECTED
    book = _open(upload, limits, loaded)
    return annotating.write_corrected(upload, book, from_json(corrections), out, seconds, encoding, delimiter)


def export_rejected_rows(
    upload: IO[bytes],
    out: IO[bytes],
    *,
    limits: dict[str, int],
    reasons: list[tuple[int, str]],
    is_catalogue: bool,
    profile: dict[str, Any] | None = None,
    corrections: dict[str, Any] | None = None,
    language: str = SOURCE_LANGUAGE,
) -> None:
    """Write the rejected rows as a workbook with the upload's layout; for the arguments see `annotate`."""
    loaded = None if profile is None else load_profile(profile)
    book = _open(upload, limits, loaded)
    if corrections is not None:
        book = CorrectedBook(book, from_json(corrections), is_copied=True)
    rejected_workbook.write(out, book, dict(reasons), is_catalogue=is_catalogue, profile=loaded, language=language)


def compare_uploads(
    upload: IO[bytes],
    out: IO[bytes],
    *,
    limits: dict[str, int],
    first_bytes: int,
    profiles: Sequence[dict[str, Any] | None],
    corrections: Sequence[dict[str, Any] | None],
    project_id: int,
    reference: dict[str, Any],
    window: dict[str, Any] | None,
) -> dict[str, Any]:
    """Return what differs between two files in `upload`, the second one behind the first; or write it as a workbook.

    `window` has the values of `parsing.ComparisonWindow`; without it, the workbook is written.
    """
    project = reference_data.from_json(project_id, reference)
    upload.seek(0)
    parts = (io.BytesIO(upload.read(first_bytes)), io.BytesIO(upload.read()))
    first, second = (
        compared_files.read(_corrected(_open(part, limits, loaded), corrected), loaded, project)
        for part, profile, corrected in zip(parts, profiles, corrections, strict=True)
        for loaded in [None if profile is None else load_profile(profile)]
    )
    found = compare.compare(first, second)
    if window is None:
        comparison_workbook.export_comparison(found, out)
        return {}
    wanted = [
        each for each in found.differences if each.change in ([window["change"]] if window["change"] else _LISTED)
    ]
    return {
        "rows": [_compared_row(each) for each in wanted[window["offset"] : window["offset"] + window["limit"]]],
        "count": len(wanted),
        "counts": found.counts,
        "fields": [{"field": heading, "count": count} for heading, count in found.fields],
    }


def _corrected(book: Book, corrections: dict[str, Any] | None) -> Book:
    return book if corrections is None else CorrectedBook(book, from_json(corrections))


def _compared_row(each: RowDifference) -> dict[str, Any]:
    fields = each.fields
    if each.change is RowChange.ADDED:
        fields = {heading: (None, value) for heading, value in each.row.values.items()}
    elif each.change is RowChange.REMOVED:
        fields = {heading: (value, None) for heading, value in each.row.values.items()}
    return {
        "change": each.change.value,
        "row_a": each.first.number if each.first else None,
        "row_b": each.second.number if each.second else None,
        "element_type": each.row.element_type,
        "name": each.row.name,
        "fields": {heading: {"before": before, "after": after} for heading, (before, after) in fields.items()},
    }


TASKS: dict[str, Callable[..., Any]] = {
    "count_rows": count_rows,
    "describe_columns": describe_columns,
    "detect_job_types": detect_job_types,
    "annotate": annotate,
    "correct": correct,
    "export_rejected_rows": export_rejected_rows,
    "compare_uploads": compare_uploads,
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
    describe_columns(book, io.BytesIO(), limits=limits, project_id=0, reference={}, profiles=(), draft=None)
    issue = [Severity.ERROR, "not_a_number", "Enter a number.", 2, "C", "Element Types"]
    annotate(book, io.BytesIO(), limits=limits, issues=[issue], seconds=1)
    corrections = to_json(Corrections(sheet="Element Types", first_row=2, cells={(2, 3): "2500"}))
    correct(book, io.BytesIO(), limits=limits, corrections=corrections, seconds=1)
    export_rejected_rows(book, io.BytesIO(), limits=limits, reasons=[(2, "Enter a number.")], is_catalogue=True)
    twice = io.BytesIO(book.getvalue() * 2) if isinstance(book, io.BytesIO) else io.BytesIO()
    size = len(twice.getvalue()) // 2
    window = {"change": None, "limit": 1, "offset": 0}
    compare_uploads(
        twice, io.BytesIO(), limits=limits, first_bytes=size, profiles=(None, None), corrections=(None, None),
        project_id=0, reference={}, window=window,
    )  # fmt: skip
    prefault_memory(book)


def prefault_memory(book: IO[bytes]) -> None:
    """Make the kernel copy the pages that a task writes to, before the child is given a user's file."""
    count_rows(book, io.BytesIO(), limits=asdict(Limits()), job_type="element_type_import")


def _load_profiles(stored: Sequence[StoredProfile]) -> list[tuple[int, ImportProfile]]:
    """Return the profiles without those that this version of the application can't read any more."""

    def load() -> Iterator[tuple[int, ImportProfile]]:
        for id_, profile in stored:
            with suppress(RequestError):
                yield id_, load_profile(profile)

    return list(load())


def _open_with_profile(
    upload: IO[bytes], limits: dict[str, int], profiles: Sequence[tuple[int, ImportProfile]], *, is_chosen: bool
) -> tuple[Book, int | None]:
    """Return the book and the id of its profile: the first one if `is_chosen`, else the one that fits, if any."""
    if not is_chosen:
        return _choose_profile(upload, limits, profiles)
    if not profiles:
        raise JobFailed(_INVALID_PROFILE)
    id_, profile = profiles[0]
    return _open(upload, limits, profile), id_


def _choose_profile(
    upload: IO[bytes], limits: dict[str, int], profiles: Sequence[tuple[int, ImportProfile]]
) -> tuple[Book, int | None]:
    """Return the book, opened as its profile says, and the id of that profile; None if it needs no profile."""
    by_reading: dict[tuple[str | None, str | None], list[tuple[int, ImportProfile]]] = {_AS_DETECTED: []}
    for id_, profile in profiles:
        by_reading.setdefault((profile.encoding, profile.delimiter), []).append((id_, profile))
    detected = _open(upload, limits)
    chosen = profile_choice.choose_profile(detected, by_reading.pop(_AS_DETECTED))
    if chosen is None and detected.format == "csv":
        for group in list(by_reading.values())[:_MAX_READINGS]:
            book = _open(upload, limits, group[0][1])
            chosen = profile_choice.choose_profile(book, group)
            if chosen is not None:
                return book, chosen
    return detected, chosen


def _open(upload: IO[bytes], limits: dict[str, int], profile: ImportProfile | None = None) -> Book:
    encoding, delimiter = (profile.encoding, profile.delimiter) if profile else _AS_DETECTED
    return open_book(cast(Any, upload), Limits(**limits), encoding=encoding, delimiter=delimiter)


def _issue(fields: list[Any]) -> Issue:
    severity, code, message, row, column, sheet = fields
    return Issue(severity=Severity(severity), code=code, message=message, row=row, column=column, sheet=sheet)
