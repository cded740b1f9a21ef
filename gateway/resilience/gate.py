"""How much an account takes: calls at once, calls in a second, and none at all while it has asked for a pause.

A `Gate` says yes or "not before"; who may ask it first is the turnstile's affair (`gateway.resilience.turnstile`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Protocol

from gateway.resilience.deadline import MonotonicClock
from providers.base import DEFAULT_CONCURRENCY, ProviderProfile, ProviderSettings

BURST_SECONDS = 1.0
"""Calls of this much time may come at once when there were none before: what is counted is calls per second."""


class Urgency(IntEnum):
    """Who goes first when there is not room for all: INTERACTIVE, for which somebody waits, before BACKGROUND."""

    INTERACTIVE = 0
    BACKGROUND = 1


@dataclass(frozen=True, slots=True)
class AccountLimits:
    """Calls to one account: at most `concurrency` at once, and `calls_per_second` where there is such a limit.

    BACKGROUND calls may fill `background_share` of the slots and of a burst; the rest is kept for the others.
    """

    concurrency: int = DEFAULT_CONCURRENCY
    calls_per_second: float | None = None
    background_share: float = 0.75

    @classmethod
    def of(cls, profile: ProviderProfile, settings: ProviderSettings, background_share: float = 0.75) -> AccountLimits:
        """What `settings` say of an account, else what `profile` says of its provider."""
        return cls(
            settings.concurrency or profile.concurrency,
            settings.calls_per_second or profile.calls_per_second,
            background_share,
        )

    def slots(self, urgency: Urgency) -> int:
        """How many slots may be taken for a call of `urgency` still to get one, 1 at least."""
        if urgency is Urgency.INTERACTIVE:
            return self.concurrency
        return max(math.floor(self.concurrency * self.background_share), 1)

    def tolerance(self, urgency: Urgency) -> float:
        """By how many seconds a call may come before its turn at an even pace (`interval` apart)."""
        share = 1.0 if urgency is Urgency.INTERACTIVE else self.background_share
        return max(BURST_SECONDS * share - self.interval, 0.0)

    @property
    def interval(self) -> float:
        """Seconds from one call to the next at an even pace; 0 where there is no limit."""
        return 1 / self.calls_per_second if self.calls_per_second else 0.0

    def divided(self, by: int) -> AccountLimits:
        """The share of one of `by` processes, one slot at least."""
        rate = self.calls_per_second
        return replace(
            self, concurrency=max(self.concurrency // by, 1), calls_per_second=None if rate is None else rate / by
        )


Leave = Callable[[], None]
"""Gives a place back. To be called once."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """No place now. Ask again in `seconds` (infinite: when one was given back), or not at all when `is_paused`."""

    seconds: float
    is_paused: bool = False


class Gate(Protocol):
    """What an account takes at this moment."""

    def paused_for(self) -> float:
        """Seconds for which the account takes no calls, as far as this process knows; 0 when it does."""
        ...

    def pause(self, seconds: float) -> None:
        """The account has asked to be left alone for `seconds`."""
        ...

    async def take(self, urgency: Urgency) -> Leave | Refusal:
        """A place for one call, if there is one."""
        ...

    async def aclose(self) -> None:
        """Let go of everything held."""
        ...


class Pause:
    """Until when an account asked to be left alone."""

    def __init__(self, clock: MonotonicClock) -> None:
        self._clock = clock
        self._until = -math.inf

    def remaining(self) -> float:
        """Seconds left, never less than 0."""
        return max(self._until - self._clock(), 0.0)

    def extend(self, seconds: float) -> None:
        """It ends in `seconds`, or later if it did so already."""
        self._until = max(self._until, self._clock() + seconds)


class Pace:
    """Calls per second, by the generic cell rate algorithm (ITU-T I.371): an instant instead of a list of calls."""

    def __init__(self, limits: AccountLimits, clock: MonotonicClock) -> None:
        self._limits = limits
        self._clock = clock
        self._due = -math.inf

    def take(self, urgency: Urgency) -> float:
        """0 when a call may begin now, which is then counted; else how many seconds are left until it may."""
        if self._limits.calls_per_second is None:
            return 0.0
        now = self._clock()
        due = max(self._due, now)
        early = due - self._limits.tolerance(urgency) - now
        if early > 0:
            return early
        self._due = due + self._limits.interval
        return 0.0


class ProcessGate:
    """What one process may ask of an account, from what it does itself."""

    def __init__(self, limits: AccountLimits, clock: MonotonicClock) -> None:
        self._limits = limits
        self._pause = Pause(clock)
        self._pace = Pace(limits, clock)
        self._taken = 0

    def paused_for(self) -> float:
        return self._pause.remaining()

    def pause(self, seconds: float) -> None:
        self._pause.extend(seconds)

    async def take(self, urgency: Urgency) -> Leave | Refusal:
        if paused := self._pause.remaining():
            return Refusal(paused, is_paused=True)
        if self._taken >= self._limits.slots(urgency):
            return Refusal(math.inf)
        if early := self._pace.take(urgency):
            return Refusal(early)
        self._taken += 1
        return self._leave

    async def aclose(self) -> None:
        pass

    def _leave(self) -> None:
        self._taken -= 1
