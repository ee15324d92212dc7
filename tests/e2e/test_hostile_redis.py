"""Write access to Redis runs no code, neither in the worker nor, through the dashboard, in the web server."""

from __future__ import annotations

import json
import os
import pickle
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis.typing import EncodableT, FieldT
from rq import Callback, Queue, Repeat, Retry
from rq.serializers import JSONSerializer

from precast_app.config import Settings
from precast_app.jobs import broker
from tests.conftest import EXAMPLES, submit, wait_for, worker

TRAP = "hostile_trap.spring"


@pytest.fixture
def sprung(tmp_path: Path, environment: dict[str, str]) -> Iterator[Path]:
    """Return a file that the trap creates when it is called. A worker with `environment` can import the trap."""
    path = tmp_path / "sprung"
    (tmp_path / "hostile_trap.py").write_text(
        f"from pathlib import Path\n\ndef spring(*args, **options):\n    Path({str(path)!r}).touch()\n"
    )
    before = environment.get("PYTHONPATH")
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(tmp_path), before)))
    yield path
    environment.pop("PYTHONPATH")
    if before is not None:
        environment["PYTHONPATH"] = before


def hostile_hash() -> dict[FieldT, EncodableT]:
    """Return the hash of an RQ job that names the trap wherever RQ would call a function."""
    return {
        "data": zlib.compress(json.dumps([TRAP, None, [], {}]).encode()),
        "origin": "elsewhere",
        "status": "queued",
        "success_callback_name": TRAP,
        "failure_callback_name": TRAP,
        "stopped_callback_name": TRAP,
        "success_callback_timeout": "not a number",
        "timeout": "-1",
        "retries_left": "99",
        "repeats_left": "99",
        "dependency_ids": json.dumps(["import-1-1"]),
        "webhooks": "[{}]",
        "meta": b"\x80not json",
        "created_at": "yesterday",
    }


def test_the_worker_calls_nothing_that_redis_names(
    app: Flask, green_meadows: int, environment: dict[str, str], sprung: Path
) -> None:
    settings: Settings = app.config["PRECAST"]
    redis = broker.redis_connection()
    strange = Queue(settings.queue_name, connection=redis, serializer=JSONSerializer)
    callbacks: dict[str, Any] = {name: Callback(TRAP) for name in ("on_success", "on_failure", "on_stopped")}
    parent = strange.enqueue_call(TRAP, args=(1,), **callbacks, retry=Retry(max=9), repeat=Repeat(times=9))
    strange.enqueue_call(broker.RUN_JOB, args=("1; DROP TABLE",), depends_on=parent, **callbacks)
    for rq_id in ("import-77-1", "import-99999999999-1", "import-0-1", "import-1-1; x", "\u202e", "../../etc"):
        redis.hset(f"rq:job:{rq_id}", mapping=hostile_hash())
        redis.rpush(strange.key, rq_id)
    redis.set("rq:job:import-78-1", "no hash")
    redis.rpush(strange.key, "import-78-1", "import-79-1", b"\xff\xfe", "")
    good = submit(green_meadows, EXAMPLES / "element_types.csv")
    good_key = f"rq:job:{broker.rq_job_id(good, 1)}"
    assert redis.exists(good_key)
    redis.hset(good_key, mapping=hostile_hash())
    redis.sadd(f"{good_key}:dependents", parent.id)
    with worker(environment):
        done = wait_for(good, lambda each: each.status == "completed")
        (name,) = broker.worker_names()
        again = wait_for(submit(green_meadows, EXAMPLES / "element_types.csv"), lambda each: each.status == "completed")
        assert broker.worker_names() == [name], "the worker has not been restarted"
    assert (done.created_count, done.attempt, again.unchanged_count) == (120, 1, 120)
    assert not sprung.exists()


def test_the_worker_survives_keys_of_unexpected_types(green_meadows: int, environment: dict[str, str]) -> None:
    redis, imports = broker.redis_connection(), broker.rq_queue()
    sample = EXAMPLES / "element_types.csv"
    for key in (imports.intermediate_queue_key, imports.started_job_registry.key, imports.failed_job_registry.key):
        redis.set(key, "no list")
    redis.set(imports.key, "no list")
    redis.sadd(f"rq:workers:{imports.name}", b"\xff", "no worker")
    redis.set("rq:suspended", 1)
    with worker(environment):
        first = wait_for(submit(green_meadows, sample), lambda each: each.status == "completed")
        (name,) = broker.worker_names()
        redis.set("rq:job:import-77-1", "no hash")
        redis.set("rq:executions:import-78-1", "no set")
        redis.rpush(imports.key, "import-77-1", "import-78-1")
        second = wait_for(submit(green_meadows, sample), lambda each: each.status == "completed")
        assert broker.worker_names() == [name], "the worker has not been restarted"
    assert (first.created_count, second.unchanged_count) == (120, 120)


def test_expired_rq_jobs_are_deleted_without_calling_their_callbacks(
    green_meadows: int, environment: dict[str, str], sprung: Path
) -> None:
    redis, imports = broker.redis_connection(), broker.rq_queue()
    redis.hset("rq:job:import-77-1", mapping={**hostile_hash(), "status": "started", "origin": imports.name})
    redis.zadd(imports.started_job_registry.key, {"import-77-1:execution": 1})
    redis.zadd(f"rq:ready:{imports.name}", {"import-77-1": 1})
    redis.rpush(imports.intermediate_queue_key, "import-77-1", b"\xff")
    leftover = (imports.started_job_registry.key, imports.intermediate_queue_key)
    with worker(environment):
        job_id = submit(green_meadows, EXAMPLES / "element_types.csv")
        # The worker removes its own entries after the job's last commit.
        wait_for(job_id, lambda each: each.status == "completed" and not redis.exists(*leftover))
    assert not sprung.exists()


