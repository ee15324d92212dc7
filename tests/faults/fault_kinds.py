"""The kinds of faults: each function causes one while a job runs, and repairs what an operator would repair."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from contextlib import suppress

import psutil
import psycopg2

from precast_app.jobs import broker, dispatch
from tests.conftest import kill
from tests.faults.scene import Scene, Servers

Fault = Callable[[Scene, Servers], None]


def job_process_killed(scene: Scene, servers: Servers) -> None:
    """Kill the process that runs the job."""
    for job_process in scene.children("job_process"):
        with suppress(psutil.NoSuchProcess):
            job_process.kill()


def worker_killed(scene: Scene, servers: Servers) -> None:
    """Kill the process that waits for jobs; its supervisor starts another one."""
    for child in scene.children("jobs"):
        child.kill()


def all_killed(scene: Scene, servers: Servers) -> None:
    """Kill every process of the worker, and start another worker."""
    scene.clear()
    scene.start_worker()


def asked_to_stop(scene: Scene, servers: Servers) -> None:
    """Send SIGTERM to every process of the worker; all exit within 20 s. Start another worker."""
    (process,) = scene.workers
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for each in family:
        with suppress(psutil.NoSuchProcess):
            each.terminate()
    _, alive = psutil.wait_procs(family, timeout=20)
    assert not alive
    kill(process)
    scene.workers.clear()
    scene.start_worker()


def redis_flushed(scene: Scene, servers: Servers) -> None:
    """Delete everything in Redis."""
    broker.redis_connection().flushall()


def redis_restarted(scene: Scene, servers: Servers) -> None:
    """Kill Redis, and start it again after up to 3 s, empty."""
    servers.kill_redis()
    time.sleep(scene.rng.uniform(0, 3))
    servers.start_redis()


def redis_hangs(scene: Scene, servers: Servers) -> None:
    """Stop Redis from answering for up to 4 s."""
    servers.hold_redis(held=True)
    time.sleep(scene.rng.uniform(0.5, 4))
    servers.hold_redis(held=False)


def enqueued_twice(scene: Scene, servers: Servers) -> None:
    """Enqueue the job's id three more times, with two workers that can take it."""
    for _ in range(3):
        dispatch.enqueue(scene.job_id)
    scene.start_worker()


def connections_cut(scene: Scene, servers: Servers) -> None:
    """Close all connections of PostgreSQL, up to three times."""
    with scene.connect() as connection, connection.cursor() as cursor:
        for _ in range(scene.rng.randrange(1, 4)):
            cursor.execute("""
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name <> 'faults'
                  AND backend_type = 'client backend'
            """)
            time.sleep(scene.rng.uniform(0, 0.3))
    connection.close()


def postgres_restarted(scene: Scene, servers: Servers) -> None:
    """Shut PostgreSQL down and start it again."""
    servers.restart_postgres(signal.SIGINT)


def postgres_crashed(scene: Scene, servers: Servers) -> None:
    """Stop PostgreSQL without a checkpoint, so that it has to recover when it starts again."""
    servers.restart_postgres(signal.SIGQUIT)


def deadlock(scene: Scene, servers: Servers) -> None:
    """Lock rows in the opposite order of the batches, so that PostgreSQL ends a deadlock."""
    with scene.connect() as connection, connection.cursor() as cursor:
        connection.autocommit = False
        cursor.execute("SET LOCAL lock_timeout = '8s'")
        cursor.execute("SELECT id FROM element_types ORDER BY id DESC FOR UPDATE LIMIT 15")
        time.sleep(0.3)
        with suppress(psycopg2.OperationalError):
            cursor.execute("SELECT id FROM element_types ORDER BY id FOR UPDATE")
        connection.rollback()
    connection.close()


def pool_full(scene: Scene, servers: Servers) -> None:
    """Use up all connections of PostgreSQL for up to 2 s."""
    taken = []
    with suppress(psycopg2.OperationalError):
        while True:
            taken.append(psycopg2.connect(scene.database_url, application_name="faults"))
    taken[0].autocommit = True
    with taken[0].cursor() as cursor:
        # The worker has to open new connections.
        cursor.execute("""
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND application_name <> 'faults'
              AND backend_type = 'client backend'
        """)
    time.sleep(scene.rng.uniform(0.2, 2))
    for each in taken:
        each.close()


KINDS: dict[str, Fault] = {
    each.__name__: each
    for each in (
        job_process_killed, worker_killed, all_killed, asked_to_stop, redis_flushed, redis_restarted, redis_hangs,
        enqueued_twice,
        connections_cut, postgres_restarted, postgres_crashed, deadlock, pool_full,
    )
}  # fmt: skip
