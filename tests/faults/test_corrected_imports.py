"""Imports with corrections, each with one fault at a random moment."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from sqlalchemy import select

from precast_app.auth.permissions import Identity
from precast_app.extensions import db
from precast_app.jobs import corrected_imports, corrections, service
from precast_app.models import ElementType
from tests.auth_headers import create_user
from tests.conftest import run_import, wait_for
from tests.faults.fault_kinds import KINDS
from tests.faults.fault_runs import RECOVERY_TIMEOUT_SECONDS, RUNS, SEED, has_ended, write_log, write_workbook
from tests.faults.scene import Scene, Servers


@pytest.mark.parametrize("run", range(max(2, RUNS // 5)))
def test_a_corrected_import_with_a_fault_ends_like_one_without(
    green_meadows: int, scene: Scene, fault_servers: Servers, tmp_path: Path, run: int
) -> None:
    """The fault comes while a preview runs again with its corrections, or while it is imported."""
    first = write_workbook(tmp_path / "first.xlsx", 250, 1)
    second = write_workbook(tmp_path / "second.xlsx", 400, 2, is_revision=True)
    assert run_import(green_meadows, first).status == "completed"
    dry = run_import(green_meadows, second, dry_run=True, batch_size=5, concurrent_batches=2)
    assert (dry.status, dry.rejected_count) == ("completed", 8), dry.error
    dry_id = dry.id
    corrections.save(dry_id, {(8, "C"): "250"}, {("C", "tall"): "200"}, 0, "tester")
    ada = Identity(create_user("ada", is_admin=True).id, "ada", is_admin=True)
    scene.start_worker()
    names = list(KINDS)
    scene.job_id = corrected_imports.revalidate(dry_id, ada).id
    if run % 2:
        previewed = wait_for(scene.job_id, has_ended, RECOVERY_TIMEOUT_SECONDS)
        assert previewed.rejected_count == 0, previewed.error
        scene.job_id = service.apply(dry_id, ada).id
    name = scene.rng.choice(names)
    # Connections of this process may be cut by the fault.
    db.session.remove()
    time.sleep(scene.rng.uniform(0, 1.5))
    KINDS[name](scene, fault_servers)
    db.engine.dispose()
    done = wait_for(scene.job_id, has_ended, RECOVERY_TIMEOUT_SECONDS)
    assert (done.status, done.rejected_count, done.total_items) == ("completed", 0, 380), done.error
    if not run % 2:
        done = wait_for(service.apply(dry_id, ada).id, has_ended, RECOVERY_TIMEOUT_SECONDS)
        assert (done.status, done.rejected_count) == ("completed", 0), done.error
    write_log(f"seed {SEED} corrected run {run:3}: {name}: {done.created_count} created")
    found = db.session.execute(select(ElementType.name, ElementType.height))
    heights = {each.name: each.height for each in found}
    assert [int(heights[f"N-{number:05}"] or 0) for number in (7, 57, 107, 357)] == [250, 200, 200, 200]
    # Those of the first file stay; renamed ones are new, because nobody accepted the renames.
    assert len(heights) == 405
