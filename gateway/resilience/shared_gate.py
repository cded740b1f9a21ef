"""One gate for all workers: slots, pace and pause of an account are counted in the server that the workers share.

The server counts by its own clock, so the clocks of machines need not agree. A slot is a lease: that of a worker which
died is free again when the lease ends. When the server cannot be asked, each worker goes by its own share. One that
is short of memory may drop what is counted (`volatile-ttl` takes what lives shortest): a few calls more are made then.
"""

from __future__ import annotations

import asyncio
import math
import secrets
from collections.abc import Sequence
from enum import IntEnum
from typing import Any, Protocol

from gateway.resilience.deadline import MonotonicClock
from gateway.resilience.gate import AccountLimits, Leave, Pause, ProcessGate, Refusal, Urgency

POLL_SECONDS = 0.02
"""How soon to look again when other workers have all slots. Only the first in a worker's queue looks."""

LEASE_MARGIN_SECONDS = 5.0
"""How much longer a slot is held for a worker that does not give it back than a call may take."""

_TAKE = """
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
local pause = redis.call('PTTL', KEYS[3])
if pause > 0 then return {2, pause * 1000} end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return {1, 0} end
local interval = tonumber(ARGV[4])
if interval > 0 then
  local due = math.max(tonumber(redis.call('GET', KEYS[2]) or now), now)
  local early = due - tonumber(ARGV[5]) - now
  if early > 0 then return {1, early} end
  redis.call('SET', KEYS[2], string.format('%.0f', due + interval), 'PX', math.ceil((due + interval - now) / 1000) + 1)
end
local lease = tonumber(ARGV[3])
redis.call('ZADD', KEYS[1], string.format('%.0f', now + lease), ARGV[1])
redis.call('PEXPIRE', KEYS[1], math.ceil(lease / 1000) + 1)
return {0, 0}
"""
"""KEYS: slots, pace, pause. ARGV: token, slots, lease, interval, tolerance; times in microseconds, as in the answer.
Microseconds since 1970 fit a Lua number (2**53), but not the 14 digits that Lua writes one with."""

_GIVE_BACK = "return redis.call('ZREM', KEYS[1], ARGV[1])"

_PAUSE = """
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], 1, 'PX', ARGV[1]) end
return 1
"""


class ScriptServer(Protocol):
    """A server that workers share and that runs scripts in Lua, as Redis and Valkey do. It never takes long."""

    async def run(self, script: str, names: Sequence[str], arguments: Sequence[str | int]) -> Any | None:
        """What `script` answers, each run as one step; None when the server cannot be asked."""
        ...


class _Answer(IntEnum):
    """What the script says first; then come the microseconds to wait."""

    TAKEN = 0
    LATER = 1
    PAUSED = 2


class SharedGate:
    """The gate of one account, `name`, for all workers; `workers` share it when the server cannot be asked.

    `call_seconds` is the longest that a call holds a slot.
    """

    def __init__(
        self,
        server: ScriptServer,
        name: str,
        limits: AccountLimits,
        clock: MonotonicClock,
        *,
        call_seconds: float,
        workers: int = 1,
    ) -> None:
        self._server = server
        self._names = [f"{kind} {name}" for kind in ("slots", "pace", "pause")]
        self._limits = limits
        self._lease = call_seconds + LEASE_MARGIN_SECONDS
        self._pause = Pause(clock)
        self._own_share = ProcessGate(limits.divided(workers), clock)
        self._behind: set[asyncio.Task[Any]] = set()
        self._is_closed = False

    def paused_for(self) -> float:
        return self._pause.remaining()

    def pause(self, seconds: float) -> None:
        self._pause.extend(seconds)
        self._send(_PAUSE, self._names[2:], [math.ceil(seconds * 1000)])

    async def take(self, urgency: Urgency) -> Leave | Refusal:
        if paused := self._pause.remaining():
            return Refusal(paused, is_paused=True)
        token = secrets.token_hex(8)
        try:
            answer = await self._server.run(_TAKE, self._names, [token, *self._terms(urgency)])
        except asyncio.CancelledError:
            self._give_back(token)  # it may have been taken
            raise
        if answer is None:
            return await self._own_share.take(urgency)
        return self._read(answer, token)

    async def aclose(self) -> None:
        self._is_closed = True  # what is held from now on is given back by its lease
        while self._behind:
            await asyncio.wait(set(self._behind))

    def _terms(self, urgency: Urgency) -> list[int]:
        return [
            self._limits.slots(urgency),
            _microseconds(self._lease),
            _microseconds(self._limits.interval),
            _microseconds(self._limits.tolerance(urgency)),
        ]

    def _read(self, answer: Any, token: str) -> Leave | Refusal:
        verdict, microseconds = answer
        seconds = microseconds / 1_000_000
        if verdict == _Answer.TAKEN:
            return lambda: self._give_back(token)
        if verdict == _Answer.PAUSED:
            self._pause.extend(seconds)
            return Refusal(seconds, is_paused=True)
        return Refusal(max(seconds, POLL_SECONDS))

    def _give_back(self, token: str) -> None:
        self._send(_GIVE_BACK, self._names[:1], [token])

    def _send(self, script: str, names: Sequence[str], arguments: Sequence[str | int]) -> None:
        """Have the server run `script`, and do not wait for it."""
        if self._is_closed:
            return
        task = asyncio.create_task(self._server.run(script, names, arguments))
        self._behind.add(task)  # asyncio itself holds tasks only weakly
        task.add_done_callback(self._behind.discard)


def _microseconds(seconds: float) -> int:
    return math.ceil(seconds * 1_000_000)
