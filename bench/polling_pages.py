"""Measure the cost of open pages: `python -m bench.polling_pages [--pages 200] [--rows 10000]`.

Each page polls like the browser's script (`precast_app/web/static/js/live.js`), over a connection of its own, with a
session cookie and the ETag of the previous response. Processor time is that of gunicorn and PostgreSQL.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import requests
from sqlalchemy import create_engine, text

from bench import workbooks
from devstack import process, servers
from precast_app.config import database_uri

ROOT = Path(__file__).resolve().parents[1]
VAR = ROOT / "var" / "bench"
# The same as in live.js: intervals in seconds, the growth of the interval, and the pause per second of response time.
MIN_POLL_SECONDS, MAX_POLL_SECONDS, SLOWDOWN, PAUSE_FACTOR = 0.7, 15.0, 1.6, 20
PASSWORD = "correct cement battery"
REFERENCE = {
    "hierarchy": [{"name": name, "path": name, "naming_convention": name} for name in workbooks.NODES],
    "stages": [{"name": name} for name in workbooks.STAGES],
    "drawing-types": [{"name": name} for name in workbooks.DRAWINGS],
    "bom-products": [
        dict(zip(("product_name", "product_type"), name.split("_"), strict=True), unit="kg")
        for name in workbooks.PRODUCTS
    ],
}


@dataclass(slots=True)
class PollResults:
    """Seconds that each response took, and the number of responses with status 304."""

    seconds: list[float] = field(default_factory=list)
    unchanged: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.polling_pages", description=__doc__)
    parser.add_argument("--pages", type=int, default=200, help="open pages")
    parser.add_argument("--rows", type=int, default=10_000, help="element types of the import that they follow")
    options = parser.parse_args()
    workbook = workbooks.make(VAR / f"{options.rows}.xlsx", options.rows)
    with (
        servers(VAR) as used,
        _running_system({**os.environ, **_environment(used.database_url, used.redis_url)}) as address,
    ):
        client = requests.Session()
        client.post(f"{address}/login", data={"name": "ada", "password": PASSWORD}, timeout=30).raise_for_status()
        cookie = "; ".join(f"{each.name}={each.value}" for each in client.cookies)
        print("| what | requests/s | unchanged | median ms | web and database, % of a core | import, s |")
        print("|---|---:|---:|---:|---:|---:|")
        _measure_import(client, address, workbook, "warm", 0, cookie)
        alone = _measure_import(client, address, workbook, "an import, no page open", 0, cookie)
        watched = _measure_import(
            client, address, workbook, f"the same, {options.pages} pages that follow it", options.pages, cookie
        )
        _measure_idle(address, 0, cookie)
        _measure_idle(address, options.pages, cookie)
        print(f"\nThe import takes {watched / alone:.2f} × as long when it is watched.")


def _environment(database_url: str, redis_url: str) -> dict[str, str]:
    limits = {"REQUESTS_PER_MINUTE": "1000000", "UPLOADS_PER_MINUTE": "1000000"}
    key = secrets.token_urlsafe(48)
    return {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "SECRET_KEY": key, **limits}


@contextmanager
def _running_system(given: dict[str, str]) -> Iterator[str]:
    """Run gunicorn with its default workers and one job worker on an emptied database; yield the address."""
    port = process.free_port(22_000)
    given["PORT"] = str(port)
    flask = [sys.executable, "-m", "flask"]
    subprocess.run([*flask, "db", "upgrade"], cwd=ROOT, env=given, check=True, capture_output=True)
    engine = create_engine(database_uri(given["DATABASE_URL"]), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("TRUNCATE projects, users RESTART IDENTITY CASCADE"))
    engine.dispose()
    create = [*flask, "user", "create", "ada", "--admin", "--password-stdin"]
    subprocess.run(create, cwd=ROOT, env=given, input=f"{PASSWORD}\n", text=True, check=True, capture_output=True)
    commands = {"web": ["-m", "gunicorn", "wsgi:app"], "worker": ["worker.py"]}
    running = [
        process.start([sys.executable, *words], VAR / f"{name}.log", environment=given, directory=ROOT)
        for name, words in commands.items()
    ]
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                if requests.get(f"{address}/readyz", timeout=5).ok:
                    break
            except requests.RequestException:
                pass
            time.sleep(0.1)
        yield address
    finally:
        for each in running:
            each.terminate()
        for each in running:
            each.wait(30)


def _measure_import(
    client: requests.Session, address: str, workbook: Path, what: str, pages: int, cookie: str
) -> float:
    """Import the workbook into a new project while `pages` pages follow the job; return its seconds."""
    name = f"bench {secrets.token_hex(4)}"
    headers = {"Sec-Fetch-Site": "same-origin"}
    project = client.post(f"{address}/api/project", json={"name": name}, headers=headers, timeout=30).json()
    base = f"{address}/api/project/{project['project']['id']}"
    for path, items in REFERENCE.items():
        for item in items:
            client.post(f"{base}/{path}", json=item, headers=headers, timeout=30).raise_for_status()
    with workbook.open("rb") as stream:
        answer = client.post(f"{base}/import/excel", files={"file": stream}, headers=headers, timeout=60)
    answer.raise_for_status()
    job_id = answer.json()["job_id"]
    start, before = time.perf_counter(), _cpu_seconds()
    results = asyncio.run(_poll_pages(address, f"/jobs/{job_id}/state", pages, cookie, client=client, job_id=job_id))
    seconds = time.perf_counter() - start
    job = client.get(f"{address}/api/jobs/{job_id}", timeout=30).json()["job"]
    if job["status"] != "completed":
        raise SystemExit(f"the import failed: {job['error']}")
    if what != "warm":
        _print_row(what, results, seconds, _cpu_seconds() - before, f"{seconds:.1f}")
    return seconds


def _measure_idle(address: str, pages: int, cookie: str) -> None:
    """Measure pages with the recent jobs of a project in which nothing changes."""
    seconds = 2 * MAX_POLL_SECONDS
    before = _cpu_seconds()
    results = asyncio.run(_poll_pages(address, "/projects/1/recent", pages, cookie, seconds=seconds))
    _print_row(f"nothing changes, {pages} pages open", results, seconds, _cpu_seconds() - before, "")


def _print_row(what: str, results: PollResults, seconds: float, cpu: float, imported: str) -> None:
    count = len(results.seconds)
    median = f"{sorted(results.seconds)[count // 2] * 1000:.0f}" if count else ""
    share = f"{results.unchanged / count:.0%}" if count else ""
    cells = (what, f"{count / seconds:.1f}", share, median, f"{100 * cpu / seconds:.0f}", imported)
    print(f"| {' | '.join(cells)} |", flush=True)


def _cpu_seconds() -> float:
    """Return the seconds of processor time of gunicorn and PostgreSQL, including those of their ended children."""
    total = 0.0
    for each in psutil.process_iter(["cmdline", "cpu_times", "name"]):
        line = " ".join(each.info["cmdline"] or ())
        if "gunicorn" in line or each.info["name"] == "postgres":
            times = each.info["cpu_times"]
            total += times.user + times.system + times.children_user + times.children_system
    return total


async def _poll_pages(
    address: str,
    path: str,
    pages: int,
    cookie: str,
    *,
    seconds: float | None = None,
    client: requests.Session | None = None,
    job_id: int | None = None,
) -> PollResults:
    """Let `pages` pages poll for `seconds`, or until the job has finished."""
    results, done = PollResults(), asyncio.Event()
    is_moving = job_id is not None
    tasks = [
        asyncio.create_task(_poll_page(address, path, cookie, results, done, is_moving=is_moving, share=index / pages))
        for index in range(pages)
    ]
    if client is None:
        await asyncio.sleep(seconds or 0)
    else:
        while await asyncio.to_thread(_is_unfinished, client, address, job_id):
            await asyncio.sleep(0.2)
    done.set()
    await asyncio.gather(*tasks)
    return results


def _is_unfinished(client: requests.Session, address: str, job_id: int | None) -> bool:
    job = client.get(f"{address}/api/jobs/{job_id}", timeout=30).json()["job"]
    return job["status"] in ("pending", "processing")


async def _poll_page(
    address: str, path: str, cookie: str, results: PollResults, done: asyncio.Event, *, is_moving: bool, share: float
) -> None:
    """Poll like an open page, as `follow` in live.js does; `share` spreads the pages' first requests."""
    port = int(address.rpartition(":")[2])
    pause = MIN_POLL_SECONDS if is_moving else MAX_POLL_SECONDS
    tag = ""
    await _sleep_until_done(done, pause * share)
    while not done.is_set():
        start = time.perf_counter()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        known = f"If-None-Match: {tag}\r\n" if tag else ""
        host = f"Host: 127.0.0.1:{port}\r\nConnection: close\r\n"
        writer.write(f"GET {path} HTTP/1.1\r\n{host}Cookie: {cookie}\r\n{known}\r\n".encode())
        head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
        writer.close()
        took = time.perf_counter() - start
        results.seconds.append(took)
        if head.startswith("HTTP/1.1 304"):
            results.unchanged += 1
        elif head.startswith("HTTP/1.1 200"):
            found = re.search(r"(?im)^etag: (\S+)", head)
            tag = found[1] if found else ""
            is_moving = "data-moving" in body
        else:
            raise SystemExit(f"{path} answered {head.splitlines()[0] if head else 'nothing'}")
        pause = min(max(MIN_POLL_SECONDS, took * PAUSE_FACTOR) if is_moving else pause * SLOWDOWN, MAX_POLL_SECONDS)
        await _sleep_until_done(done, pause)


async def _sleep_until_done(done: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(done.wait(), seconds)
    except TimeoutError:
        return


if __name__ == "__main__":
    main()
