"""Deadlines: how long a whole query, and one call to a provider, may take.

A `Deadline` is a point on a monotonic clock, handed down and never moved; `within` is the limit of a single call. Knows
no transport: whatever is awaited inside counts, the fetching of a token included.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from providers.errors import ProviderTimeout

T = TypeVar("T")

MonotonicClock = Callable[[], float]
"""Seconds on a clock that never goes back; only differences have a meaning."""

CALL_SECONDS = 5.0
"""Default limit of one provider call: a query has 8 s, so that the other parts of an answer still get out in time."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """The point `at` on `clock` after which nobody waits any longer."""

    at: float
    clock: MonotonicClock = field(repr=False)

    @classmethod
    def after(cls, seconds: float, clock: MonotonicClock = time.monotonic) -> Deadline:
        """The deadline that is `seconds` from now."""
        return cls(clock() + seconds, clock)

    def remaining(self) -> float:
        """Seconds left, never less than 0."""
        return max(self.at - self.clock(), 0.0)


@asynccontextmanager
async def within(seconds: float, provider: str, operation: str) -> AsyncIterator[None]:
    """Give what is awaited inside `seconds` in total.

    Raises `ProviderTimeout` when they run out, after what ran inside was cancelled and has ended. A cancellation from
    outside, and a `TimeoutError` of somebody else's making, pass through as they are.
    """
    try:
        async with asyncio.timeout(seconds) as scope:
            yield
    except TimeoutError as error:
        if not scope.expired():
            raise
        raise ProviderTimeout(provider, operation) from error


async def call_within(seconds: float, provider: str, operation: str, call: Callable[[], Awaitable[T]]) -> T:
    """The result of `call`, under the limit of `within`."""
    async with within(seconds, provider, operation):
        return await call()
