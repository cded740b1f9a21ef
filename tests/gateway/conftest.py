"""Real servers of Redis, for whatever is tested over one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.gateway.freshness.conftest import RedisServer


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[RedisServer]:
    """One server for all tests that leave it running."""
    server = RedisServer()
    server.start()
    yield server
    server.remove()


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A server for one test to mistreat."""
    server = RedisServer()
    server.start()
    yield server
    server.remove()
