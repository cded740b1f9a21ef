"""Encoded pieces: the JSON of one entity as one selection sees it, kept between runs."""

from __future__ import annotations

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


ENTRY_BYTES: Final = 400
"""What an entry takes besides its JSON: key, order and table, measured on CPython 3.11 with keys of two strings."""


class PieceCache:
    """Keeps the pieces used last in at most `limit` bytes of memory, counted with `ENTRY_BYTES` for each."""

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
        cost = len(piece) + ENTRY_BYTES
        if cost > self._limit:
            return
        self._pieces[key] = piece
        self.size += cost
        while self.size > self._limit:
            _, oldest = self._pieces.popitem(last=False)
            self.size -= len(oldest) + ENTRY_BYTES

    def clear(self) -> None:
        """Forget everything."""
        self._pieces.clear()
        self.size = 0

    def _drop(self, key: Hashable) -> None:
        piece = self._pieces.pop(key, None)
        if piece is not None:
            self.size -= len(piece) + ENTRY_BYTES
