"""What each kind of provider is sent of a shipment. Pure."""

from __future__ import annotations

from gateway.orders.registration.shipment import Shipment
from gateway.orders.shops import RegistrationRules
from providers.carriers import billink_carrier_code, karla_reference, paypal_carrier
from providers.drafts import CarrierTrackingDraft, OrderReferenceType, OrderTrackerDraft, OrderUpsert
from providers.models import Reference, TrackerDraft


def to_order_upsert(shipment: Shipment, reference: Reference) -> OrderUpsert:
    """The parcel on an order that must exist: without `order`, none is made."""
    tracking = CarrierTrackingDraft(
        tracking_number=shipment.tracking_number,
        tracking_url=shipment.tracking_url,
        carrier_reference=karla_reference(shipment.carrier),
    )
    return OrderUpsert(
        reference=reference.value, reference_type=OrderReferenceType(reference.kind), trackings=(tracking,)
    )


def to_order_tracker(shipment: Shipment, paypal_order_id: str, capture_id: str) -> OrderTrackerDraft:
    """The tracker on the payment."""
    carrier = paypal_carrier(shipment.carrier)
    return OrderTrackerDraft(
        paypal_order_id=paypal_order_id,
        capture_id=capture_id,
        tracking_number=shipment.tracking_number,
        carrier=carrier.code,
        carrier_name_other=carrier.name_other,
        notify_payer=shipment.notify_payer,
        items=shipment.items,
    )


def to_tracker(shipment: Shipment, reference: Reference, rules: RegistrationRules) -> TrackerDraft:
    """The tracker on the invoice."""
    return TrackerDraft(
        reference=reference,
        carrier_code=billink_carrier_code(shipment.carrier, rules.carrier_codes),
        tracking_number=shipment.tracking_number,
    )
