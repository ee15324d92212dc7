"""The system as started by the Procfile, used over HTTP only."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.conftest import EXAMPLES, REFERENCE_DATA
from tests.element_type_files import SAMPLE_TOTALS
from tests.live_site import Site, started


@pytest.fixture
def site(app: Flask, environment: dict[str, str]) -> Iterator[Site]:
    """Run the system on empty tables."""
    with started(environment) as found:
        yield found


def test_the_sample_is_imported_through_the_api(site: Site) -> None:
    """Import the reference data and the sample as `make run` does."""
    project = site.post("/api/project", json={"name": "Green Meadows"})["project"]["id"]
    for job_type, name in REFERENCE_DATA.items():
        created = site.upload(f"/api/project/{project}/jobs?job_type={job_type}", EXAMPLES / name)
        assert site.follow(created["job_id"])[-1]["status"] == "completed"

    first = site.upload(f"/api/project/{project}/import/excel", EXAMPLES / "element_types.xlsx")
    assert (first["total_elements"], first["status"]) == (120, "pending")
    seen = site.follow(first["job_id"])
    assert seen[-1]["result"] == "Successfully processed 120 elements"
    percent = [job["progress"] for job in seen]
    assert percent == sorted(percent)
    assert [job["progress"] == 100 for job in seen] == [job["status"] == "completed" for job in seen]

    second = site.upload(f"/api/project/{project}/import_csv_element_type", EXAMPLES / "element_types.csv")
    again = site.follow(second["job_id"])[-1]
    assert (again["status"], again["unchanged_count"], again["created_count"]) == ("completed", 120, 0)

    summary = site.get(f"/api/project/{project}/summary")["summary"]
    assert {name: summary[name] for name in SAMPLE_TOTALS} == SAMPLE_TOTALS
    assert site.get(f"/api/project/{project}/jobs")["count"] == 6
