"""Deadlines: how long a whole query, and one call to a provider, may take.

A `Deadline` is a point on a monotonic clock, handed down and never moved; `within` is the limit of a single call. Knows
no transport: whatever is awaited inside counts, the fetching of a token included.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from types import TracebackType
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


class _Limit:
    """See `within`. A class, because one made of a generator costs every call of a provider twice as much."""

    __slots__ = ("_operation", "_provider", "_scope")

    def __init__(self, seconds: float, provider: str, operation: str) -> None:
        self._scope = asyncio.timeout(seconds)
        self._provider = provider
        self._operation = operation

    async def __aenter__(self) -> None:
        await self._scope.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._scope.__aexit__(kind, error, trace)
        except TimeoutError as expiry:
            raise ProviderTimeout(self._provider, self._operation) from expiry
        if isinstance(error, TimeoutError) and self._scope.expired():
            raise ProviderTimeout(self._provider, self._operation) from error


def within(seconds: float, provider: str, operation: str) -> AbstractAsyncContextManager[None]:
    """Give what is awaited inside `seconds` in total.

    Raises `ProviderTimeout` when they run out, after what ran inside was cancelled and has ended. A cancellation from
    outside, and a `TimeoutError` of somebody else's making, pass through as they are.
    """
    return _Limit(seconds, provider, operation)


async def call_within(seconds: float, provider: str, operation: str, call: Callable[[], Awaitable[T]]) -> T:
    """The result of `call`, under the limit of `within`."""
    async with within(seconds, provider, operation):
        return await call()
