"""No export holds a database connection while its workbook is compressed, which takes seconds if it is large."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest
import xlsxwriter
from flask.testing import FlaskClient

from precast_app.api import exports
from precast_app.api.piece_exports import csv_lines
from precast_app.extensions import db
from precast_app.pieces.selection import PieceFilter
from precast_app.queries.element_types import ElementTypeFilter
from tests.conftest import EXAMPLES, run_import
from tests.export_round_trip import EXCEL_EXPORT_URL


@pytest.mark.parametrize(
    "path",
    [
        EXCEL_EXPORT_URL,
        "/api/project/1/elements.xlsx",
        "/api/jobs/{job}/issues.xlsx",
        "/api/jobs/{job}/changes.xlsx",
    ],
)
def test_a_workbook_is_compressed_without_a_connection(
    client: FlaskClient,
    admin: dict[str, str],
    green_meadows: int,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
) -> None:
    job = run_import(green_meadows, EXAMPLES / "element_types.csv")
    path = path.format(job=job.id)
    db.session.remove()
    held = []
    close = xlsxwriter.Workbook.close

    def record_and_close(book: xlsxwriter.Workbook) -> None:
        held.append(db.engine.pool.checkedout())  # type: ignore[attr-defined] # of a `QueuePool`
        close(book)

    monkeypatch.setattr(xlsxwriter.Workbook, "close", record_and_close)
    with client.get(path, headers=admin) as response:
        assert (response.status_code, held) == (200, [0])


def test_an_export_that_is_given_up_leaves_no_thread_to_the_session(green_meadows: int) -> None:
    run_import(green_meadows, EXAMPLES / "element_types.csv")
    _, columns = exports.project_columns(green_meadows)
    for rows in (
        exports.project_rows(green_meadows, ElementTypeFilter(), columns),
        exports.csv_lines(green_meadows, ElementTypeFilter()),
        csv_lines(green_meadows, PieceFilter()),
    ):
        with closing(rows):
            # The second one of lines is the first that needs a row.
            next(rows)
            next(rows)
            assert [each for each in threading.enumerate() if each.name.startswith("read-ahead")]
        assert not [each for each in threading.enumerate() if each.name.startswith("read-ahead")]
        db.session.rollback()
