"""What is written about orders and their parcels, with the limits that Karla sets.

Limits are those of the Karla API reference (Place Order, Upsert Order, Update Order, Fulfill Orders). It states no
lengths: what an order or a parcel is called is held to what it can be asked by afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import strawberry

from gateway.schema.constraints import (
    CURRENCY,
    JSON_OBJECT,
    NAME,
    Rule,
    Rules,
    at_least,
    between,
    count,
    violations,
    wrong,
)
from gateway.schema.enums import OrderReferenceType
from gateway.schema.fields import IDEMPOTENCY_KEY, SHOP, optional, required
from gateway.schema.inputs import OrderBy
from gateway.schema.scalars import JSON, URL
from gateway.schema.types.payloads import UserError

MOST_SHIPMENTS = 100
"""Karla API reference, `expected_number_of_shipments`."""

DEEPEST_BUNDLE = 10
"""Levels of products in one another, as many as are read back; Karla's reference shows two."""

MOST_ORDERS = 100
"""Orders in one `fulfillOrders`."""


@strawberry.input(description="A postal address.")
class AddressInput:
    name: str | None = optional("Name of the person.")
    company: str | None = optional("Name of the company.")
    street: str | None = optional("Street and house number in one line.")
    address_line1: str | None = optional("First line of the address.")
    address_line2: str | None = optional("Second line of the address.")
    zip_code: str | None = optional("Postal code. An order cannot be placed without it.")
    city: str | None = optional("City.")
    province: str | None = optional("Province, state or region.")
    province_code: str | None = optional("Code of the province.")
    country: str | None = optional("Name of the country.")
    country_code: str | None = optional("ISO 3166 code of the country.")
    phone: str | None = optional("Telephone number.")


@strawberry.input(description="A picture of a product.")
class ProductImageInput:
    src: URL = required("Where the picture is.")
    alt: str | None = optional("The picture in words.")


@strawberry.input(description="One tax on a product.")
class TaxLineInput:
    title: str | None = optional("Name of the tax.")
    rate: Decimal | None = optional("Rate of the tax.")
    price: Decimal | None = optional("Amount of the tax.")
    currency: str | None = optional("ISO 4217 code of the amount's currency.")


@strawberry.input(description="A line item of an order or a parcel.")
class ProductInput:
    title: str = required("Name of the product.")
    quantity: int = required("How many.")
    price: Decimal | None = optional("Price of one.")
    size: str | None = optional("Size.")
    images: list[ProductImageInput] | None = optional("Pictures.")
    sku: str | None = optional("The shop's stock keeping unit.")
    weight_grams: float | None = optional("Weight of one in grams.")
    tax_lines: list[TaxLineInput] | None = optional("Taxes.")
    bundled_products: list[ProductInput] | None = optional("What a bundle is made of.")
    shipment_id: str | None = optional("The shipment that it goes with.")
    type: str | None = optional("`product` or `bundle`.")


@strawberry.input(description="A discount on an order.")
class DiscountInput:
    code: str = required("Code of the discount.")
    amount: Decimal | None = optional("Amount, read by `type`.")
    type: str | None = optional("What the amount means, such as `percentage`.")


@strawberry.input(description="When the customer would like to have the order.")
class PreferredDeliveryInput:
    start: datetime | None = optional("Begin of the window.")
    end: datetime | None = optional("End of the window.")
    updated_at: datetime | None = optional("When the wish was last changed.")
    source: str | None = optional("Where the wish came from.")


@strawberry.input(description="An order as the shop sold it.")
class OrderInput:
    order_number: str = required("The shop's number of the order.")
    order_name: str | None = optional("The shop's name of the order.")
    external_id: str = required("The shop system's id of the order.")
    placed_at: datetime | None = optional("When it was placed; left out, now.")
    total_price: Decimal | None = optional("What it cost in all.")
    shipping_price: Decimal | None = optional("What the shipping cost.")
    sub_total_price: Decimal | None = optional("What the items cost before shipping and discounts.")
    discount_price: Decimal | None = optional("All discounts together.")
    currency: str | None = optional("ISO 4217 code of the currency.", "EUR")
    products: list[ProductInput] | None = optional("What was sold.")
    discounts: list[DiscountInput] | None = optional("Discounts.")
    address: AddressInput = required("Where it goes.")
    email_id: str | None = optional("The customer's e-mail address.")
    segments: list[str] | None = optional("Groups that the customer belongs to.")
    weight_grams: float | None = optional("Weight in grams.")
    external_customer_id: str | None = optional("The shop system's id of the customer.")
    status_url: URL | None = optional("The shop's own page about the order.")
    preferred_delivery: PreferredDeliveryInput | None = optional("When the customer would like to have it.")
    user_agent: str | None = optional("The customer's browser.")
    analytics: JSON | None = optional("What the shop keeps for its own statistics: a JSON object.")
    expected_shipments: int | None = optional("How many parcels it will be, 1 to 100; left out, one.")


@strawberry.input(description="An order to be placed.")
class PlaceOrderInput(OrderInput):
    shop: str | None = optional(SHOP)
    idempotency_key: str | None = optional(IDEMPOTENCY_KEY)


@strawberry.input(description="A parcel to be followed at its carrier.")
class CarrierTrackingInput:
    tracking_number: str = required("The carrier's number of the parcel.")
    placed_at: datetime | None = optional("When it was handed over; left out, now.")
    tracking_url: URL | None = optional("A page that follows it.")
    carrier_reference: str | None = optional("Karla's reference of the carrier; left out, Karla finds it out.")
    external_shipment_id: str | None = optional("The shop system's id of the parcel.")
    products: list[ProductInput] | None = optional("What is in it; left out, everything that was sold.")


