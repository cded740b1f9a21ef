"""Reads of many requests as one: what comes while the storage is being asked waits, and is asked for together.

A command to a shared storage takes 0.2 ms of CPU here, whether it reads one name or a hundred. Under load each answer
that comes back finds a dozen requests waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.freshness.stamps import NEVER


class Found(NamedTuple):
    """Payloads by key and stamps by tag, of those that there are."""

    payloads: Mapping[str, bytes]
    stamps: Mapping[str, int]

    def latest(self, tags: Collection[str]) -> int:
        """The latest stamp of `tags`."""
        return max((self.stamps.get(tag, NEVER) for tag in tags), default=NEVER)


NOTHING = Found({}, {})

Read = Callable[[Collection[str], Collection[str]], Awaitable[Found]]
"""From keys and tags to what there is of them."""


@dataclass(slots=True)
class _Batch:
    keys: set[str] = field(default_factory=set)
    tags: set[str] = field(default_factory=set)
    readers: list[asyncio.Future[Found]] = field(default_factory=list)


class GatheredReads:
    """Reads by `read`, one at a time. What is read was there after the reader had asked for it."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._next = _Batch()
        self._reading: asyncio.Task[None] | None = None

    async def read(self, keys: Collection[str], tags: Collection[str]) -> Found:
        """What there is of `keys` and `tags`, and perhaps more. Raises what `read` raises."""
        reader: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        batch = self._next
        batch.keys.update(keys)
        batch.tags.update(tags)
        batch.readers.append(reader)
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_all(), name="cache-reads")
        return await reader

    async def aclose(self) -> None:
        """Give up what is being read, and whoever waits for it."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait({self._reading})

    async def _read_all(self) -> None:
        try:
            while self._next.readers:
                batch, self._next = self._next, _Batch()
                await self._read_batch(batch)
        finally:
            self._reading = None
            _cancel(self._next)

    async def _read_batch(self, batch: _Batch) -> None:
        try:
            found = await self._read(batch.keys, batch.tags)
        except Exception as error:  # noqa: BLE001  # a defect, which reaches whoever waits
            for reader in batch.readers:
                if not reader.done():
                    reader.set_exception(error)
        except BaseException:
            _cancel(batch)
            raise
        else:
            for reader in batch.readers:
                if not reader.done():  # one that was given up
                    reader.set_result(found)


def _cancel(batch: _Batch) -> None:
    for reader in batch.readers:
        reader.cancel()
