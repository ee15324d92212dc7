"""The format of the logs."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

import pytest
from flask import Flask
from gunicorn.glogging import SafeAtoms

from precast_app import logs
from tests.conftest import ROOT

_LOG_TWO_LINES = """
import logging, threading
from precast_app import logs
logs.configure("{log_format}")
log = logging.getLogger("precast_app.test")
with logs.job(7):
    thread = threading.Thread(target=log.info, args=("Wrote %d rows: é", 30))
    thread.start()
    thread.join()
try:
    raise ValueError("no")
except ValueError:
    log.exception("It failed.")
"""


def logged(log_format: str) -> list[str]:
    program = _LOG_TWO_LINES.format(log_format=log_format)
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout == ""
    return run.stderr.splitlines()


def test_text_names_the_job_in_every_thread() -> None:
    first, second, *traceback = logged("text")
    assert first.endswith(" INFO precast_app.test [job 7]: Wrote 30 rows: é")
    assert second.endswith(" ERROR precast_app.test: It failed.")
    assert traceback[-1] == "ValueError: no"


def test_json_has_one_object_for_each_line() -> None:
    first, second = map(json.loads, logged("json"))
    assert first.pop("time").endswith("+00:00")
    assert first == {
        "level": "INFO", "logger": "precast_app.test", "message": "Wrote 30 rows: é",
        "request_id": None, "user_id": None, "job_id": 7,
    }  # fmt: skip
    assert (second["message"], second["job_id"]) == ("It failed.", None)
    assert second["traceback"].endswith("ValueError: no")


@pytest.fixture(autouse=True)
def _no_job() -> None:
    """Forget the job that another test of this process has taken from a queue."""
    logs.set_job(None)


def test_a_line_names_its_request_and_its_user() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "message", None, None)
    environ = {logs.REQUEST_ID_KEY: "abc", logs.USER_KEY: 4}
    with Flask(__name__).test_request_context(environ_base=environ):
        assert logs.ContextFilter().filter(record)
    assert record.__dict__["context"] == " [request abc, user 4]"


def test_a_line_of_gunicorn_names_its_request_and_its_user() -> None:
    atoms = SafeAtoms({f"{{{logs.REQUEST_ID_KEY}}}e": "abc", f"{{{logs.USER_KEY}}}e": 4})
    record = logging.LogRecord("gunicorn.access", logging.INFO, "", 0, "message", (atoms,), None)
    assert logs.ContextFilter().filter(record)
    assert (record.__dict__["request_id"], record.__dict__["user_id"]) == ("abc", 4)


def test_a_line_can_name_another_job_than_the_running_one() -> None:
    found = []
    with logs.job(7):
        for given in (8, "import-7-1"):
            record = logging.makeLogRecord({"job_id": given})
            logs.ContextFilter().filter(record)
            found.append(record.__dict__["job_id"])
    assert found == [8, 7]
