"""A project with very many jobs is deleted in seconds."""

from __future__ import annotations

from flask import Flask

from tests.project_deletion import seconds_to_delete_large_project


def test_200_000_jobs(app: Flask) -> None:
    assert seconds_to_delete_large_project(jobs=200_000) < 90
