"""No export holds a database connection while its workbook is compressed, which takes seconds if it is large."""

from __future__ import annotations

import pytest
import xlsxwriter
from flask.testing import FlaskClient

from precast_app.extensions import db
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
