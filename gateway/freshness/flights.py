"""Single flight: what is being asked for right now is asked for once.

A flight is a task of its own. Nobody who waits for it can end it: a caller that is cancelled or out of time leaves, and
the flight goes on. Knows nothing of what is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from gateway.freshness.errands import Errands

T = TypeVar("T")


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

    def __init__(self, errands: Errands) -> None:
        self._errands = errands
        self._current: dict[str, Flight[T]] = {}

    def find(self, name: str, since: int = 0) -> Flight[T] | None:
        """The flight under `name` that is still under way, if it began after `since`."""
        flight = self._current.get(name)
        if flight is None or flight.began <= since or flight.task.done():
            return None
        return flight

    def start(self, name: str, began: int, errand: Coroutine[Any, Any, T]) -> Flight[T]:
        """Send `errand` off under `name`."""
        flight = Flight(name, began, self._errands.send(errand))
        self._current[name] = flight
        flight.task.add_done_callback(lambda _: self._landed(flight))
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

    def _landed(self, flight: Flight[T]) -> None:
        if self._current.get(flight.name) is flight:
            del self._current[flight.name]
