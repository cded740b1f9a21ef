"""A sick cache: what it costs, and how it comes back. With a storage that is sick on command, and with a real Redis."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from datetime import timedelta

import pytest
from pydantic import SecretStr

from gateway.freshness.cache import FreshCache
from gateway.freshness.guard import Found, GuardedStorage, GuardTiming, StorageUnavailable
from gateway.freshness.settings import CacheSettings, FreshnessSettings
from gateway.freshness.storage import open_storage
from tests.gateway.freshness.asking import TAG, AskedProvider, lookup, soon
from tests.gateway.freshness.conftest import HandClock, eventually
from tests.redis_server import RedisServer

HOUR = 3600.0
QUICK = GuardTiming(operation=0.03, first_probe=0.02, longest_probe=0.05, probe=0.05)


class SickStorage:
    """A shared storage in a dictionary that refuses, or hangs, on command."""

    def __init__(self) -> None:
        self.entries: dict[str, bytes] = {}
        self.stamps: dict[str, int] = {}
        self.asked = 0
        self.refuses = False
        self.hangs = False
        self.seconds = 0.0

    async def _answer(self) -> None:
        self.asked += 1
        if self.hangs:
            await asyncio.Event().wait()
        await asyncio.sleep(self.seconds)
        if self.refuses:
            raise StorageUnavailable("ConnectionRefusedError")

    async def read(self, keys: Collection[str], tags: Collection[str]) -> Found:
        await self._answer()
        payloads = {key: self.entries[key] for key in keys if key in self.entries}
        return Found(payloads, {tag: self.stamps[tag] for tag in tags if tag in self.stamps})

    async def write(self, key: str, payload: bytes, seconds: float) -> None:  # noqa: ARG002  # part of the Protocol
        await self._answer()
        self.entries[key] = payload

    async def delete(self, key: str) -> None:
        await self._answer()
        self.entries.pop(key, None)

    async def stamp(self, stamps: dict[str, int], seconds: float) -> None:  # noqa: ARG002  # part of the Protocol
        await self._answer()
        self.stamps.update(stamps)

    async def take_lease(self, key: str, token: str, seconds: float) -> bool:  # noqa: ARG002  # part of the Protocol
        await self._answer()
        return False

    async def release_lease(self, key: str, token: str) -> None:  # noqa: ARG002  # part of the Protocol
        await self._answer()

    async def ping(self) -> None:
        await self._answer()

    async def aclose(self) -> None:
        await self._answer()


@pytest.fixture
def sick() -> SickStorage:
    return SickStorage()


@pytest.fixture
async def guarded(sick: SickStorage) -> AsyncIterator[GuardedStorage]:
    storage = GuardedStorage(sick, QUICK)
    yield storage
    await storage.aclose()


OPERATIONS: dict[str, tuple[Callable[[GuardedStorage], Awaitable[object]], object]] = {
    "read": (lambda storage: storage.read("key", ["tag"]), (None, 0)),
    "latest_stamp": (lambda storage: storage.latest_stamp(["tag"]), 0),
    "write": (lambda storage: storage.write("key", b"payload", HOUR), None),
    "delete": (lambda storage: storage.delete("key"), None),
    "stamp": (lambda storage: storage.stamp(["other"], 5, HOUR), None),
    "take_lease": (lambda storage: storage.take_lease("key", "token", HOUR), True),
    "release_lease": (lambda storage: storage.release_lease("key", "token"), None),
}
"""Every operation with a limit, and what it comes to while the storage is sick."""


@pytest.mark.parametrize("how", ["refuses", "hangs"])
@pytest.mark.parametrize("name", OPERATIONS)
async def test_every_operation_goes_on_without_a_sick_storage(
    sick: SickStorage, guarded: GuardedStorage, name: str, how: str
) -> None:
    """Reads find nothing, writes change nothing, and a lease is had for the asking."""
    setattr(sick, how, True)
    operate, nothing = OPERATIONS[name]
    assert await operate(guarded) == nothing
    assert guarded.is_down


async def test_a_hung_storage_is_waited_for_once(sick: SickStorage, guarded: GuardedStorage) -> None:
    sick.hangs = True
    begun = time.perf_counter()
    await asyncio.gather(*(guarded.read("key", []) for _ in range(20)))
    assert time.perf_counter() - begun < QUICK.operation * 3, "twenty at once wait together"
    asked = sick.asked
    begun = time.perf_counter()
    for _ in range(100):
        assert await guarded.read("key", []) == (None, 0)
    assert time.perf_counter() - begun < QUICK.operation
    assert sick.asked - asked <= 2, "only probes"


async def test_a_queue_of_our_own_is_not_taken_for_sickness(sick: SickStorage, guarded: GuardedStorage) -> None:
    """Two hundred at once take longer than the limit together, though each is quick."""
    sick.entries["key"] = b"payload"
    sick.seconds = QUICK.operation / 10
    assert await asyncio.gather(*(guarded.read("key", []) for _ in range(200))) == [(b"payload", 0)] * 200


async def test_a_busy_process_is_not_taken_for_a_sick_storage(sick: SickStorage, guarded: GuardedStorage) -> None:
    sick.entries["key"] = b"payload"
    sick.seconds = QUICK.operation / 10
    reading = asyncio.create_task(guarded.read("key", []))
    await eventually(lambda: sick.asked == 1)
    time.sleep(QUICK.operation * 2)  # noqa: ASYNC251  # what is claimed: the event loop is held up
    assert await reading == (b"payload", 0)


async def test_it_is_used_again_after_it_came_back(
    sick: SickStorage, guarded: GuardedStorage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    sick.entries["key"] = b"payload"
    sick.refuses = True
    for _ in range(3):
        assert await guarded.read("key", []) == (None, 0)
    sick.refuses = False
    await eventually(lambda: not guarded.is_down)
    assert await guarded.read("key", []) == (b"payload", 0)
    assert [record.getMessage() for record in caplog.records] == [
        "the shared cache does not answer (ConnectionRefusedError); going on without it",
        "the shared cache answers again",
    ], "logged once when it goes and once when it comes back"


async def test_an_invalidation_during_an_outage_holds_here_at_once_and_everywhere_afterwards(
    sick: SickStorage, guarded: GuardedStorage
) -> None:
    await guarded.stamp(["before"], 5, HOUR)
    sick.refuses = True
    await guarded.stamp(["first"], 6, HOUR)
    await guarded.stamp(["second", "before"], 7, HOUR)
    assert await guarded.latest_stamp(["first"]) == 6
    assert (await guarded.read("key", ["first", "second"]))[1] == 7
    assert sick.stamps == {"before": 5}
    sick.refuses = False
    await eventually(lambda: not guarded.is_down)
    assert sick.stamps == {"before": 7, "first": 6, "second": 7}


async def test_the_cancellation_of_a_caller_is_not_a_failure_of_the_storage(
    sick: SickStorage, guarded: GuardedStorage
) -> None:
    sick.hangs = True
    reading = asyncio.create_task(guarded.read("key", []))
    await eventually(lambda: sick.asked == 1)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert not guarded.is_down


async def test_defects_are_not_taken_for_sickness(sick: SickStorage, guarded: GuardedStorage) -> None:
    sick.stamps = {"tag": "not a number"}  # type: ignore[dict-item]  # the defect
    with pytest.raises(TypeError):
        await guarded.read("key", ["tag", "other"])
    assert not guarded.is_down


OpenCache = Callable[[], FreshCache]


@pytest.fixture
async def open_cache(own_redis: RedisServer, clock: HandClock) -> AsyncIterator[OpenCache]:
    """Opens caches over this test's own server, with the limit that a user has."""
    caches: list[FreshCache] = []

    def open_one() -> FreshCache:
        caches.append(FreshCache(open_storage(CacheSettings(url=SecretStr(own_redis.url))), FreshnessSettings(), clock))
        return caches[-1]

    yield open_one
    for cache in caches:
        await cache.aclose()


