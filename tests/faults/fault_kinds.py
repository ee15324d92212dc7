"""What can go wrong: each a function that does it to a scene while a job is under way, and mends what people would."""

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
    """SIGKILL of the process that does the job."""
    for job_process in scene.children("job_process"):
        with suppress(psutil.NoSuchProcess):
            job_process.kill()


def worker_killed(scene: Scene, servers: Servers) -> None:
    """SIGKILL of the process that listens; its parent starts another one."""
    for child in scene.children("jobs"):
        child.kill()


def all_killed(scene: Scene, servers: Servers) -> None:
    """SIGKILL of every process of the worker; another one is started."""
    scene.clear()
    scene.start_worker()


def asked_to_stop(scene: Scene, servers: Servers) -> None:
    """SIGTERM to every process of the worker, which is gone within 20 s; another one is started."""
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
    """Redis forgets everything."""
    broker.redis_connection().flushall()


def redis_restarted(scene: Scene, servers: Servers) -> None:
    """Redis is killed, is away for a while, and comes back empty."""
    servers.kill_redis()
    time.sleep(scene.chance.uniform(0, 3))
    servers.start_redis()


def redis_hangs(scene: Scene, servers: Servers) -> None:
    """Redis does not answer for a while."""
    servers.hold_redis(held=True)
    time.sleep(scene.chance.uniform(0.5, 4))
    servers.hold_redis(held=False)


def enqueued_twice(scene: Scene, servers: Servers) -> None:
    """The job's id is enqueued again and again, with two workers to take it."""
    for _ in range(3):
        dispatch.enqueue(scene.job_id)
    scene.start_worker()


def connections_cut(scene: Scene, servers: Servers) -> None:
    """All connections to PostgreSQL are cut, a few times."""
    with scene.connect() as connection, connection.cursor() as cursor:
        for _ in range(scene.chance.randrange(1, 4)):
            cursor.execute("""
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name <> 'faults'
            """)
            time.sleep(scene.chance.uniform(0, 0.3))
    connection.close()


def postgres_restarted(scene: Scene, servers: Servers) -> None:
    """PostgreSQL is shut down and started again."""
    servers.restart_postgres(signal.SIGINT)


def postgres_crashed(scene: Scene, servers: Servers) -> None:
    """PostgreSQL is stopped without a word to anyone, and recovers."""
    servers.restart_postgres(signal.SIGQUIT)


def deadlock(scene: Scene, servers: Servers) -> None:
    """Somebody holds a row that a batch wants, and wants the rows that it holds."""
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
    """Others take every connection that PostgreSQL has to give, for a while."""
    taken = []
    with suppress(psycopg2.OperationalError):
        while True:
            taken.append(psycopg2.connect(scene.database_url, application_name="faults"))
    taken[0].autocommit = True
    with taken[0].cursor() as cursor:
        # So that the worker has to ask for new ones.
        cursor.execute("""
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND application_name <> 'faults'
        """)
    time.sleep(scene.chance.uniform(0.2, 2))
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
