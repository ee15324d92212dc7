"""Bounds on what a process may take of the machine, so that a file can break its own process and nothing else."""

from __future__ import annotations

import resource


def limit_memory(most: int) -> None:
    """Let this process take at most so many bytes for its data; stacks and shared code are left out."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def lift_memory_limit() -> None:
    """Remove the soft limit on memory, so that what has happened can be reported."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def limit_cpu(seconds: int) -> None:
    """Let the kernel end this process when it has used so many seconds of processor time."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    most = seconds if hard == resource.RLIM_INFINITY else min(seconds, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (most, hard))


def forbid_core_dumps() -> None:
    """Write no core dump when the process crashes: it would hold a person's data and fill the disk."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
