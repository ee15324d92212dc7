"""Fixtures of the tests that attack a running system."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.scene import Servers


@pytest.fixture(scope="session")
def servers(environment: dict[str, str]) -> Iterator[Servers]:
    # Later tests use the servers that were started in place of the first ones.
    found = Servers(environment)
    yield found
    found.stop()