def test_the_worker_ignores_commands_in_redis(green_meadows: int, environment: dict[str, str]) -> None:
    redis = broker.redis_connection()
    with worker(environment):
        first = submit(green_meadows, EXAMPLES / "element_types.csv")
        wait_for(first, lambda each: each.status == "completed")
        (name,) = broker.worker_names()
        commands: list[object] = [{"command": "shutdown"}, {"command": "kill-horse"}, []]
        for command in (*commands, {"command": "stop-job", "job_id": "x"}):
            assert redis.publish(f"rq:pubsub:{name}", json.dumps(command)) == 1
        second = submit(green_meadows, EXAMPLES / "element_types.csv")
        assert wait_for(second, lambda each: each.status == "completed").attempt == 1
        assert broker.worker_names() == [name]


class OpensFile:
    """An object that creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.path), "w")


def test_nothing_is_unpickled(
    app: Flask, client: FlaskClient, admin: dict[str, str], green_meadows: int, environment: dict[str, str],
    tmp_path: Path,
) -> None:  # fmt: skip
    path = tmp_path / "unpickled"
    pickled = pickle.dumps(OpensFile(path))
    redis = broker.redis_connection()
    rq_id = broker.rq_job_id(submit(green_meadows, EXAMPLES / "element_types.csv"), 1)
    hostile: dict[FieldT, EncodableT] = {"data": zlib.compress(pickled), "meta": pickled, "result": pickled}
    redis.hset(f"rq:job:{rq_id}", mapping=hostile)
    redis.xadd(f"rq:results:{rq_id}", {"type": "1", "return_value": pickled, "created_at": "2026-01-01T00:00:00Z"})
    queue_name = app.config["PRECAST"].queue_name
    for address in (
        f"view/job/{rq_id}",
        f"data/job/{rq_id}.json",
        f"view/jobs/{queue_name}/queued/8/asc/1",
        f"data/jobs/{queue_name}/queued/8/asc/1.json",
        "data/queues.json",
        "data/workers.json",
    ):
        client.get(f"/rq/0/{address}", headers=admin)
    for address in (
        f"job/{rq_id}/requeue",
        f"requeue/{queue_name}",
        f"job/{rq_id}/delete",
        f"queue/{queue_name}/compact",
    ):
        client.post(f"/rq/{address}", headers=admin)
    redis.hset(f"rq:job:{rq_id}", mapping=hostile)
    redis.rpush(f"rq:queue:{queue_name}", rq_id)
    with worker(environment):
        wait_for(int(rq_id.split("-")[1]), lambda each: each.status == "completed")
    assert not path.exists()
    pickle.loads(pickled).close()
    assert path.exists(), "unpickling it creates the file"


def test_unexpected_content_of_redis_breaks_no_page(
    app: Flask, client: FlaskClient, admin: dict[str, str], green_meadows: int
) -> None:
    """The dashboard reports entries that it can't show; the metrics and signing in work without them."""
    redis, imports = broker.redis_connection(), broker.rq_queue()
    redis.hset("rq:job:import-77-1", mapping={**hostile_hash(), "origin": imports.name})
    redis.zadd(imports.failed_job_registry.key, {"import-77-1": 2_000_000_000})
    redis.zadd(imports.failed_job_registry.key, {b"\xff": 2_000_000_000})
    redis.rpush(imports.key, "import-77-1", b"\xff", "../x")
    redis.sadd("rq:workers", "no worker", b"\xff")
    redis.sadd(f"rq:workers:{imports.name}", "no worker", b"\xff")
    redis.sadd("rq:queues", b"\xff")
    redis.set(f"precast:reaper:{imports.name}", "long ago")
    name = imports.name
    for address in (
        "", "0/view/job/import-77-1", "0/data/job/import-77-1.json", "0/data/job/nothing.json", "0/data/queues.json",
        "0/data/workers.json", f"0/data/jobs/{name}/queued/8/asc/1.json", f"0/data/jobs/{name}/failed/8/asc/1.json",
        f"0/data/jobs/{name}/nothing/8/asc/1.json", "7/view/queues", "0/view/workers",
    ):  # fmt: skip
        assert client.get(f"/rq/{address}", headers=admin).status_code in (200, 404, 502), address
    for address in ("job/import-77-1/requeue", f"requeue/{name}", "job/import-77-1/delete", f"queue/{name}/compact"):
        assert client.post(f"/rq/{address}", headers=admin).status_code in (200, 404, 502), address
    assert client.get("/metrics", headers=admin).status_code == 200
    assert client.get("/readyz").status_code in (200, 503)
    keys: Any = redis.keys("*sign-in*")
    assert not keys
    client.post("/login", data={"name": "ada", "password": "wrong"})
    keys = redis.keys("*sign-in*")
    assert keys
    for key in keys:
        redis.set(key, "many")
    assert client.post("/login", data={"name": "ada", "password": "wrong"}).status_code == 401
