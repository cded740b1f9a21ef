"""Who goes through a gate first: the more urgent, then whoever waits longest."""

from __future__ import annotations

import asyncio
import itertools
import math
from bisect import insort
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from gateway.resilience.gate import Gate, Leave, Refusal, Urgency


class NoPlace(Exception):
    """There was no place in time."""


class AccountPaused(Exception):
    """The account has asked to be left alone for `seconds` more."""

    def __init__(self, seconds: float) -> None:
        super().__init__("the account takes no calls")
        self.seconds = seconds


@dataclass(order=True, slots=True)
class _Waiter:
    urgency: Urgency
    number: int
    woken: asyncio.Event = field(default_factory=asyncio.Event, compare=False)


class Turnstile:
    """The queue of one process before one gate. Only its first asks the gate, so that nobody overtakes."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._waiting: list[_Waiter] = []
        self._numbers = itertools.count()

    @asynccontextmanager
    async def place(self, urgency: Urgency, seconds: float) -> AsyncIterator[None]:
        """Hold a place while what is inside runs. Whoever finds one free does not wait, and needs no time.

        Raises `NoPlace` when there is none within `seconds`, and `AccountPaused`.
        """
        leave = await self._enter(urgency, seconds)
        try:
            yield
        finally:
            leave()
            self._wake_first()

    async def _enter(self, urgency: Urgency, seconds: float) -> Leave:
        if not self._waiting:
            leave = await self._try(urgency)
            if not isinstance(leave, Refusal):
                return leave
        try:
            async with asyncio.timeout(seconds):
                return await self._wait(urgency)
        except TimeoutError:
            raise NoPlace from None

    async def _wait(self, urgency: Urgency) -> Leave:
        waiter = _Waiter(urgency, next(self._numbers))
        insort(self._waiting, waiter)
        try:
            while True:
                waiter.woken.clear()
                pause = math.inf
                if self._waiting[0] is waiter:
                    leave = await self._try(urgency)
                    if not isinstance(leave, Refusal):
                        return leave
                    pause = leave.seconds
                await _woken_within(waiter.woken, pause)
        finally:
            self._waiting.remove(waiter)
            self._wake_first()

    async def _try(self, urgency: Urgency) -> Leave | Refusal:
        answer = await self._gate.take(urgency)
        if isinstance(answer, Refusal) and answer.is_paused:
            raise AccountPaused(answer.seconds)
        return answer

    def _wake_first(self) -> None:
        if self._waiting:
            self._waiting[0].woken.set()


async def _woken_within(woken: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(None if seconds == math.inf else seconds):
            await woken.wait()
