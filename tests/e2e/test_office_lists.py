"""Lists of other offices, imported through the API of a running system as they are proposed, then again unasked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.conftest import emptied
from tests.live_site import Site, serving
from tests.unit import more_office_lists, office_lists

LISTS = office_lists.LISTS | more_office_lists.LISTS


@pytest.fixture(scope="module")
def site(_application: Flask, environment: dict[str, str]) -> Iterator[Site]:
    """Yield the system on empty tables, for all tests of the module; each uses a project of its own."""
    with emptied(_application), serving(environment) as found:
        yield found


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_imported_as_proposed_and_again_without_a_question(site: Site, name: str) -> None:
    project = site.project(name, reference=False)
    url = f"{site.address}/api/project/{project}/import/excel"

    def uploaded(**options: str) -> int:
        answer = site.session.post(url, files={"file": ("list.csv", LISTS[name].content)}, params=options, timeout=60)
        assert answer.status_code == 202, answer.text
        return int(answer.json()["job_id"])

    job_id = uploaded(mapping="ask")
    draft = site.get(f"/api/jobs/{job_id}/columns")["profile"]
    body = {**draft, "save": True, "create_missing": True}
    started = site.session.put(f"{site.address}/api/jobs/{job_id}/mapping", json=body, timeout=60)
    assert started.status_code == 202, started.text
    first = site.follow(job_id)[-1]
    assert (first["status"], first["rejected_count"]) == ("completed", 0), first
    again = site.follow(uploaded())[-1]
    assert (again["status"], again["unchanged_count"]) == ("completed", first["created_count"]), again
    exported = site.session.get(f"{site.address}/api/project/{project}/export/excel", timeout=60).content
    back = site.follow(
        site.post(f"/api/project/{project}/import/excel", files={"file": ("export.xlsx", exported)})["job_id"]
    )[-1]
    assert (back["unchanged_count"], back["rejected_count"]) == (first["created_count"], 0), back
