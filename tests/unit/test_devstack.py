"""The parts of `make run`'s private servers that can be tested without starting them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from devstack import DevstackError, lock_directory, migration, process
from devstack.os_user import _reachable
from devstack.process import free_port, read_or_create_secret, stop_orphan, tail, wait_until

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_secret_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    file = tmp_path / "kept" / "password"
    made = read_or_create_secret(file)
    assert len(made) >= 32
    assert read_or_create_secret(file) == made
    assert file.stat().st_mode & 0o777 == 0o600


def test_an_empty_secret_file_gets_a_new_secret(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.touch()
    assert read_or_create_secret(file)


def test_a_busy_port_is_passed_over() -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        assert free_port(port) != port


def test_a_folder_is_held_by_one_run_at_a_time(tmp_path: Path) -> None:
    with (
        lock_directory(tmp_path / "var"),
        pytest.raises(DevstackError, match=f"process {os.getpid()}"),
        lock_directory(tmp_path / "var"),
    ):
        pass
    with lock_directory(tmp_path / "var"):
        pass


def test_a_folder_closed_to_others_is_noticed(tmp_path: Path) -> None:
    inner = tmp_path / "closed" / "inner"
    inner.mkdir(parents=True)
    inner.parent.chmod(0o700)
    owner, stranger = tmp_path.stat().st_uid, 54_321
    assert not _reachable([inner], stranger)
    assert not _reachable([inner / "not there yet"], stranger)
    parents_open = all(folder.stat().st_mode & 0o001 or folder.stat().st_uid == owner for folder in tmp_path.parents)
    assert _reachable([inner], owner) is parents_open


def test_only_a_process_that_bears_our_mark_is_stopped(tmp_path: Path) -> None:
    mark = str(tmp_path)
    ours = subprocess.Popen([*SLEEP, mark])
    other = subprocess.Popen(SLEEP)
    try:
        for child in (ours, other):
            _await_its_words(child)
            stop_orphan(child.pid, mark, signals=[signal.SIGTERM], seconds=10)
        assert ours.wait(10) is not None
        assert other.poll() is None
    finally:
        for child in (ours, other):
            child.kill()
            child.wait()


def _await_its_words(child: subprocess.Popen[bytes]) -> None:
    """Linux shows no command line for a moment after the new program has taken the place of the old."""
    deadline = time.monotonic() + 30
    while not psutil.Process(child.pid).cmdline():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_stopping_a_process_that_has_ended_does_nothing() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    stop_orphan(gone.pid, "mark", signals=[signal.SIGTERM], seconds=1)


def test_a_process_that_stops_while_starting_shows_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log" / "server.log"
    server = process.start([sys.executable, "-c", "import sys; sys.exit('no such thing')"], log)
    with pytest.raises(DevstackError, match=r"(?s)The server stopped.*no such thing"):
        wait_until(lambda: False, server, log, name="The server", seconds=30)


def test_stop_also_ends_the_children_of_a_process(tmp_path: Path) -> None:
    """A process that ignores the signal is killed after its time, and its children with it."""
    script = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"child = subprocess.Popen({SLEEP!r})\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    log = tmp_path / "stubborn.log"
    parent = process.start([sys.executable, "-c", script], log)
    wait_until(lambda: log.read_text().endswith("\n"), parent, log, name="The parent", seconds=30)
    child = int(log.read_text())
    process.stop(parent, first=signal.SIGTERM, seconds=0.2, name="The parent")
    assert parent.poll() is not None
    _assert_ends(child)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its starter died")
def test_a_process_ends_with_its_starter(tmp_path: Path) -> None:
    script = (
        "import pathlib, sys, time\n"
        "from devstack import process\n"
        f"print(process.start({SLEEP!r}, pathlib.Path(sys.argv[1])).pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "child.log")]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root) as starter:
        assert starter.stdout is not None
        child = int(starter.stdout.readline())
        starter.kill()
    _assert_ends(child)


def test_tail_shows_the_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    assert "no log" in tail(log)
    log.write_text("\n".join(str(number) for number in range(100)))
    assert tail(log, lines=2) == "  98\n  99"


def _assert_ends(pid: int) -> None:
    deadline = time.monotonic() + 10
    while _runs(pid):
        assert time.monotonic() < deadline, f"process {pid} goes on"
        time.sleep(0.02)


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_server_whose_port_was_taken_gets_another_one(tmp_path: Path) -> None:
    ports: list[int] = []

    def launch(port: int) -> subprocess.Popen[bytes]:
        ports.append(port)
        taken = [sys.executable, "-c", "import sys; sys.exit('address in use')"]
        return process.start(taken if len(ports) == 1 else SLEEP, tmp_path / "server.log")

    server, port = process.start_on_free_port(
        launch,
        lambda port: len(ports) > 1,
        tmp_path / "server.log",
        name="The server",
        start_seconds=30,
        stop_signal=signal.SIGTERM,
        stop_seconds=10,
        port_taken="in use",
    )
    try:
        assert port == ports[1]
        assert server.poll() is None
    finally:
        process.stop(server, first=signal.SIGTERM, seconds=10, name="The server")


def test_migrations_are_numbered_without_gaps() -> None:
    files = sorted(path.name for path in migration.VERSIONS.glob("*.py"))
    assert [name[:5] for name in files] == [f"{number:04}_" for number in range(1, len(files) + 1)]
    assert migration.next_number() == f"{len(files) + 1:04}"
