"""Look-ups of many callers as few: what is asked for while others are looked up goes into the next one, together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

AT_ONCE = 2
"""Look-ups under way at the same time: one that hangs does not hold up the others."""

MOST_KEYS = 500
"""Keys of one look-up; a statement takes 32,766 parameters on SQLite, and as many on PostgreSQL."""

LookUp = Callable[[Collection[K]], Awaitable[Mapping[K, V]]]
"""Answers something for each of the keys, of which there are up to `MOST_KEYS`."""


class JointLookups(Generic[K, V]):
    """What `look_up` answers, for one key at a time.

    A look-up begins after all of its keys were asked for, so whoever has just written finds it.
    """

    def __init__(self, look_up: LookUp[K, V]) -> None:
        self._look_up = look_up
        self._asked: dict[K, list[asyncio.Future[V]]] = {}
        self._under_way = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def find(self, key: K) -> V:
        """What there is under `key`. Raises what the look-up raises."""
        found: asyncio.Future[V] = asyncio.get_running_loop().create_future()
        if not self._asked and self._under_way < AT_ONCE:
            self._start()
        self._asked.setdefault(key, []).append(found)
        return await found

    def _start(self) -> None:
        # In the next turn of the event loop: more may be asked for in this one.
        self._under_way += 1
        task = asyncio.create_task(self._run())
        self._tasks.add(task)  # asyncio itself holds tasks only weakly
        task.add_done_callback(self._tasks.discard)

    async def _run(self) -> None:
        try:
            while self._asked:
                keys = list(self._asked)[:MOST_KEYS]
                await self._answer({key: self._asked.pop(key) for key in keys})
        finally:
            self._under_way -= 1  # in the same step in which nothing was left: what is asked for next begins anew

    async def _answer(self, asked: Mapping[K, list[asyncio.Future[V]]]) -> None:
        try:
            found = await self._look_up(asked.keys())
        except Exception as error:  # noqa: BLE001  # told to everybody who asked
            for waiting in asked.values():
                for each in waiting:
                    if not each.done():
                        each.set_exception(error)
            return
        for key, waiting in asked.items():
            for each in waiting:
                if not each.done():
                    each.set_result(found[key])
