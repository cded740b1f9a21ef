"""From PayPal's JSON to the domain: pure, and the only place that knows what PayPal's words mean."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime

from providers.construction import constructor
from providers.drafts import OrderTrackerDraft
from providers.models import Capture, Carrier, Link, OrderTracker, TrackerItem, TrackingStatus, Upc
from providers.parsing import parse_instant, web_url
from providers.paypal.profile import PROFILE
from providers.paypal.wire import WireCapture, WireItem, WireLink, WireOrder, WireTracker, WireUpc

STATUS_BY_WORD: Mapping[str, TrackingStatus] = {
    # Orders v2, `tracker_status`: a merchant assigned a number; nobody scanned the parcel.
    "SHIPPED": TrackingStatus.INFO_RECEIVED,
    "CANCELLED": TrackingStatus.CANCELLED,
    # Shipment Tracking v1, `tracking_status`, whose list the Orders v2 OpenAPI 2.13 repeats. Beside each word is what
    # PayPal's page of shipping statuses says of the shipment.
    "NEW": TrackingStatus.PENDING,  # is new
    "NOT_SHIPPED": TrackingStatus.PENDING,  # was not shipped
    "UNCONFIRMED": TrackingStatus.PENDING,  # is unconfirmed
    "IN_PROCESS": TrackingStatus.PENDING,  # is in process
    "PROCESSED": TrackingStatus.INFO_RECEIVED,  # was processed
    "SHIPMENT_CREATED": TrackingStatus.INFO_RECEIVED,  # was created
    "LABEL_PRINTED": TrackingStatus.INFO_RECEIVED,  # its label was printed
    "DROPPED_OFF": TrackingStatus.PICKED_UP,  # was dropped off, so the carrier has it
    "IN_TRANSIT": TrackingStatus.IN_TRANSIT,  # is on its way to the buyer
    "DELIVERY_SCHEDULED": TrackingStatus.IN_TRANSIT,  # its delivery was scheduled
    "DELIVERY_DELAYED": TrackingStatus.DELAYED,  # its delivery was delayed
    "DELIVERY_FAILED": TrackingStatus.ATTEMPT_FAILED,  # its delivery failed
    "PICKUP_FAILED": TrackingStatus.EXCEPTION,  # its pick-up failed
    "ERROR": TrackingStatus.EXCEPTION,  # an error occurred
    "ON_HOLD": TrackingStatus.ON_HOLD,  # was stopped for a while: weather, strike, customs
    "LOCAL_PICKUP": TrackingStatus.DELIVERED,  # picked up by the buyer, or handed over in person
    "DELIVERED": TrackingStatus.DELIVERED,  # had been delivered when the number was uploaded
    "INRETURN": TrackingStatus.RETURNING,  # is being returned
    "RETURNED": TrackingStatus.RETURNED,  # was returned
    "VOID": TrackingStatus.CANCELLED,  # was cancelled
    "COMPLETED": TrackingStatus.UNKNOWN,  # listed, and nowhere explained
}
"""All 23 words that PayPal publishes for a shipment."""

# What the wire models have read is not read again.
new_link = constructor(Link)
new_order_tracker = constructor(OrderTracker)
new_tracker_item = constructor(TrackerItem)
new_upc = constructor(Upc)

_BEFORE_ALL_TIMES = datetime.min.replace(tzinfo=UTC)
_AFTER_ALL_TIMES = datetime.max.replace(tzinfo=UTC)


def to_trackers(wire: WireOrder | WireTracker, paypal_order_id: str) -> tuple[OrderTracker, ...]:
    """Every tracker of the answer, oldest first; one whose `create_time` is no instant comes last."""
    trackers = [to_tracker(tracker, paypal_order_id, _capture_ids(wire)) for tracker in _trackers(wire)]
    return tuple(sorted(trackers, key=lambda tracker: tracker.created_at or _AFTER_ALL_TIMES))


def to_tracker(wire: WireTracker, paypal_order_id: str, capture_ids: Iterable[str] = ()) -> OrderTracker:
    """The tracker as we know it.

    PayPal never gives back tracking number and carrier, and keeps no history, so those stay empty.
    """
    return new_order_tracker(
        provider=PROFILE.name,
        tracker_id=wire.id,
        paypal_order_id=paypal_order_id,
        capture_id=_capture_id(wire.id, capture_ids),
        status=STATUS_BY_WORD.get(wire.status or "", TrackingStatus.UNKNOWN),
        provider_status=wire.status,
        created_at=parse_instant(wire.create_time),
        updated_at=parse_instant(wire.update_time),
        items=tuple(_item(item) for item in wire.items or ()),
        links=tuple(_link(link) for link in wire.links or ()),
    )


def to_added_tracker(wire: WireOrder | WireTracker, draft: OrderTrackerDraft) -> OrderTracker | None:
    """The tracker that `draft` added, of all that the answer shows; None when it shows none.

    No tracker says which number it is for. PayPal's example of an id is the capture's id followed by the number (Orders
    v2, PATCH tracker), so a tracker with such an id comes first, then any on the same capture, then the newest: a
    repeated call is answered with an order whose newest tracker can be another one. Where a number is too long to be in
    the id, an answer to a repeated call can be taken for a newer tracker of the same capture. Number and carrier are
    those of the draft.
    """
    candidates = _trackers(wire)
    if not candidates:
        return None
    added = max(reversed(candidates), key=lambda tracker: _likeness(tracker, draft))
    return _as_drafted(to_tracker(added, draft.paypal_order_id), draft)


def to_earlier_tracker(
    wire: WireOrder | WireTracker, draft: OrderTrackerDraft, known_ids: Collection[str]
) -> OrderTracker | None:
    """The tracker that an earlier request with `draft` added; None where none can be told to be it.

    It is one of `known_ids` that is not on another capture, or has for its id the capture's and the number, as PayPal's
    examples have (Orders v2, PATCH tracker; with a hyphen in between, Shipment Tracking v1). An id that is cut short is
    not taken for it: several long numbers begin alike. Neither is a cancelled tracker: it tells the payer nothing, and
    can be older than that request.
    """
    if draft.tracking_number is None:
        return None
    for each in _trackers(wire):
        tracker = to_tracker(each, draft.paypal_order_id, _capture_ids(wire))
        is_known = tracker.tracker_id in known_ids and tracker.capture_id in (None, draft.capture_id)
        if tracker.status is not TrackingStatus.CANCELLED and (is_known or _is_named_for(each, draft)):
            return _as_drafted(tracker, draft)
    return None


def to_captures(wire: WireOrder, paypal_order_id: str) -> tuple[Capture, ...]:
    """The captures of the order, in PayPal's order; one without id or status is left out: it says nothing."""
    return tuple(
        Capture(paypal_order_id=paypal_order_id, capture_id=capture.id, status=capture.status)
        for capture in _captures(wire)
        if capture.id and capture.status
    )


