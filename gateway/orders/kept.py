"""Orders that were loaded before and are what they were: found again by what was asked, in one step.

Beside the cache and not instead of it: the order itself is held by the copy of its record (`Loaded.derived`), and here
only where it is. It is found again while that copy is fresh, and nothing that it was made of has changed. In a cache
that other processes write to nobody can tell, and none is kept.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Final

from gateway.freshness.cache import FreshCache, Lookup
from gateway.orders.loaded import LoadedOrder
from providers.base import Clock

MOST: Final = 5_000
"""Orders that are remembered; about 5 MB."""


@dataclass(frozen=True, slots=True)
class KeptOrder:
    """An order, and the look-up that its record came by."""

    order: LoadedOrder
    lookup: Lookup[Any]


@dataclass(frozen=True, slots=True)
class _Place:
    order: weakref.ref[LoadedOrder]
    lookup: Lookup[Any]
    names: frozenset[str]
    begun: int


class KeptOrders:
    """The orders that were asked for most recently."""

    def __init__(self, cache: FreshCache, clock: Clock) -> None:
        self._cache = cache
        self._clock = clock
        self._places: OrderedDict[Hashable, _Place] = OrderedDict()

    def find(self, question: Hashable) -> KeptOrder | None:
        """The order that answers `question`, while it stands."""
        place = self._places.get(question)
        if place is None:
            return None
        order = place.order()
        if order is None or not self._stands(order, place):
            del self._places[question]
            return None
        return KeptOrder(order, place.lookup)

    def keep(self, question: Hashable, kept: KeptOrder, names: frozenset[str], begun: int) -> None:
        """Remember the order; `names` are what it was made of, which began at `begun`."""
        if not self._cache.is_unchanged(names, begun):
            return
        self._places[question] = _Place(weakref.ref(kept.order), kept.lookup, names, begun)
        if len(self._places) > MOST:
            self._places.popitem(last=False)

    def _stands(self, order: LoadedOrder, place: _Place) -> bool:
        fresh_until = order.record.fresh_until if order.record else None
        is_fresh = fresh_until is not None and self._clock() < fresh_until
        return is_fresh and self._cache.is_unchanged(place.names, place.begun)