async def load(cache: FreshCache, provider: AskedProvider, argument: str = "4711") -> tuple[str | None, str, float]:
    begun = time.perf_counter()
    loaded = await cache.load(lookup(argument, fresh=HOUR), provider, deadline=soon())
    assert loaded.error is None
    return (loaded.value.text if loaded.value else None), loaded.cache.value, time.perf_counter() - begun


async def test_a_redis_that_is_killed_fails_no_load_and_is_used_again_when_it_is_back(
    own_redis: RedisServer, open_cache: OpenCache
) -> None:
    cache, provider = open_cache(), AskedProvider()
    await load(cache, provider)
    await _kept(own_redis)
    assert (await load(cache, provider))[:2] == ("first", "HIT")
    own_redis.kill()
    provider.answer = "second"
    text, result, seconds = await load(cache, provider)
    assert (text, result) == ("second", "MISS")
    assert seconds < 1
    own_redis.start()
    await _used_again(cache, provider)


async def test_a_redis_that_hangs_costs_one_load_its_limit_and_the_others_nothing(
    own_redis: RedisServer, open_cache: OpenCache
) -> None:
    cache, provider = open_cache(), AskedProvider()
    await load(cache, provider)
    await _kept(own_redis)
    own_redis.pause()
    first = await load(cache, provider)
    rest = [await load(cache, provider) for _ in range(20)]
    own_redis.resume()
    assert [each[:2] for each in (first, *rest)] == [("first", "MISS")] * 21
    assert first[2] < 0.15 + 0.1, "the limit, and what a busy machine adds"
    assert sum(each[2] for each in rest) < 0.15
    await _used_again(cache, provider)


