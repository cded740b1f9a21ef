"""Removing copies from a shared cache. Invalidation only forbids them; what must be gone is looked for and deleted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from typing import Protocol

from gateway.freshness.envelope import tags_in


class EnumerableStorage(Protocol):
    """A storage whose values can be gone through. Every method may raise `StorageUnavailable`."""

    def values(self) -> AsyncIterator[Sequence[tuple[str, bytes]]]:
        """Everything that is kept, entries and other things: name and payload, some at a time."""
        ...

    async def drop(self, names: Collection[str]) -> None:
        """Delete what `values` named so."""
        ...

    async def aclose(self) -> None: ...


class SharedCopies:
    """The copies of answers in a shared cache, of all gateways that use it."""

    def __init__(self, storage: EnumerableStorage) -> None:
        self._storage = storage

    async def erase(self, tags: frozenset[str]) -> int:
        """Delete every copy that has one of `tags`; how many there were. Goes through the whole cache.

        Raises `StorageUnavailable`; what was deleted by then stays so.
        """
        erased = 0
        async for values in self._storage.values():
            names = [name for name, payload in values if not tags.isdisjoint(tags_in(payload))]
            await self._storage.drop(names)
            erased += len(names)
        return erased

    async def aclose(self) -> None:
        await self._storage.aclose()
