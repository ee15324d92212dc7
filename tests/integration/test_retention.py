"""Expired files, plans and issues are deleted; the jobs stay."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import text

from precast_app.extensions import db
from precast_app.jobs import process_lock, retention
from precast_app.jobs.runner import run_job
from tests.conftest import EXAMPLES, get_job, run_import
from tests.job_states import age_job, submit_stages


def count(table: str, job_id: int) -> int:
    statement = text(f"SELECT count(*) FROM {table} WHERE job_id = :id")
    return int(db.session.execute(statement, {"id": job_id}).scalar_one())


def test_an_expired_file_is_deleted_and_its_job_stays(app: Flask, project_id: int) -> None:
    number = submit_stages(project_id)
    run_job(number)
    retention.delete_expired()
    assert count("import_file_chunks", number) == 1
    age_job(number, app.config["PRECAST"].file_retention_days * 86_400 + 1)
    retention.delete_expired()
    assert count("import_file_chunks", number) == 0
    assert get_job(number).status == "completed"


def test_the_plan_of_a_dry_run_is_kept_as_long_as_its_file(app: Flask, green_meadows: int) -> None:
    number = run_import(green_meadows, EXAMPLES / "element_types.csv", dry_run=True).id
    retention.delete_expired()
    assert (count("import_file_chunks", number), count("planned_changes", number)) == (1, 120)
    age_job(number, app.config["PRECAST"].file_retention_days * 86_400 + 1)
    retention.delete_expired()
    assert (count("import_file_chunks", number), count("planned_changes", number)) == (0, 0)


def test_expired_issues_are_deleted_in_portions(app: Flask, project_id: int) -> None:
    number = submit_stages(project_id)
    run_job(number)
    db.session.execute(
        text("""
            INSERT INTO import_issues (job_id, severity, code, message)
            SELECT :id, 'warning', 'a_code', 'text' FROM generate_series(1, 7000)
        """),
        {"id": number},
    )
    db.session.commit()
    retention.delete_expired()
    before = count("import_issues", number)
    assert before >= 7_000
    age_job(number, app.config["PRECAST"].issue_retention_days * 86_400 + 1)
    retention.delete_expired()
    assert count("import_issues", number) == before - 5_000
    retention.delete_expired()
    assert count("import_issues", number) == 0
    assert get_job(number).status == "completed"


def test_one_process_deletes_at_a_time(app: Flask, project_id: int) -> None:
    number = submit_stages(project_id)
    run_job(number)
    age_job(number, app.config["PRECAST"].file_retention_days * 86_400 + 1)
    with process_lock.try_lock(process_lock.RETENTION) as locked:
        assert locked
        retention.delete_expired()
        assert count("import_file_chunks", number) == 1
        db.session.rollback()
    retention.delete_expired()
    assert count("import_file_chunks", number) == 0
