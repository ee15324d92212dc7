"""The `flask` commands."""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from precast_app.auth import passwords, tokens, users
from precast_app.extensions import db
from precast_app.jobs import broker, reaper
from precast_app.models import NotificationEvent
from precast_app.notifications import webhooks
from precast_app.queries.jobs import get_job
from tests.app_settings import changed_settings
from tests.conftest import EXAMPLES, ROOT, run_import, submit, worker
from tests.job_states import claim_or_fail, complete, submit_stages


def call(app: Flask, *words: str, stdin: str | None = None) -> tuple[int, str, str]:
    """Run a command and return its exit status, output and errors."""
    result = app.test_cli_runner().invoke(args=list(words), input=stdin)
    return result.exit_code, result.stdout, result.stderr


def test_the_commands_create_a_user_a_token_and_a_project(app: Flask, client: FlaskClient) -> None:
    created = call(app, "user", "create", "ada", "--admin", "--password-stdin", stdin="correct cement\n")
    assert created == (0, "Created the administrator ada.\n", "")
    status, token, _ = call(app, "token", "create", "ada")
    assert status == 0
    headers = {"Authorization": f"Bearer {token.strip()}"}
    assert client.get("/api/project", headers=headers).get_json()["count"] == 0
    status, number, _ = call(app, "project", "create", "Harbour")
    assert (status, number) == (0, "1\n")
    assert client.get("/api/project/1", headers=headers).get_json()["project"]["name"] == "Harbour"


def test_a_typed_password_must_be_confirmed(app: Flask) -> None:
    status, output, _ = call(app, "user", "create", "ada", stdin="correct cement\ncorrect cement\n")
    assert (status, "correct cement" in output) == (0, False)
    assert passwords.verify(users.get_by_name("ada").password_hash, "correct cement")


@pytest.mark.parametrize(
    ("words", "stdin", "says"),
    [
        (("user", "create", "ada", "--password-stdin"), "short\n", "password"),
        (("user", "create", " ", "--password-stdin"), "correct cement\n", "name"),
        (("token", "create", "nobody"), None, "There is no user 'nobody'"),
        (("project", "create", " "), None, "1 to 150 characters"),
        (("import", str(EXAMPLES / "stages.csv"), "--project", "9"), None, "There is no project 9"),
        (("import", str(EXAMPLES / "stages.csv"), "--project", "1"), None, "No header row"),
    ],
)
def test_an_error_is_printed_and_sets_the_exit_status(
    app: Flask, project_id: int, words: tuple[str, ...], stdin: str | None, says: str
) -> None:
    status, output, errors = call(app, *words, stdin=stdin)
    assert (status, output) == (1, "")
    assert says in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("words", [["user", "list"], ["import", str(EXAMPLES / "stages.csv"), "--project", "1"]])
