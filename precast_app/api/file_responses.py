"""Responses that are files to download."""

from __future__ import annotations

import tempfile
import unicodedata
from collections.abc import Callable, Generator, Iterator
from typing import IO
from urllib.parse import quote

from flask import Response, send_file

from precast_app.config import MIB

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ODS = "application/vnd.oasis.opendocument.spreadsheet"
# Media types of spreadsheets by their kind.
SPREADSHEETS = {
    "xlsx": XLSX,
    "xlsm": "application/vnd.ms-excel.sheet.macroEnabled.12",
    "xltx": "application/vnd.openxmlformats-officedocument.spreadsheetml.template",
    "xltm": "application/vnd.ms-excel.template.macroEnabled.12",
    "ods": ODS,
    # The corrected copy of a text file.
    "csv": "text/csv",
}
# OpenAPI schemas of file contents.
BINARY = {"type": "string", "format": "binary"}
TEXT = {"type": "string"}
_CHUNK_BYTES = 64 * 1024


def workbook(name: str, write: Callable[[IO[bytes]], None]) -> Response:
    """Return the workbook that `write` writes; it is written to disk first, so that it needs little memory."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 # closed with the response
    try:
        write(file)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return send_file(file, XLSX, as_attachment=True, download_name=name)


def csv(name: str, lines: Generator[str]) -> Response:
    """Return a CSV file; `name` consists of letters, digits, `_` and `.`.

    All lines are written to memory or disk before the first byte is sent, so that a slow client holds no database
    connection.
    """
    file = tempfile.SpooledTemporaryFile(max_size=MIB)  # noqa: SIM115 # closed with the response
    try:
        for line in lines:
            file.write(line.encode())
    except BaseException:
        file.close()
        # What reads the rows of the lines ends with them.
        lines.close()
        raise
    file.seek(0)
    response = Response(_content(file), content_type="text/csv; charset=utf-8")
    response.headers.set("Content-Disposition", "attachment", **_file_name(name))
    # `_content` never runs for a HEAD request.
    response.call_on_close(file.close)
    return response


def _file_name(name: str) -> dict[str, str]:
    """Return the parameters of `Content-Disposition` for a name: in ASCII for old clients, and with its own letters."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return {"filename": plain} if plain == name else {"filename": plain, "filename*": f"UTF-8''{quote(name)}"}


def _content(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while data := file.read(_CHUNK_BYTES):
            yield data
