"""What it takes to share a storage with other processes: writes behind the answer, and leases.

Knows nothing of what is asked or how long it is fresh.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from typing import Any

from gateway.freshness.envelope import Entry
from gateway.freshness.errands import Errands
from gateway.freshness.storage import Storage


@dataclass(frozen=True, slots=True, eq=False)
class _Write:
    entry: Entry[Any]
    task: asyncio.Task[None]


class Handover:
    """Entries on their way into the storage. Until one is there, it is served from here: an answer waits for no write,
    and a load that follows at once finds it nevertheless."""

    def __init__(self, storage: Storage, errands: Errands) -> None:
        self._storage = storage
        self._errands = errands
        self._writes: dict[str, _Write] = {}

    def find(self, key: str) -> Entry[Any] | None:
        """The entry under `key` that is on its way."""
        write = self._writes.get(key)
        return None if write is None else write.entry

    def write_behind(self, key: str, payload: bytes, seconds: float, entry: Entry[Any]) -> None:
        """Send `entry` on its way, as `payload`."""
        task = self._errands.send(self._write(key, payload, seconds, entry, self._writes.get(key)))
        self._writes[key] = _Write(entry, task)

    async def wait(self, key: str) -> None:
        """Return when the entry under `key` has arrived, or has been given up."""
        write = self._writes.get(key)
        if write is not None:
            await asyncio.wait({write.task})

    async def _write(self, key: str, payload: bytes, seconds: float, entry: Entry[Any], earlier: _Write | None) -> None:
        try:
            if earlier is not None:
                await asyncio.wait({earlier.task})  # or the older entry might arrive last
            await self._storage.write(key, payload, seconds)
        finally:
            if self.find(key) is entry:
                del self._writes[key]


@dataclass(frozen=True, slots=True)
class LeaseTiming:
    """Seconds. One worker asks for at most `lease`; the others look every `poll` whether it has its answer."""

    lease: float = 5.0
    poll: float = 0.05


DEFAULT_LEASE_TIMING = LeaseTiming()
"""A lease as long as a provider call may take."""


class Leases:
    """The rights to ask that this process holds, one for each name, among all that share the storage."""

    def __init__(self, storage: Storage, handover: Handover, errands: Errands, timing: LeaseTiming) -> None:
        self.timing = timing
        self._storage = storage
        self._handover = handover
        self._errands = errands
        self._token = secrets.token_hex(8)
        self._releases: dict[str, asyncio.Task[None]] = {}

    async def take(self, name: str) -> bool:
        """Take the lease called `name`; false while another process has it."""
        releasing = self._releases.get(name)
        if releasing is not None:
            await asyncio.wait({releasing})  # our own, from the asking before, must not look like another's
        return await self._storage.take_lease(name, self._token, self.timing.lease)

    def release_behind(self, name: str, key: str) -> None:
        """Give the lease back as soon as the entry under `key` has arrived."""
        self._releases[name] = self._errands.send(self._release(name, key))

    async def _release(self, name: str, key: str) -> None:
        try:
            # Earlier, and the next worker would find neither lease nor entry, and ask.
            await self._handover.wait(key)
            await self._storage.release_lease(name, self._token)
        finally:
            del self._releases[name]
