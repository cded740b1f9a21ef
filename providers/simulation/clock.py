"""The simulated world's clock: real time, run faster and moved ahead at will. It never goes back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

END = datetime(3000, 1, 1, tzinfo=UTC)
"""As far as the clock can be moved: well inside what a datetime holds, with every script and every time zone."""


FASTEST = 1_000_000
"""Highest speed. In a day it takes the clock 2,700 years ahead; for a third day a datetime has no room."""


class SimulationClock:
    """Starts at `now()` and runs `speed` times as fast as it; `advance` moves it ahead at once.

    `now` answers aware datetimes in UTC.
    """

    def __init__(self, now: Callable[[], datetime], speed: float = 1.0) -> None:
        if not speed >= 0:
            raise ValueError("a clock's speed is not negative")
        if speed > FASTEST:
            raise ValueError(f"a clock's speed is at most {FASTEST:,}")
        self._real_now = now
        self._speed = speed
        self._started_at = now()
        self._advanced = timedelta()

    def now(self) -> datetime:
        """The present of the simulated world."""
        return self._started_at + (self._real_now() - self._started_at) * self._speed + self._advanced

    def advance(self, by: timedelta) -> None:
        """Move the clock ahead.

        Raises `ValueError` beyond `END`, and when `by` is negative: what happened has happened.
        """
        if by < timedelta():
            raise ValueError("the simulated clock does not go back")
        if by > END - self.now():
            raise ValueError(f"the simulated clock ends with the year {END.year - 1}")
        self._advanced += by
