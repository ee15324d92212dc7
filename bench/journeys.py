"""Measurements over HTTP of what a person waits for: an import, a preview, and corrections.

gunicorn and a worker run as processes. Jobs are followed like a client does that knows ETags: one GET each 0.1 s.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
import requests

from bench import empty_project, running_system, workbooks
from bench.measurements import Measured, median, print_row

_POLL_SECONDS = 0.1
_REQUEST_SECONDS = 300
_WARM_UP_ROWS = 10
# What a worker does after a job has ended, before it waits for the next one.
_PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Journey:
    """Seconds of an import: until the 202, from there until progress is seen, and from there until the end is seen."""

    response: float
    first_progress: float
    rest: float

    @property
    def total(self) -> float:
        """Seconds from the start of the upload until the end is seen."""
        return self.response + self.first_progress + self.rest


def measure(size: int, folder: Path, repeats: int, imported: Measured) -> None:
    """Print the table rows of one size; `imported` is the import without HTTP that they are compared with."""
    clean = workbooks.make(folder / f"{size}.xlsx", size)
    mistakes = workbooks.Mistakes.of(size)
    wrong = workbooks.make(folder / f"{size}.mistakes.xlsx", size, mistakes)
    journeys, previews, rounds = [], [], []
    # Steps of earlier measurements have left the ids of their jobs there.
    redis.Redis.from_url(os.environ["REDIS_URL"]).flushall()
    empty_project.restore()
    token = running_system.create_token()
    with running_system.web() as address, running_system.worker(1):
        client = _Client(address, token)
        small = workbooks.make(folder / f"{_WARM_UP_ROWS}.xlsx", _WARM_UP_ROWS)
        client.follow(client.upload(small, dry_run="true"))
        for _ in range(repeats):
            _rest()
            previews.append(Measured(_preview(client, clean, size)))
            _rest()
            rounds.append(Measured(_correct(client, wrong, mistakes)))
            _rest()
            journeys.append(_import(client, clean, size))
    preview, corrected = median(previews), median(rounds)
    response, first, rest, total = (
        median([Measured(getattr(each, name)) for each in journeys])
        for name in ("response", "first_progress", "rest", "total")
    )
    print_row(size, "response to the upload over HTTP", response, f"{response.times(total)} the journey")
    for name, step in (("first progress", first), ("completion", rest)):
        print_row(size, f"from there until {name} is seen", step, f"{step.times(total)} the journey", has_rate=False)
    print_row(size, "the whole journey over HTTP", total, f"{total.times(imported)} this import")
    ratio = f"{preview.times(imported)} this import"
    print_row(size, "preview over HTTP, from the 202 to counts and first rows", preview, ratio)
    ratio = f"{corrected.times(preview)} the preview"
    name = f"corrections of {mistakes.equal} equal and {mistakes.single} single mistakes over HTTP"
    print_row(size, name, corrected, ratio)


def _rest() -> None:
    """Wait until the worker is idle, and empty the project."""
    time.sleep(_PAUSE_SECONDS)
    empty_project.clear()


def _import(client: _Client, workbook: Path, size: int) -> Journey:
    started = time.perf_counter()
    job_id = client.upload(workbook)
    accepted = time.perf_counter()
    seen = client.follow(job_id)
    _check(seen.job, created_count=size, rejected_count=0)
    return Journey(accepted - started, seen.first_progress - accepted, seen.end - seen.first_progress)


def _preview(client: _Client, workbook: Path, size: int) -> float:
    """Preview a workbook and return the seconds from the 202 until its counts and its first rows are read."""
    job_id = client.upload(workbook, dry_run="true")
    accepted = time.perf_counter()
    seen = client.follow(job_id)
    changes = client.send("GET", f"/api/jobs/{job_id}/changes").json()
    seconds = time.perf_counter() - accepted
    _check(seen.job, created_count=size, rejected_count=0)
    if changes["count"] != size or not changes["changes"]:
        raise SystemExit(f"{changes['count']} changes are listed instead of {size}")
    return seconds


def _correct(client: _Client, workbook: Path, mistakes: workbooks.Mistakes) -> float:
    """Preview a workbook, and return the seconds from its corrections until they are seen to be checked."""
    job_id = client.upload(workbook, dry_run="true")
    _check(client.follow(job_id).job, rejected_count=mistakes.equal + mistakes.single)
    body = {
        "rules": [{"column": "E", "from": workbooks.EQUAL_MISTAKE, "to": ""}],
        "cells": [{"row": row, "column": "D", "value": "4000"} for row in mistakes.single_rows],
    }
    time.sleep(_PAUSE_SECONDS)
    started = time.perf_counter()
    client.send("PUT", f"/api/jobs/{job_id}/corrections", json=body, headers={"If-Match": '"0"'})
    client.send("POST", f"/api/jobs/{job_id}/revalidate")
    seen = client.follow(job_id)
    _check(seen.job, rejected_count=0)
    return seen.end - started


def _check(job: dict[str, Any], **expected: int) -> None:
    found = {name: job[name] for name in expected}
    if found != expected:
        raise SystemExit(f"job {job['id']} has {found} instead of {expected}")


@dataclass(frozen=True, slots=True)
class _Seen:
    """A completed job as a poller saw it, and when it first saw progress and the end, on the clock `perf_counter`."""

    job: dict[str, Any]
    first_progress: float
    end: float


class _Client:
    """A client of the API that keeps its connection open."""

    def __init__(self, address: str, token: str) -> None:
        self._address = address
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"

    def send(self, method: str, path: str, **more: Any) -> requests.Response:
        """Send a request and return the response; raise `requests.HTTPError` if it is an error."""
        answer = self._session.request(method, f"{self._address}{path}", timeout=_REQUEST_SECONDS, **more)
        answer.raise_for_status()
        return answer

    def upload(self, workbook: Path, **options: str) -> int:
        """Upload a workbook to project 1 and return the id of its job."""
        with workbook.open("rb") as file:
            answer = self.send("POST", "/api/project/1/import/excel", files={"file": file}, params=options)
        return int(answer.json()["job_id"])

    def follow(self, job_id: int) -> _Seen:
        """Poll a job until it is completed; raise `SystemExit` if it fails."""
        tag, first = "", 0.0
        while True:
            answer = self.send("GET", f"/api/jobs/{job_id}", headers={"If-None-Match": tag} if tag else {})
            now = time.perf_counter()
            if answer.status_code == 200:
                tag, job = answer.headers["ETag"], answer.json()["job"]
                if job["progress"] and not first:
                    first = now
                if job["status"] == "completed":
                    return _Seen(job, first, now)
                if job["status"] == "failed":
                    raise SystemExit(f"job {job_id} failed: {job['error']}")
            time.sleep(_POLL_SECONDS)
