"""Single flight: what is being asked for right now is asked for once.

A flight is a task of its own. Nobody who waits for it can end it: a caller that is cancelled or out of time leaves, and
the flight goes on. Knows nothing of what is asked.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Flight(Generic[T]):
    """One asking that is under way. `began` is an instant of `Instants`."""

    name: str
    began: int
    task: asyncio.Task[T]


class FlightCancelled(Exception):
    """The flight was ended before it had an answer, because the process is shutting down."""


class Flights(Generic[T]):
    """The flights of this process, one for each name. A later one under the same name replaces it for new callers."""

    def __init__(self) -> None:
        self._current: dict[str, Flight[T]] = {}
        self._tasks: set[asyncio.Task[T]] = set()

    def find(self, name: str, since: int = 0) -> Flight[T] | None:
        """The flight under `name` that is still under way, if it began after `since`."""
        flight = self._current.get(name)
        if flight is None or flight.began <= since or flight.task.done():
            return None
        return flight

    def start(self, name: str, began: int, errand: Coroutine[Any, Any, T]) -> Flight[T]:
        """Send `errand` off under `name`."""
        flight = Flight(name, began, asyncio.create_task(errand, name=f"flight {began}"))
        self._current[name] = flight
        self._tasks.add(flight.task)
        flight.task.add_done_callback(lambda task: self._landed(flight, task))
        return flight

    async def wait(self, flight: Flight[T], seconds: float) -> T:
        """The result of `flight`.

        Raises `TimeoutError` when it takes longer than `seconds`, `FlightCancelled`, and whatever the errand raised.
        """
        done, _ = await asyncio.wait({flight.task}, timeout=seconds)
        if not done:
            raise TimeoutError
        if flight.task.cancelled():
            raise FlightCancelled
        return flight.task.result()

    async def aclose(self, grace_seconds: float) -> None:
        """Give the flights `grace_seconds` to land, then cancel them."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=grace_seconds)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(set(self._tasks))

    def _landed(self, flight: Flight[T], task: asyncio.Task[T]) -> None:
        self._tasks.discard(task)
        if self._current.get(flight.name) is flight:
            del self._current[flight.name]
        if not task.cancelled() and (error := task.exception()) is not None:
            # Here and not at the callers, who may be many or none. The name is left out: it can hold a filter.
            _log.error("an asking ended in a defect", exc_info=error)
