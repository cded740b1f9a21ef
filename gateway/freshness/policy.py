"""How long an answer may be served, by what was learnt from it. Pure: the present comes in as `now`.

Several parcels count as the one that goes out of date first. Knows statuses and dates of the domain, and no provider.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

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

    def order_lifetime(self, order: Order, now: datetime) -> Lifetime:
        """Of an order with the trackings inside it; a parcel that is still missing counts as pending."""
        paces = {self._pace(tracking, now) for tracking in order.trackings}
        if not order.trackings or _lacks_parcels(order):
            paces.add(self._unless_silent(Pace.PENDING, _instants_of_order(order), now))
        return self._shortest(paces)

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
        lifetimes = [self.order_lifetime(order, now) for order in orders]
        return Lifetime(
            fresh=min([self.settings.page, *(lifetime.fresh for lifetime in lifetimes)]),
            stale=min([self.settings.stale_page, *(lifetime.stale for lifetime in lifetimes)]),
        )

    def not_found_lifetime(self) -> Lifetime:
        """Of "the provider does not know this"."""
        return Lifetime(self.settings.not_found, self.settings.stale_not_found)

    def _pace(self, tracking: Tracking, now: datetime) -> Pace:
        return self._unless_silent(PACE_OF_STATUS[tracking.status], _instants_of(tracking), now)

    def _unless_silent(self, pace: Pace, instants: Iterable[datetime | None], now: datetime) -> Pace:
        latest = max((instant for instant in instants if instant is not None), default=now)
        is_silent = now - latest >= self.settings.dormant_after
        return Pace.DORMANT if is_silent and pace is not Pace.SETTLED else pace

    def _shortest(self, paces: Iterable[Pace]) -> Lifetime:
        lifetimes = [self._lifetime_of(pace) for pace in paces]
        return Lifetime(
            fresh=min(lifetime.fresh for lifetime in lifetimes), stale=min(lifetime.stale for lifetime in lifetimes)
        )

    def _lifetime_of(self, pace: Pace) -> Lifetime:
        stale = self.settings.stale_live if pace is Pace.LIVE else self.settings.stale
        return Lifetime(fresh=getattr(self.settings, pace.value), stale=stale)


def _lacks_parcels(order: Order) -> bool:
    present = sum(tracking.status is not TrackingStatus.CANCELLED for tracking in order.trackings)
    return order.expected_shipments is not None and present < order.expected_shipments


def _instants_of(tracking: Tracking) -> Iterable[datetime | None]:
    return (tracking.created_at, tracking.updated_at, *(event.occurred_at for event in tracking.events))


def _instants_of_order(order: Order) -> Iterable[datetime | None]:
    return (order.placed_at, *(instant for tracking in order.trackings for instant in _instants_of(tracking)))
