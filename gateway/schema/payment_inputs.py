"""What is written about payments: trackers at PayPal, with the limits that PayPal sets.

Limits are those of the PayPal Orders v2 OpenAPI 2.13 (`order_tracker_request`, `tracker_item`); those of `upc` are of
PayPal's own SDK, where the OpenAPI file leaves the schema empty.
"""

from __future__ import annotations

from collections.abc import Iterable

import strawberry

from gateway.schema.constraints import Rule, Rules, choice, length, pattern, violations, wrong
from gateway.schema.fields import IDEMPOTENCY_KEY, SHOP, optional, required
from gateway.schema.scalars import URL
from gateway.schema.types.payloads import UserError

OTHER = "OTHER"
"""The carrier that PayPal has no code for; `carrierNameOther` names it."""


@strawberry.input(description="A universal product code.")
class UpcInput:
    type: str = required("`UPC-A`, `UPC-B`, `UPC-C`, `UPC-D`, `UPC-E`, `UPC-2` or `UPC-5`.")
    code: str = required("The code: 6 to 17 digits.")


@strawberry.input(description="Something in a parcel.")
class TrackerItemInput:
    name: str | None = optional("Its name, 1 to 127 characters.")
    quantity: str | None = optional("How many: a whole number of at most 10 digits, as text.")
    sku: str | None = optional("Its stock keeping unit, as it was given when the payment was made.")
    url: URL | None = optional("A page about it.")
    image_url: URL | None = optional("A picture of it: https, and a JPEG, GIF or PNG file.")
    upc: UpcInput | None = optional("Its universal product code.")


@strawberry.input(description="A tracker for a captured payment.")
class CreateOrderTrackerInput:
    paypal_order_id: str = required("PayPal's id of the order.")
    capture_id: str = required("PayPal's id of the captured payment.")
    tracking_number: str | None = optional("The carrier's number of the parcel, 1 to 64 characters.")
    carrier: str | None = optional("PayPal's code of the carrier, such as `DHL`; `OTHER` when it has none.")
    carrier_name_other: str | None = optional("The carrier's name, when `carrier` is `OTHER`.")
    notify_payer: bool | None = optional("Whether PayPal writes to the payer.", False)
    items: list[TrackerItemInput] | None = optional("What is in the parcel.")
    shop: str | None = optional(SHOP)
    idempotency_key: str | None = optional(IDEMPOTENCY_KEY)


@strawberry.input(description="What is to change on a tracker. What is left out stays.")
class UpdateOrderTrackerInput:
    tracking_id: strawberry.ID = required("The global id of the `OrderTracker`.")
    items: list[TrackerItemInput] | None = optional("What is in the parcel, in place of what was.")
    notify_payer: bool | None = optional("Whether PayPal writes to the payer.")
    shop: str | None = optional(SHOP)
    idempotency_key: str | None = optional(IDEMPOTENCY_KEY)


@strawberry.input(description="A tracker to be called off.")
class CancelOrderTrackerInput:
    tracking_id: strawberry.ID = required("The global id of the `OrderTracker`.")
    shop: str | None = optional(SHOP)
    idempotency_key: str | None = optional(IDEMPOTENCY_KEY)


_ADDRESS_LIMIT = 2048
_PICTURE = pattern(r"https:\S+\.(?i:jpg|jpeg|gif|png)", "This takes an https address of a JPEG, GIF or PNG file.")

RULES: Rules = {
    UpcInput: {
        "type": choice("UPC-A", "UPC-B", "UPC-C", "UPC-D", "UPC-E", "UPC-2", "UPC-5"),
        "code": pattern("[0-9]{6,17}", "This takes 6 to 17 digits."),
    },
    TrackerItemInput: {
        "name": length(127),
        "quantity": pattern("[1-9][0-9]{0,9}", "This takes a whole number from 1, of at most 10 digits."),
        "sku": length(127),
        "url": length(_ADDRESS_LIMIT),
        "image_url": Rule(
            lambda url: len(url) <= _ADDRESS_LIMIT and _PICTURE.holds(url),
            f"{_PICTURE.message[:-1]}, at most {_ADDRESS_LIMIT} characters long.",
        ),
    },
    CreateOrderTrackerInput: {
        "paypal_order_id": pattern(
            "[A-Z0-9]{1,36}", "This takes PayPal's id of an order: 1 to 36 capitals and digits."
        ),
        "capture_id": pattern("[A-Za-z0-9]{1,50}", "This takes PayPal's id of a capture: 1 to 50 letters and digits."),
        "tracking_number": length(64),
        "carrier": pattern("[0-9A-Z_]{1,64}", "This takes PayPal's code of a carrier: capitals, digits and `_`."),
        "carrier_name_other": length(64),
    },
}
"""What PayPal demands of each member."""


def check_tracker_draft(given: CreateOrderTrackerInput) -> Iterable[UserError]:
    """What is wrong with a tracker to be added, before anything is sent."""
    yield from violations(given, RULES)
    if given.carrier == OTHER and given.carrier_name_other is None:
        yield wrong("Name the carrier that PayPal has no code for.", "carrierNameOther")
    if given.carrier != OTHER and given.carrier_name_other is not None:
        yield wrong(f"This goes with the carrier {OTHER} only.", "carrierNameOther")


def check_tracker_change(given: UpdateOrderTrackerInput) -> Iterable[UserError]:
    """What is wrong with a change of a tracker, before anything is sent."""
    yield from violations(given, RULES)
    if given.items is None and given.notify_payer is None:
        yield wrong("Give items or whether to notify the payer: there is nothing to change.")


def check_cancellation(given: CancelOrderTrackerInput) -> Iterable[UserError]:
    """What is wrong with calling a tracker off, before anything is sent."""
    yield from violations(given, RULES)
