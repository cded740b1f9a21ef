"""What an import has to remember of its rows, in a temporary file: the memory it takes stays the same for any number.

SQLite makes the file (https://www.sqlite.org/inmemorydb.html, "Temporary Databases"): it is there for this process
alone, is gone with it however that ends, and holds hashes and numbers only.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from types import TracebackType
from typing import Self

_HASH_BYTES = 16
"""Two of 10 million texts are alike by chance with a probability of one in 10^24."""

_TABLES = """
CREATE TABLE seen (name BLOB PRIMARY KEY, owner BLOB NOT NULL, line INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE accepted (number INTEGER PRIMARY KEY);
"""


@dataclass(frozen=True, slots=True)
class Sighting:
    """The line in which a name came first, and whether it had the same owner there."""

    line: int
    is_same_owner: bool


class BulkMemory:
    """Names that were seen, with their owners, and numbers of registrations; a context manager."""

    def __init__(self) -> None:
        self._file = sqlite3.connect("", isolation_level=None)
        self._file.executescript(f"PRAGMA journal_mode = OFF; PRAGMA cache_size = -2000; {_TABLES} BEGIN;")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._file.close()

    def seen_before(self, line: int, name: tuple[str, ...], owner: str = "") -> Sighting | None:
        """Where `name` came first, or None: then it came first in `line`, and has that `owner` from now on."""
        hashed, owner_hash = _hash(*name), _hash(owner)
        added = self._file.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", (hashed, owner_hash, line))
        if added.rowcount:
            return None
        first, first_owner = self._file.execute("SELECT line, owner FROM seen WHERE name = ?", (hashed,)).fetchone()
        return Sighting(first, first_owner == owner_hash)

    def note_accepted(self, number: int) -> None:
        """Remember the number of a registration."""
        self._file.execute("INSERT OR IGNORE INTO accepted VALUES (?)", (number,))

    def accepted(self, size: int) -> Iterator[tuple[int, ...]]:
        """The numbers of all registrations in ascending order, `size` at a time."""
        last = -1
        while numbers := self._numbers_after(last, size):
            yield numbers
            last = numbers[-1]

    def _numbers_after(self, last: int, size: int) -> tuple[int, ...]:
        rows = self._file.execute("SELECT number FROM accepted WHERE number > ? ORDER BY number LIMIT ?", (last, size))
        return tuple(number for (number,) in rows)


def _hash(*texts: str) -> bytes:
    return blake2b("".join(f"{len(text)}:{text}," for text in texts).encode(), digest_size=_HASH_BYTES).digest()
