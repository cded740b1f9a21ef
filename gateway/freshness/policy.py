"""How long an answer may be served, by what was learnt from it. Pure: the present comes in as `now`.

Several parcels count as the one that goes out of date first. Knows statuses and dates of the domain, and no provider.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import reduce

from gateway.freshness.envelope import Lifetime
from gateway.freshness.settings import FreshnessSettings
from providers.models import Order, Route, Tracking, TrackingsFound, TrackingStatus


class Pace(Enum):
    """How soon something may change; each is a duration of `FreshnessSettings`."""

    SETTLED = "settled"
    LIVE = "live"
    WAITING = "waiting"
    MOVING = "moving"
    PENDING = "pending"
    UNKNOWN = "unknown"
    DORMANT = "dormant"


PACE_OF_STATUS: dict[TrackingStatus, Pace] = {
    TrackingStatus.UNKNOWN: Pace.UNKNOWN,
    TrackingStatus.PENDING: Pace.PENDING,
    TrackingStatus.INFO_RECEIVED: Pace.PENDING,
    TrackingStatus.PICKED_UP: Pace.MOVING,
    TrackingStatus.IN_TRANSIT: Pace.MOVING,
    TrackingStatus.OUT_FOR_DELIVERY: Pace.LIVE,
    TrackingStatus.AVAILABLE_FOR_PICKUP: Pace.WAITING,
    TrackingStatus.ATTEMPT_FAILED: Pace.WAITING,
    TrackingStatus.DELAYED: Pace.MOVING,
    TrackingStatus.ON_HOLD: Pace.WAITING,
    TrackingStatus.EXCEPTION: Pace.MOVING,
    TrackingStatus.RETURNING: Pace.MOVING,
    TrackingStatus.RETURNED: Pace.SETTLED,
    TrackingStatus.DELIVERED: Pace.SETTLED,
    TrackingStatus.CANCELLED: Pace.SETTLED,
}


@dataclass(frozen=True, slots=True)
class FreshnessPolicy:
    """The lifetime of each kind of answer, under `settings`."""

    settings: FreshnessSettings
    _lifetimes: Mapping[Pace, Lifetime] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_lifetimes", _lifetimes(self.settings))

    def order_lifetime(self, order: Order, now: datetime) -> Lifetime:
        """Of an order with the trackings inside it; a parcel that is still missing counts as pending."""
        return self._shortest(self._paces(order, now))

    def trackings_lifetime(self, found: TrackingsFound, now: datetime) -> Lifetime:
        """Of what one provider tracks of an order; nothing yet counts as pending."""
        return self._shortest({self._pace(tracking, now) for tracking in found.trackings} or {Pace.PENDING})

    def route_lifetime(self, route: Route, now: datetime) -> Lifetime:
        """Of a driver's route: live from its start until every stop is settled, because the driver moves."""
        paces = {self._pace(stop, now) for stop in route.stops} or {Pace.PENDING}
        if route.started_at is not None and not paces <= {Pace.SETTLED, Pace.DORMANT}:
            paces.add(Pace.LIVE)
        return self._shortest(paces)

    def page_lifetime(self, orders: Sequence[Order], now: datetime) -> Lifetime:
        """Of a page of a search: as its shortest-lived order, and never longer than `page`."""
        paces = {pace for order in orders for pace in self._paces(order, now)}
        longest = Lifetime(self.settings.page, self.settings.stale_page)
        return _shorter(self._shortest(paces), longest) if paces else longest

    def not_found_lifetime(self) -> Lifetime:
        """Of "the provider does not know this"."""
        return Lifetime(self.settings.not_found, self.settings.stale_not_found)

    def _paces(self, order: Order, now: datetime) -> set[Pace]:
        paces = {self._pace(tracking, now) for tracking in order.trackings}
        if not order.trackings or _lacks_parcels(order):
            paces.add(self._unless_silent(Pace.PENDING, _instants_of_order(order), now))
        return paces

    def _pace(self, tracking: Tracking, now: datetime) -> Pace:
        pace = PACE_OF_STATUS[tracking.status]
        return pace if pace is Pace.SETTLED else self._unless_silent(pace, _instants_of(tracking), now)

    def _unless_silent(self, pace: Pace, instants: Iterable[datetime | None], now: datetime) -> Pace:
        latest = max([instant for instant in instants if instant is not None], default=now)
        return Pace.DORMANT if now - latest >= self.settings.dormant_after else pace

    def _shortest(self, paces: Iterable[Pace]) -> Lifetime:
        return reduce(_shorter, map(self._lifetimes.__getitem__, paces))


def _lifetimes(settings: FreshnessSettings) -> Mapping[Pace, Lifetime]:
    return {
        pace: Lifetime(
            fresh=getattr(settings, pace.value), stale=settings.stale_live if pace is Pace.LIVE else settings.stale
        )
        for pace in Pace
    }


def _shorter(one: Lifetime, other: Lifetime) -> Lifetime:
    return Lifetime(fresh=min(one.fresh, other.fresh), stale=min(one.stale, other.stale))


def _lacks_parcels(order: Order) -> bool:
    if order.expected_shipments is None:
        return False
    present = sum(tracking.status is not TrackingStatus.CANCELLED for tracking in order.trackings)
    return present < order.expected_shipments


def _instants_of(tracking: Tracking) -> Iterable[datetime | None]:
    return [tracking.updated_at, tracking.created_at, *[event.occurred_at for event in tracking.events]]


def _instants_of_order(order: Order) -> Iterable[datetime | None]:
    return (order.placed_at, *(instant for tracking in order.trackings for instant in _instants_of(tracking)))
