"""Two inputs have one hash when they ask for the same, and not otherwise."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import strawberry

from gateway.schema.enums import OrderReferenceType
from gateway.schema.inputs import OrderBy
from gateway.schema.mutations.input_hash import input_hash
from gateway.schema.order_inputs import (
    AddressInput,
    PlaceOrderInput,
    ProductInput,
    UpdateOrderInput,
    UpdateShipmentInput,
    UpsertOrderInput,
)
from gateway.schema.payment_inputs import UpdateOrderTrackerInput
from gateway.schema.route_inputs import DestinationInput, GeoPointInput, RouteOrderInput, TrackRouteInput

NOON = datetime(2025, 2, 3, 12, tzinfo=UTC)


def order(**changes: Any) -> PlaceOrderInput:
    given = {"order_number": "1", "external_id": "2", "address": AddressInput(zip_code="10001"), **changes}
    return PlaceOrderInput(**given)


def upsert(**changes: Any) -> UpsertOrderInput:
    return UpsertOrderInput(**{"reference": "1", "trackings": [], **changes})


def at(longitude: float) -> TrackRouteInput:
    place = DestinationInput(location=GeoPointInput(latitude=1.5, longitude=longitude))
    return TrackRouteInput(orders=[RouteOrderInput(order_handle="1", destination=place)])


def tracker(**changes: Any) -> UpdateOrderTrackerInput:
    return UpdateOrderTrackerInput(tracking_id=strawberry.ID("x"), **changes)


def shipment(**changes: Any) -> UpdateShipmentInput:
    return UpdateShipmentInput(tracking_id=strawberry.ID("x"), **changes)


ONE_UUID = "b4fadda9-61f4-4041-94d2-7a01ee0082b4"

SAME: Mapping[str, tuple[object, object]] = {
    "the key aside": (order(idempotency_key="a"), order(idempotency_key="b")),
    "the shop aside, whose keys are its own": (order(), order(shop="demo")),
    "null for what could be left out": (order(), order(currency=None, products=None, analytics=None)),
    "a default that is given": (order(), order(currency="EUR")),
    "an enum's default": (upsert(), upsert(reference_type=OrderReferenceType.ORDER_NUMBER)),
    "null within": (order(), order(address=AddressInput(zip_code="10001", city=None))),
    "another scale": (order(total_price=Decimal("10")), order(total_price=Decimal("10.00"))),
    "another offset": (
        order(placed_at=NOON),
        order(placed_at=NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))),
    ),
    "another order of members in JSON": (order(analytics={"a": 1, "b": 2}), order(analytics={"b": 2, "a": 1})),
    "a number in JSON as a whole one": (order(analytics={"a": [1]}), order(analytics={"a": [1.0]})),
    "a whole degree": (at(17), at(17.0)),
}

DIFFERENT: Mapping[str, tuple[object, object]] = {
    "another text": (order(order_name="a"), order(order_name="b")),
    "another case": (order(order_name="a"), order(order_name="A")),
    "a text elsewhere": (order(order_name="a"), order(email_id="a")),
    "another amount": (order(total_price=Decimal("10")), order(total_price=Decimal("100"))),
    "another instant": (order(placed_at=NOON), order(placed_at=NOON + timedelta(microseconds=1))),
    "another enum": (upsert(), upsert(reference_type=OrderReferenceType.ORDER_NAME)),
    "another order of a list": (order(segments=["a", "b"]), order(segments=["b", "a"])),
    "an empty list, which clears": (shipment(), shipment(products=[])),
    "false where nothing was said": (tracker(), tracker(notify_payer=False)),
    "null in JSON": (order(analytics={}), order(analytics={"a": None})),
    "text for a number in JSON": (order(analytics={"a": 1}), order(analytics={"a": "1"})),
    "something deep within": (
        order(products=[ProductInput(title="A", quantity=1, bundled_products=[ProductInput(title="B", quantity=1)])]),
        order(products=[ProductInput(title="A", quantity=1, bundled_products=[ProductInput(title="B", quantity=2)])]),
    ),
    "another key of an order": (
        UpdateOrderInput(order=OrderBy(order_number=ONE_UUID), expected_shipments=2),
        UpdateOrderInput(order=OrderBy(uuid=UUID(ONE_UUID)), expected_shipments=2),
    ),
    "another place": (at(17), at(17.5)),
}


@pytest.mark.parametrize("difference", SAME)
def test_inputs_that_ask_for_the_same_have_one_hash(difference: str) -> None:
    one, other = SAME[difference]
    assert input_hash(one) == input_hash(other)


@pytest.mark.parametrize("difference", DIFFERENT)
def test_inputs_that_ask_for_something_else_have_another(difference: str) -> None:
    one, other = DIFFERENT[difference]
    assert input_hash(one) != input_hash(other)


def test_the_hash_of_an_input_never_changes() -> None:
    """A release that hashes otherwise would refuse every key that was used before."""
    product = ProductInput(title="A", quantity=1, price=Decimal("9.90"), weight_grams=1.5)
    given = order(products=[product], placed_at=NOON, analytics={"seen": [1, True, None, "ä"]}, currency="USD")
    text = (
        '{"address":{"zipCode":"10001"},"analytics":{"seen":[1,true,null,"\\u00e4"]},"currency":"USD","externalId":"2",'
        '"orderNumber":"1","placedAt":"2025-02-03T12:00:00+00:00",'
        '"products":[{"price":"9.9","quantity":1,"title":"A","weightGrams":1.5}]}'
    )
    assert input_hash(given) == hashlib.sha256(text.encode()).hexdigest()
