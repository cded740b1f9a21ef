"""A loaded order: what each provider that was asked contributed, and the answers that follow from it.

Everything here is at hand: nothing in this module waits or asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateway.freshness.cache import Loaded
from gateway.freshness.derived import PASSING, Derived
from gateway.freshness.envelope import CacheResult
from gateway.orders.identity import KnownReference, OrderIdentity, OrderName
from gateway.orders.merge.estimate import all_estimates, best_estimate
from gateway.orders.merge.status import merge_status, status_without_word
from gateway.orders.merge.timeline import TimelineEvent, merge_timeline
from gateway.orders.needs import NAME_PARTS, Need, Part
from gateway.orders.shops import Shop
from providers.errors import ProviderError
from providers.models import EstimatedArrival, Order, Tracking, TrackingStatus

_WEAKEST_FIRST = (CacheResult.STALE, CacheResult.HIT, CacheResult.STORED, CacheResult.BYPASS, CacheResult.MISS)
"""Of several loads from one provider, the answer is as fresh as the first of these that occurs."""


@dataclass(frozen=True, slots=True)
class ProviderPart:
    """What one provider contributed. `is_answered` is false when it could not be asked and no copy was at hand."""

    provider: str
    trackings: tuple[Tracking, ...]
    is_answered: bool
    is_known: bool
    cache: CacheResult
    fetched_at: datetime | None
    error: ProviderError | None

    @classmethod
    def of(cls, provider: str, loaded: Loaded[Any], trackings: Sequence[Tracking] | None) -> ProviderPart:
        """The part that one load makes; `trackings` are None when the load brought nothing."""
        return cls(
            provider=provider,
            trackings=tuple(trackings or ()),
            is_answered=loaded.value is not None or loaded.error is None,
            is_known=loaded.value is not None,
            cache=loaded.cache,
            fetched_at=loaded.fetched_at,
            error=loaded.error,
        )

    @classmethod
    def unasked(cls, provider: str, error: ProviderError) -> ProviderPart:
        """What could not be asked because of another provider's `error`: nobody could tell what to ask for."""
        return cls(provider, (), False, False, CacheResult.MISS, None, error)

    @classmethod
    def stored(cls, tracking: Tracking, now: datetime) -> ProviderPart:
        """One tracking that was just read from our own store, or written to it."""
        return cls(tracking.provider, (tracking,), True, True, CacheResult.STORED, now, None)

    @classmethod
    def told(cls, tracking: Tracking, now: datetime) -> ProviderPart:
        """One tracking that its provider just answered a write with."""
        return cls(tracking.provider, (tracking,), True, True, CacheResult.MISS, now, None)

    @classmethod
    def joined(cls, parts: Sequence[ProviderPart]) -> ProviderPart:
        """Several loads from one provider (split payments) as one part: as old as the oldest."""
        if len(parts) == 1:
            return parts[0]
        fetched = [part.fetched_at for part in parts if part.fetched_at]
        return cls(
            provider=parts[0].provider,
            trackings=tuple(tracking for part in parts for tracking in part.trackings),
            is_answered=any(part.is_answered for part in parts),
            is_known=any(part.is_known for part in parts),
            cache=next(result for result in _WEAKEST_FIRST if any(part.cache is result for part in parts)),
            fetched_at=min(fetched, default=None),
            error=next((part.error for part in parts if part.error), None),
        )


