"""Limits on this process's memory and processor time, so that a costly file ends its own process and nothing else."""

from __future__ import annotations

import resource


def limit_memory(max_bytes: int) -> None:
    """Limit this process's data segment (RLIMIT_DATA) to `max_bytes`; stacks and shared code don't count."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(
        resource.RLIMIT_DATA, (max_bytes if hard == resource.RLIM_INFINITY else min(max_bytes, hard), hard)
    )


def lift_memory_limit() -> None:
    """Raise the soft memory limit to the hard limit, so that there is memory to report an error."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def limit_cpu(seconds: int) -> None:
    """Make the kernel end this process when it has used `seconds` of processor time."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = seconds if hard == resource.RLIM_INFINITY else min(seconds, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def disable_core_dumps() -> None:
    """Disable core dumps, which would hold users' data and fill the disk."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
