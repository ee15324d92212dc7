"""A wrong setting stops each program at once, with one line that says what to set."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (["-m", "flask", "doctor"], 1),
        (["precast"], 1),
        (["worker.py"], 2),
        (["-m", "gunicorn", "--bind", "127.0.0.1:0", "wsgi:app"], 1),
    ],
)
@pytest.mark.parametrize(("setting", "value"), [("DATABASE_URL", ""), ("MAX_LABELS", "x"), ("LOG_FORMAT", "xml")])
def test_a_wrong_setting_is_named_without_a_traceback(
    environment: dict[str, str], command: list[str], status: int, setting: str, value: str
) -> None:
    wrong = {**environment, setting: value}
    if command == ["precast"]:
        command = ["-c", "from precast_app.commands import manage; manage()", "doctor"]
    done = subprocess.run([sys.executable, *command], cwd=ROOT, env=wrong, capture_output=True, text=True, check=False)
    assert (done.returncode, setting in done.stderr, "Traceback" in done.stderr) == (status, True, False), done.stderr
