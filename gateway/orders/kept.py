"""Orders, and pages of them, that were loaded before and are what they were: found again by what was asked.

Beside the cache and not instead of it: the thing itself is held by the copy that it was made of (`Loaded.derived`), and
here only where it is. It is found again while that copy is fresh, and nothing that it was made of has changed. In a
cache that other processes write to nobody can tell, and none is kept.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from sys import getsizeof
from typing import Any, Final

from gateway.freshness.cache import FreshCache, Loaded, Lookup
from gateway.orders.loaded import LoadedOrder
from gateway.orders.pages import OrderPage

MOST_BYTES: Final = 8_000_000
"""What may be taken by all that is remembered: some five thousand orders."""

NAME_BYTES: Final = 200
"""What is charged for a name of a thing, of which an order has some five and a page one for each order on it."""

HELD_TWICE: Final = 2
"""The words of a question are also in the key of its look-up."""

Kept = LoadedOrder | OrderPage
"""What is kept; `record` is the copy that alone made it."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a thing is, the look-up that its copy came by, what it was made of, and when that began."""

    kept: weakref.ref[Kept]
    lookup: Lookup[Any]
    names: frozenset[str]
    begun: int
    cost: int


class KeptOrders:
    """The orders and pages that were asked for most recently, in about `max_bytes`: clients choose what they ask."""

    def __init__(self, cache: FreshCache, max_bytes: int = MOST_BYTES) -> None:
        self._cache = cache
        self._places: OrderedDict[Hashable, _Place] = OrderedDict()
        self._room = max_bytes

    def find(self, question: Hashable) -> tuple[Kept, Loaded[Any], Lookup[Any]] | None:
        """What answers `question`, while it stands; with its copy, and the look-up that this came by."""
        place = self._places.get(question)
        if place is None:
            return None
        kept = place.kept()
        if kept is not None and kept.record is not None and self._stands(kept.record, place):
            return kept, kept.record, place.lookup
        self._forget(question)
        return None

    def keep(self, question: Hashable, kept: Kept, lookup: Lookup[Any], names: frozenset[str], begun: int) -> None:
        """Remember `kept`, whose copy came by `lookup`; `names` are what it was made of, which began at `begun`."""
        if not self._cache.is_unchanged(names, begun):
            return
        self._forget(question)
        place = _Place(weakref.ref(kept), lookup, names, begun, _cost_of(question, names))
        self._places[question] = place
        self._room -= place.cost
        while self._room < 0:
            self._forget(next(iter(self._places)))

    def _forget(self, question: Hashable) -> None:
        place = self._places.pop(question, None)
        self._room += place.cost if place else 0

    def _stands(self, record: Loaded[Any], place: _Place) -> bool:
        return self._cache.is_fresh(record) and self._cache.is_unchanged(place.names, place.begun)


def _cost_of(question: Hashable, names: frozenset[str]) -> int:
    """About how many bytes it takes to remember what `question` was answered."""
    words = question if isinstance(question, tuple) else (question,)
    return NAME_BYTES * len(names) + HELD_TWICE * sum(map(getsizeof, words))