@dataclass(frozen=True, slots=True, weakref_slot=True)
class LoadedOrder:
    """One order of one operation. `record` is None when the order source was not asked."""

    shop: Shop
    identity: OrderIdentity
    record: Loaded[Order] | None
    parts: Mapping[str, ProviderPart]
    references: tuple[KnownReference, ...]
    has_failures: bool = field(init=False, repr=False, compare=False)
    _asked: Derived = field(init=False, repr=False, compare=False, default_factory=Derived)
    derived: Derived = field(init=False, repr=False, compare=False)
    """What follows from this order alone; kept with it where it has a `token`."""

    token: object | None = field(default=None, compare=False, repr=False)
    """What stands for this very order, where it is answered again for as long as its copy is fresh; else None."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "has_failures", any(part.error for part in self.parts.values()))
        object.__setattr__(self, "derived", PASSING if self.token is None else Derived())

    def forget(self) -> None:
        """Let go of what was derived: the copy that this order was made of is no longer held."""
        self.derived.forget()
        if self.record is not None:
            self.record.derived.forget()

    @property
    def details(self) -> Order | None:
        """What the order source says of the order; None when it was not asked, could not be, or does not know it."""
        return self.record.value if self.record else None

    def name(self, name: OrderName) -> str | None:
        return self.identity.name(name)

    def asked(self, need: Need) -> tuple[ProviderPart, ...]:
        """The parts that `need` was answered from, most trusted first."""
        return self._asked.of(need, lambda: self._parts_asked(need))

    def _parts_asked(self, need: Need) -> tuple[ProviderPart, ...]:
        if need.part not in (Part.TRACKINGS, Part.ESTIMATE, Part.STATUS):
            return self._record_parts(need)
        named = [part for name in self.shop.tracking_providers if (part := self.parts.get(name)) and need.names(name)]
        if need.part is Part.ESTIMATE:
            return tuple(part for part in named if self.shop.providers[part.provider].profile.estimates_arrival)
        return tuple(self._walked(named)) if need.part is Part.STATUS else tuple(named)

    def failures(self, need: Need) -> tuple[ProviderError, ...]:
        """What went wrong for `need`, whether or not an old copy made up for it."""
        if not self.has_failures:
            return ()
        return tuple(part.error for part in self.asked(need) if part.error)

    def trackings(self, need: Need) -> tuple[Tracking, ...] | None:
        """The trackings that `need` names; None when providers were asked and none of them answered.

        That our own store holds none is no answer for a provider that is down: an empty list would read as one.
        """
        asked = self.asked(need)
        found = tuple(tracking for part in asked for tracking in part.trackings)
        if found:
            return found
        is_lost = any(not part.is_answered for part in asked)
        is_told = any(part.is_answered and part.cache is not CacheResult.STORED for part in asked)
        return None if is_lost and not is_told else ()

    def timeline(self, need: Need) -> tuple[TimelineEvent, ...] | None:
        """The merged events of those trackings, oldest first; None as for `trackings`."""
        trackings = self.trackings(need)
        if trackings is None:
            return None
        return self.derived.of(("timeline", need), lambda: merge_timeline(trackings))

    def estimate(self, need: Need) -> EstimatedArrival | None:
        return best_estimate(self.trackings(need) or ())

    def estimates(self, need: Need) -> tuple[EstimatedArrival, ...] | None:
        """Every estimate of those trackings, best first; None as for `trackings`."""
        trackings = self.trackings(need)
        return None if trackings is None else all_estimates(trackings)

    def delivery_status(self, need: Need) -> TrackingStatus | None:
        """The status that the most trusted provider tells; None when nobody that was asked answered."""
        asked = self.asked(need)
        for part in asked:
            status = status_told(self.shop, self.record, part)
            if status is not None:
                return status
        if asked and not all(part.is_answered for part in asked):
            return None
        return status_without_word([tracking for part in asked for tracking in part.trackings])

    def _record_parts(self, need: Need) -> tuple[ProviderPart, ...]:
        source = self.shop.order_source
        part = self.parts.get(source.profile.name) if source else None
        return (part,) if part and not self._is_known_without_record(need) else ()

    def _is_known_without_record(self, need: Need) -> bool:
        name = NAME_PARTS.get(need.part)
        is_known_name = name is not None and self.name(name) is not None and self.details is None
        return is_known_name or need.part is Part.REFERENCES

    def _walked(self, named: Iterable[ProviderPart]) -> Iterable[ProviderPart]:
        """The parts down to the first that tells a status: those beyond it were loaded for something else."""
        for part in named:
            yield part
            if status_told(self.shop, self.record, part) is not None:
                return


def status_told(shop: Shop, record: Loaded[Order] | None, part: ProviderPart) -> TrackingStatus | None:
    """The status that one provider's part tells. How many parcels to expect counts for the order source's alone."""
    source = shop.order_source
    is_source = source is not None and source.profile.name == part.provider
    order = record.value if record and is_source else None
    return merge_status(part.trackings, order.expected_shipments if order else None)