@pytest.mark.parametrize(
    "url", ["redis://user:hunter2@127.0.0.1:1/0", "rediss://127.0.0.1:1", "unix:///nowhere/redis.sock"]
)
async def test_a_redis_that_was_never_there_fails_no_load(url: str, clock: HandClock) -> None:
    settings = CacheSettings(url=SecretStr(url))
    cache = FreshCache(open_storage(settings), FreshnessSettings(), clock)
    provider = AskedProvider()
    await cache.invalidate([TAG])
    assert (await load(cache, provider))[:2] == ("first", "MISS")
    await cache.aclose()


async def test_a_redis_that_was_flushed_is_asked_past(own_redis: RedisServer, open_cache: OpenCache) -> None:
    cache, provider = open_cache(), AskedProvider()
    await load(cache, provider)
    await _kept(own_redis)
    await cache.invalidate(["another"])
    own_redis.flush()
    assert (await load(cache, provider))[:2] == ("first", "MISS")
    assert (await load(cache, provider))[:2] == ("first", "HIT")


async def test_a_redis_that_restarts_between_two_loads_is_not_noticed(
    own_redis: RedisServer, open_cache: OpenCache
) -> None:
    """The connections that it closed are made anew."""
    cache, provider = open_cache(), AskedProvider()
    await load(cache, provider)
    await _kept(own_redis)
    own_redis.kill()
    own_redis.start()
    assert (await load(cache, provider))[1] == "MISS"
    assert (await load(cache, provider))[1] == "HIT"


async def test_an_invalidation_while_redis_is_away_holds_when_it_is_back(
    own_redis: RedisServer, open_cache: OpenCache, clock: HandClock
) -> None:
    here, there = open_cache(), open_cache()
    provider = AskedProvider()
    await load(here, provider)
    await _kept(own_redis)
    assert (await load(there, provider))[1] == "HIT"
    clock.advance(timedelta(minutes=1).total_seconds())
    own_redis.pause()
    await here.invalidate([TAG])
    own_redis.resume()
    assert await here.peek(lookup()) is None, "here at once"
    async with asyncio.timeout(10):
        while await there.peek(lookup()) is not None:  # noqa: ASYNC110  # another worker
            await asyncio.sleep(0.02)


async def _kept(server: RedisServer) -> None:
    """What goes on behind the first answer is over: the entry is there and the lease is given back."""
    await eventually(lambda: [key.split(b":")[2][:1] for key in server.all_keys()] == [b"e"])


async def _used_again(cache: FreshCache, provider: AskedProvider) -> None:
    """Within 15 s a key that was never asked for is a hit the second time."""
    async with asyncio.timeout(15):
        number, result = 0, ""
        while result != "HIT":
            number += 1
            provider.answer = name = f"again {number}"
            await load(cache, provider, name)
            await asyncio.sleep(0.05)
            text, result, _ = await load(cache, provider, name)
            assert text == name, "no answer is taken for another's"
