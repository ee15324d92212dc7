"""The `flask` commands."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from precast_app.auth import passwords, tokens, users
from precast_app.jobs import broker
from tests.conftest import EXAMPLES, worker


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
