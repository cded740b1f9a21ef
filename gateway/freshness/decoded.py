"""Entries ready for use: what was already parsed from a payload need not be parsed again.

Beside the storage and not instead of it: a parsed entry is used only for the very bytes that the storage gave, so it
can be neither older nor newer than what is stored.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from gateway.freshness.envelope import Entry

DECODED_FACTOR = 9
"""Bytes that a parsed order takes for each byte of its JSON, the payload included. Measured 6.9 (tracemalloc, an order
of 4.7 kB with six events), and 1.4 more for what is derived from it (30 orders of 16 kB, all trackings and events)."""

DECODED_OVERHEAD_BYTES = 1024
"""For the entry itself, its datetimes, tags, key and dictionary slot."""


class DecodedEntries:
    """The most recently used parsed entries, in about `max_bytes`."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._used_bytes = 0
        self._entries: OrderedDict[str, tuple[bytes, Entry[Any]]] = OrderedDict()

    def find(self, key: str, payload: bytes) -> Entry[Any] | None:
        """The entry that was parsed from `payload`."""
        known = self._entries.get(key)
        if known is None or (known[0] is not payload and known[0] != payload):
            return None
        self._entries.move_to_end(key)
        return known[1]

    def asked(self, key: str) -> int:
        """When the asking for the entry last kept under `key` began; 0 when none is known."""
        known = self._entries.get(key)
        return 0 if known is None else known[1].asked

    def keep(self, key: str, payload: bytes, entry: Entry[Any]) -> None:
        """Keep `entry` as what `payload` means."""
        self.drop(key)
        self._entries[key] = (payload, entry)
        self._used_bytes += _cost_of(payload)
        while self._used_bytes > self._max_bytes:
            self._release(*self._entries.popitem(last=False)[1])

    def drop(self, key: str) -> None:
        """Forget the entry under `key`."""
        known = self._entries.pop(key, None)
        if known is not None:
            self._release(*known)

    def _release(self, payload: bytes, entry: Entry[Any]) -> None:
        self._used_bytes -= _cost_of(payload)
        entry.hit.derived.forget()


def _cost_of(payload: bytes) -> int:
    return len(payload) * DECODED_FACTOR + DECODED_OVERHEAD_BYTES
