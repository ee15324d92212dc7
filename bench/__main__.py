"""Print a table of import and export times with baselines: `python -m bench [--sizes 1000,10000] [--repeats 3]`."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from sqlalchemy import create_engine, text

from bench import workbooks
from devstack import process, servers
from precast_app.config import database_uri

ROOT = Path(__file__).resolve().parents[1]
VAR = ROOT / "var" / "bench"
_MAX_BASELINE_SIZE = 10_000
_BASELINES = {
    "pandas": "pandas.read_excel and to_sql",
    "django": "django-import-export in bulk mode",
    "inserts": "one INSERT a row, a transaction a batch",
}


@dataclass(frozen=True, slots=True)
class Measured:
    """Medians of a step: seconds, CPU seconds of Python and of PostgreSQL; and its largest peak memory in MiB."""

    seconds: float
    python: float = 0.0
    postgres: float = 0.0
    mebibytes: float = 0.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--sizes", default="1000,10000,50000", help="element types in the workbooks")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each step; the median counts")
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    with servers(VAR) as used:
        key = secrets.token_urlsafe(48)
        os.environ.update(DATABASE_URL=used.database_url, REDIS_URL=used.redis_url, SECRET_KEY=key)
        subprocess.run([sys.executable, "-m", "flask", "db", "upgrade"], cwd=ROOT, check=True, capture_output=True)
        print(
            "| element types | what | seconds | ratio | rows/s | CPU s, Python + PostgreSQL | peak MiB |\n"
            "|---:|---|---:|---|---:|---|---:|",
            flush=True,
        )
        per_row = {}
        for size in sizes:
            per_row[size] = _measure(size, options.repeats) / size
        if len(sizes) > 1:
            ratio = per_row[sizes[-1]] / per_row[sizes[0]]
            print(f"\nTime per row at {sizes[-1]}: {ratio:.2f} × that at {sizes[0]}.")


def _measure(size: int, repeats: int) -> float:
    """Print the table rows of one size and return the seconds of the import."""
    path = workbooks.make(VAR / f"{size}.xlsx", size)
    floors, parallels, firsts, agains, by_profile = [], [], [], [], []
    # Alternately, so that all of them are affected alike when the machine is slow for a while.
    for _ in range(repeats):
        floors.append(_once("floor", path))
        parallels.append(_once("parallel", path))
        firsts.append(_once("import", path))
        agains.append(_once("import", path, keep=True))
        by_profile.append(_once("profile", path))
    floor, parallel, first, again, profile = map(_median, (floors, parallels, firsts, agains, by_profile))
    _row(size, "floor: calamine and one COPY a table", floor, f"{floor.seconds / parallel.seconds:.2f} × in parallel")
    _row(size, "parallel floor: the same in two processes", parallel, "1")
    _row(size, "this import", first, f"{first.seconds / parallel.seconds:.2f} × the parallel floor")
    _row(size, "the same file again", again, f"{again.seconds / first.seconds:.2f} × the first time")
    _row(size, "this import by a profile", profile, f"{profile.seconds / first.seconds:.2f} × without")
    exports, cells = [], []
    for _ in range(repeats):
        cells.append(_once("cells", path, keep=True))
        exports.append(_once("export", path, keep=True))
    least, export = _median(cells), _median(exports)
    _row(size, "the same cells with XlsxWriter", least, "1")
    _row(size, "export as a workbook", export, f"{export.seconds / least.seconds:.2f} × the cells alone")
    if size <= _MAX_BASELINE_SIZE:
        for step, name in _BASELINES.items():
            baseline = _once(step, path)
            _row(size, name, baseline, f"{baseline.seconds / first.seconds:.1f} × this import")
    dry = _median([_once("dry", path) for _ in range(repeats)])
    _row(size, "dry run", dry, f"{dry.seconds / first.seconds:.2f} × the import")
    response = _upload(path, repeats)
    _row(size, "response to the upload over HTTP", response, "")
    return first.seconds


def _row(size: int, what: str, measured: Measured, ratio: str) -> None:
    rate = f"{size / measured.seconds:,.0f}".replace(",", " ")
    peak = f"{measured.mebibytes:.0f}" if measured.mebibytes else ""
    used = f"{measured.python:.2f} + {measured.postgres:.2f}" if measured.python else ""
    print(f"| {size} | {what} | {measured.seconds:.2f} | {ratio} | {rate} | {used} | {peak} |", flush=True)


def _median(runs: list[Measured]) -> Measured:
    return Measured(
        statistics.median(run.seconds for run in runs),
        statistics.median(run.python for run in runs),
        statistics.median(run.postgres for run in runs),
        max(run.mebibytes for run in runs),
    )


def _once(step: str, path: Path, *, keep: bool = False) -> Measured:
    """Run one step in a process of its own; delete all element types first unless `keep` is set."""
    if not keep:
        _empty()
    command = [sys.executable, "-m", "bench.run_step", step, str(path), "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{step} failed:\n{done.stderr}")
    result = json.loads(done.stdout.splitlines()[-1])
    return Measured(result["seconds"], result["python"], result["postgres"], result["mebibytes"])


def _empty() -> None:
    """Empty the tables, insert the reference data of project 1, and vacuum so that no background work remains."""
    engine = create_engine(database_uri(os.environ["DATABASE_URL"]), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("TRUNCATE projects, users RESTART IDENTITY CASCADE"))
        connection.execute(text("INSERT INTO projects (name) VALUES ('Bench')"))
        for name in workbooks.DRAWINGS:
            _insert(connection, "drawing_types (project_id, name, match_key)", name, _key(name))
        for name in workbooks.NODES:
            key = ".".join(map(_key, name.split(".")))
            columns = "hierarchy_nodes (project_id, name, prefix, path, match_key, naming_convention)"
            code = name.replace("Tower_", "").replace(".Floor_", "F")
            _insert(connection, columns, name, code, name, key, code)
        for place, name in enumerate(workbooks.STAGES, 1):
            _insert(connection, "stages (project_id, name, match_key, position)", name, _key(name), place)
        for name in workbooks.PRODUCTS:
            product, size = name.split("_")
            columns = "bom_products (project_id, product_name, product_type, unit, match_key)"
            _insert(connection, columns, product, size, "kg", _key(name))
        connection.execute(text("VACUUM ANALYZE"))
        # Give background processes time to finish.
        connection.execute(text("SELECT pg_sleep(0.2)"))
    engine.dispose()


def _insert(connection: object, columns: str, *values: object) -> None:
    names = {f"v{place}": value for place, value in enumerate(values)}
    marks = ", ".join(f":{name}" for name in names)
    connection.execute(text(f"INSERT INTO {columns} VALUES (1, {marks})"), names)  # type: ignore[attr-defined]


def _key(name: str) -> str:
    return name.lower().replace(" ", "_")


def _upload(path: Path, repeats: int) -> Measured:
    """Return the median time from the start of an upload to gunicorn until its response with status 202."""
    _empty()
    port = process.free_port(18_000)
    with _web(port):
        flask = [sys.executable, "-m", "flask"]
        password = "only for the bench\n"
        subprocess.run([*flask, "user", "create", "bench", "--admin", "--password-stdin"], input=password, cwd=ROOT,
                       text=True, check=True, capture_output=True)  # fmt: skip
        token = subprocess.run([*flask, "token", "create", "bench"], cwd=ROOT, text=True, check=True,
                               capture_output=True).stdout.strip()  # fmt: skip
        times = []
        for _ in range(max(repeats, 3)):
            with path.open("rb") as file:
                start = time.perf_counter()
                response = requests.post(
                    f"http://127.0.0.1:{port}/api/project/1/import/excel",
                    files={"file": file},
                    headers={"Authorization": f"Bearer {token}"},
                    timeout=60,
                )
                times.append(time.perf_counter() - start)
            assert response.status_code == 202, response.text
            assert response.json()["total_elements"] == int(path.stem), response.text
    return Measured(statistics.median(times))


@contextmanager
def _web(port: int) -> Iterator[None]:
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "wsgi:app"]
    web = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                requests.get(f"http://127.0.0.1:{port}/healthz", timeout=1)
                break
            except requests.RequestException:
                time.sleep(0.1)
        yield
    finally:
        web.terminate()
        web.wait()


if __name__ == "__main__":
    main()
