"""From Parcelbox's JSON to the domain: pure, and the only place that knows what Parcelbox's words mean."""

from parcelbox.profile import NAME
from parcelbox.wire import WireDeliveries, WireDelivery
from providers.models import GenericTracking, TrackingsFound, TrackingStatus
from providers.parsing import parse_instant, text_or_none

STATUS_BY_STATE = {
    "announced": TrackingStatus.INFO_RECEIVED,  # the shop has named the parcel; no locker holds it
    "stored": TrackingStatus.AVAILABLE_FOR_PICKUP,  # in the locker, the buyer has the code
    "taken": TrackingStatus.DELIVERED,  # the buyer has opened the locker
    "expired": TrackingStatus.RETURNING,  # nobody came for it; the carrier fetches it
}


def to_trackings_found(wire: WireDeliveries) -> TrackingsFound:
    return TrackingsFound(trackings=tuple(_to_tracking(delivery) for delivery in wire.deliveries))


def _to_tracking(delivery: WireDelivery) -> GenericTracking:
    return GenericTracking(
        provider=NAME,
        local_id=delivery.id,
        tracking_number=text_or_none(delivery.parcel_number),
        status=STATUS_BY_STATE.get(delivery.state, TrackingStatus.UNKNOWN),
        provider_status=delivery.state,
        updated_at=parse_instant(delivery.stored_at),
        attributes={"locker": delivery.locker},
    )
