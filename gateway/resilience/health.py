"""How each provider account did lately, from what this process saw."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from gateway.resilience.deadline import call_within
from providers.base import Clock
from providers.errors import ProviderError, ProviderUnavailable

T = TypeVar("T")

RECENT_CALLS = 100
"""Calls that the figures are taken over: enough for a p95, few enough to follow a change within minutes."""

DEGRADED_FROM = 0.05
DOWN_FROM = 0.5
"""Shares of recent calls that failed from which an account is called DEGRADED, or DOWN."""


class HealthLevel(StrEnum):
    """UNKNOWN: not called yet. Else by the share of recent calls that failed."""

    UNKNOWN = "UNKNOWN"
    HEALTHY = "HEALTHY"
    DEGRADED = "DEGRADED"
    DOWN = "DOWN"


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure of a provider, as a client may see it."""

    code: str
    message: str
    retryable: bool
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """The state of one provider account. `p95_milliseconds` and `error_rate` are over the most recent calls.

    While the circuit is open, calls are held back; one is tried at `circuit_retry_at`.
    """

    level: HealthLevel = HealthLevel.UNKNOWN
    last_success_at: datetime | None = None
    last_failure: Failure | None = None
    p95_milliseconds: int | None = None
    error_rate: float | None = None
    circuit_open: bool = False
    circuit_retry_at: datetime | None = None


@dataclass(slots=True)
class _Account:
    durations: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT_CALLS))
    faults: deque[bool] = field(default_factory=lambda: deque(maxlen=RECENT_CALLS))
    last_success_at: datetime | None = None
    last_failure: Failure | None = None


class HealthBook:
    """Runs provider calls under their deadline and remembers how they went."""

    def __init__(self, clock: Clock, stopwatch: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stopwatch = stopwatch
        self._accounts: dict[tuple[str, str], _Account] = {}

    def now(self) -> datetime:
        """The present."""
        return self._clock()

    async def observed(
        self, shop: str, provider: str, operation: str, call: Callable[[], Awaitable[T]], *, seconds: float
    ) -> T:
        """What `call` answers within `seconds`, else `ProviderTimeout`."""
        account = self._accounts.get((shop, provider))
        if account is None:
            account = self._accounts[shop, provider] = _Account()
        begun = self._stopwatch()
        try:
            answer = await call_within(seconds, provider, operation, call)
        except ProviderError as error:
            self._note(account, begun, error)
            raise
        self._note(account, begun, None)
        return answer

    def health(self, shop: str, provider: str) -> Health:
        """The state of one account; selecting it calls nobody."""
        account = self._accounts.get((shop, provider))
        if account is None or not account.faults:
            return Health()
        error_rate = sum(account.faults) / len(account.faults)
        return Health(
            level=_level(error_rate, latest_failed=account.faults[-1]),
            last_success_at=account.last_success_at,
            last_failure=account.last_failure,
            p95_milliseconds=round(_p95(account.durations) * 1000),
            error_rate=error_rate,
        )

    def _note(self, account: _Account, begun: float, error: ProviderError | None) -> None:
        account.durations.append(self._stopwatch() - begun)
        account.faults.append(error is not None and error.counts_as_fault)
        # "Too many requests" is no fault of the provider, and no success either.
        if error is not None and (error.counts_as_fault or error.retryable):
            account.last_failure = failure_of(error, self._clock())
        else:
            account.last_success_at = self._clock()


def failure_of(error: ProviderError, now: datetime) -> Failure:
    """`error` as a client may see it; `retry_at` where the provider said when to come back."""
    wait = error.retry_after if isinstance(error, ProviderUnavailable) else None
    return Failure(error.code, error.message, error.retryable, now + wait if wait is not None else None)


def _level(error_rate: float, *, latest_failed: bool) -> HealthLevel:
    if error_rate >= DOWN_FROM and latest_failed:
        return HealthLevel.DOWN
    return HealthLevel.DEGRADED if error_rate >= DEGRADED_FROM else HealthLevel.HEALTHY


def _p95(durations: Iterable[float]) -> float:
    """The least duration that 95 of 100 do not exceed."""
    ordered = sorted(durations)
    return ordered[(95 * len(ordered) + 99) // 100 - 1]
