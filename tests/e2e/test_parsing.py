"""Files that are costly to read: the web process still responds, stays small and leaves no processes behind."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import requests
from flask import Flask
from sqlalchemy import text

from precast_app.auth import tokens, users
from precast_app.extensions import db
from tests import hostile_files
from tests.conftest import EXAMPLES
from tests.parsing_server import PARSE_SECONDS, HealthMonitor, ParsingServer, run_parsing_server, timed


@pytest.fixture
def web(app: Flask, environment: dict[str, str]) -> Iterator[ParsingServer]:
    with run_parsing_server(environment) as found:
        yield found


@pytest.fixture
def patient_web(app: Flask, environment: dict[str, str]) -> Iterator[ParsingServer]:
    """Run a server that allows enough time per file for a test to intervene."""
    with run_parsing_server(environment, parse_seconds=60) as found:
        yield found


def test_a_file_that_takes_too_long_is_rejected(web: ParsingServer) -> None:
    slow = hostile_files.blank_records(3_000_000)
    assert len(slow) < 7_000_000
    # Make sure that the fork server is ready.
    assert web.upload((EXAMPLES / "element_types.xlsx").read_bytes()).status_code == 202
    with HealthMonitor(web) as health:
        response, seconds = timed(lambda: web.upload(slow))
    assert response.status_code == 422, response.text
    message = response.json()["message"]
    assert message.startswith(
        ("Reading the file took longer than 2 seconds", "Reading the file takes more than 210 MB")
    )
    assert "Copy the data into a new workbook" in message
    assert seconds < PARSE_SECONDS + 6
    assert health.slowest < 2
    assert health.memory_growth < 100_000_000
    assert web.upload((EXAMPLES / "element_types.xlsx").read_bytes()).status_code == 202


def test_a_killed_child_is_reported_to_the_user(patient_web: ParsingServer) -> None:
    slow = hostile_files.blank_records(3_000_000)
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(patient_web.upload, slow)
        patient_web.wait_for_busy_child().kill()
        response = asked.result()
    assert response.status_code == 422
    assert response.json()["message"].startswith("Reading the file was interrupted")
    assert patient_web.upload((EXAMPLES / "element_types.xlsx").read_bytes()).status_code == 202


def test_a_child_reads_the_files_of_one_user_only(web: ParsingServer) -> None:
    """A child that read a cheap file is kept for its owner's next file; a child that read a costly file is not."""
    sample = (EXAMPLES / "element_types.xlsx").read_bytes()
    eve = {"Authorization": f"Bearer {tokens.create(users.create('eve', 'correct cement', is_admin=True), days=1)}"}

    def children(response: requests.Response) -> set[int]:
        assert response.status_code in (202, 422), response.text
        time.sleep(0.5)
        return {child.pid for child in web.fork_server().children()}

    first = children(web.upload(sample))
    assert children(web.upload(sample)) == first, "the owner's child is reused, and there is a spare child"
    web.headers, ada = eve, web.headers
    second = children(web.upload(sample))
    assert (len(first), len(second), first < second) == (2, 3, True)
    web.headers = ada
    third = children(web.upload(hostile_files.blank_records(3_000_000)))
    assert (len(third), len(third & second)) == (2, 2)


def test_a_stopped_fork_server_is_restarted(web: ParsingServer) -> None:
    sample = (EXAMPLES / "element_types.xlsx").read_bytes()
    for stop in (psutil.Process.kill, psutil.Process.terminate):
        first = web.fork_server()
        stop(first)
        time.sleep(0.2)
        assert web.upload(sample).status_code == 202
        assert web.fork_server().pid != first.pid


def test_no_process_outlives_the_web_process(patient_web: ParsingServer) -> None:
    slow = hostile_files.blank_records(3_000_000)
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(patient_web.upload, slow)
        child, server = patient_web.wait_for_busy_child(), patient_web.fork_server()
        patient_web.worker.kill()
        _, left = psutil.wait_procs([child, server], timeout=3)
        assert not left
        with pytest.raises(requests.RequestException):
            asked.result()


def test_a_child_has_no_secrets_and_no_connections(patient_web: ParsingServer, environment: dict[str, str]) -> None:
    slow = hostile_files.blank_records(3_000_000)
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(patient_web.upload, slow)
        child = patient_web.wait_for_busy_child()
        known = Path(f"/proc/{child.pid}/environ").read_text() + Path(f"/proc/{child.pid}/cmdline").read_text()
        connections = [each for each in child.net_connections() if each.raddr]
        idle = db.session.scalar(
            text(
                "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND pid <> pg_backend_pid() "
                "AND datname = current_database()"
            )
        )
        child.kill()
        asked.result()
    for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY"):
        assert name not in known
        assert environment[name] not in known
    assert (connections, idle) == ([], 0)