@strawberry.input(description="An order to be brought to this state; without `order` it must exist already.")
class FulfillOrderInput:
    reference: str = required("The name of the order.")
    reference_type: OrderReferenceType | None = optional("Which of its names that is.", OrderReferenceType.ORDER_NUMBER)
    order: OrderInput | None = optional("The order as it is to be; left out, it stays as it is.")
    trackings: list[CarrierTrackingInput] = required("Its parcels; empty while nothing is on its way.")


@strawberry.input(description="An order to be brought to this state; without `order` it must exist already.")
class UpsertOrderInput(FulfillOrderInput):
    shop: str | None = optional(SHOP)
    idempotency_key: str | None = optional(IDEMPOTENCY_KEY)


@strawberry.input(description="Orders to be brought to their states, all or none.")
class FulfillOrdersInput:
    orders: list[FulfillOrderInput] = required("1 to 100 orders.")
    shop: str | None = optional(SHOP)
    idempotency_key: str | None = optional(IDEMPOTENCY_KEY)


@strawberry.input(description="What is to change on an order that exists. What is left out stays.")
class UpdateOrderInput:
    order: OrderBy = required("What the order is asked by.")
    address: AddressInput | None = optional("Where it goes.")
    expected_shipments: int | None = optional("How many parcels it will be, 1 to 100.")
    shop: str | None = optional(SHOP)
    idempotency_key: str | None = optional(IDEMPOTENCY_KEY)


@strawberry.input(description="What is to change on a parcel. What is left out stays.")
class UpdateShipmentInput:
    tracking_id: strawberry.ID = required("The global id of the `CarrierTracking`.")
    tracking_url: URL | None = optional("A page that follows it.")
    products: list[ProductInput] | None = optional("What is in it, in place of what was; empty: nothing is listed.")
    shop: str | None = optional(SHOP)
    idempotency_key: str | None = optional(IDEMPOTENCY_KEY)


def _levels(products: list[ProductInput]) -> int:
    return max((1 + _levels(product.bundled_products or []) for product in products), default=0)


_BUNDLE = Rule(
    lambda products: _levels(products) < DEEPEST_BUNDLE,
    f"Products lie in one another at most {DEEPEST_BUNDLE} deep, the outermost counted.",
)
_ORDER = {
    "order_number": NAME,
    "order_name": NAME,
    "external_id": NAME,
    "currency": CURRENCY,
    "weight_grams": at_least(0),
    "analytics": JSON_OBJECT,
    "expected_shipments": between(1, MOST_SHIPMENTS),
}
_UPSERT = {"reference": NAME}

RULES: Rules = {
    AddressInput: {"zip_code": NAME},
    TaxLineInput: {"currency": CURRENCY},
    ProductInput: {"quantity": at_least(0), "weight_grams": at_least(0), "bundled_products": _BUNDLE},
    OrderInput: _ORDER,
    PlaceOrderInput: _ORDER,
    CarrierTrackingInput: {"tracking_number": NAME, "carrier_reference": NAME},
    FulfillOrderInput: _UPSERT,
    UpsertOrderInput: _UPSERT,
    FulfillOrdersInput: {"orders": count(1, MOST_ORDERS)},
    UpdateOrderInput: {"expected_shipments": between(1, MOST_SHIPMENTS)},
}
"""What Karla demands of each member."""


def check_placing(given: PlaceOrderInput) -> Iterable[UserError]:
    """What is wrong with an order to be placed, before anything is sent."""
    yield from violations(given, RULES)
    yield from _check_order(given)


def check_upsert(given: UpsertOrderInput) -> Iterable[UserError]:
    """What is wrong with an order to be brought to a state, before anything is sent."""
    yield from violations(given, RULES)
    yield from _check_upsert(given)


def check_fulfilment(given: FulfillOrdersInput) -> Iterable[UserError]:
    """What is wrong with orders to be brought to their states, before anything is sent."""
    yield from violations(given, RULES)
    for place, order in enumerate(given.orders[:MOST_ORDERS]):
        yield from _check_upsert(order, "orders", str(place))


def check_order_change(given: UpdateOrderInput) -> Iterable[UserError]:
    """What is wrong with a change of an order, before anything is sent."""
    yield from violations(given, RULES)
    if given.address is None and given.expected_shipments is None:
        yield wrong("Give an address or a number of expected shipments: there is nothing to change.")


def check_shipment_change(given: UpdateShipmentInput) -> Iterable[UserError]:
    """What is wrong with a change of a parcel, before anything is sent."""
    yield from violations(given, RULES)
    if given.tracking_url is None and given.products is None:
        yield wrong("Give an address to follow the parcel or its products: there is nothing to change.")


def _check_upsert(given: FulfillOrderInput, *path: str) -> Iterable[UserError]:
    if given.reference_type is OrderReferenceType.UUID and not _is_uuid(given.reference):
        yield wrong("A reference of this type is a UUID.", *path, "reference")
    if given.order:
        yield from _check_order(given.order, *path, "order")


def _check_order(given: OrderInput, *path: str) -> Iterable[UserError]:
    if given.address.zip_code is None:
        yield wrong("Karla places no order without a postal code.", *path, "address", "zipCode")


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
