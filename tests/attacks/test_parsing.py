"""Files of many kinds that are costly to read, one by one and twenty at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
import requests
from flask import Flask
from sqlalchemy import text

from precast_app.extensions import db
from tests import hostile_files
from tests.conftest import EXAMPLES
from tests.parsing_server import PARSE_SECONDS, HealthMonitor, ParsingServer, run_parsing_server, timed
from tests.unit.xlsb_files import convert_to_xlsb


@pytest.fixture
def web(app: Flask, environment: dict[str, str]) -> Iterator[ParsingServer]:
    with run_parsing_server(environment) as found:
        yield found


@pytest.mark.parametrize(
    ("make", "number"),
    [
        (hostile_files.same_merges, 99_000),
        (hostile_files.tall_merges, 99_000),
        (hostile_files.many_formats, 1_000_000),
        (hostile_files.many_names, 100_000),
        (hostile_files.many_comments, 100_000),
        (hostile_files.many_parts, 9_000),
        (hostile_files.one_part_for_many_sheets, 50_000),
        (hostile_files.long_texts, 50_000),
        (hostile_files.unusual_rows, 1_000_000),
        (hostile_files.many_sheets, 1_000),
        (hostile_files.blank_cells, 300_000),
        (hostile_files.repeated_rows, 190_000),
        (hostile_files.blank_records, 3_000_000),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_costly_file_does_not_harm_the_web_process(
    web: ParsingServer, make: Callable[[int], bytes], number: int
) -> None:
    content = make(number)
    web.fork_server()
    with HealthMonitor(web) as health:
        response, seconds = timed(lambda: web.upload(content))
        assert response.status_code in (202, 415, 422), response.text
        assert response.json()["message"]
        assert seconds < PARSE_SECONDS + 6
        if response.status_code == 202:
            annotated, seconds = timed(lambda: web.get(f"/api/jobs/{response.json()['job_id']}/annotated"))
            assert annotated.status_code in (200, 409), annotated.text
            assert seconds < PARSE_SECONDS + 6
    assert health.slowest < 2
    assert health.memory_growth < 100_000_000


def test_a_binary_workbook_is_annotated(web: ParsingServer) -> None:
    job_id = web.upload(convert_to_xlsb(EXAMPLES / "element_types.xlsx")).json()["job_id"]
    assert web.get(f"/api/jobs/{job_id}/annotated").status_code == 200


def test_a_workbook_with_a_million_formats_is_annotated(web: ParsingServer) -> None:
    """A library that loads every format would take a minute."""
    job_id = web.upload(hostile_files.many_formats(1_000_000)).json()["job_id"]
    with HealthMonitor(web) as health:
        response, seconds = timed(lambda: web.get(f"/api/jobs/{job_id}/annotated"))
    assert (response.status_code, response.content[:2]) == (200, b"PK")
    assert seconds < PARSE_SECONDS + 6
    assert health.memory_growth < 100_000_000


def test_a_download_that_takes_too_long_is_a_conflict(web: ParsingServer) -> None:
    content = hostile_files.repeated_rows(190_000)
    job_id = web.upload(content).json()["job_id"]
    issue = text(
        "INSERT INTO import_issues (job_id, severity, code, message, row) VALUES (:job, 'error', 'x', 'Bad.', 190000)"
    )
    db.session.execute(issue, {"job": job_id})
    db.session.commit()
    response, seconds = timed(lambda: web.get(f"/api/jobs/{job_id}/annotated"))
    assert response.status_code == 409, response.text
    assert response.json()["message"].startswith("Reading the file took longer than 2 seconds")
    assert seconds < PARSE_SECONDS + 6
    # Reading the same rows without annotating them takes about as long as is allowed.
    response, seconds = timed(lambda: web.get(f"/api/jobs/{job_id}/rejected"))
    assert response.status_code in (200, 409), response.text
    assert seconds < PARSE_SECONDS + 6


def test_the_number_of_files_read_at_once_is_limited(web: ParsingServer) -> None:
    """At most two files are read at once, one per user; other requests wait a little and then get 503."""
    slow = hostile_files.blank_records(3_000_000)
    job_id = web.upload(hostile_files.repeated_rows(190_000)).json()["job_id"]
    max_busy = 0
    done = threading.Event()

    def watch() -> None:
        nonlocal max_busy
        server = web.fork_server()
        while not done.wait(0.05):
            busy = 0
            for child in server.children():
                try:
                    busy += sum(child.cpu_times()[:2]) > 0.1
                except psutil.NoSuchProcess:
                    continue
            max_busy = max(max_busy, busy)

    watcher = threading.Thread(target=watch)
    watcher.start()
    requests_to_send: list[Callable[[], requests.Response]] = [
        lambda: web.upload(slow),
        lambda: web.get(f"/api/jobs/{job_id}/annotated"),
    ] * 10
    with HealthMonitor(web) as health, ThreadPoolExecutor(20) as pool:
        responses = list(pool.map(lambda ask: timed(ask), requests_to_send))
    done.set()
    watcher.join()
    assert {response.status_code for response, _ in responses} <= {409, 422, 503}
    assert {response.headers.get("Retry-After") for response, _ in responses if response.status_code == 503} == {"5"}
    assert max(seconds for _, seconds in responses) < 4 * (PARSE_SECONDS + 6)
    assert 1 <= max_busy <= 2
    assert health.slowest < 2
    assert health.memory_growth < 150_000_000
