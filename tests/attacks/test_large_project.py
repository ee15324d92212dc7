"""A project with very many jobs is deleted in seconds."""

from __future__ import annotations

from flask import Flask

from tests.project_deletion import seconds_to_delete_large_project


def test_a_project_with_200_000_jobs_is_deleted_in_time(app: Flask) -> None:
    assert seconds_to_delete_large_project(jobs=200_000) < 90
