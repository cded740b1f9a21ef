"""The delivery status of an order, merged over its trackings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from providers.models import Tracking, TrackingStatus

PROBLEMS: tuple[TrackingStatus, ...] = (
    TrackingStatus.EXCEPTION,
    TrackingStatus.RETURNED,
    TrackingStatus.RETURNING,
    TrackingStatus.ATTEMPT_FAILED,
    TrackingStatus.ON_HOLD,
    TrackingStatus.DELAYED,
)
"""Worst first: one parcel with a problem makes it the order's status."""

ADVANCEMENT: tuple[TrackingStatus, ...] = (
    TrackingStatus.PENDING,
    TrackingStatus.INFO_RECEIVED,
    TrackingStatus.PICKED_UP,
    TrackingStatus.IN_TRANSIT,
    TrackingStatus.OUT_FOR_DELIVERY,
    TrackingStatus.AVAILABLE_FOR_PICKUP,
    TrackingStatus.DELIVERED,
)
"""Least advanced first: without a problem, the order is as far as its last parcel."""


def merge_status(trackings: Iterable[Tracking], expected_shipments: int | None = None) -> TrackingStatus | None:
    """The status that one provider's trackings of an order add up to; None when they tell none.

    Cancelled and unknown trackings tell nothing by themselves, but an order is only DELIVERED when every tracking that
    is not cancelled is, and none is missing from `expected_shipments`.
    """
    statuses = [tracking.status for tracking in trackings if tracking.status is not TrackingStatus.CANCELLED]
    told = [status for status in statuses if status is not TrackingStatus.UNKNOWN]
    if not told:
        return None
    problem = _first_of(PROBLEMS, told)
    if problem:
        return problem
    least_advanced = _first_of(ADVANCEMENT, told)
    if least_advanced is not TrackingStatus.DELIVERED:
        return least_advanced
    if len(told) < len(statuses):
        return TrackingStatus.UNKNOWN
    return TrackingStatus.PENDING if len(statuses) < (expected_shipments or 0) else TrackingStatus.DELIVERED


def status_without_word(trackings: Collection[Tracking]) -> TrackingStatus:
    """The status of an order when no provider tells one: none PENDING, all cancelled CANCELLED, else UNKNOWN."""
    if not trackings:
        return TrackingStatus.PENDING
    all_cancelled = all(tracking.status is TrackingStatus.CANCELLED for tracking in trackings)
    return TrackingStatus.CANCELLED if all_cancelled else TrackingStatus.UNKNOWN


def _first_of(ranking: Sequence[TrackingStatus], statuses: Collection[TrackingStatus]) -> TrackingStatus | None:
    return next((status for status in ranking if status in statuses), None)
