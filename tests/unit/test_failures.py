"""What is recorded for a job that ends with an exception."""

from __future__ import annotations

import pytest
from rq.timeouts import JobTimeoutException

from precast_app.config import Settings
from precast_app.errors import AllRowsRejected, Conflict, ImportAborted, JobFailed, NoDataRows
from precast_app.jobs import failures, registry
from precast_app.models import FailureReason

SETTINGS = Settings.from_environment(
    {
        "DATABASE_URL": "postgresql://localhost/precast",
        "REDIS_URL": "redis://localhost",
        "SECRET_KEY": "only for tests, abcdefghijklmnop",
        "JOB_TIMEOUT_SECONDS": "90",
        "JOB_MEMORY_BYTES": "300000000",
    }
)


def caused_by_memory() -> SystemError:
    error = SystemError("a function returned a result with an exception set")
    error.__cause__ = MemoryError()
    return error


@pytest.mark.parametrize(
    ("error", "text", "reason"),
    [
        (AllRowsRejected(2, "Row 2: bad"), "None of the 2 rows could be imported.\nRow 2: bad", FailureReason.REJECTED),
        (ImportAborted("1 of 2 rows has errors"), "1 of 2 rows has errors", FailureReason.ABORTED),
        (JobFailed("The plan is outdated."), "The plan is outdated.", FailureReason.ERROR),
        (NoDataRows(), "The file has no data rows", FailureReason.ERROR),
        (Conflict("It is in use."), "It is in use.", FailureReason.ERROR),
        (JobTimeoutException(), "took longer than 90 seconds", FailureReason.ERROR),
        (MemoryError(), "more memory than the 300 MB", FailureReason.ERROR),
        (caused_by_memory(), "more memory than the 300 MB", FailureReason.ERROR),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_a_known_exception_becomes_the_error_of_its_job(error: Exception, text: str, reason: FailureReason) -> None:
    failure = failures.describe(error, 7, "element_type_import", SETTINGS)
    assert text in failure.error
    assert (failure.reason, failure.is_bug) == (reason, False)


@pytest.mark.parametrize("name", registry.TYPES)
def test_the_advice_of_a_failed_job_fits_its_type(name: str) -> None:
    errors = [
        failures.describe(each, 7, name, SETTINGS).error
        for each in (JobTimeoutException(), MemoryError(), RuntimeError("secret"))
    ]
    errors.append(failures.gave_up(name, 3))
    for error in errors:
        keeps_rows = "The rows that were imported" in error
        assert keeps_rows != ("Nothing was changed." in error)
        assert keeps_rows == (name == "element_type_import")
        assert "Retry the job" in error or registry.get(name).has_file


@pytest.mark.parametrize("error", [RuntimeError("secret"), SystemError("secret"), KeyError("secret")])
def test_any_other_exception_is_a_bug_whose_text_stays_in_the_log(error: Exception) -> None:
    failure = failures.describe(error, 7, "element_type_import", SETTINGS)
    assert failure.is_bug
    assert "in the log under job 7" in failure.error
    assert "secret" not in failure.error
