"""The cache in this process's memory: an aiocache cache with a bound, and the storage made of it.

aiocache's own memory cache keeps everything until it expires and starts a timer for each entry; this one counts bytes,
drops what was used least recently, and needs no timers.
"""

from __future__ import annotations

import sys
import time
from collections import OrderedDict
from collections.abc import Collection, Sequence
from typing import Any

from aiocache.base import BaseCache  # type: ignore[import-untyped]  # aiocache 0.12 ships no types
from aiocache.serializers import NullSerializer  # type: ignore[import-untyped]

from gateway.freshness.stamps import TagStamps
from gateway.resilience.deadline import MonotonicClock

ENTRY_OVERHEAD_BYTES = 200
"""What an entry takes beside its key and payload: dictionary slot, order node, tuple, numbers. Measured 188 on
CPython 3.11, x86-64, as growth of the resident set over 200,000 entries."""

FRAGMENTATION_SHIFT = 4
"""One sixteenth more for gaps between freed entries of unlike sizes; 2 to 3 % were measured with glibc's malloc."""

STAMP_BYTES = 320
"""What one tag stamp takes, with a tag of the usual length."""

_STAMPS_SHARE = 32
_EXPIRED_PER_WRITE = 4


class BoundedMemoryCache(BaseCache):  # type: ignore[misc]  # aiocache 0.12 ships no types
    """An aiocache memory cache of at most `max_bytes`, counting keys, payloads (`bytes`) and its own bookkeeping.

    The least recently used entry goes first. An expired entry is dropped when it is read, or in passing when something
    is written. One that is larger than the whole bound is not kept. `find`, `keep` and `drop` are what aiocache's
    `get`, `set` and `delete` do, without their 2 µs of plugins, logging and environment look-ups for each call.
    """

    NAME = "bounded_memory"

    def __init__(self, max_bytes: int, clock: MonotonicClock = time.monotonic) -> None:
        super().__init__(serializer=NullSerializer(encoding=None), timeout=None)
        self.max_bytes = max_bytes
        self.used_bytes = 0
        self._clock = clock
        self._entries: OrderedDict[str, tuple[bytes, float | None, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, key: str) -> bytes | None:
        """The payload under `key`, unless it has expired; it is then the most recently used."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry[1] is not None and entry[1] <= self._clock():
            self.drop(key)
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def keep(self, key: str, payload: bytes, seconds: float | None) -> None:
        """Keep `payload` for `seconds` (None: until it is the least recently used)."""
        self.drop(key)
        cost = self.cost_of(key, payload)
        if cost > self.max_bytes:
            return
        expires_at = None if seconds is None else self._clock() + seconds
        self._entries[key] = (payload, expires_at, cost)
        self.used_bytes += cost
        self._drop_expired()
        while self.used_bytes > self.max_bytes:
            self.used_bytes -= self._entries.popitem(last=False)[1][2]

    def drop(self, key: str) -> bool:
        """Drop the entry under `key`; answers whether there was one."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return False
        self.used_bytes -= entry[2]
        return True

    @staticmethod
    def cost_of(key: str, payload: bytes) -> int:
        """The bytes that an entry is counted with."""
        size = sys.getsizeof(key) + sys.getsizeof(payload)
        return size + (size >> FRAGMENTATION_SHIFT) + ENTRY_OVERHEAD_BYTES

    def _drop_expired(self) -> None:
        # Nobody reads what has expired, so it gathers at the least recently used end. A few for each write keep up with
        # the writes, and no write pays for thousands.
        now = self._clock()
        for _ in range(_EXPIRED_PER_WRITE):
            key, (_, expires_at, _) = next(iter(self._entries.items()))
            if expires_at is None or expires_at > now or len(self._entries) == 1:
                return
            self.drop(key)

    async def _get(self, key: str, **_options: Any) -> bytes | None:
        return self.find(key)

    async def _gets(self, key: str, **_options: Any) -> bytes | None:
        return self.find(key)

    async def _multi_get(self, keys: Sequence[str], **_options: Any) -> list[bytes | None]:
        return [self.find(key) for key in keys]

    async def _set(
        self, key: str, value: bytes, ttl: float | None = None, _cas_token: bytes | None = None, **_options: Any
    ) -> bool:
        if _cas_token is not None and _cas_token != self.find(key):
            return False
        self.keep(key, value, ttl)
        return True

    async def _multi_set(self, pairs: Sequence[tuple[str, bytes]], ttl: float | None = None, **_options: Any) -> bool:
        for key, value in pairs:
            self.keep(key, value, ttl)
        return True

    async def _add(self, key: str, value: bytes, ttl: float | None = None, **_options: Any) -> bool:
        if self.find(key) is not None:
            raise ValueError(f"Key {key} already exists, use .set to update the value")
        self.keep(key, value, ttl)
        return True

    async def _exists(self, key: str, **_options: Any) -> bool:
        return self.find(key) is not None

    async def _increment(self, key: str, delta: int, **_options: Any) -> int:
        try:
            value = int(self.find(key) or b"0") + delta
        except ValueError:
            raise TypeError("Value is not an integer") from None
        expires_at = self._entries[key][1] if key in self._entries else None
        self.keep(key, b"%d" % value, None if expires_at is None else expires_at - self._clock())
        return value

    async def _expire(self, key: str, ttl: float, **_options: Any) -> bool:
        payload = self.find(key)
        if payload is None:
            return False
        self.keep(key, payload, ttl or None)
        return True

    async def _delete(self, key: str, **_options: Any) -> int:
        return int(self.drop(key))

    async def _clear(self, namespace: str | None = None, **_options: Any) -> bool:
        for key in [key for key in self._entries if key.startswith(namespace or "")]:
            self.drop(key)
        return True


class MemoryStorage:
    """Storage in this process alone. No operation ever suspends, so a load after a load always finds its entry.

    A thirty-second of `max_bytes` is set aside for tag stamps, which no entry can push out.
    """

    shared = False
    is_down = False

    def __init__(self, max_bytes: int, clock: MonotonicClock = time.monotonic) -> None:
        stamps_bytes = max_bytes // _STAMPS_SHARE
        self.cache = BoundedMemoryCache(max_bytes - stamps_bytes, clock)
        self._stamps = TagStamps(limit=max(stamps_bytes // STAMP_BYTES, 1))

    def glance(self, key: str, tags: Collection[str]) -> tuple[bytes | None, int]:
        return self.cache.find(key), self._stamps.latest(tags)

    async def read(self, key: str, tags: Collection[str]) -> tuple[bytes | None, int]:
        return self.glance(key, tags)

    async def latest_stamp(self, tags: Collection[str]) -> int:
        return self._stamps.latest(tags)

    async def write(self, key: str, payload: bytes, seconds: float) -> None:
        self.cache.keep(key, payload, seconds)

    async def delete(self, key: str) -> None:
        self.cache.drop(key)

    async def stamp(self, tags: Collection[str], instant: int, seconds: float) -> None:
        self._stamps.note(tags, instant, seconds)

    async def take_lease(self, key: str, token: str, seconds: float) -> bool:  # noqa: ARG002  # nobody else is here
        return True

    async def release_lease(self, key: str, token: str) -> None:
        pass

    async def aclose(self) -> None:
        await self.cache.clear()