def _as_drafted(tracker: OrderTracker, draft: OrderTrackerDraft) -> OrderTracker:
    """The tracker of `draft`, with the number and the carrier that PayPal does not give back."""
    return tracker.model_copy(
        update={
            "capture_id": draft.capture_id,
            "tracking_number": draft.tracking_number,
            "carrier": Carrier(reference=draft.carrier, name=draft.carrier_name_other) if draft.carrier else None,
        }
    )


def _likeness(wire: WireTracker, draft: OrderTrackerDraft) -> tuple[bool, bool, datetime]:
    on_capture = wire.id.upper().startswith(draft.capture_id.upper())
    number = _in_an_id(draft.tracking_number or "")
    for_number = on_capture and bool(number) and wire.id.upper().endswith(number)
    return for_number, on_capture, parse_instant(wire.create_time) or _BEFORE_ALL_TIMES


def _is_named_for(wire: WireTracker, draft: OrderTrackerDraft) -> bool:
    number = _in_an_id(draft.tracking_number or "")
    return bool(number) and _in_an_id(wire.id) == _in_an_id(draft.capture_id) + number


def _in_an_id(text: str) -> str:
    """What an id holds of `text`: its letters, as capitals, and its digits."""
    return "".join(filter(str.isalnum, text)).upper()


def _trackers(wire: WireOrder | WireTracker) -> list[WireTracker]:
    if isinstance(wire, WireTracker):
        return [wire]
    return [tracker for unit in wire.purchase_units if unit.shipping for tracker in unit.shipping.trackers or ()]


def _capture_ids(wire: WireOrder | WireTracker) -> frozenset[str]:
    if isinstance(wire, WireTracker):
        return frozenset()
    return frozenset(capture.id for capture in _captures(wire) if capture.id)


def _captures(wire: WireOrder) -> Iterator[WireCapture]:
    return (capture for unit in wire.purchase_units if unit.payments for capture in unit.payments.captures or ())


def _capture_id(tracker_id: str, capture_ids: Iterable[str]) -> str | None:
    """The capture that the tracker is on, where its id says so.

    PayPal's example of a tracker id begins with the capture's id (Orders v2, PATCH tracker), but no page promises it.
    So a capture is named only when it is one of this order's own and the only one that the id begins with.
    """
    candidates = [capture_id for capture_id in capture_ids if tracker_id.startswith(capture_id)]
    return candidates[0] if len(candidates) == 1 else None


def _item(wire: WireItem) -> TrackerItem:
    return new_tracker_item(
        name=wire.name,
        quantity=wire.quantity,
        sku=wire.sku,
        url=web_url(wire.url),
        image_url=web_url(wire.image_url),
        upc=_upc(wire.upc),
    )


def _upc(wire: WireUpc | None) -> Upc | None:
    """The product code; one that lacks a half names no product."""
    return new_upc(type=wire.type, code=wire.code) if wire and wire.type and wire.code else None


def _link(wire: WireLink) -> Link:
    return new_link(href=web_url(wire.href), rel=wire.rel, method=wire.method)
