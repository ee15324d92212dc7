"""A network of simulated machines: a network namespace each, joined by a bridge to this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

import pytest

from tests.conftest import ROOT

# An address of hardware that no machine has.
_NOBODY = "02:00:00:00:00:fe"


class Host:
    """A machine of the network, at `address`."""

    def __init__(self, network: Network, number: int) -> None:
        self._network = network
        self._namespace = f"{network.bridge}n{number}"
        self._link, self._near_link = "eth0", f"{network.bridge}v{number}"
        self.address = f"{network.prefix}.{number + 1}"

    def start(self) -> None:
        """Create the namespace and join it to the bridge."""
        _ip("netns", "add", self._namespace)
        _ip("link", "add", self._near_link, "type", "veth", "peer", "name", self._link, "netns", self._namespace)
        _ip("link", "set", self._near_link, "master", self._network.bridge, "up")
        _ip("-n", self._namespace, "address", "add", f"{self.address}/24", "dev", self._link)
        _ip("-n", self._namespace, "link", "set", self._link, "up")

    def run(self, command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start a command on the host; loopback addresses in `environment` are replaced by that of this machine."""
        here = self._network.address
        given = {name: value.replace("@127.0.0.1:", f"@{here}:") for name, value in environment.items()}
        return subprocess.Popen(["ip", "netns", "exec", self._namespace, *command], cwd=ROOT, env=given)

    def drop_packets(self) -> None:
        """Lose each packet to and from the host; neither side is notified."""
        _ip("neighbour", "replace", self.address, "lladdr", _NOBODY, "dev", self._network.bridge, "nud", "permanent")
        _ip(
            "-n", self._namespace,
            "neighbour", "replace", self._network.address, "lladdr", _NOBODY, "dev", self._link, "nud", "permanent",
        )  # fmt: skip

    def let_back(self) -> None:
        """Deliver packets again."""
        _ip("neighbour", "delete", self.address, "dev", self._network.bridge)
        _ip("-n", self._namespace, "neighbour", "delete", self._network.address, "dev", self._link)

    def stop(self) -> None:
        """Remove the namespace, and with it the link."""
        with suppress(subprocess.CalledProcessError):
            _ip("netns", "delete", self._namespace)


class Network:
    """A bridge with some hosts; `address` is that of this machine in the network."""

    def __init__(self, hosts: int) -> None:
        self.bridge = f"pm{os.getpid()}"
        self.prefix = f"10.214.{os.getpid() % 250}"
        self.address = f"{self.prefix}.1"
        self.hosts = [Host(self, number) for number in range(1, hosts + 1)]

    def start(self) -> None:
        """Create the bridge and the hosts; skip the test if that is not allowed."""
        try:
            _ip("link", "add", self.bridge, "type", "bridge")
            _ip("address", "add", f"{self.address}/24", "dev", self.bridge)
            _ip("link", "set", self.bridge, "up")
            for host in self.hosts:
                host.start()
        except subprocess.CalledProcessError as error:
            self.stop()
            pytest.skip(f"network namespaces are not allowed here: {error.stderr.strip()}")

    def stop(self) -> None:
        """Remove the hosts and the bridge."""
        for host in self.hosts:
            host.stop()
        with suppress(subprocess.CalledProcessError):
            _ip("link", "delete", self.bridge)


@contextmanager
def network(hosts: int) -> Iterator[Network]:
    """Run a network for the duration of the block; skip the test if that is not possible."""
    if shutil.which("ip") is None:
        pytest.skip("`ip` is missing: install iproute2")
    made = Network(hosts)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)
