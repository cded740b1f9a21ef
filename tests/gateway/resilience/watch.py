"""A monotonic clock that goes on only when it is told to."""

from __future__ import annotations


class Watch:
    """A `MonotonicClock`, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds
