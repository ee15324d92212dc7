"""Measure what a system does at once: `python -m bench.throughput [--only workers,polls,large]`.

- `workers`: 20 projects with 1 000 element types each are imported by 1, 2 and 4 worker processes.
- `polls`: a finished job is polled with its ETag over 16 connections that stay open, by two web processes, first alone,
  then while two imports of 10 000 element types run.
- `large`: a file with 200 000 element types is imported and undone; then it is imported again and cancelled.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import statistics
import time
from pathlib import Path

import psutil
import requests
from sqlalchemy import Engine, create_engine, text

from bench import large_database, running_system, workbooks
from devstack import servers
from precast_app.config import database_uri

VAR = running_system.ROOT / "var" / "bench"
PARTS = ("workers", "polls", "large")
_PROJECTS, _CONNECTIONS, _POLL_SECONDS = 20, 16, 10.0
# What the command lines of each kind of process contain.
_COMMANDS = {"job": "precast_app.worker jobs", "web": "gunicorn", "postgres": "postgres"}
_UNFINISHED = text("SELECT count(*) FROM import_jobs WHERE status IN ('pending', 'processing')")
_PROGRESS = text("SELECT status, progress, error FROM import_jobs WHERE id = :id")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.throughput", description=__doc__)
    parser.add_argument("--only", default="workers,polls,large", help="the parts to measure")
    parser.add_argument("--rows", type=int, default=200_000, help="element types of the large file")
    options = parser.parse_args()
    chosen = options.only.split(",")
    with servers(VAR) as used:
        os.environ.update(
            DATABASE_URL=used.database_url, REDIS_URL=used.redis_url, SECRET_KEY=secrets.token_urlsafe(48),
            REQUESTS_PER_MINUTE="100000000", UPLOADS_PER_MINUTE="100000000", PIECES_PER_PROJECT="20000000",
            PIECES_PER_FILE="20000000", MAX_SHEET_ROWS="1000000",
        )  # fmt: skip
        running_system.run_flask("db", "upgrade")
        engine = create_engine(database_uri(used.database_url), isolation_level="AUTOCOMMIT")
        if "workers" in chosen:
            _measure_workers(engine)
        if "polls" in chosen:
            _measure_polls(engine)
        if "large" in chosen:
            _measure_large(engine, options.rows)
        engine.dispose()


def _measure_workers(engine: Engine) -> None:
    workbook = workbooks.make(VAR / "1000.xlsx", 1_000)
    print(
        f"\n{_PROJECTS} projects with 1 000 element types each\n\n| worker processes | s | types/s |\n|---:|---:|---:|"
    )
    for count in (1, 2, 4):
        token = _prepare(engine, _PROJECTS)
        with running_system.web() as address:
            for number in range(1, _PROJECTS + 1):
                _upload(address, token, number, workbook)
        started = time.perf_counter()
        with running_system.worker(count):
            _wait(engine)
        seconds = time.perf_counter() - started
        print(f"| {count} | {seconds:.1f} | {_PROJECTS * 1_000 / seconds:.0f} |", flush=True)


def _measure_polls(engine: Engine) -> None:
    workbook, small = workbooks.make(VAR / "10000.xlsx", 10_000), workbooks.make(VAR / "1000.xlsx", 1_000)
    print("\nPolls of a job that has not changed\n")
    print(
        "| while | requests/s | 304 | p50 ms | p95 ms | p99 ms | CPU ms a request |\n"
        "|---|---:|---:|---:|---:|---:|---:|"
    )
    token = _prepare(engine, 3)
    with running_system.web() as address, running_system.worker(2):
        job_id = _upload(address, token, 3, small)
        _wait(engine)
        # As in a system that has been running for a while, both processes have answered such requests before.
        asyncio.run(_poll_all(address, token, job_id))
        _poll(address, token, job_id, "nothing runs")
        for number in (1, 2):
            _upload(address, token, number, workbook)
        _poll(address, token, job_id, "two imports run")
        _wait(engine)


def _measure_large(engine: Engine, rows: int) -> None:
    workbook = workbooks.make(VAR / f"{rows}.xlsx", rows)
    print(
        f"\nOne file with {rows} element types\n\n"
        "| what | s | peak MiB: job | web | PostgreSQL |\n|---|---:|---:|---:|---:|"
    )
    token = _prepare(engine, 1)
    headers = {"Authorization": f"Bearer {token}"}
    with running_system.web() as address, running_system.worker(1):
        started = time.perf_counter()
        job_id = _upload(address, token, 1, workbook)
        print(f"| response to the upload | {time.perf_counter() - started:.1f} | | | |", flush=True)
        _follow(engine, "import", job_id)
        undo = requests.post(f"{address}/api/jobs/{job_id}/undo", headers=headers, timeout=60).json()
        _follow(engine, "undo", undo["job_id"])
        job_id = _upload(address, token, 1, workbook)
        while _progress(engine, job_id)[1] < 50:
            time.sleep(0.2)
        requests.post(f"{address}/api/jobs/{job_id}/cancel", headers=headers, timeout=60).raise_for_status()
        _follow(engine, "cancel at 50 %", job_id)


def _follow(engine: Engine, what: str, job_id: int) -> None:
    """Wait for the end of a job and print its seconds and the peak memory of all processes."""
    started, peaks, shown = time.perf_counter(), dict.fromkeys(_COMMANDS, 0.0), []
    while (state := _progress(engine, job_id))[0] in ("pending", "processing"):
        shown.append(state[1])
        for name, mebibytes in _memory().items():
            peaks[name] = max(peaks[name], mebibytes)
        time.sleep(0.2)
    assert shown == sorted(shown), "the progress decreased"
    memory = " | ".join(f"{each:.0f}" for each in peaks.values())
    print(f"| {what} | {time.perf_counter() - started:.1f} | {memory} |", flush=True)


def _progress(engine: Engine, job_id: int) -> tuple[str, int, str | None]:
    with engine.connect() as connection:
        status, progress, error = connection.execute(_PROGRESS, {"id": job_id}).one()
        return status, progress, error


def _memory() -> dict[str, float]:
    """Return the MiB of the largest process of each kind that this process has started, without shared memory."""
    found = dict.fromkeys(_COMMANDS, 0.0)
    for each in psutil.Process().children(recursive=True):
        try:
            line, used = " ".join(each.cmdline()), each.memory_info()
        except psutil.Error:
            continue
        kind = next((name for name, mark in _COMMANDS.items() if mark in line), None)
        if kind:
            found[kind] = max(found[kind], (used.rss - used.shared) / 1024**2)
    return found


def _poll(address: str, token: str, job_id: int, what: str) -> None:
    before = _cpu_seconds()
    seconds, unchanged = asyncio.run(_poll_all(address, token, job_id))
    cpu = (_cpu_seconds() - before) / len(seconds) * 1000
    p50, p95, p99 = (statistics.quantiles(seconds, n=100)[percent - 1] * 1000 for percent in (50, 95, 99))
    rate = len(seconds) / _POLL_SECONDS
    share = f"{unchanged / len(seconds):.0%}"
    print(f"| {what} | {rate:.0f} | {share} | {p50:.1f} | {p95:.1f} | {p99:.1f} | {cpu:.2f} |", flush=True)


async def _poll_all(address: str, token: str, job_id: int) -> tuple[list[float], int]:
    """Poll over all connections, and return the seconds of each response and the number of those with status 304."""
    end = time.perf_counter() + _POLL_SECONDS
    results = await asyncio.gather(*(_poll_connection(address, token, job_id, end) for _ in range(_CONNECTIONS)))
    return [each for seconds, _ in results for each in seconds], sum(unchanged for _, unchanged in results)


async def _poll_connection(address: str, token: str, job_id: int, end: float) -> tuple[list[float], int]:
    host, _, port = address.rpartition("//")[2].partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    request = f"GET /api/jobs/{job_id} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
    seconds, unchanged, tag = [], 0, ""
    while time.perf_counter() < end:
        started = time.perf_counter()
        writer.write(f"{request}{tag}\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        if not head.startswith("HTTP/1.1 304"):
            assert head.startswith("HTTP/1.1 200"), head
            await reader.readexactly(int(headers["content-length"]))
        seconds.append(time.perf_counter() - started)
        unchanged += head.startswith("HTTP/1.1 304")
        if "etag" in headers:
            tag = f"If-None-Match: {headers['etag']}\r\n"
    writer.close()
    return seconds, unchanged


def _cpu_seconds() -> float:
    """Return the CPU seconds of all processes that this process has started."""
    total = 0.0
    for each in psutil.Process().children(recursive=True):
        try:
            times = each.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
    return total


def _prepare(engine: Engine, projects: int) -> str:
    """Empty the database, add projects with reference data, and return an administrator's token."""
    with engine.connect() as connection:
        connection.execute(text("TRUNCATE projects, users RESTART IDENTITY CASCADE"))
        for number in range(1, projects + 1):
            large_database.add_reference(connection, number)
    return running_system.create_token()


def _upload(address: str, token: str, project_id: int, workbook: Path) -> int:
    with workbook.open("rb") as file:
        answer = requests.post(
            f"{address}/api/project/{project_id}/import/excel", files={"file": file},
            headers={"Authorization": f"Bearer {token}"}, timeout=300,
        )  # fmt: skip
    answer.raise_for_status()
    return int(answer.json()["job_id"])


def _wait(engine: Engine) -> None:
    """Wait until no job is left; raise `SystemExit` if one has failed."""
    with engine.connect() as connection:
        while connection.execute(_UNFINISHED).scalar_one():
            time.sleep(0.05)
        failed = connection.execute(text("SELECT error FROM import_jobs WHERE status = 'failed'")).scalars().all()
    if failed:
        raise SystemExit(f"an import failed: {failed[0]}")


if __name__ == "__main__":
    main()
