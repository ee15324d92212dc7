"""Two signals that ask a job's process to exit, the second at any moment while the first is handled."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import ROOT

# In a process for each moment: the handler of the first signal is traced, and the second one is sent at an event of it.
SCRIPT = """
import os, signal, sys, time
from precast_app.jobs import rq_worker

def run(moment):
    events = 0

    def interrupt(frame, event, argument):
        nonlocal events
        events += 1
        if events == moment:
            os.kill(os.getpid(), signal.SIGTERM)
        return interrupt

    signal.signal(signal.SIGTERM, rq_worker.request_shutdown)
    sys.settrace(interrupt)
    os.kill(os.getpid(), signal.SIGTERM)
    sys.settrace(None)
    os._exit(0 if rq_worker.SHUTDOWN_REQUEST.is_made and events >= moment else 3)

for moment in range(1, 1000):
    child = os.fork()
    if not child:
        run(moment)
    end = time.monotonic() + 5
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
            sys.exit(f"It hangs if the second signal comes at event {moment}.")
        time.sleep(0.001)
    if os.waitstatus_to_exitcode(ended[1]) == 3:
        break
print(moment)
"""


def test_a_second_signal_never_blocks_the_handler_of_the_first() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    # The handler has at least these events: its call, its lines, and those of starting the timer.
    assert 10 < int(done.stdout) < 1000
