"""The packages are as `docs/architecture.md` says."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

from tests.conftest import ROOT

PACKAGE = ROOT / "precast_app"


def written() -> dict[str, set[str]]:
    """Of each package in the table: the packages that it may import."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    packages = {}
    for line in page.splitlines():
        if match := re.fullmatch(r"\| `(\w+)` \|.*\|([^|]*)\|", line):
            packages[match[1]] = set(re.findall(r"`(\w+)`", match[2]))
    return packages


def package_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def built() -> dict[str, set[str]]:
    """Of each package in the code: the packages that it imports; but for `create_app`, which joins them all."""
    packages: dict[str, set[str]] = defaultdict(set)
    for path in sorted(PACKAGE.rglob("*.py")):
        package = package_of(path)
        if package == "__init__":
            continue
        packages[package] |= imported(path) - {package}
    return dict(packages)


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


def test_packages_import_what_the_page_says_and_nothing_else() -> None:
    assert built() == written()


def test_imports_point_one_way() -> None:
    packages = written()
    done: set[str] = set()
    while len(done) < len(packages):
        ready = {package for package, imports in packages.items() if imports <= done} - done
        assert ready, f"a circle among {sorted(set(packages) - done)}"
        done |= ready


def test_only_jobs_knows_rq() -> None:
    for path in PACKAGE.rglob("*.py"):
        modules = re.findall(r"^\s*(?:from|import) (rq)\b", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert not modules or package_of(path) == "jobs", path


def test_no_test_module_imports_another_one() -> None:
    for path in (ROOT / "tests").rglob("*.py"):
        found = re.findall(r"^\s*(?:from|import) (tests\.(?:\w+\.)*test_\w+)", path.read_text(encoding="utf-8"), re.M)
        assert not found, f"{path}: move what it shares with {found} to a module of its own"


def test_files_stay_small() -> None:
    for folder in ("precast_app", "devstack", "bench", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, path
