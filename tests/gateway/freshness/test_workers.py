"""Several workers over one Redis: one of them asks, and what one invalidates none serves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from gateway.freshness.cache import FreshCache, LeaseTiming
from gateway.freshness.settings import FreshnessSettings
from tests.gateway.freshness.asking import DOWN, FRESH, TAG, AskedProvider, Parcel, lookup, soon
from tests.gateway.freshness.conftest import HandClock, StorageOpener, eventually

LEASE = LeaseTiming(lease=5, poll=0.005)
Worker = Callable[..., FreshCache]


@pytest.fixture
async def worker(open_redis: StorageOpener, clock: HandClock) -> AsyncIterator[Worker]:
    """Starts another worker."""
    caches: list[FreshCache] = []

    def start(lease: LeaseTiming = LEASE) -> FreshCache:
        caches.append(FreshCache(open_redis(), FreshnessSettings(), clock, lease=lease))
        return caches[-1]

    yield start
    for cache in caches:
        await cache.aclose()


async def load(cache: FreshCache, provider: AskedProvider) -> tuple[str | None, str]:
    loaded = await cache.load(lookup(), provider, deadline=soon())
    return (loaded.value.text if loaded.value else None), loaded.cache.value


async def test_workers_that_miss_at_once_ask_once(worker: Worker) -> None:
    workers, provider = [worker() for _ in range(4)], AskedProvider()
    provider.hold()
    loads = [asyncio.create_task(load(each, provider)) for each in workers for _ in range(5)]
    await eventually(lambda: provider.calls == 1)
    await asyncio.sleep(0.05)
    provider.let_go()
    results = await asyncio.gather(*loads)
    assert {text for text, _ in results} == {"first"}
    assert {result for _, result in results} == {"MISS", "HIT"}, "one has asked, for the others it was there"
    assert provider.calls == 1


async def test_when_the_asking_worker_fails_the_next_asks(worker: Worker) -> None:
    here, there, failing, working = worker(), worker(), AskedProvider(DOWN), AskedProvider()
    failing.hold()
    first = asyncio.create_task(here.load(lookup(), failing, deadline=soon()))
    await eventually(lambda: failing.calls == 1)
    second = asyncio.create_task(load(there, working))
    await asyncio.sleep(0.05)
    assert working.calls == 0
    failing.let_go()
    assert (await first).error is DOWN
    assert await second == ("first", "MISS")


async def test_a_worker_that_asks_for_longer_than_the_lease_holds_nobody_up(worker: Worker) -> None:
    short = LeaseTiming(lease=0.05, poll=0.005)
    here, there, hanging, working = worker(short), worker(short), AskedProvider(), AskedProvider()
    hanging.hold()
    first = asyncio.create_task(load(here, hanging))
    await eventually(lambda: hanging.calls == 1)
    assert await load(there, working) == ("first", "MISS")
    hanging.let_go()
    await first


async def test_one_worker_renews_what_is_stale_and_the_others_serve_it(worker: Worker, clock: HandClock) -> None:
    workers, provider = [worker() for _ in range(4)], AskedProvider()
    await load(workers[0], provider)
    await eventually_hit(workers[1], provider)
    clock.advance(FRESH)
    provider.answer = "second"
    provider.hold()
    assert [await load(each, provider) for each in workers] == [("first", "STALE")] * 4
    await eventually(lambda: provider.calls == 2)
    await asyncio.sleep(0.05)
    provider.let_go()
    await eventually(lambda: provider.finished == 2)
    for each in workers:
        await eventually_hit(each, provider)
    assert provider.calls == 2


async def test_a_change_in_one_worker_ends_the_entries_of_all(worker: Worker, clock: HandClock) -> None:
    here, there, provider = worker(), worker(), AskedProvider(Parcel(text="before", orders=("4711",)))
    await load(here, provider)
    await eventually_hit(there, provider)
    clock.advance(1)
    await there.invalidate([TAG])
    assert await here.peek(lookup()) is None
    provider.answer = "after"
    assert await load(here, provider) == ("after", "MISS")


async def test_an_answer_asked_for_before_a_change_elsewhere_is_not_served(worker: Worker, clock: HandClock) -> None:
    """The change happens in another worker while the answer is on its way."""
    here, there, provider = worker(), worker(), AskedProvider("before")
    provider.hold()
    early = asyncio.create_task(load(here, provider))
    await eventually(lambda: provider.calls == 1)
    clock.advance(1)
    await there.invalidate([TAG])
    provider.let_go()
    assert await early == ("before", "MISS")
    await asyncio.sleep(0.05)
    assert await here.peek(lookup()) is None
    assert await there.peek(lookup()) is None


async def test_an_answer_asked_for_before_a_refresh_elsewhere_is_not_served(worker: Worker, clock: HandClock) -> None:
    """It arrives last, and takes the place of the later one."""
    here, there, slow, refreshed = worker(), worker(), AskedProvider("before"), AskedProvider("after")
    own = lookup(replaces=frozenset({TAG}))
    slow.hold()
    early = asyncio.create_task(here.load(own, slow, deadline=soon()))
    await eventually(lambda: slow.calls == 1)
    clock.advance(1)
    await there.load(own, refreshed, deadline=soon(), bypass=True)
    await eventually_hit(there, refreshed)
    slow.let_go()
    await early
    await here.aclose()  # with what it was about to keep
    for each in (there, worker()):
        loaded = await each.load(own, refreshed, deadline=soon())
        assert loaded.value is not None
        assert loaded.value.text == "after"


async def test_a_copy_from_before_the_clock_went_back_is_renewed(worker: Worker, clock: HandClock) -> None:
    """By a process too that never knew that time, and began after it."""
    here, provider = worker(), AskedProvider()
    await load(here, provider)
    await here.aclose()
    clock.advance(-3600)
    there = worker()
    provider.answer = "second"
    assert await load(there, provider) == ("first", "STALE")
    await eventually(lambda: provider.finished == 2)
    await eventually_hit(there, provider)
    assert await load(there, provider) == ("second", "HIT")


async def eventually_hit(cache: FreshCache, provider: AskedProvider) -> None:
    async with asyncio.timeout(10):
        while (loaded := await cache.peek(lookup())) is None or loaded.cache != "HIT":  # noqa: ASYNC110  # another worker
            await asyncio.sleep(0.005)
    calls = provider.calls
    assert (await load(cache, provider))[1] == "HIT"
    assert provider.calls == calls
