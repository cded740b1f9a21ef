"""Where entries are kept: what the cache needs of a storage, and the storage that the settings ask for."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from gateway.freshness.address import MemoryAddress, parse_cache_url
from gateway.freshness.envelope import FORMAT_VERSION
from gateway.freshness.guard import GuardedStorage, GuardTiming
from gateway.freshness.memory import MemoryStorage
from gateway.freshness.redis import RedisStorage
from gateway.freshness.sealing import AesGcmSeal, NoSeal, Seal
from gateway.freshness.settings import CacheSettings, decode_key

LOOKUP_ROUND_TRIPS = 2
"""A look-up reads the entry with the tags known before, then the stamps of tags that only the entry names."""


class Storage(Protocol):
    """Entries, tag stamps and leases. No operation raises or takes long; one that cannot be done changes nothing.

    Stamps are instants in microseconds since 1970 in UTC, 0 for "never". `shared` says whether other processes use the
    same entries; where it is false no operation suspends.
    """

    @property
    def shared(self) -> bool: ...

    @property
    def is_down(self) -> bool:
        """Whether the storage is left alone for now, because it did not answer."""
        ...

    def glance(self, key: str, tags: Collection[str]) -> tuple[bytes | None, int] | None:
        """What `read` answers, where nobody has to be waited for; None where somebody has."""
        ...

    async def read(self, key: str, tags: Collection[str]) -> tuple[bytes | None, int]:
        """The payload under `key`, and the latest stamp of `tags`."""
        ...

    async def latest_stamp(self, tags: Collection[str]) -> int:
        """The latest stamp of `tags`."""
        ...

    async def write(self, key: str, payload: bytes, seconds: float) -> None:
        """Keep `payload` under `key` for at most `seconds`."""
        ...

    async def delete(self, key: str) -> None:
        """Drop the entry under `key`."""
        ...

    async def stamp(self, tags: Collection[str], instant: int, seconds: float) -> None:
        """Stamp `tags` with `instant`, for `seconds` at least."""
        ...

    async def take_lease(self, key: str, token: str, seconds: float) -> bool:
        """Take the right to ask for `key`; false while another process has it."""
        ...

    async def release_lease(self, key: str, token: str) -> None:
        """Give back the right that `token` was taken with."""
        ...

    async def aclose(self) -> None:
        """Let go of everything held."""
        ...


def open_storage(settings: CacheSettings) -> Storage:
    """The storage at `cache.url`. Connects to nothing yet: a server that is down shows in the log, not here."""
    shared = open_shared(settings)
    if shared is None:
        return MemoryStorage(settings.stored_bytes)
    return GuardedStorage(shared, GuardTiming(operation=settings.timeout_ms / 1000 / LOOKUP_ROUND_TRIPS))


def open_shared(settings: CacheSettings) -> RedisStorage | None:
    """The storage at `cache.url` without a guard: it waits, and says when it fails. None for memory."""
    address = parse_cache_url(settings.url.get_secret_value())
    if isinstance(address, MemoryAddress):
        return None
    return RedisStorage(address, f"{settings.key_prefix}:{FORMAT_VERSION}", _seal(settings))


def _seal(settings: CacheSettings) -> Seal:
    return NoSeal() if settings.encryption_key is None else AesGcmSeal(decode_key(settings.encryption_key))
