"""The best estimated arrival of an order."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from providers.models import CarrierTracking, EstimatedArrival, Tracking, TrackingStatus

_BEGINNING = datetime.min.replace(tzinfo=UTC)

_AT_ITS_END = frozenset({TrackingStatus.DELIVERED, TrackingStatus.RETURNED, TrackingStatus.CANCELLED})


def all_estimates(trackings: Iterable[Tracking]) -> tuple[EstimatedArrival, ...]:
    """Every estimate of `trackings`, best first."""
    estimated = [tracking for tracking in trackings if tracking.estimated_arrival]
    ranked = sorted(estimated, key=_rank, reverse=True)
    return tuple(tracking.estimated_arrival for tracking in ranked if tracking.estimated_arrival)


def best_estimate(trackings: Iterable[Tracking]) -> EstimatedArrival | None:
    """The estimate to show for the whole order; None when nobody made one.

    A driver who is on the way knows best; then a parcel that is still to come says more than one that has arrived, and
    a carrier more than a route that has not begun; of several, the last to come, because the order is complete with it.
    """
    return next(iter(all_estimates(trackings)), None)


def _rank(tracking: Tracking) -> tuple[bool, bool, bool, datetime, datetime, str]:
    estimate = tracking.estimated_arrival
    if estimate is None:
        raise ValueError("a tracking without an estimate has no rank")
    latest = estimate.end or estimate.start
    return (
        estimate.live,
        tracking.status not in _AT_ITS_END,
        isinstance(tracking, CarrierTracking),
        latest or _BEGINNING,
        estimate.updated_at or _BEGINNING,
        estimate.model_dump_json(),
    )
