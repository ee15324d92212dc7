"""The packages are as `docs/architecture.md` says."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from tests.conftest import ROOT

PACKAGE = ROOT / "precast_app"

# The functions that end a transaction, by module, and why it is theirs to end. Helpers and queries never end one.
ENDS_TRANSACTIONS = {
    # Requests: a transaction ends before the request waits for its client, a slot, a parser or Redis.
    "api/connection_release.py": {"stream"},
    "api/export_slots.py": {"limited"},
    "api/exports.py": {"_project_items"},
    "api/job_files.py": {
        "download_upload", "download_output", "download_rejected_rows", "download_annotated_workbook",
        "_corrected_upload",
    },
    "api/metrics.py": {"metrics"},
    "auth/request_authentication.py": {"current_identity"},
    "auth/route_permissions.py": {"guarded"},
    # Readiness: a connection of its own, whose write is rolled back.
    "api/health.py": {"_database"},
    # An action of a user is one transaction.
    "auth/sessions.py": {"end_one"},
    "auth/sign_in.py": {"sign_in", "sign_out"},
    "auth/tokens.py": {"create", "revoke"},
    "auth/users.py": {"create", "change_password", "set_password", "set_disabled", "set_admin", "set_language"},
    "importing/reference_store.py": {"delete", "order_stages", "_commit"},
    "jobs/service.py": {"submit", "start", "detect_job_type", "attach_file", "undo", "retry", "cancel"},
    "jobs/comparison.py": {"_run"},
    "jobs/creation.py": {"import_again"},
    "jobs/corrections.py": {"save"},
    "jobs/profile_rules.py": {"remember"},
    "jobs/corrected_imports.py": {"revalidate", "import_rejected"},
    "jobs/rejected_rows.py": {"store", "_read"},
    "jobs/columns.py": {"inspect", "describe", "_proposals"},
    "jobs/mapping.py": {"start", "import_again", "_count_rows"},
    "pieces/service.py": {"move_piece"},
    "notifications/webhooks.py": {"create", "change", "rotate_secret", "delete", "send_again"},
    "notifications/email_settings.py": {"change", "stop"},
    # Messages are claimed in one transaction, and what became of each is stored in another.
    "notifications/sender.py": {"send_due", "record_outcomes"},
    "projects/import_profiles.py": {"create", "change", "delete", "_flush"},
    "projects/projects.py": {"_commit", "_flush", "remove_member", "set_role"},
    # Each check of `flask doctor` is a transaction, so that one that fails doesn't fail the next.
    "cli/doctor.py": {"doctor"},
    # A job that is waited for is read in a new transaction each time.
    "cli/waiting.py": {"_wait_with_progress_bar"},
    # A job: its claim, its outcome and each of its steps is a transaction, as is each batch and each write of progress.
    "importing/batch_runner.py": {"_write_batch", "_retry_row_by_row"},
    "jobs/progress.py": {"_write", "_try_to_write", "_check_lease"},
    "jobs/revert.py": {"run_undo"},
    "jobs/runner.py": {
        "run_job", "_check_starter", "_run_leased", "_run_or_revert", "_run", "_revert_cancelled", "_job_context",
        "_fail",
    },
    "jobs/tasks/import_element_types.py": {
        "_load_reference_data", "_find_missing", "_delete_created", "_read", "_plan", "_store_dry_run", "_write",
        "_run_batches", "_count_stored_warnings",
    },
    "jobs/tasks/import_piece_statuses.py": {"run"},
    "jobs/tasks/import_reference_data.py": {"run"},
    "jobs/tasks/export_labels.py": {"run", "_labels"},
    "jobs/tasks/change_element_type.py": {"_run"},
    "jobs/tasks/undo_piece_moves.py": {"run"},
    "jobs/tasks/update_pieces.py": {"run"},
    # A job is recorded as enqueued before its id is given to Redis.
    "jobs/dispatch.py": {"enqueue"},
    # Each job that is recovered is a transaction, and so is each table from which expired rows are deleted.
    "jobs/reaper.py": {"_fail_overdue", "_fail_exhausted", "_find_lost"},
    "jobs/retention.py": {"delete_expired"},
    # Totals are stored in a transaction of their own.
    "jobs/totals.py": {"refresh_outdated"},
    # A job's last transaction has ended before its duration is stored.
    "telemetry/job_runs.py": {"measure_job"},
    # What the functions above call to give back a connection.
    "database.py": {"release_connection", "release_after"},
}  # fmt: skip


def documented_imports() -> dict[str, set[str]]:
    """Of each package in the table: the packages that it may import."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    packages = {}
    for line in page.splitlines():
        if match := re.fullmatch(r"\| `(\w+)` \|.*\|([^|]*)\|", line):
            packages[match[1]] = set(re.findall(r"`(\w+)`", match[2]))
    return packages


