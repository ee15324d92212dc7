"""Print a table of import and export times with baselines: `python -m bench [--sizes 1000,10000] [--repeats 3]`."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

from bench import empty_project, journeys, workbooks
from bench.measurements import HEAD, Measured, median, print_row
from bench.running_system import ROOT, run_flask
from devstack import servers

VAR = ROOT / "var" / "bench"
_MAX_BASELINE_SIZE = 10_000
# The rows about pieces have the same size whatever the workbook has, so one workbook is enough.
_MAX_FOR_PIECES = 10_000
_BASELINES = {
    "pandas": "pandas.read_excel and to_sql",
    "django": "django-import-export in bulk mode",
    "inserts": "one INSERT a row, a transaction a batch",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--sizes", default="1000,10000,50000", help="element types in the workbooks")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each step; the median counts")
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    with servers(VAR) as used:
        key = secrets.token_urlsafe(48)
        os.environ.update(
            DATABASE_URL=used.database_url, REDIS_URL=used.redis_url, SECRET_KEY=key,
            REQUESTS_PER_MINUTE="1000000", UPLOADS_PER_MINUTE="1000000", PIECES_PER_PROJECT="20000000",
            PIECES_PER_FILE="20000000",
        )  # fmt: skip
        run_flask("db", "upgrade")
        print(HEAD, flush=True)
        largest = max((size for size in sizes if size <= _MAX_FOR_PIECES), default=0)
        per_row = {}
        for size in sizes:
            per_row[size] = _measure(size, options.repeats, with_pieces=size == largest) / size
        if len(sizes) > 1:
            ratio = per_row[sizes[-1]] / per_row[sizes[0]]
            print(f"\nTime per row at {sizes[-1]}: {ratio:.2f} × that at {sizes[0]}.")


def _measure(size: int, repeats: int, *, with_pieces: bool) -> float:
    """Print the table rows of one size and return the seconds of the import; `with_pieces` with those about pieces."""
    path = workbooks.make(VAR / f"{size}.xlsx", size)
    floors, parallels, firsts, agains, by_profile, moves, statuses, labels = [], [], [], [], [], [], [], []
    # Alternately, so that all of them are affected alike when the machine is slow for a while.
    for _ in range(repeats):
        floors.append(_once("floor", path))
        parallels.append(_once("parallel", path))
        firsts.append(_once("import", path))
        agains.append(_once("import", path, keep=True))
        if with_pieces:
            moves.append(_once("moves", path, keep=True))
            statuses.append(_once("statuses", path, keep=True))
            labels.append(_once("labels", path, keep=True))
        by_profile.append(_once("profile", path))
    floor, parallel, first, again, profile = map(median, (floors, parallels, firsts, agains, by_profile))
    print_row(size, "floor: calamine and one COPY a table", floor, f"{floor.times(parallel)} in parallel")
    print_row(size, "parallel floor: the same in two processes", parallel, "1")
    print_row(size, "this import", first, f"{first.times(parallel)} the parallel floor")
    print_row(size, "the same file again", again, f"{again.times(first)} the first time")
    print_row(size, "this import by a profile", profile, f"{profile.times(first)} without")
    exports, cells = [], []
    for _ in range(repeats):
        cells.append(_once("cells", path, keep=True))
        exports.append(_once("export", path, keep=True))
    least, export = median(cells), median(exports)
    print_row(size, "the same cells with XlsxWriter", least, "1")
    print_row(size, "export as a workbook", export, f"{export.times(least)} the cells alone")
    if size <= _MAX_BASELINE_SIZE:
        for step, name in _BASELINES.items():
            baseline = _once(step, path)
            print_row(size, name, baseline, f"{baseline.times(first)} this import")
    dry = median([_once("dry", path) for _ in range(repeats)])
    print_row(size, "dry run", dry, f"{dry.times(first)} the import")
    journeys.measure(size, VAR, repeats, first)
    if with_pieces:
        move, status, label = median(moves), median(statuses), median(labels)
        print_row(size, f"{move.count} moves of pieces by one COPY and one statement", move, "1")
        ratio = f"{status.times(move)} the statement"
        print_row(size, f"a list with the statuses of {status.count} pieces", status, ratio)
        print_row(size, f"{label.count} labels as a PDF file", label, "")
    return first.seconds


def _once(step: str, path: Path, *, keep: bool = False) -> Measured:
    """Run one step in a process of its own; delete all element types first unless `keep` is set."""
    if not keep:
        empty_project.restore()
    command = [sys.executable, "-m", "bench.run_step", step, str(path), "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{step} failed:\n{done.stderr}")
    result = json.loads(done.stdout.splitlines()[-1])
    return Measured(*(result[name] for name in ("seconds", "python", "postgres", "mebibytes", "count")))


if __name__ == "__main__":
    main()
