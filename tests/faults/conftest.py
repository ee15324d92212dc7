"""Fixtures of the tests with faults."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.faults.fault_runs import SEED
from tests.faults.scene import Scene, Servers


@pytest.fixture(scope="session")
def fault_servers(environment: dict[str, str]) -> Iterator[Servers]:
    # Later tests use the servers that were started in place of the first ones.
    found = Servers(environment)
    yield found
    found.stop()


@pytest.fixture
def scene(environment: dict[str, str], request: pytest.FixtureRequest) -> Iterator[Scene]:
    made = Scene(environment, random.Random(f"{SEED}/{request.node.name}"))
    yield made
    made.clear()
