"""When something was last changed: an instant per tag, against which every entry is held.

Nothing is deleted to invalidate. An entry whose asking began at or before a stamp of one of its tags is not served,
which also covers answers that were still on their way when the change happened.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from gateway.freshness.envelope import to_microseconds
from providers.base import Clock

NEVER = 0
"""The stamp of a tag that was never invalidated: every asking began after it."""


class Instants:
    """Readings of a clock in which no two are alike: each is at least a microsecond after the one before.

    "Asked" and "invalidated" within one tick of a clock, or on the frozen clock of a test, must still have an order.
    Between processes equal instants remain possible; they count as invalidated. Hosts that share a cache must keep
    their clocks in step (NTP): a stamp from a clock that is behind misses answers asked for in that difference.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = NEVER

    def next(self) -> int:
        """The present in microseconds since 1970, after every earlier reading."""
        self._last = max(to_microseconds(self._clock()), self._last + 1)
        return self._last


class TagStamps:
    """The last invalidation of each tag, for at most `limit` tags.

    Past the limit the oldest stamps are forgotten and stand from then on for all tags: some entries older than that are
    lost to the cache, and none is served that should not be.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._stamps: OrderedDict[str, int] = OrderedDict()
        self._floor = NEVER

    def latest(self, tags: Iterable[str]) -> int:
        """The latest stamp of any of `tags`, or `NEVER`."""
        latest = self._floor
        if self._stamps:
            stamp_of = self._stamps.get
            for tag in tags:
                stamp = stamp_of(tag, NEVER)
                if stamp > latest:  # noqa: PLR1730  # `max` takes as long as the rest of it, and a page has 30 tags
                    latest = stamp
        return latest

    def note(self, tags: Iterable[str], instant: int, seconds: float) -> None:
        """Invalidate `tags` as of `instant`; stamps that are older than `seconds` before it have done their work."""
        for tag in tags:
            self._stamps[tag] = max(instant, self._stamps.pop(tag, NEVER))
        self._forget_until(instant - int(seconds * 1_000_000))
        while len(self._stamps) > self._limit:
            self._floor = max(self._floor, self._stamps.popitem(last=False)[1])

    def since(self, instant: int) -> dict[str, int]:
        """The stamps made at or after `instant`."""
        return {tag: stamp for tag, stamp in self._stamps.items() if stamp >= instant}

    def _forget_until(self, instant: int) -> None:
        while self._stamps and next(iter(self._stamps.values())) < instant:
            self._stamps.popitem(last=False)
