"""Look-ups of many callers as few: what is asked for while others are looked up goes into the next one, together.

A statement or a command costs the same whether it is about one thing or a hundred, and under load each answer that
comes back finds a dozen callers waiting.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K")
F = TypeVar("F")

AT_ONCE = 2
"""Look-ups under way at the same time where nothing else is said: one that hangs does not hold up the others."""

MOST_KEYS = 500
"""Keys of one look-up, but for those that its last caller brings; a statement takes 32,766 parameters on SQLite, and as
many on PostgreSQL."""

LookUp = Callable[[Collection[K]], Awaitable[F]]
"""Answers what there is of some keys."""


@dataclass(slots=True)
class _Batch(Generic[K, F]):
    keys: dict[K, None] = field(default_factory=dict)
    callers: list[asyncio.Future[F]] = field(default_factory=list)


class JointLookups(Generic[K, F]):
    """What `look_up` answers, to many callers at a time.

    A look-up begins after all of its keys were asked for, so whoever has just written finds it. Up to `at_once` are
    under way at the same time.
    """

    def __init__(self, look_up: LookUp[K, F], at_once: int = AT_ONCE) -> None:
        self._look_up = look_up
        self._at_once = at_once
        self._batches: deque[_Batch[K, F]] = deque()
        self._under_way: set[asyncio.Task[None]] = set()

    async def find(self, *keys: K) -> F:
        """What there is of `keys`, and perhaps of others. Raises what the look-up raises."""
        caller: asyncio.Future[F] = asyncio.get_running_loop().create_future()
        batch = self._open_batch()
        batch.keys.update(dict.fromkeys(keys))
        batch.callers.append(caller)
        return await caller

    async def aclose(self) -> None:
        """Give up what is looked up, and let go whoever waits for it."""
        tasks = [*self._under_way]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        while self._batches:
            _let_go(self._batches.popleft())

    def _open_batch(self) -> _Batch[K, F]:
        if not self._batches or len(self._batches[-1].keys) >= MOST_KEYS:
            self._batches.append(_Batch())
            if len(self._under_way) < self._at_once:
                # In the next turn of the event loop: more may be asked for in this one.
                self._under_way.add(asyncio.create_task(self._run()))
        return self._batches[-1]

    async def _run(self) -> None:
        try:
            while self._batches:
                await self._answer(self._batches.popleft())
        finally:
            # In the same step in which nothing was left: what is asked for next begins anew.
            self._under_way.discard(asyncio.current_task())

    async def _answer(self, batch: _Batch[K, F]) -> None:
        try:
            found = await self._look_up(batch.keys)
        except Exception as error:  # noqa: BLE001  # told to everybody who asked
            for caller in batch.callers:
                if not caller.done():  # one that was given up
                    caller.set_exception(error)
        except BaseException:
            _let_go(batch)
            raise
        else:
            for caller in batch.callers:
                if not caller.done():
                    caller.set_result(found)


def _let_go(batch: _Batch[K, F]) -> None:
    for caller in batch.callers:
        caller.cancel()
