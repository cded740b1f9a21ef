"""Single flight: what is being asked for right now is asked for once.

A flight is a task of its own. Nobody who waits for it can end it: a caller that is cancelled or out of time leaves, and
the flight goes on. Knows nothing of what is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Generic, TypeVar

from gateway.freshness.errands import Errands

T = TypeVar("T")


class Flight(Generic[T]):
    """One asking that is under way. `began` is an instant of `Instants`."""

    __slots__ = ("_task", "_waiting", "began")

    def __init__(self, began: int, task: asyncio.Task[T]) -> None:
        self.began = began
        self._task = task
        self._waiting: set[asyncio.Future[None]] = set()

    @property
    def is_over(self) -> bool:
        return self._task.done()

    async def landing(self, seconds: float) -> T:
        """What came of it.

        Raises `TimeoutError` when it takes longer than `seconds`, `FlightCancelled`, and whatever the errand raised.
        """
        if not self._task.done():
            await self._until_landed(seconds)
        if not self._task.done():
            raise TimeoutError
        if self._task.cancelled():
            raise FlightCancelled
        return self._task.result()

    async def _until_landed(self, seconds: float) -> None:
        """Wait, but no longer than `seconds`. `asyncio.wait` does the same, and takes three times as long."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        self._waiting.add(waiter)
        timer = loop.call_later(seconds, _wake, waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiting.discard(waiter)

    def wake(self) -> None:
        """Have everybody who waits look whether it is over."""
        for waiter in self._waiting:
            _wake(waiter)


class FlightCancelled(Exception):
    """The flight was ended before it had an answer, because the process is shutting down."""


class Flights(Generic[T]):
    """The flights of this process, one for each name. A later one under the same name replaces it for new callers."""

    def __init__(self, errands: Errands) -> None:
        self._errands = errands
        self._current: dict[str, Flight[T]] = {}

    def find(self, name: str, since: int = 0) -> Flight[T] | None:
        """The flight under `name` that is still under way, if it began after `since`."""
        flight = self._current.get(name)
        if flight is None or flight.began <= since or flight.is_over:
            return None
        return flight

    def start(self, name: str, began: int, errand: Coroutine[Any, Any, T]) -> Flight[T]:
        """Send `errand` off under `name`."""
        task = self._errands.send(errand)
        flight = self._current[name] = Flight(began, task)
        task.add_done_callback(lambda _: self._landed(name, flight))
        return flight

    def _landed(self, name: str, flight: Flight[T]) -> None:
        if self._current.get(name) is flight:
            del self._current[name]
        flight.wake()


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
