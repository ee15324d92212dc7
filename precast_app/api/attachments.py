"""Answers that are files to keep."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from typing import IO

from flask import Response, send_file, stream_with_context

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ODS = "application/vnd.oasis.opendocument.spreadsheet"
# How the description of the API calls them.
BINARY = {"type": "string", "format": "binary"}
TEXT = {"type": "string"}


def workbook(name: str, write: Callable[[IO[bytes]], None]) -> Response:
    """A workbook that `write` writes: to disk first, so that memory stays flat."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 # closed with the response
    try:
        write(file)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return send_file(file, XLSX, as_attachment=True, download_name=name)


def csv(name: str, lines: Iterator[str]) -> Response:
    """A CSV file, sent while it is made; `name` is of plain letters."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(stream_with_context(lines), content_type="text/csv; charset=utf-8", headers=headers)
