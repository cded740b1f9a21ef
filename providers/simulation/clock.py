"""The simulated world's clock: real time, run faster and moved ahead at will. It never goes back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta


class SimulationClock:
    """Starts at `now()` and runs `speed` times as fast as it; `advance` moves it ahead at once.

    `now` answers aware datetimes in UTC.
    """

    def __init__(self, now: Callable[[], datetime], speed: float = 1.0) -> None:
        if speed < 0:
            raise ValueError("a clock's speed is not negative")
        self._real_now = now
        self._speed = speed
        self._started_at = now()
        self._advanced = timedelta()

    def now(self) -> datetime:
        """The present of the simulated world."""
        return self._started_at + (self._real_now() - self._started_at) * self._speed + self._advanced

    def advance(self, by: timedelta) -> None:
        """Move the clock ahead. Raises `ValueError` when `by` is negative: what happened has happened."""
        if by < timedelta():
            raise ValueError("the simulated clock does not go back")
        self._advanced += by
