"""How many requests a caller may send: in one process, over a real Redis, and while that cannot be asked."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pydantic import SecretStr

from gateway.freshness.guard import GuardedStorage
from gateway.freshness.settings import CacheSettings
from gateway.freshness.storage import open_storage
from gateway.resilience.rate_limits import ProcessRates, Quota, RateLimit, RateLimiter
from tests.gateway.freshness.conftest import eventually
from tests.gateway.resilience.watch import Watch
from tests.redis_server import RedisServer

LIMIT = RateLimit(per_minute=60, burst=3)
"""One in a second, three at once."""

SLOW = RateLimit(per_minute=6, burst=6)
"""Slow enough that none comes back while a test talks to a server."""

Worker = Callable[..., RateLimiter]
Connect = Callable[..., GuardedStorage]


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def rates(watch: Watch) -> ProcessRates:
    return ProcessRates(LIMIT, watch)


class TestOneProcess:
    def test_a_burst_is_taken_and_no_more(self, rates: ProcessRates) -> None:
        assert [rates.take("page") for _ in range(4)] == [
            Quota(True, 2, 1.0),
            Quota(True, 1, 1.0),
            Quota(True, 0, 1.0),
            Quota(False, 0, 1.0),
        ]

    def test_what_is_refused_does_not_count(self, rates: ProcessRates, watch: Watch) -> None:
        for _ in range(100):
            rates.take("page")
        watch.advance(1)
        assert rates.take("page") == Quota(True, 0, 1.0)

    def test_it_is_told_how_long_to_wait_and_then_taken(self, rates: ProcessRates, watch: Watch) -> None:
        for _ in range(3):
            rates.take("page")
        watch.advance(0.25)
        refused = rates.take("page")
        assert refused == Quota(False, 0, 0.75)
        watch.advance(refused.seconds)
        assert rates.take("page").is_taken

    def test_at_the_even_pace_all_are_taken(self, rates: ProcessRates, watch: Watch) -> None:
        for _ in range(200):
            assert rates.take("page").is_taken
            watch.advance(1)

    def test_a_pause_gives_the_burst_back_and_not_more(self, rates: ProcessRates, watch: Watch) -> None:
        for _ in range(3):
            rates.take("page")
        watch.advance(3600)
        assert [rates.take("page").is_taken for _ in range(4)] == [True, True, True, False]

    def test_callers_are_counted_apart(self, rates: ProcessRates) -> None:
        for _ in range(4):
            rates.take("page")
        assert rates.take("desk") == Quota(True, 2, 1.0)

    def test_those_silent_longest_are_forgotten_when_there_are_too_many(self, watch: Watch) -> None:
        rates = ProcessRates(LIMIT, watch, most_callers=2)
        for caller in ("page", "desk", "page", "page"):
            rates.take(caller)
        rates.take("script")  # desk is forgotten, page is not
        assert [rates.take("page").is_taken, rates.take("desk").remaining] == [False, 2]

    def test_a_fast_limit_is_counted_as_exactly(self, watch: Watch) -> None:
        rates = ProcessRates(RateLimit(per_minute=1_000_000, burst=50), watch)
        assert sum(rates.take("page").is_taken for _ in range(100)) == 50


@pytest.mark.parametrize(("workers", "share"), [(1, LIMIT), (2, RateLimit(30, 1)), (8, RateLimit(7.5, 1))])
def test_a_worker_has_its_share_and_one_request_at_least(workers: int, share: RateLimit) -> None:
    assert LIMIT.divided(workers) == share


@pytest.fixture
async def connect(shared_redis: RedisServer) -> AsyncIterator[Connect]:
    """Opens what one more worker has of the server given, or of the shared one."""
    storages: list[GuardedStorage] = []
    prefix = f"t{secrets.token_hex(4)}"

    def open_one(server: RedisServer = shared_redis, timeout_ms: int = 5000) -> GuardedStorage:
        storage = open_storage(CacheSettings(url=SecretStr(server.url), key_prefix=prefix, timeout_ms=timeout_ms))
        assert isinstance(storage, GuardedStorage)
        storages.append(storage)
        return storage

    yield open_one
    for storage in storages:
        await storage.aclose()


@pytest.fixture
def worker(connect: Connect) -> Worker:
    """Opens the limiter of one more worker; `server` are the arguments of `connect`."""

    def open_limiter(limit: RateLimit = SLOW, *, workers: int = 1, **server: Any) -> RateLimiter:
        storage = connect(**server)
        return RateLimiter(limit, Watch(), shared=lambda: storage, workers=workers)

    return open_limiter


class TestSeveralWorkers:
    async def test_they_count_together(self, worker: Worker) -> None:
        workers = [worker() for _ in range(3)]
        quotas = await asyncio.gather(*(limiter.take("page") for limiter in workers for _ in range(10)))
        assert sorted(quota.remaining for quota in quotas if quota.is_taken) == [0, 1, 2, 3, 4, 5]
        refused = [quota for quota in quotas if not quota.is_taken]
        assert len(refused) == 24
        assert all(quota.remaining == 0 and 0 < quota.seconds <= 10 for quota in refused)

    async def test_they_come_to_the_figures_of_one_process(self, worker: Worker, watch: Watch) -> None:
        alone, together = ProcessRates(SLOW, watch), worker()
        for _ in range(7):
            expected, quota = alone.take("page"), await together.take("page")
            assert (quota.is_taken, quota.remaining) == (expected.is_taken, expected.remaining)
            assert quota.seconds == pytest.approx(expected.seconds, abs=5)

    async def test_callers_are_counted_apart(self, worker: Worker) -> None:
        here, there = worker(), worker()
        for _ in range(7):
            await here.take("page")
        assert (await there.take("desk")).remaining == 5

    async def test_what_is_kept_is_gone_when_it_says_nothing_more(
        self, worker: Worker, shared_redis: RedisServer
    ) -> None:
        await worker(RateLimit(per_minute=600, burst=5)).take("short-lived")
        await eventually(lambda: not any(b"short-lived" in key for key in shared_redis.all_keys()))


class TestWithoutTheServer:
    async def test_each_worker_goes_by_its_own_share(self, worker: Worker, own_redis: RedisServer) -> None:
        workers = [worker(workers=3, server=own_redis) for _ in range(3)]
        own_redis.kill()
        for limiter in workers:
            assert [(await limiter.take("page")).is_taken for _ in range(3)] == [True, True, False]

    async def test_one_that_hangs_costs_one_request_its_limit(self, worker: Worker, own_redis: RedisServer) -> None:
        limiter = worker(server=own_redis, timeout_ms=50)
        await limiter.take("page")
        own_redis.pause()
        loop = asyncio.get_running_loop()
        begun = loop.time()
        assert [(await limiter.take("page")).is_taken for _ in range(7)] == [True] * 6 + [False]
        assert loop.time() - begun < 2

    async def test_one_that_is_opened_later_is_used_from_then_on(self, worker: Worker, connect: Connect) -> None:
        opened: list[GuardedStorage] = []
        limiter = RateLimiter(SLOW, Watch(), shared=lambda: opened[0] if opened else None)
        assert (await limiter.take("page")).remaining == 5
        other = worker()
        for _ in range(3):
            await other.take("page")
        opened.append(connect())
        assert (await limiter.take("page")).remaining == 2
