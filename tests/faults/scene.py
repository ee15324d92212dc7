"""The servers, the workers and the running job that the faults are caused in."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg2
import redis
from redis.exceptions import RedisError

from devstack import process
from devstack.os_user import server_user
from precast_app.jobs import broker
from tests.conftest import ROOT, kill

_START_SECONDS = 60


def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait until the condition is true; fail the test after `seconds`, naming `what` was awaited."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


class Scene:
    """The workers of an installation and the job that they run; `clear` kills the workers."""

    def __init__(self, environment: dict[str, str], rng: random.Random) -> None:
        self.environment = environment
        self.rng = rng
        self.job_id = 0
        self.workers: list[subprocess.Popen[bytes]] = []

    def start_worker(self) -> None:
        """Start `worker.py` and wait until it is registered in Redis."""
        known = set(broker.worker_names())
        started = subprocess.Popen(
            [sys.executable, "worker.py"],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.workers.append(started)
        until(lambda: bool(set(broker.worker_names()) - known), _START_SECONDS, "a worker is registered")

    def children(self, role: str) -> list[psutil.Process]:
        """Return the workers' processes of a role: `jobs`, `reaper`, or `job_process` for those that run a job."""
        found = []
        for each in self.workers:
            with suppress(psutil.NoSuchProcess):
                for child in psutil.Process(each.pid).children():
                    with suppress(psutil.NoSuchProcess):
                        if role == "job_process":
                            found += child.children()
                        elif role in child.cmdline():
                            found.append(child)
        return found

    def clear(self) -> None:
        """Kill every worker."""
        for each in self.workers:
            kill(each)
        self.workers.clear()

    @property
    def database_url(self) -> str:
        """The URL of the database."""
        return self.environment["DATABASE_URL"]

    def connect(self) -> psycopg2.extensions.connection:
        """Return a connection to the database in autocommit mode, which the faults spare."""
        connection = psycopg2.connect(self.database_url, application_name="faults", connect_timeout=5)
        connection.autocommit = True
        return connection


class Servers:
    """PostgreSQL and Redis, which can be stopped and started again on the same ports."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._database_url = environment["DATABASE_URL"]
        self._redis_url = environment["REDIS_URL"]
        information = self._redis().info("server")
        self._redis_pid = int(information["process_id"])
        self._redis_command = [information["executable"], information["config_file"]]
        port = f"--port={urlsplit(self._database_url).port}"
        self._postgres = next(
            each for each in psutil.process_iter() if port in _command(each) and "-D" in _command(each)
        )
        self._postgres_command = self._postgres.cmdline()
        self._started: list[subprocess.Popen[bytes]] = []
        # The tests' PostgreSQL is not durable: in a crash it could lose what it has reported as committed.
        with psycopg2.connect(self._database_url) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT current_database()")
            (name,) = cursor.fetchone() or ("",)
            cursor.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = on')
        connection.close()

    def _redis(self) -> redis.Redis:
        return redis.Redis.from_url(self._redis_url, socket_connect_timeout=1, socket_timeout=1)

    def kill_redis(self) -> None:
        """Kill Redis, which loses all its data."""
        self._end(psutil.Process(self._redis_pid), signal.SIGKILL)

    def start_redis(self) -> None:
        """Start Redis on its previous port."""
        started = subprocess.Popen(
            self._redis_command,
            cwd=Path(self._redis_command[1]).parent,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._started.append(started)
        self._redis_pid = started.pid
        until(self._redis_answers, _START_SECONDS, "Redis answers")

    def _redis_answers(self) -> bool:
        try:
            return bool(self._redis().ping())
        except RedisError:
            return False

    def hold_redis(self, *, held: bool) -> None:
        """Stop Redis from answering, or let it continue."""
        os.kill(self._redis_pid, signal.SIGSTOP if held else signal.SIGCONT)

    def restart_postgres(self, sign: signal.Signals) -> None:
        """Stop PostgreSQL with a signal and start it again on its previous port."""
        self._end(self._postgres, sign)
        data = Path(self._postgres_command[self._postgres_command.index("-D") + 1])
        os_user = server_user(data, Path(self._postgres_command[0]).parent)
        log = data.parent / "restarted.log"
        started = process.start(
            self._postgres_command, log, directory=Path("/"), os_user=os_user, death_signal=signal.SIGINT
        )
        self._started.append(started)
        self._postgres = psutil.Process(started.pid)
        until(self._postgres_answers, _START_SECONDS, "PostgreSQL answers")

    def listen_on(self, address: str, network_bits: int = 30) -> None:
        """Let both servers listen on another address of this machine too."""
        command = self._postgres_command
        if any(word.endswith(f",{address}") for word in command):
            return
        with (Path(command[command.index("-D") + 1]) / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {address}/{network_bits} scram-sha-256\n")
        listening = "--listen_addresses="
        self._postgres_command = [f"{w},{address}" if w.startswith(listening) else w for w in command]
        self.restart_postgres(signal.SIGINT)
        self._redis().config_set("bind", f"127.0.0.1 {address}")

    def _postgres_answers(self) -> bool:
        try:
            psycopg2.connect(self._database_url, connect_timeout=2).close()
        except psycopg2.OperationalError:
            return False
        return True

    def _end(self, server: psutil.Process, sign: signal.Signals) -> None:
        server.send_signal(sign)
        for started in self._started:
            if started.pid == server.pid:
                started.wait(_START_SECONDS)
                return
        # Another part of this process started it and has not waited for it yet.
        until(lambda: not server.is_running() or server.status() == psutil.STATUS_ZOMBIE, _START_SECONDS, "it ends")

    def stop(self) -> None:
        """Stop the servers that were started in place of the first ones."""
        for started in reversed(self._started):
            if started.poll() is None:
                started.send_signal(signal.SIGINT)
                started.wait(_START_SECONDS)


def _command(server: psutil.Process) -> list[str]:
    try:
        return server.cmdline()
    except psutil.Error:
        return []
