"""CPU seconds of this process with its children, and of a PostgreSQL server on this machine."""

from __future__ import annotations

import os
import resource
import time
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, text

from precast_app.config import database_uri

# The fields of /proc/PID/stat after the program's name: the parent, and the times of a process and its ended children.
_PARENT, _TIMES = 1, slice(11, 15)


# The server counts an ended process's time as its own only when it has noticed.
_SECONDS_TO_END = 0.1


@dataclass(frozen=True, slots=True)
class ProcessorTime:
    """CPU seconds: `python` of this process and its ended children, `postgres` of the server with all its processes."""

    python: float
    postgres: float

    def __sub__(self, earlier: ProcessorTime) -> ProcessorTime:
        return ProcessorTime(self.python - earlier.python, self.postgres - earlier.postgres)


class Meter:
    """Reads CPU times. The server's are 0 if it runs elsewhere or the system has no /proc."""

    def __init__(self, database_url: str) -> None:
        engine = create_engine(database_uri(database_url))
        try:
            with engine.connect() as connection:
                backend = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
                self._server = _read_stat(backend, 0)[_PARENT]
        except OSError:
            self._server = 0
        finally:
            engine.dispose()

    def read(self) -> ProcessorTime:
        """Return the CPU seconds until now, a moment after the server's processes without work have ended."""
        time.sleep(_SECONDS_TO_END)
        usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return ProcessorTime(sum(usage.ru_utime + usage.ru_stime for usage in usages), self._postgres_seconds())

    def _postgres_seconds(self) -> float:
        if not self._server:
            return 0.0
        ticks = 0
        for directory in Path("/proc").glob("[0-9]*"):
            try:
                fields = _read_stat(int(directory.name), self._server)
            except OSError:
                continue
            if fields:
                ticks += sum(fields[_TIMES])
        return ticks / os.sysconf("SC_CLK_TCK")


def _read_stat(pid: int, server: int) -> list[int]:
    """Return the numbers of a process; an empty list if `server` is given and is neither the process nor its parent."""
    text_fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    if server and pid != server and text_fields[_PARENT] != str(server):
        return []
    return [0, *map(int, text_fields[1:])]
