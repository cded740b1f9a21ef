"""Counting what happened lately, in memory that does not grow with the traffic."""

from __future__ import annotations

from collections import Counter, deque

from gateway.resilience.deadline import MonotonicClock

_PARTS = 60
"""Into how many parts the time is divided: what is forgotten goes a part at a time."""


class RecentCounts:
    """How often each kind of thing happened over the last `seconds`, to a sixtieth of that."""

    def __init__(self, seconds: float, clock: MonotonicClock) -> None:
        self._part_seconds = seconds / _PARTS
        self._clock = clock
        self._parts: deque[tuple[int, Counter[str]]] = deque()
        self._totals: Counter[str] = Counter()

    def add(self, *kinds: str) -> None:
        """Each of `kinds` has happened once."""
        now = self._forget_old()
        if not self._parts or self._parts[-1][0] != now:
            self._parts.append((now, Counter()))
        part = self._parts[-1][1]
        for kind in kinds:  # `Counter.update` takes ten times as long for the one or two that there are
            part[kind] += 1
            self._totals[kind] += 1

    def count(self, kind: str) -> int:
        """How often `kind` happened."""
        self._forget_old()
        return self._totals[kind]

    def each(self, *kinds: str) -> list[int]:
        """How often each of `kinds` happened."""
        self._forget_old()
        return [self._totals[kind] for kind in kinds]

    def clear(self) -> None:
        """Forget everything."""
        self._parts.clear()
        self._totals.clear()

    def _forget_old(self) -> int:
        now = int(self._clock() / self._part_seconds)
        while self._parts and self._parts[0][0] <= now - _PARTS:
            self._totals.subtract(self._parts.popleft()[1])
        return now
