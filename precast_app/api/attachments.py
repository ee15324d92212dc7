"""Answers that are files to keep."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from typing import IO

from flask import Response, request, send_file
from werkzeug.wsgi import wrap_file

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
    """Return a CSV file, written to disk first; `name` is of plain letters.

    The database is done with before the first byte is sent, so that a slow reader holds none of its connections.
    """
    file = tempfile.TemporaryFile()  # noqa: SIM115 # closed with the response
    try:
        for line in lines:
            file.write(line.encode())
    except BaseException:
        file.close()
        raise
    file.seek(0)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    sent = wrap_file(request.environ, file)
    return Response(sent, content_type="text/csv; charset=utf-8", headers=headers, direct_passthrough=True)
