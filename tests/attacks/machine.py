"""A simulated remote machine that can vanish: a network namespace with one link to this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import pytest

from tests.conftest import ROOT, kill


class Machine:
    """Network namespace; `here` and `there` are the addresses of the link's two ends."""

    def __init__(self) -> None:
        self._name = f"pms{os.getpid()}"
        self._link, self._far_link = f"pa{os.getpid()}", f"pb{os.getpid()}"
        network = f"10.213.{os.getpid() % 250}"
        self.here, self.there = f"{network}.1", f"{network}.2"

    def start(self) -> None:
        """Create the namespace and its link; skip the test if namespaces aren't allowed."""
        try:
            _ip("netns", "add", self._name)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"network namespaces are not allowed here: {error.stderr.strip()}")
        _ip("link", "add", self._link, "type", "veth", "peer", "name", self._far_link, "netns", self._name)
        _ip("address", "add", f"{self.here}/30", "dev", self._link)
        _ip("link", "set", self._link, "up")
        _ip("-n", self._name, "address", "add", f"{self.there}/30", "dev", self._far_link)
        _ip("-n", self._name, "link", "set", self._far_link, "up")

    def run(self, command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start a command on the machine; loopback addresses in the values of `environment` are replaced by `here`."""
        given = {name: value.replace("@127.0.0.1:", f"@{self.here}:") for name, value in environment.items()}
        return subprocess.Popen(["ip", "netns", "exec", self._name, *command], cwd=ROOT, env=given)

    def vanish(self) -> None:
        """Cut the link at the far end, of which this side is not notified."""
        _ip("-n", self._name, "link", "set", self._far_link, "down")

    def stop(self) -> None:
        """Remove namespace and link."""
        _ip("link", "delete", self._link)
        _ip("netns", "delete", self._name)


@contextmanager
def machine() -> Iterator[Machine]:
    """Run a simulated machine for the duration of the block; skip the test if that is not possible."""
    if shutil.which("ip") is None:
        pytest.skip("`ip` is missing: install iproute2")
    made = Machine()
    made.start()
    try:
        yield made
    finally:
        made.stop()


@contextmanager
def running(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Kill the process and all its children at the end of the block."""
    try:
        yield process
    finally:
        kill(process)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)