def test_a_command_says_that_the_database_is_unavailable(environment: dict[str, str], words: list[str]) -> None:
    away = {**environment, "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    command = [sys.executable, "-m", "flask", *words]
    done = subprocess.run(command, cwd=ROOT, env=away, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Error: The database is unavailable: connection to server at" in done.stderr
    assert "flask doctor" in done.stderr
    assert "Traceback" not in done.stderr


def test_users_and_projects_are_listed(app: Flask) -> None:
    for name in ("ada", "bob"):
        users.create(name, "correct cement", is_admin=name == "ada")
    call(app, "user", "disable", "bob")
    assert call(app, "user", "list") == (0, "ada\tadministrator\tenabled\nbob\tuser\tdisabled\n", "")
    for name in ("Harbour", "Airport"):
        call(app, "project", "create", name)
    assert call(app, "project", "list") == (0, "1\tHarbour\n2\tAirport\n", "")


def test_names_must_be_unique(app: Flask) -> None:
    for words in (("user", "create", "ada", "--password-stdin"), ("project", "create", "Harbour")):
        assert call(app, *words, stdin="correct cement\n")[0] == 0
        status, _, errors = call(app, *words, stdin="correct cement\n")
        assert (status, "already" in errors) == (1, True)


def test_a_token_can_be_restricted(app: Flask, client: FlaskClient, project_id: int) -> None:
    users.create("ada", "correct cement", is_admin=True)
    token = call(app, "token", "create", "ada", "--read-only", "--project", "1", "--days", "7")[1].strip()
    identity = tokens.authenticate(token)
    assert identity is not None
    assert (identity.project_id, identity.read_only) == (1, True)
    assert call(app, "token", "create", "ada", "--days", "0")[0] == 2


def test_an_import_waits_for_the_result_and_prints_the_issues(
    app: Flask, green_meadows: int, environment: dict[str, str], tmp_path: Path
) -> None:
    bad = tmp_path / "bad.csv"
    header, first, *_ = (EXAMPLES / "element_types.csv").read_text().splitlines()
    cells = first.split(",")
    bad.write_text("\n".join((header, first, ",".join([cells[0], "B-X", "tall", *cells[3:]]))))
    none = tmp_path / "none.csv"
    none.write_text("\n".join((header, ",".join([cells[0], "B-X", "tall", *cells[3:]]))))
    with worker(environment):
        status, output, errors = call(app, "import", str(bad), "--project", "1")
        assert (status, output) == (0, "Processed 1 of 2 elements; 1 row was rejected\n")
        assert "error C3: Enter a number" in errors
        status, output, errors = call(app, "import", str(none), "--project", "1")
        assert (status, output) == (1, "")
        assert "The only row could not be imported." in errors


def test_reference_data_can_be_imported(app: Flask, project_id: int, environment: dict[str, str]) -> None:
    with worker(environment):
        words = ("import", str(EXAMPLES / "stages.csv"), "--project", "1", "--job-type", "stage_import")
        assert call(app, *words)[:2] == (0, "Successfully processed 8 elements\n")
    assert broker.rq_queue().count == 0


def test_an_import_takes_the_options_of_the_api(
    app: Flask, green_meadows: int, environment: dict[str, str], tmp_path: Path
) -> None:
    path = str(EXAMPLES / "element_types.csv")
    options = ("--dry-run", "--on-error", "abort", "--batch-size", "40", "--concurrent-batches", "2")
    with worker(environment):
        status, output, errors = call(app, "import", path, "--project", "1", *options, "--json")
        assert status == 0, errors
        dry = json.loads(output)
        assert (status, dry["dry_run"], dry["created_count"], dry["status"]) == (0, True, 120, "completed")
        assert (stored := get_job(dry["id"])).on_error == "abort"
        assert (stored.batch_size, stored.concurrent_batches) == (40, 2)
        status, output, _ = call(app, "job", "apply", str(dry["id"]), "--json")
        applied = json.loads(output)
        assert (status, applied["created_count"]) == (0, 120)
        status, output, _ = call(app, "job", "undo", str(applied["id"]))
        assert (status, output.startswith(f"Undid job {applied['id']}: 120 elements deleted")) == (0, True)
    status, number, _ = call(app, "import", path, "--project", "1", "--no-wait")
    assert (status, get_job(int(number)).status) == (0, "pending")


def test_jobs_are_listed_shown_cancelled_and_retried(
    app: Flask, green_meadows: int, environment: dict[str, str]
) -> None:
    number = call(app, "import", str(EXAMPLES / "element_types.csv"), "--project", "1", "--no-wait")[1].strip()
    assert json.loads(call(app, "job", "show", number)[1])["file_name"] == "element_types.csv"
    status, output, errors = call(app, "job", "cancel", number)
    assert (status, output, errors.startswith("Cancelled by ")) == (0, "", True)
    (line,) = call(app, "job", "list", "--project", "1", "--status", "failed")[1].splitlines()
    assert line.startswith(f"{number}\telement_type_import\tfailed\t0 %\telement_types.csv\t")
    assert call(app, "job", "undo", number)[0] == 1
    with worker(environment):
        assert call(app, "job", "retry", number)[:2] == (0, "Successfully processed 120 elements\n")
    for words in (
        ("show", "999"),
        ("cancel", number),
        ("retry", number),
        ("apply", number),
        ("list", "--project", "9"),
    ):
        status, output, errors = call(app, "job", *words)
        assert (status, output, "Traceback" in errors) == (1, "", False), words
        assert errors.startswith("Error: "), words


def test_an_import_takes_what_revisions_and_lists_of_pieces_need(
    app: Flask, green_meadows: int, environment: dict[str, str], tmp_path: Path
) -> None:
    path = EXAMPLES / "element_types.csv"
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    shorter = tmp_path / "shorter.csv"
    shorter.write_text("\n".join([header, *rows[:100]]), encoding="utf-8")
    pieces = tmp_path / "pieces.csv"
    with worker(environment):
        assert call(app, "import", str(path), "--project", "1", "--job-type", "auto")[0] == 0
        options = ("--missing", "remove", "--renames", "ignore", "--idempotency-key", "revision C", "--json")
        job = json.loads(call(app, "import", str(shorter), "--project", "1", *options)[1])
        assert (job["missing_count"], job["removed_count"]) == (20, 20)
        again = json.loads(call(app, "import", str(shorter), "--project", "1", *options)[1])
        assert again["id"] == job["id"]
        code = db.session.execute(text("SELECT code FROM pieces ORDER BY id LIMIT 1")).scalar_one()
        pieces.write_text(f"Piece\n{code}\n")
        moved = ("--job-type", "piece_status_import", "--status", "produced", "--date", "2026-10-12")
        assert call(app, "import", str(pieces), "--project", "1", *moved)[0] == 0
    status, since = db.session.execute(text(f"SELECT status, status_since FROM pieces WHERE code = '{code}'")).one()
    assert (status, f"{since:%Y-%m-%d}") == ("produced", "2026-10-12")
    for bad in (("--date", "soon"), ("--job-type", "label_export"), ("--status", "produced")):
        assert call(app, "import", str(path), "--project", "1", *bad)[0] == 2, bad


def test_an_import_that_waits_for_its_mapping_says_so(app: Flask, green_meadows: int, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("Mark,Kind,Floor,Pcs,Length [m]\nW1,Wall,GF,2,4.25\n")
    status, output, errors = call(app, "import", str(path), "--project", "1", "--mapping", "ask", "--profile", "none")
    assert (status, output) == (3, "")
    assert "waits until somebody says what the columns of its file mean" in errors


def test_element_types_and_pieces_are_exported(
    app: Flask, client: FlaskClient, admin: dict[str, str], green_meadows: int, tmp_path: Path
) -> None:
    run_import(green_meadows, EXAMPLES / "element_types.csv")
    exported = {"": "export_csv_element_type", "--pieces": "elements.csv"}
    for option, route in exported.items():
        words = ("export", "--project", "1", "--format", "csv", "--type", "WALL", *option.split())
        expected = client.get(f"/api/project/1/{route}?type=WALL", headers=admin).data
        result = app.test_cli_runner().invoke(args=list(words))
        assert (result.exit_code, result.stdout_bytes) == (0, expected)
        assert expected.count(b"\n") > 5
        path = tmp_path / "out.csv"
        assert call(app, *words[:3], "--type", "WALL", *option.split(), "-o", str(path))[0] == 0
        assert path.read_bytes() == expected
    book = tmp_path / "out.xlsx"
    assert call(app, "export", "--project", "1", "-o", str(book)) == (0, "", "")
    with client.get("/api/project/1/export/excel", headers=admin) as response:
        assert book.read_bytes() == response.data
    floor = call(
        app, "export", "--project", "1", "--pieces", "--format", "csv", "--tower", "Tower_B", "--status", "planned"
    )
    assert (
        0 < floor[1].count("\n") < call(app, "export", "--project", "1", "--pieces", "--format", "csv")[1].count("\n")
    )
    moved = ("--moved-from", "2026-01-01", "--moved-to", "2026-01-31")
    assert call(app, "export", "--project", "1", "--pieces", "--format", "csv", *moved)[1].count("\n") == 1


@pytest.mark.parametrize(
    ("words", "expected", "says"),
    [
        (("--project", "9"), 1, "There is no project 9"),
        (("--project", "1", "--tower", "Tower_A"), 2, "--tower needs --pieces"),
        (("--project", "1", "--pieces", "--without-drawing", "1"), 2, "--without-drawing can't be used with --pieces"),
        (("--project", "1", "--node", "0"), 2, "node: "),
        (("--project", "1", "--format", "pdf"), 2, "pdf"),
        ((), 2, "--project"),
        (("--project", "1", "-o", "/nowhere/out.xlsx"), 1, "/nowhere/out.xlsx"),
    ],
)
def test_an_export_that_is_not_possible_writes_nothing(
    app: Flask, green_meadows: int, words: tuple[str, ...], expected: int, says: str
) -> None:
    status, output, errors = call(app, "export", *words)
    assert (status, output, says in errors, "Traceback" in errors) == (expected, "", True, False), errors


def lines_of_doctor(app: Flask) -> tuple[int, dict[str, str]]:
    status, output, _ = call(app, "doctor")
    return status, {line[6:18].strip(): line[:4].strip() + " " + line[18:] for line in output.splitlines()}


def test_doctor_says_that_everything_works(app: Flask, green_meadows: int, environment: dict[str, str]) -> None:
    with worker(environment):
        assert call(app, "import", str(EXAMPLES / "element_types.csv"), "--project", "1")[0] == 0
        # A job can end before the reaper, which starts beside its worker, has run for the first time.
        status, lines = lines_of_doctor(app)
        end = time.monotonic() + 30
        while lines["reaper"] == "FAIL has never run. Start worker.py" and time.monotonic() < end:
            time.sleep(0.2)
            status, lines = lines_of_doctor(app)
    assert {name: line for name, line in lines.items() if not line.startswith("ok ")} == {}
    assert status == 0
    assert lines["workers"] == "ok 1 seen lately"
    assert lines["queue"] == "ok empty"
    assert lines["messages"] == "ok none waiting"


def test_doctor_names_a_stopped_worker_and_an_old_migration(app: Flask, project_id: int) -> None:
    newest = db.session.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    db.session.execute(text("UPDATE alembic_version SET version_num = '0011'"))
    db.session.commit()
    try:
        status, lines = lines_of_doctor(app)
    finally:
        db.session.execute(text("UPDATE alembic_version SET version_num = :newest"), {"newest": newest})
        db.session.commit()
    assert status == 1
    assert lines["migrations"] == f"FAIL the database has 0011, this version needs {newest}. Run: flask db upgrade"
    assert lines["workers"].startswith("FAIL none was seen lately. Start worker.py")
    assert lines["reaper"] == "FAIL has never run. Start worker.py"
    assert lines["redis"].startswith("ok ")


def test_doctor_names_missing_tables(app: Flask, project_id: int) -> None:
    db.session.execute(text("ALTER TABLE import_jobs RENAME TO hidden_jobs"))
    db.session.commit()
    try:
        status, lines = lines_of_doctor(app)
    finally:
        db.session.execute(text("ALTER TABLE hidden_jobs RENAME TO import_jobs"))
        db.session.commit()
    assert status == 1
    assert lines["queue"] == "FAIL a table is missing. Run: flask db upgrade"


def test_doctor_names_a_reaper_that_has_stopped_and_a_job_that_waits_too_long(app: Flask, green_meadows: int) -> None:
    reaper.sweep()
    swept = f"precast:reaper:{app.config['PRECAST'].queue_name}"
    broker.redis_connection().set(swept, time.time() - 300)
    submit(green_meadows, EXAMPLES / "element_types.csv")
    db.session.execute(text("UPDATE import_jobs SET queued_at = queued_at - interval '2 hours' WHERE phase = 'queued'"))
    db.session.commit()
    status, lines = lines_of_doctor(app)
    assert status == 1
    assert lines["reaper"].startswith("FAIL ran 30")
    assert lines["reaper"].endswith(" s ago. Is worker.py running, and can it reach the database?")
    assert lines["queue"].startswith("FAIL 1 queued, the first for 7,20")


def test_doctor_names_messages_that_no_worker_sends(app: Flask, project_id: int) -> None:
    webhooks.create(project_id, "https://example.com/hooks", [NotificationEvent.JOB_COMPLETED], "ada")
    complete(claim_or_fail(submit_stages(project_id)))
    assert re.fullmatch(r"ok webhook: 1 waiting, the first for \d+ s", lines_of_doctor(app)[1]["messages"])
    db.session.execute(text("UPDATE outbox_messages SET next_attempt_at = now() - interval '400 seconds'"))
    db.session.commit()
    status, lines = lines_of_doctor(app)
    assert status == 1
    assert re.fullmatch(
        r"FAIL webhook: 1 waiting, the first for \d+ s; one is overdue by 4\d\d s\. Start worker\.py, or .* in its log",
        lines["messages"],
    )


def test_doctor_compares_clocks_sizes_settings_and_versions(app: Flask, project_id: int) -> None:
    with changed_settings(app, max_attempts=7):
        _, lines = lines_of_doctor(app)
    assert "MAX_ATTEMPTS" in lines["settings"]
    assert lines["settings"].startswith("ok not default: ")
    assert app.config["PRECAST"].secret_key not in str(lines)
    server = db.session.execute(text("SHOW server_version")).scalar_one()
    assert f"Python {platform.python_version()}, PostgreSQL {server}, Redis " in lines["versions"]
    assert re.fullmatch(r"ok PostgreSQL [+-]0\.\d s, Redis [+-]0\.\d s against this machine", lines["clocks"]), lines[
        "clocks"
    ]
    assert re.fullmatch(r"ok the database takes \d+ MiB, of which \d+ are uploads", lines["disk"]), lines["disk"]


def test_doctor_names_a_clock_that_is_wrong(app: Flask, environment: dict[str, str], tmp_path: Path) -> None:
    """The clock of the command's process is a minute ahead."""
    (tmp_path / "sitecustomize.py").write_text("import time\nnow = time.time\ntime.time = lambda: now() + 60\n")
    ahead = {**environment, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "flask", "doctor"], cwd=ROOT, env=ahead, capture_output=True, text=True, check=False
    )
    (line,) = [line for line in done.stdout.splitlines() if " clocks " in line]
    assert re.fullmatch(
        r"FAIL  clocks .*Redis -(60|59)\.\d s against this machine\. Synchronize the clocks \(NTP\)", line
    )


def test_doctor_goes_on_without_redis(app: Flask, project_id: int, environment: dict[str, str]) -> None:
    lost = {**environment, "REDIS_URL": "redis://127.0.0.1:1"}
    done = subprocess.run(
        [sys.executable, "-m", "flask", "doctor"], cwd=ROOT, env=lost, capture_output=True, text=True, check=False
    )
    lines = {line[6:18].strip(): line for line in done.stdout.splitlines()}
    assert (done.returncode, len(lines)) == (1, 11), done.stderr
    assert lines["redis"].startswith("FAIL  redis       Error 111 connecting to 127.0.0.1:1")
    assert lines["database"].startswith("ok    database    answers in ")


def test_lists_are_printed_as_the_api_returns_them(
    app: Flask, client: FlaskClient, admin: dict[str, str], green_meadows: int
) -> None:
    submit(green_meadows, EXAMPLES / "element_types.csv")
    for words, path, name in (
        (("job", "list", "--project", "1", "--limit", "50"), "/api/project/1/jobs?limit=50", "jobs"),
        (("project", "list"), "/api/project", "projects"),
        (("user", "list"), "/api/users", "users"),
    ):
        status, output, _ = call(app, *words, "--json")
        assert status == 0
        assert json.loads(output) == client.get(path, headers=admin).get_json()[name] != []
