"""How many requests each caller may send: an even pace, and some at once after a pause.

By the generic cell rate algorithm (ITU-T I.371), as the pace of a provider account (`gateway.resilience.gate`): for
each caller one instant is kept, at which all that it has sent would be over at the even pace. Counted in whole
microseconds, so that the shared server and this process come to the same figures.

Workers that share a server count there, by its clock, in one step and one round trip. While it cannot be asked, each
goes by its own share.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.resilience.deadline import MonotonicClock
from gateway.resilience.shared_gate import ScriptServer

MOST_CALLERS: Final = 10_000
"""Callers that a process remembers; about 2 MB. Beyond it the one that was silent longest is forgotten, and so has
its whole burst again."""

_MINUTE: Final = 60_000_000
_SECOND: Final = 1_000_000

_TAKE: Final = """
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
local backlog = math.max(tonumber(redis.call('GET', KEYS[1]) or now) - now, 0)
if backlog > tonumber(ARGV[2]) then return {0, backlog} end
backlog = backlog + tonumber(ARGV[1])
redis.call('SET', KEYS[1], string.format('%.0f', now + backlog), 'PX', math.ceil(backlog / 1000) + 1)
return {1, backlog}
"""
"""KEYS: the caller. ARGV: interval, tolerance; microseconds, as in the answer: whether it is taken, and the backlog.
Microseconds since 1970 fit a Lua number (2**53), but not the 14 digits that Lua writes one with."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """`per_minute` requests at an even pace, of which `burst` may come at once when there were none before."""

    per_minute: float
    burst: int

    @property
    def interval(self) -> int:
        """Microseconds from one request to the next at an even pace."""
        return max(round(_MINUTE / self.per_minute), 1)

    @property
    def tolerance(self) -> int:
        """The longest backlog, in microseconds, on top of which a request is still taken."""
        return (self.burst - 1) * self.interval

    def divided(self, by: int) -> RateLimit:
        """The share of one of `by` processes, a burst of one at least."""
        return RateLimit(self.per_minute / by, max(self.burst // by, 1))

    def quota(self, backlog: int, *, is_taken: bool) -> Quota:
        """What a caller has left whose requests last for `backlog` microseconds more at the even pace."""
        room = self.burst * self.interval - backlog
        remaining = max(room // self.interval, 0)
        return Quota(is_taken, remaining, ((remaining + 1) * self.interval - room) / _SECOND)


@dataclass(frozen=True, slots=True)
class Quota:
    """Whether a request is taken, how many more may follow at once, and in how many seconds that is one more."""

    is_taken: bool
    remaining: int
    seconds: float


class ProcessRates:
    """What one process counts by itself, of `most_callers` at most."""

    def __init__(self, limit: RateLimit, clock: MonotonicClock, most_callers: int = MOST_CALLERS) -> None:
        self._limit = limit
        self._clock = clock
        self._most_callers = most_callers
        self._due: OrderedDict[str, int] = OrderedDict()

    def take(self, caller: str) -> Quota:
        """Count a request of `caller`, unless it is one too many."""
        now = math.floor(self._clock() * _SECOND)
        backlog = max(self._due.get(caller, now) - now, 0)
        if backlog > self._limit.tolerance:
            return self._limit.quota(backlog, is_taken=False)
        backlog += self._limit.interval
        self._due[caller] = now + backlog
        self._due.move_to_end(caller)
        if len(self._due) > self._most_callers:
            self._due.popitem(last=False)
        return self._limit.quota(backlog, is_taken=True)


class RateLimiter:
    """Holds every caller to `limit`, over all workers where `shared` gives their server.

    `workers` divide the limit among them while the server cannot be asked. `shared` is asked each time: the server is
    opened after this is made.
    """

    def __init__(
        self,
        limit: RateLimit,
        clock: MonotonicClock,
        *,
        shared: Callable[[], ScriptServer | None] = lambda: None,
        workers: int = 1,
    ) -> None:
        self.limit = limit
        self._shared = shared
        self._own_share = ProcessRates(limit.divided(workers), clock)

    async def take(self, caller: str) -> Quota:
        """Count a request of `caller`, unless it is one too many. A name is all that is known of a caller."""
        server = self._shared()
        answer = None
        if server is not None:
            answer = await server.run(_TAKE, [f"rate {caller}"], [self.limit.interval, self.limit.tolerance])
        if answer is None:
            return self._own_share.take(caller)
        is_taken, backlog = answer
        return self.limit.quota(backlog, is_taken=bool(is_taken))
