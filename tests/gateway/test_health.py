"""How each provider account did lately: from what this process saw, and from nothing else."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.resilience.health import RECENT_CALLS, Health, HealthBook, HealthLevel, failure_of
from providers.errors import (
    OrderNotFound,
    ProviderAuthFailed,
    ProviderError,
    ProviderRateLimited,
    ProviderServerFailed,
    RequestRejected,
)

NOON = datetime(2025, 2, 3, 12, tzinfo=UTC)
DOWN = ProviderServerFailed("karla", "find_order", 503)
NOT_FOUND = OrderNotFound("karla", "find_order")


class Watch:
    """A clock and a stopwatch that only go on when they are told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds)

    def read(self) -> float:
        return self.seconds


class Account:
    """A book, and one account whose calls end as they are told to."""

    def __init__(self) -> None:
        self.watch = Watch()
        self.book = HealthBook(self.watch.now, self.watch.read)

    async def call(self, error: ProviderError | None = None, *, taking: float = 0.0, shop: str = "acme") -> None:
        async def call() -> str:
            self.watch.seconds += taking
            if error:
                raise error
            return "answer"

        if error is None:
            assert await self.book.observed(shop, "karla", "find_order", call, seconds=5) == "answer"
            return
        with pytest.raises(type(error)):
            await self.book.observed(shop, "karla", "find_order", call, seconds=5)

    @property
    def health(self) -> Health:
        return self.book.health("acme", "karla")


async def test_an_account_that_was_never_called_is_unknown() -> None:
    assert Account().health == Health(HealthLevel.UNKNOWN)


async def test_accounts_of_other_shops_are_apart() -> None:
    account = Account()
    await account.call(DOWN, shop="other")
    assert account.health.level is HealthLevel.UNKNOWN
    assert account.book.health("other", "karla").level is HealthLevel.DOWN


@pytest.mark.parametrize("error", [None, NOT_FOUND, RequestRejected("karla", "find_order")])
async def test_an_answer_is_a_success_whatever_it_says(error: ProviderError | None) -> None:
    account = Account()
    await account.call(error, taking=1)
    assert account.health == Health(HealthLevel.HEALTHY, NOON + timedelta(seconds=1), None, 1000, 0.0)


@pytest.mark.parametrize("error", [DOWN, ProviderAuthFailed("karla", "find_order")])
async def test_a_fault_is_told_with_its_code_and_the_last_success_stays(error: ProviderError) -> None:
    account = Account()
    await account.call()
    await account.call(error, taking=1)
    health = account.health
    assert (health.level, health.last_success_at, health.error_rate) == (HealthLevel.DOWN, NOON, 0.5)
    assert health.last_failure is not None
    assert (health.last_failure.code, health.last_failure.retryable) == (error.code, error.retryable)


async def test_being_asked_to_slow_down_is_neither_a_fault_nor_a_success() -> None:
    account = Account()
    await account.call(ProviderRateLimited("karla", "find_order", timedelta(seconds=30)))
    health = account.health
    assert (health.level, health.error_rate, health.last_success_at) == (HealthLevel.HEALTHY, 0.0, None)
    assert health.last_failure is not None
    assert health.last_failure.retry_at == NOON + timedelta(seconds=30)


def test_a_failure_says_when_to_come_back_only_where_the_provider_did() -> None:
    assert failure_of(ProviderRateLimited("karla", "find_order", None), NOON).retry_at is None
    assert failure_of(DOWN, NOON).retry_at is None


@pytest.mark.parametrize(
    ("calls", "level"),
    [
        ([DOWN], HealthLevel.DOWN),
        ([DOWN, None], HealthLevel.DEGRADED),  # the latest went well
        ([None, DOWN], HealthLevel.DOWN),
        ([None, None, DOWN], HealthLevel.DEGRADED),
        ([DOWN] + [None] * 19, HealthLevel.DEGRADED),
        ([DOWN] + [None] * 20, HealthLevel.HEALTHY),
        ([DOWN] * RECENT_CALLS + [None] * RECENT_CALLS, HealthLevel.HEALTHY),  # only recent calls count
    ],
)
async def test_the_state_in_one_word(calls: Sequence[ProviderError | None], level: HealthLevel) -> None:
    account = Account()
    for error in calls:
        await account.call(error)
    assert account.health.level is level


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=RECENT_CALLS))
def test_95_of_100_recent_calls_took_at_most_the_p95(milliseconds: list[int]) -> None:
    async def run() -> int | None:
        account = Account()
        for each in milliseconds:
            await account.call(taking=each / 1000)
        return account.health.p95_milliseconds

    p95 = asyncio.run(run())
    assert p95 in milliseconds
    within = [each for each in milliseconds if each <= p95]
    faster = [each for each in milliseconds if each < p95]
    assert len(within) >= 0.95 * len(milliseconds)
    assert len(faster) < math.ceil(0.95 * len(milliseconds))


async def test_a_call_that_takes_too_long_is_a_fault() -> None:
    account = Account()
    with pytest.raises(ProviderError, match="PROVIDER_TIMEOUT"):
        await account.book.observed("acme", "karla", "find_order", asyncio.Event().wait, seconds=0.001)
    assert account.health.level is HealthLevel.DOWN


async def test_a_call_that_nobody_waits_for_any_more_says_nothing_about_the_provider() -> None:
    account = Account()
    waiting = asyncio.ensure_future(
        account.book.observed("acme", "karla", "find_order", asyncio.Event().wait, seconds=5)
    )
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert account.health.level is HealthLevel.UNKNOWN
