"""Copies that must be gone are gone from the server, and nothing else is."""

from __future__ import annotations

import secrets
from datetime import timedelta

import pytest
from pydantic import SecretStr, TypeAdapter

from gateway.freshness.cache import FreshCache, Lookup
from gateway.freshness.envelope import Lifetime
from gateway.freshness.erasing import SharedCopies
from gateway.freshness.guard import StorageUnavailable
from gateway.freshness.keys import CacheKey, order_tag
from gateway.freshness.settings import CacheSettings, FreshnessSettings
from gateway.freshness.storage import open_shared, open_storage
from tests.gateway.freshness.conftest import KEY, HandClock
from tests.redis_server import RedisServer

HOUR = timedelta(hours=1)


@pytest.fixture(params=["plain", "sealed"])
def settings(request: pytest.FixtureRequest, shared_redis: RedisServer) -> CacheSettings:
    """A cache of this test's own in the shared server, readable and encrypted."""
    return CacheSettings(
        url=SecretStr(shared_redis.url),
        key_prefix=f"t{secrets.token_hex(4)}",
        encryption_key=KEY if request.param == "sealed" else None,
        timeout_ms=5000,
    )


def about(*orders: str) -> Lookup[str]:
    """A question whose answer speaks of `orders`."""
    return Lookup(
        key=CacheKey("acme", "karla", "find", " ".join(orders)),
        codec=TypeAdapter(str),
        lifetime=lambda _value: Lifetime(HOUR, HOUR),
        tags_of=lambda _value: frozenset(order_tag("acme", order) for order in orders),
    )


async def keep(settings: CacheSettings, *lookups: Lookup[str]) -> None:
    cache = FreshCache(open_storage(settings), FreshnessSettings(), HandClock())
    for lookup in lookups:
        await cache.put(lookup, "an answer", cache.instant())
    await cache.invalidate([order_tag("acme", "7")])
    await cache.aclose()


async def erase(settings: CacheSettings, order: str) -> int:
    storage = open_shared(settings)
    assert storage is not None
    copies = SharedCopies(storage)
    try:
        return await copies.erase(frozenset({order_tag("acme", order)}))
    finally:
        await copies.aclose()


def keys_of(settings: CacheSettings, server: RedisServer) -> list[bytes]:
    return [key for key in server.all_keys() if key.startswith(settings.key_prefix.encode())]


async def test_every_copy_that_speaks_of_the_order_is_deleted_and_no_other(
    settings: CacheSettings, shared_redis: RedisServer
) -> None:
    await keep(settings, about("1"), about("1", "2"), about("2"), about("3"))
    before = keys_of(settings, shared_redis)

    assert await erase(settings, "1") == 2
    assert len(keys_of(settings, shared_redis)) == len(before) - 2
    assert await erase(settings, "1") == 0
    assert await erase(settings, "2") == 1, "the copy beside it stayed"


async def test_more_copies_than_are_gone_through_at_a_time(settings: CacheSettings, shared_redis: RedisServer) -> None:
    await keep(settings, *(about(str(number), "all") for number in range(1_200)))

    assert await erase(settings, "all") == 1_200
    assert len(keys_of(settings, shared_redis)) == 1, "the stamp of order 7"


async def test_copies_of_another_gateway_in_the_same_server_stay(settings: CacheSettings) -> None:
    longer = settings.model_copy(update={"key_prefix": f"{settings.key_prefix}x"})
    await keep(settings, about("1"))
    await keep(longer, about("1"))
    assert await erase(settings, "1") == 1
    assert await erase(longer, "1") == 1


async def test_a_server_that_cannot_be_reached_is_told(settings: CacheSettings) -> None:
    with pytest.raises(StorageUnavailable):
        await erase(settings.model_copy(update={"url": SecretStr("redis://127.0.0.1:9/0")}), "1")


def test_a_cache_in_memory_is_not_shared() -> None:
    assert open_shared(CacheSettings()) is None
