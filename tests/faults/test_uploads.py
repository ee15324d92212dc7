"""The web server is killed during an upload: the job is stored completely or not at all."""

from __future__ import annotations

import os
import signal
import socket

import pytest
from sqlalchemy import text

from precast_app.extensions import db
from tests.conftest import EXAMPLES, kill_family
from tests.gunicorn_server import run_gunicorn

BODY = (EXAMPLES / "element_types.xlsx").read_bytes()
FORM = (
    b'--edge\r\nContent-Disposition: form-data; name="file"; filename="types.xlsx"\r\n'
    b"Content-Type: application/octet-stream\r\n\r\n" + BODY + b"\r\n--edge--\r\n"
)


@pytest.mark.parametrize("share", [0.5, 0.999, 1.0])
def test_an_interrupted_upload_stores_a_complete_job_or_nothing(
    green_meadows: int, admin: dict[str, str], environment: dict[str, str], share: float
) -> None:
    jobs = text("SELECT count(*) FROM import_jobs")
    before = db.session.scalar(jobs) or 0
    db.session.rollback()
    head = (
        f"POST /api/project/{green_meadows}/import/excel HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: {admin['Authorization']}\r\nContent-Type: multipart/form-data; boundary=edge\r\n"
        f"Content-Length: {len(FORM)}\r\n\r\n"
    )
    with run_gunicorn(environment) as server, socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head.encode() + FORM[: int(len(FORM) * share)])
        os.kill(server.pid, signal.SIGSTOP)
        kill_family(server.pid)
    # If the whole body was sent, the job may have been stored just in time.
    whole = text("""
        SELECT count(*) FROM import_jobs j WHERE j.file_bytes = (
            SELECT sum(length(data)) FROM import_file_chunks c WHERE c.job_id = j.id)
    """)
    after = db.session.scalar(jobs) or 0
    assert after - before in ((0,) if share < 1 else (0, 1))
    assert db.session.scalar(whole) == after
