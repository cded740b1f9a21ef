"""The figures of what is left of registrations, for the team on call: read from the store when somebody looks."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Final

from gateway.resilience.deadline import MonotonicClock
from gateway.store.errors import StoreUnavailable
from gateway.store.registration_backlog import LEFT, Backlog, RegistrationBacklog
from gateway.store.registrations import StepState
from gateway.telemetry.metrics import REGISTRATION_OLDEST_DUE, REGISTRATION_STEPS, STORE_UP

LEAST_SECONDS: Final = 5.0
"""The store is read once in this time at most: whoever can look at the figures can look often."""

_NOTHING: Final = Backlog()


class BacklogFigures:
    """Sets the figures of `providers`, each of which has one though nothing is left."""

    def __init__(
        self, backlog: RegistrationBacklog, providers: Collection[str], clock: MonotonicClock = time.monotonic
    ) -> None:
        self._backlog = backlog
        self._providers = frozenset(providers)
        self._clock = clock
        self._next = clock()

    async def refresh(self) -> None:
        """Read the store, unless that was done a moment ago. Where it cannot be read, the figures stay as they are."""
        now = self._clock()
        if now < self._next:
            return
        self._next = now + LEAST_SECONDS
        try:
            left = await self._backlog.read()
        except StoreUnavailable:
            STORE_UP.set(0)
            return
        STORE_UP.set(1)
        for provider in self._providers | {provider for provider, _ in left}:
            for state in LEFT:
                REGISTRATION_STEPS.labels(provider, state.value).set(left.get((provider, state), _NOTHING).steps)
            overdue = left.get((provider, StepState.PENDING), _NOTHING).overdue_seconds
            REGISTRATION_OLDEST_DUE.labels(provider).set(overdue)
