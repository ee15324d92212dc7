"""The rooms are as `docs/architecture.md` says."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

from tests.conftest import ROOT

PACKAGE = ROOT / "precast_app"


def written() -> dict[str, set[str]]:
    """Of each room in the table: the rooms that it may import."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = {}
    for line in page.splitlines():
        if match := re.fullmatch(r"\| `(\w+)` \|.*\|([^|]*)\|", line):
            rooms[match[1]] = set(re.findall(r"`(\w+)`", match[2]))
    return rooms


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def built() -> dict[str, set[str]]:
    """Of each room in the code: the rooms that it imports; but for `create_app`, which joins them all."""
    rooms: dict[str, set[str]] = defaultdict(set)
    for path in sorted(PACKAGE.rglob("*.py")):
        room = room_of(path)
        if room == "__init__":
            continue
        rooms[room] |= imported(path) - {room}
    return dict(rooms)


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("precast_app.")}
    return found - {"create_app"}


def test_the_rooms_import_what_the_page_says_and_nothing_else() -> None:
    assert built() == written()


def test_imports_point_one_way() -> None:
    rooms = written()
    done: set[str] = set()
    while len(done) < len(rooms):
        ready = {room for room, imports in rooms.items() if imports <= done} - done
        assert ready, f"a circle among {sorted(set(rooms) - done)}"
        done |= ready


def test_only_jobs_knows_rq() -> None:
    for path in PACKAGE.rglob("*.py"):
        modules = re.findall(r"^\s*(?:from|import) (rq)\b", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert not modules or room_of(path) == "jobs", path


def test_files_stay_small() -> None:
    for folder in ("precast_app", "bench", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, path
