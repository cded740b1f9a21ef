"""Trying again what is safe to repeat: tenacity's loop, under a budget and a deadline of ours.

Knows nothing of what is called. Which failures are worth another try, and whether one may be made at this moment, comes
from outside.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

from gateway.resilience.counts import RecentCounts
from gateway.resilience.deadline import Deadline, MonotonicClock

BUDGET_SECONDS = 60.0
"""The time over which retries are measured against calls."""

LEAST_SECONDS = 0.5
"""An attempt that has less time than this is not begun: most would be given up in the middle."""

_CALL, _RETRY = "call", "retry"

T = TypeVar("T")

Sleep = Callable[[float], Awaitable[None]]


class Retrying(Protocol):
    """Makes a call, and makes it again where that may help."""

    async def __call__(self, call: Callable[[], Awaitable[T]]) -> T: ...


class RetryBudget:
    """Retries, as a share of the calls of the last minute, rounded up to a whole one.

    Rounded up, because a tenth of nine calls would be none, and a quiet account would never have a retry.
    """

    def __init__(self, share: float, clock: MonotonicClock) -> None:
        self._share = share
        self._counts = RecentCounts(BUDGET_SECONDS, clock)

    @property
    def has_room(self) -> bool:
        """Whether one more retry is within the share."""
        return self._counts.count(_RETRY) < math.ceil(self._counts.count(_CALL) * self._share)

    def note_call(self) -> None:
        """A call begins; its retries are noted apart."""
        self._counts.add(_CALL)

    def note_retry(self) -> None:
        """A retry is made."""
        self._counts.add(_RETRY)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """At most `attempts`; the wait before the first retry is drawn from 0 to `wait_seconds`, then from twice that."""

    attempts: int = 3
    wait_seconds: float = 0.1
    sleep: Sleep = asyncio.sleep

    def retrying(
        self,
        is_worth_it: Callable[[BaseException], bool],
        may_retry: Callable[[], bool],
        budget: RetryBudget,
        deadline: Deadline,
    ) -> Retrying:
        """Runs a call (`await retrying(call)`) until it ends otherwise than with a failure that `is_worth_it`.

        The last failure is raised when attempts, `budget` or the time of `deadline` are used up, or `may_retry` says
        no.
        """

        def is_over(state: RetryCallState) -> bool:
            return (
                state.attempt_number >= self.attempts
                or not may_retry()
                or not budget.has_room
                or deadline.remaining() < state.upcoming_sleep + LEAST_SECONDS
            )

        def note_retry(_state: RetryCallState) -> None:
            budget.note_retry()

        async def retrying(call: Callable[[], Awaitable[T]]) -> T:
            try:
                return await call()  # almost every call ends here, without tenacity's loop around it
            except Exception as error:
                if not is_worth_it(error):
                    raise
                first = error
            again = AsyncRetrying(
                stop=is_over,
                wait=wait_random_exponential(multiplier=self.wait_seconds),
                retry=retry_if_exception(is_worth_it),
                before_sleep=note_retry,
                sleep=self.sleep,
                reraise=True,
            )
            return await again(_failed_once(first, call))

        return retrying


def _failed_once(first: Exception, call: Callable[[], Awaitable[T]]) -> Callable[[], Awaitable[T]]:
    """`call` after its first attempt, which is not made again: it raises `first`."""
    failures = [first]

    async def attempt() -> T:
        if failures:
            raise failures.pop()
        return await call()

    return attempt
