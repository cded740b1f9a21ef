"""What our store adds to trackers on payments: the numbers and carriers that PayPal is sent and gives back nowhere."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping

from gateway.store.database import StoreUnavailable
from gateway.store.order_tracker_details import OrderTrackerDetails, TrackerDetails
from providers.models import OrderTracker, Tracking, TrackingsFound

logger = logging.getLogger(__name__)

_NOTHING = TrackerDetails(None, None)

DetailsByOrder = Mapping[str, Mapping[str, TrackerDetails]]
"""By PayPal order, and then by tracker."""


class BareTrackings(TrackingsFound):
    """What a provider told, without what a store that is down would add: to be served, and not to be kept."""


async def with_kept_details(details: OrderTrackerDetails, shop: str, found: TrackingsFound) -> TrackingsFound:
    """`found` with what the store knows of its trackers; `BareTrackings` when the store cannot be read."""
    try:
        kept = {order: await details.find(shop, order) for order in dict.fromkeys(_lacking(found))}
    except StoreUnavailable as error:
        logger.error("trackers are shown without the numbers and carriers that the store has: %s", error)
        return BareTrackings(trackings=found.trackings, references=found.references)
    return joined(found, kept) if any(kept.values()) else found


def joined(found: TrackingsFound, kept: DetailsByOrder) -> TrackingsFound:
    """`found` with its trackers' numbers and carriers from `kept`. What the provider told stays."""
    return found.model_copy(update={"trackings": tuple(_joined(tracking, kept) for tracking in found.trackings)})


def _joined(tracking: Tracking, kept: DetailsByOrder) -> Tracking:
    if not isinstance(tracking, OrderTracker):
        return tracking
    details = kept.get(tracking.paypal_order_id, {}).get(tracking.tracker_id, _NOTHING)
    return tracking.model_copy(
        update={
            "tracking_number": tracking.tracking_number or details.tracking_number,
            "carrier": tracking.carrier or details.carrier,
        }
    )


def _lacking(found: TrackingsFound) -> Iterator[str]:
    """The PayPal orders of the trackers that have no number or no carrier."""
    for tracking in found.trackings:
        if isinstance(tracking, OrderTracker) and not (tracking.tracking_number and tracking.carrier):
            yield tracking.paypal_order_id
