"""A circuit breaker: what fails or is slow too often is left alone for a while, and then tried once.

Closed, it counts. Open, it refuses at once. Half-open, when its time is over, it lets one call through at a time: the
first that goes well closes it, any other opens it anew. Knows nothing of what is called or what may go wrong there.

What it counts lives in the process. Every worker sees the same provider, and learns within a few calls of its own what
another could tell it; a shared count would cost each call a round trip, and one worker with a broken network would
close everybody's way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple

from gateway.resilience.counts import RecentCounts
from gateway.resilience.deadline import MonotonicClock

_CALL, _FAULT, _SLOW = "call", "fault", "slow"

_KINDS: Mapping[tuple[bool, bool], tuple[str, ...]] = {
    (False, False): (_CALL,),
    (False, True): (_CALL, _SLOW),
    (True, False): (_CALL, _FAULT),
    (True, True): (_CALL, _FAULT, _SLOW),
}
"""What a call counts as, by whether it was a fault and whether it was slow."""

TRIAL_SECONDS = 1.0
"""When to ask again while a trial is under way: it ends at any moment."""

IsFault = Callable[[Exception], bool | None]
"""Whether an exception is a fault of what was called; None when it says nothing about that."""


class CircuitOpen(Exception):
    """The call was refused. `seconds` is how long to wait before another one may be let through."""

    def __init__(self, seconds: float) -> None:
        super().__init__("the circuit is open")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When a circuit opens, and for how long. Shares are of the calls of the last `window_seconds`."""

    window_seconds: float = 60.0
    minimum_calls: int = 10
    fault_share: float = 0.5
    slow_seconds: float = 3.0
    slow_share: float = 0.8
    open_seconds: float = 10.0


class CircuitBreaker:
    """One circuit. `on_change` is told whether it is open, each time that it opened or closed."""

    def __init__(
        self, policy: BreakerPolicy, clock: MonotonicClock, on_change: Callable[[bool], None] = lambda _is_open: None
    ) -> None:
        self._on_change = on_change
        self._policy = policy
        self._clock = clock
        self._counts = RecentCounts(policy.window_seconds, clock)
        self._opened_at: float | None = None
        self._is_trying = False
        self._changes = 0

    @property
    def retry_in(self) -> float | None:
        """Seconds until a call may be let through, 0 when the next one is; None while the circuit is closed."""
        if self._opened_at is None:
            return None
        if self._is_trying:
            return TRIAL_SECONDS
        return max(self._opened_at + self._policy.open_seconds - self._clock(), 0.0)

    def check(self) -> None:
        """Raises `CircuitOpen` when a call would be refused at this moment."""
        if self.retry_in:
            raise CircuitOpen(self.retry_in)

    def watched(self, is_fault: IsFault) -> AbstractContextManager[None]:
        """Let the call inside through, and learn from how it ends. Raises `CircuitOpen` instead of beginning it.

        A call that is cancelled says nothing.
        """
        return _Watched(self, is_fault)

    def _begin(self) -> _Begun:
        self.check()
        is_trial = self._is_trying = self._opened_at is not None
        return _Begun(is_trial, self._changes, self._clock())

    def _end(self, call: _Begun, fault: bool | None) -> None:
        if call.is_trial:
            self._is_trying = False
        if fault is not None and call.changes == self._changes:  # not of a time before the circuit opened or closed
            self._learn(is_fault=fault, is_slow=self._clock() - call.at >= self._policy.slow_seconds)

    def _learn(self, *, is_fault: bool, is_slow: bool) -> None:
        if self._opened_at is not None:
            self._change(opened_at=self._clock() if is_fault or is_slow else None)
            return
        self._counts.add(*_KINDS[is_fault, is_slow])
        if self._is_too_much():
            self._change(opened_at=self._clock())

    def _is_too_much(self) -> bool:
        calls, faults, slow = self._counts.each(_CALL, _FAULT, _SLOW)
        return calls >= self._policy.minimum_calls and (
            faults >= calls * self._policy.fault_share or slow >= calls * self._policy.slow_share
        )

    def _change(self, *, opened_at: float | None) -> None:
        self._opened_at = opened_at
        self._changes += 1
        self._on_change(opened_at is not None)
        self._counts.clear()


class _Begun(NamedTuple):
    """A call that was let through: whether as a trial, after how many changes of the circuit, and when."""

    is_trial: bool
    changes: int
    at: float


class _Watched:
    """See `CircuitBreaker.watched`."""

    __slots__ = ("_begun", "_breaker", "_is_fault")

    _begun: _Begun

    def __init__(self, breaker: CircuitBreaker, is_fault: IsFault) -> None:
        self._breaker = breaker
        self._is_fault = is_fault

    def __enter__(self) -> None:
        self._begun = self._breaker._begin()

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        fault: bool | None = False
        if error is not None:
            fault = self._is_fault(error) if isinstance(error, Exception) else None
        self._breaker._end(self._begun, fault)
