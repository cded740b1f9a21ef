"""What each kind of provider is sent of a shipment."""

from __future__ import annotations

from gateway.orders.registration.drafts import to_order_tracker, to_order_upsert, to_tracker
from gateway.orders.registration.shipment import Shipment
from gateway.orders.shops import RegistrationRules
from providers.drafts import CarrierTrackingDraft, OrderReferenceType, OrderTrackerDraft, OrderUpsert
from providers.models import Reference, TrackerDraft, TrackerItem

INVOICE = Reference(provider="billink", kind="invoice_number", value="INV-1")
SHIPMENT = Shipment(
    tracking_number="00340434161094042557",
    carrier="dhl",
    tracking_url="https://example.com/track",
    items=(TrackerItem(name="Shirt", quantity="2", sku="S-1"),),
    notify_payer=True,
    capture_id="CAP1",
)


def test_an_order_is_told_of_a_parcel_and_nothing_else_and_must_exist() -> None:
    reference = Reference(provider="karla", kind="external_id", value="ext-1")
    assert to_order_upsert(SHIPMENT, reference) == OrderUpsert(
        reference="ext-1",
        reference_type=OrderReferenceType.EXTERNAL_ID,
        order=None,
        trackings=(
            CarrierTrackingDraft(
                tracking_number="00340434161094042557",
                tracking_url="https://example.com/track",
                carrier_reference="dhl",
            ),
        ),
    )


def test_a_payment_is_told_everything() -> None:
    assert to_order_tracker(SHIPMENT, "PAY1", "CAP1") == OrderTrackerDraft(
        paypal_order_id="PAY1",
        capture_id="CAP1",
        tracking_number="00340434161094042557",
        carrier="DE_DHL",
        carrier_name_other=None,
        notify_payer=True,
        items=SHIPMENT.items,
    )


def test_a_carrier_that_paypal_does_not_list_is_named_in_words() -> None:
    draft = to_order_tracker(SHIPMENT.model_copy(update={"carrier": "Postman Pat"}), "PAY1", "CAP1")
    assert (draft.carrier, draft.carrier_name_other) == ("OTHER", "Postman Pat")


def test_an_invoice_is_told_the_shops_own_code_of_the_carrier_where_it_has_one() -> None:
    rules = RegistrationRules(carrier_codes={"dhl": "DHL_DE"})
    assert to_tracker(SHIPMENT, INVOICE, rules) == TrackerDraft(
        reference=INVOICE, carrier_code="DHL_DE", tracking_number="00340434161094042557"
    )
    assert to_tracker(SHIPMENT, INVOICE, RegistrationRules()).carrier_code == "dhl"