def package_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def actual_imports() -> dict[str, set[str]]:
    """Of each package in the code: the packages that it imports; but for `create_app`, which joins them all."""
    packages: dict[str, set[str]] = defaultdict(set)
    for path in sorted(PACKAGE.rglob("*.py")):
        package = package_of(path)
        if package == "__init__":
            continue
        packages[package] |= imports_of(path) - {package}
    return dict(packages)


def imports_of(path: Path) -> set[str]:
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
    assert actual_imports() == documented_imports()


def test_a_package_imports_only_packages_above_it() -> None:
    above: set[str] = set()
    for package, imports in documented_imports().items():
        assert imports <= above, f"move `{package}` below {sorted(imports - above)}"
        above.add(package)


def test_only_jobs_knows_rq() -> None:
    for path in PACKAGE.rglob("*.py"):
        modules = re.findall(r"^\s*(?:from|import) (rq)\b", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert not modules or package_of(path) == "jobs", path


_IMPORT_WITHOUT = """
import importlib, sys
sys.modules.update(dict.fromkeys(["flask", "sqlalchemy", "flask_sqlalchemy", "psycopg2", "redis", "rq"]))
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


def test_the_rules_of_an_import_need_neither_flask_nor_a_database() -> None:
    """Each module whose docstring says that it is pure is imported with Flask, SQLAlchemy and drivers blocked."""
    pure = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in sorted((PACKAGE / "importing").rglob("*.py"))
        if (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n\n")[0].endswith("Pure.")
    ]
    assert {"row_validation", "plan", "column_mapping"} <= {name.rpartition(".")[2] for name in pure}
    subprocess.run([sys.executable, "-c", _IMPORT_WITHOUT, "precast_app.enums", *pure], cwd=ROOT, check=True)


def test_no_test_module_imports_another_one() -> None:
    for path in (ROOT / "tests").rglob("*.py"):
        found = re.findall(r"^\s*(?:from|import) (tests\.(?:\w+\.)*test_\w+)", path.read_text(encoding="utf-8"), re.M)
        assert not found, f"{path}: move what it shares with {found} to a module of its own"


def ending_functions(path: Path) -> set[str]:
    """Return the innermost functions of a module that commit, roll back or release the connection."""
    found = set()

    def visit(node: ast.AST, function: str) -> None:
        if isinstance(node, ast.FunctionDef):
            function = node.name
        if isinstance(node, ast.Call):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called in ("commit", "rollback", "release_connection"):
                found.add(function)
        for child in ast.iter_child_nodes(node):
            visit(child, function)

    visit(ast.parse(path.read_text(encoding="utf-8")), "the module itself")
    return found


def test_only_use_cases_end_transactions() -> None:
    found = {path.relative_to(PACKAGE).as_posix(): ending_functions(path) for path in PACKAGE.rglob("*.py")}
    assert {path: functions for path, functions in found.items() if functions} == ENDS_TRANSACTIONS


def test_files_stay_small() -> None:
    for folder in ("precast_app", "devstack", "bench", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, path
