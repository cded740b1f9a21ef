"""Deadlines: what runs out, what passes through."""

from __future__ import annotations

import asyncio

import pytest

from gateway.resilience.deadline import Deadline, call_within, within
from providers.errors import ProviderTimeout


class Seconds:
    """A monotonic clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_what_remains_follows_the_clock_and_is_never_negative() -> None:
    clock = Seconds()
    deadline = Deadline.after(8, clock)
    assert deadline.remaining() == 8
    clock.now += 5
    assert deadline.remaining() == 3
    clock.now += 5
    assert deadline.remaining() == 0


async def test_a_call_in_time_gives_its_result() -> None:
    async def call() -> str:
        return "answer"

    assert await call_within(1, "karla", "find_order", call) == "answer"


async def test_a_call_out_of_time_is_a_timeout_of_its_provider_and_is_ended() -> None:
    ended = asyncio.Event()

    async def call() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(ProviderTimeout) as caught:
        await call_within(0.01, "karla", "find_order", call)
    assert (caught.value.provider, caught.value.operation) == ("karla", "find_order")
    assert isinstance(caught.value.__cause__, TimeoutError)
    assert ended.is_set()


async def test_the_limit_covers_everything_inside_together() -> None:
    """A token fetched first counts against the same limit as the call."""

    async def token_then_call() -> None:
        async with within(0.05, "paypal", "find_trackings"):
            await asyncio.sleep(0.03)
            await asyncio.sleep(0.03)

    with pytest.raises(ProviderTimeout):
        await token_then_call()


async def test_cancellation_from_outside_stays_a_cancellation() -> None:
    started = asyncio.Event()

    async def call() -> None:
        started.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(call_within(60, "karla", "find_order", call))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_timeout_of_somebody_else_passes_through() -> None:
    async def call() -> None:
        raise TimeoutError("not ours")

    with pytest.raises(TimeoutError, match="not ours"):
        await call_within(60, "karla", "find_order", call)
