"""Encoded pieces: the JSON of one entity as one selection sees it, kept between runs."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Hashable
from typing import Final, Protocol


class Pieces(Protocol):
    """A store of encoded pieces. It is used from one event loop and may forget whatever it likes."""

    def find(self, key: Hashable) -> bytes | None:
        """The piece kept under `key`."""
        ...

    def keep(self, key: Hashable, piece: bytes) -> None:
        """Remember `piece` under `key`."""
        ...


ENTRY_BYTES: Final = 150
"""What an entry takes besides its key and its JSON: order, table and numbers, measured on CPython 3.11."""


def entry_bytes(key: Hashable, piece: bytes) -> int:
    """What keeping `piece` under `key` takes in memory."""
    return ENTRY_BYTES + _key_bytes(key) + len(piece)


def _key_bytes(part: Hashable) -> int:
    """The bytes of a key, of which tuples and text may be long; whatever else is in it is small, or not its own."""
    if isinstance(part, tuple):
        return sys.getsizeof(part) + sum(map(_key_bytes, part))
    return sys.getsizeof(part) if isinstance(part, str) else 0


class PieceCache:
    """Keeps the pieces used last in at most `limit` bytes of memory, counted with their keys (`entry_bytes`)."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pieces: OrderedDict[Hashable, bytes] = OrderedDict()
        self.size = 0
        """Bytes held now."""

    def __len__(self) -> int:
        return len(self._pieces)

    def find(self, key: Hashable) -> bytes | None:
        piece = self._pieces.get(key)
        if piece is not None:
            self._pieces.move_to_end(key)
        return piece

    def keep(self, key: Hashable, piece: bytes) -> None:
        """A piece that is larger than the whole cache is not kept."""
        self._drop(key)
        cost = entry_bytes(key, piece)
        if cost > self._limit:
            return
        # A copy: what orjson writes goes on taking all the room that it was given to write in, up to 13 times its own.
        self._pieces[key] = bytes(memoryview(piece))
        self.size += cost
        while self.size > self._limit:
            self.size -= entry_bytes(*self._pieces.popitem(last=False))

    def clear(self) -> None:
        """Forget everything."""
        self._pieces.clear()
        self.size = 0

    def _drop(self, key: Hashable) -> None:
        piece = self._pieces.pop(key, None)
        if piece is not None:
            self.size -= entry_bytes(key, piece)
