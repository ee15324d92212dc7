"""A project with very many jobs is deleted in seconds."""

from __future__ import annotations

from flask import Flask

from tests.integration.test_delete_project import seconds_to_delete


def test_200_000_jobs(app: Flask) -> None:
    assert seconds_to_delete(jobs=200_000) < 90
