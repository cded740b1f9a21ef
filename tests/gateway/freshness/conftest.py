"""A clock that is moved by hand, a real Redis server, and the storages that every claim is made for."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest
from pydantic import SecretStr

from gateway.freshness.cache import FreshCache
from gateway.freshness.settings import CacheSettings
from gateway.freshness.storage import Storage, open_storage
from tests.gateway.freshness.asking import SETTINGS, AskedProvider
from tests.redis_server import RedisServer

KEY = SecretStr("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")


class HandClock:
    """A `Clock` that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 31, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class StorageOpener(Protocol):
    """Opens one more storage, as another worker would; all are closed after the test."""

    def __call__(self) -> Storage: ...


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def open_redis(shared_redis: RedisServer) -> AsyncIterator[StorageOpener]:
    """Opens storages over the shared server, under a prefix of this test's own."""
    prefix = f"t{secrets.token_hex(4)}"
    opened: list[Storage] = []

    def open_one() -> Storage:
        # A test is not about a busy machine: the limit is generous.
        settings = CacheSettings(url=SecretStr(shared_redis.url), key_prefix=prefix, timeout_ms=5000)
        opened.append(open_storage(settings))
        return opened[-1]

    yield open_one
    for storage in opened:
        await storage.aclose()


@pytest.fixture(params=["memory", "redis", "sealed redis"])
async def storage(request: pytest.FixtureRequest, shared_redis: RedisServer) -> AsyncIterator[Storage]:
    """Every storage there is: what is claimed of one is claimed of all."""
    url = "memory://" if request.param == "memory" else shared_redis.url
    key = KEY if request.param == "sealed redis" else None
    settings = CacheSettings(
        url=SecretStr(url), key_prefix=f"t{secrets.token_hex(4)}", encryption_key=key, timeout_ms=5000
    )
    storage = open_storage(settings)
    yield storage
    await storage.aclose()


@pytest.fixture
async def cache(storage: Storage, clock: HandClock) -> AsyncIterator[FreshCache]:
    cache = FreshCache(storage, SETTINGS, clock)
    yield cache
    await cache.aclose()


@pytest.fixture
def provider() -> AskedProvider:
    return AskedProvider()


async def eventually(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Return as soon as `condition` holds; fail when it does not within `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # conditions of servers and other workers set no event
            await asyncio.sleep(0.005)
