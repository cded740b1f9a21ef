"""What makes a tracking or an event the same one when it is read again."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from providers.models import (
    CarrierTracking,
    GenericTracking,
    InvoiceTracker,
    OrderTracker,
    RouteTracking,
    Tracking,
    TrackingEvent,
)

TrackingIdentity = tuple[str | int | None, ...]
"""JSON values that name one tracking among all of one shop."""


def _carrier(tracking: CarrierTracking) -> TrackingIdentity:
    shipment = tracking.shipment_id or tracking.uuid
    return tracking.order_number, str(shipment) if shipment else tracking.tracking_number


def _order_tracker(tracking: OrderTracker) -> TrackingIdentity:
    return tracking.paypal_order_id, tracking.tracker_id


def _invoice_tracker(tracking: InvoiceTracker) -> TrackingIdentity:
    return (tracking.store_id,)


def _route(tracking: RouteTracking) -> TrackingIdentity:
    return tracking.order_handle, tracking.type, tracking.type_index, tracking.fulfillment_attempt


def _generic(tracking: GenericTracking) -> TrackingIdentity:
    return (tracking.local_id,)


_IDENTITIES: Mapping[type, Callable[[Any], TrackingIdentity]] = {
    CarrierTracking: _carrier,
    OrderTracker: _order_tracker,
    InvoiceTracker: _invoice_tracker,
    RouteTracking: _route,
    GenericTracking: _generic,
}


def tracking_identity(tracking: Tracking) -> TrackingIdentity:
    """The provider and its own names for `tracking`."""
    return tracking.provider, *_IDENTITIES[type(tracking)](tracking)


def event_identity(tracking: TrackingIdentity, event: TrackingEvent) -> str:
    """A short text that is the same for the same event of the same tracking, however often it is read.

    Two events may share an instant (Karla's own sample has C20 and A12 in one second), so code and name count too.
    """
    moment = event.occurred_at.timestamp() if event.occurred_at else event.occurred_at_text
    identity = orjson.dumps([tracking, event.code, moment, event.name])
    return urlsafe_b64encode(hashlib.sha256(identity).digest()[:18]).decode()
