"""Who goes through a gate first: the more urgent, then whoever waits longest."""

from __future__ import annotations

import asyncio
import itertools
import math
from bisect import insort
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from types import TracebackType

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

    def place(self, urgency: Urgency, seconds: float) -> AbstractAsyncContextManager[None]:
        """Hold a place while what is inside runs. Whoever finds one free does not wait, and needs no time.

        Raises `NoPlace` when there is none within `seconds`, and `AccountPaused`.
        """
        return _Place(self, urgency, seconds)

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


class _Place:
    """See `Turnstile.place`."""

    __slots__ = ("_leave", "_seconds", "_turnstile", "_urgency")

    _leave: Leave

    def __init__(self, turnstile: Turnstile, urgency: Urgency, seconds: float) -> None:
        self._turnstile = turnstile
        self._urgency = urgency
        self._seconds = seconds

    async def __aenter__(self) -> None:
        self._leave = await self._turnstile._enter(self._urgency, self._seconds)

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._leave()
        self._turnstile._wake_first()


async def _woken_within(woken: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(None if seconds == math.inf else seconds):
            await woken.wait()
