"""What is written: every limit at both its ends, and drafts that lose nothing of the input."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from pydantic import BaseModel
from strawberry import ID
from strawberry.utils.str_converters import to_camel_case

from gateway.schema import invoice_inputs, order_inputs, payment_inputs, route_inputs
from gateway.schema.constraints import Rules, draft, violations
from gateway.schema.enums import OrderReferenceType
from gateway.schema.invoice_inputs import CreateInvoiceTrackerInput, MediaInput
from gateway.schema.mutations.input_hash import BESIDE
from gateway.schema.mutations.links import LinkOrderInput, RefreshOrderInput, UnlinkOrderInput
from gateway.schema.order_inputs import (
    DEEPEST_BUNDLE,
    AddressInput,
    CarrierTrackingInput,
    DiscountInput,
    FulfillOrderInput,
    FulfillOrdersInput,
    OrderInput,
    PlaceOrderInput,
    PreferredDeliveryInput,
    ProductImageInput,
    ProductInput,
    TaxLineInput,
    UpdateOrderInput,
    UpdateShipmentInput,
    UpsertOrderInput,
)
from gateway.schema.payment_inputs import CreateOrderTrackerInput, TrackerItemInput, UpcInput
from gateway.schema.route_inputs import DestinationInput, GeoPointInput, RouteInput, RouteOrderInput, TrackRouteInput
from gateway.schema.scalars import URL
from providers import drafts, models
from providers.karla import wire

RULES: Rules = {
    **order_inputs.RULES,
    **payment_inputs.RULES,
    **route_inputs.RULES,
    **invoice_inputs.RULES,
}

DRAFTS: Mapping[type, tuple[type[BaseModel], frozenset[str]]] = {
    AddressInput: (models.Address, frozenset()),
    ProductImageInput: (drafts.ProductImageDraft, frozenset()),
    TaxLineInput: (drafts.TaxLineDraft, frozenset()),
    ProductInput: (drafts.ProductDraft, frozenset()),
    DiscountInput: (models.Discount, frozenset()),
    PreferredDeliveryInput: (models.PreferredDelivery, frozenset()),
    OrderInput: (drafts.OrderDraft, frozenset()),
    PlaceOrderInput: (drafts.OrderDraft, BESIDE),
    CarrierTrackingInput: (drafts.CarrierTrackingDraft, frozenset()),
    FulfillOrderInput: (drafts.OrderUpsert, frozenset()),
    UpsertOrderInput: (drafts.OrderUpsert, BESIDE),
    UpdateOrderInput: (drafts.OrderChange, BESIDE | {"order"}),
    UpdateShipmentInput: (drafts.ShipmentChange, BESIDE | {"tracking_id"}),
    UpcInput: (models.Upc, frozenset()),
    TrackerItemInput: (models.TrackerItem, frozenset()),
    CreateOrderTrackerInput: (drafts.OrderTrackerDraft, BESIDE),
    GeoPointInput: (models.GeoPoint, frozenset()),
    DestinationInput: (drafts.DestinationDraft, frozenset()),
    RouteOrderInput: (drafts.RouteOrderDraft, frozenset()),
    RouteInput: (drafts.RouteDraft, frozenset()),
    TrackRouteInput: (drafts.RouteDraft, BESIDE),
}
"""What each input makes, and which members of it say where it goes and are no part of that."""


@pytest.mark.parametrize("given", DRAFTS, ids=lambda given: given.__name__)
def test_an_input_has_every_member_of_its_draft(given: type) -> None:
    model, beside = DRAFTS[given]
    assert {field.name for field in dataclasses.fields(given)} == set(model.model_fields) | beside


@pytest.mark.parametrize("given", RULES, ids=lambda given: given.__name__)
def test_every_rule_is_about_a_member_that_there_is(given: type) -> None:
    assert set(RULES[given]) <= {field.name for field in dataclasses.fields(given)}


def order(**changes: Any) -> OrderInput:
    given = {"order_number": "1", "external_id": "2", "address": AddressInput(zip_code="10001"), **changes}
    return OrderInput(**given)


def test_a_draft_has_everything_that_was_given() -> None:
    product = ProductInput(
        title="A",
        quantity=2,
        price=Decimal("10"),
        images=[ProductImageInput(src=URL("https://a.example/a.png"))],
        tax_lines=[TaxLineInput(rate=Decimal("0.19"), currency="EUR")],
        bundled_products=[ProductInput(title="B", quantity=1)],
    )
    made = draft(drafts.OrderDraft, order(products=[product], analytics={"a": [1, None]}, segments=[]))
    assert made == drafts.OrderDraft(
        order_number="1",
        external_id="2",
        address=models.Address(zip_code="10001"),
        products=(
            drafts.ProductDraft(
                title="A",
                quantity=2,
                price=Decimal("10"),
                images=(drafts.ProductImageDraft(src="https://a.example/a.png"),),
                tax_lines=(drafts.TaxLineDraft(rate=Decimal("0.19"), currency="EUR"),),
                bundled_products=(drafts.ProductDraft(title="B", quantity=1),),
            ),
        ),
        analytics={"a": [1, None]},
        segments=(),
    )


def test_null_is_the_drafts_own_default() -> None:
    assert draft(drafts.OrderDraft, order(currency=None)).currency == "EUR"
    upsert = draft(drafts.OrderUpsert, UpsertOrderInput(reference="1", reference_type=None, trackings=[]))
    assert upsert.reference_type is OrderReferenceType.ORDER_NUMBER
    assert draft(drafts.RouteDraft, TrackRouteInput(route_handle="R1")).orders == ()


def test_products_left_out_are_not_the_same_as_none() -> None:
    assert draft(drafts.ShipmentChange, UpdateShipmentInput(tracking_id="x")).products is None  # type: ignore[arg-type]
    assert draft(drafts.ShipmentChange, UpdateShipmentInput(tracking_id="x", products=[])).products == ()  # type: ignore[arg-type]


def bundle(levels: int) -> ProductInput:
    inner = None if levels == 1 else [bundle(levels - 1)]
    return ProductInput(title="A", quantity=1, bundled_products=inner)


def item(**changes: Any) -> CreateOrderTrackerInput:
    return CreateOrderTrackerInput(paypal_order_id="5O1", capture_id="8MC", items=[TrackerItemInput(**changes)])


def payment(**changes: Any) -> CreateOrderTrackerInput:
    return CreateOrderTrackerInput(**{"paypal_order_id": "5O1", "capture_id": "8MC", **changes})


def upc(**changes: str) -> CreateOrderTrackerInput:
    return item(upc=UpcInput(**{"type": "UPC-A", "code": "123456", **changes}))


def point(latitude: float, longitude: float) -> TrackRouteInput:
    place = DestinationInput(location=GeoPointInput(latitude=latitude, longitude=longitude))
    return TrackRouteInput(orders=[RouteOrderInput(order_handle="1", destination=place)])


def route(**changes: Any) -> TrackRouteInput:
    return TrackRouteInput(**changes)


def invoice(**changes: Any) -> CreateInvoiceTrackerInput:
    given = {"invoice_number": "1", "carrier_code": "POSTNL", "track_and_trace": "3S1", **changes}
    return CreateInvoiceTrackerInput(**given)


def medium(**changes: Any) -> MediaInput:
    return MediaInput(**{"content": "iVBORw0KGgo=", **changes})


def radius(metres: int) -> TrackRouteInput:
    return TrackRouteInput(
        orders=[RouteOrderInput(order_handle="1", destination=DestinationInput(radius_metres=metres))]
    )


def upserts(count: int) -> FulfillOrdersInput:
    return FulfillOrdersInput(orders=[FulfillOrderInput(reference="1", trackings=[])] * count)


FIRST = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1)))
"""Before the year 1 in UTC."""

LIMITS: Mapping[str, tuple[object, object]] = {
    "input.orderNumber": (order(order_number="1" * 512), order(order_number="1" * 513)),
    "input.orderNumber is not blank": (order(order_number="1"), order(order_number=" ")),
    "input.orderName": (order(order_name="#1"), order(order_name="")),
    "input.externalId": (order(external_id="x"), order(external_id="a\nb")),
    "input.currency": (order(currency="USD"), order(currency="usd")),
    "input.weightGrams": (order(weight_grams=0.0), order(weight_grams=-0.1)),
    "input.weightGrams is finite": (order(weight_grams=1e300), order(weight_grams=float("inf"))),
    "input.expectedShipments": (order(expected_shipments=1), order(expected_shipments=0)),
    "input.expectedShipments at most": (order(expected_shipments=100), order(expected_shipments=101)),
    "input.analytics": (order(analytics={}), order(analytics=[])),
    "input.analytics has numbers of JSON": (order(analytics={"a": 1.5}), order(analytics={"a": float("nan")})),
    "input.analytics has text that can be sent": (
        order(analytics={"ä": ["\U0001f4e6"]}),
        order(analytics={"ä": [{"\ud83d": 1}]}),
    ),
    "input.placedAt": (order(placed_at=datetime(2025, 2, 3, tzinfo=UTC)), order(placed_at=FIRST)),
    "input.userAgent": (order(user_agent="a\tb\r\nc"), order(user_agent="a\x1bb")),
    "input.userAgent is text of any kind": (order(user_agent="a\u00a0b\u200d\u00ad"), order(user_agent="\ud83d")),
    "input.segments.1": (order(segments=["a", "b"]), order(segments=["a", "\ud800"])),
    "input.address.zipCode": (order(), order(address=AddressInput(zip_code=" "))),
    "input.products.0.quantity": (
        order(products=[ProductInput(title="A", quantity=0)]),
        order(products=[ProductInput(title="A", quantity=-1)]),
    ),
    "input.products.0.taxLines.0.currency": (
        order(products=[ProductInput(title="A", quantity=1, tax_lines=[TaxLineInput(currency="EUR")])]),
        order(products=[ProductInput(title="A", quantity=1, tax_lines=[TaxLineInput(currency="E")])]),
    ),
    "input.products.0.bundledProducts": (
        order(products=[bundle(DEEPEST_BUNDLE)]),
        order(products=[bundle(DEEPEST_BUNDLE + 1)]),
    ),
    "input.orders": (upserts(100), upserts(101)),
    "input.orders at least": (upserts(1), upserts(0)),
    "input.paypalOrderId": (payment(paypal_order_id="A" * 36), payment(paypal_order_id="A/B")),
    "input.captureId": (payment(capture_id="a" * 50), payment(capture_id="a" * 51)),
    "input.trackingNumber": (payment(tracking_number="ä" * 64), payment(tracking_number="ä" * 65)),
    "input.carrier": (payment(carrier="DE_DHL"), payment(carrier="DE-DHL")),
    "input.carrierNameOther": (payment(carrier_name_other="x" * 64), payment(carrier_name_other="x" * 65)),
    "input.items.0.name": (item(name="x" * 127), item(name="x" * 128)),
    "input.items.0.sku": (item(sku="x" * 127), item(sku="")),
    "input.items.0.quantity": (item(quantity="9999999999"), item(quantity="10000000000")),
    "input.items.0.quantity is not 0": (item(quantity="1"), item(quantity="0")),
    "input.items.0.quantity is in ASCII": (item(quantity="1"), item(quantity="1\u0661")),
    "input.items.0.url": (item(url="https://" + "a" * 2040), item(url="https://" + "a" * 2041)),
    "input.items.0.imageUrl": (item(image_url="https://a.example/A.JPEG"), item(image_url="https://a.example/a")),
    "input.items.0.imageUrl is https": (
        item(image_url="https://a.example/a.gif"),
        item(image_url="http://a.example/a.gif"),
    ),
    "input.items.0.upc.type": (upc(type="UPC-5"), upc(type="UPC-F")),
    "input.items.0.upc.code": (upc(code="1" * 17), upc(code="1" * 18)),
    "input.items.0.upc.code at least": (upc(code="1" * 6), upc(code="1" * 5)),
    "input.invoiceNumber": (invoice(invoice_number="1" * 255), invoice(invoice_number="1" * 256)),
    "input.media": (invoice(media=[medium()] * 10), invoice(media=[medium()] * 11)),
    "input.media.0.content": (invoice(media=[medium()]), invoice(media=[medium(content="?")])),
    "input.media.0.type": (invoice(media=[medium(type="a/b")]), invoice(media=[medium(type="a\x00")])),
    "input.idempotencyKey": (route(idempotency_key="x" * 255), route(idempotency_key="x" * 256)),
    "input.idempotencyKey is not empty": (route(idempotency_key="ü"), route(idempotency_key="")),
    "input.idempotencyKey is visible": (route(idempotency_key="#1/a:b"), route(idempotency_key="a b")),
    "input.idempotencyKey has no ends of lines": (route(idempotency_key="a"), route(idempotency_key="a\n")),
    "input.trackMode": (TrackRouteInput(track_mode="flex"), TrackRouteInput(track_mode="ON_TIME")),
    "input.workerHandle": (TrackRouteInput(worker_handle="james@ht.com"), TrackRouteInput(worker_handle=" ")),
    "input.orders.0.destination.location.latitude": (point(-90, 0), point(-90.01, 0)),
    "input.orders.0.destination.location.longitude": (point(0, 180), point(0, 180.01)),
    "input.orders.0.destination.radiusMetres": (radius(1), radius(0)),
}
"""By the way into the input: one that is just taken, and one that is just not."""


@pytest.mark.parametrize("limit", LIMITS)
def test_a_limit_is_where_it_is_said_to_be(limit: str) -> None:
    taken, refused = LIMITS[limit]
    assert violations(taken, RULES) == []
    (error,) = violations(refused, RULES)
    assert (error.code, ".".join(error.path or [])) == ("BAD_USER_INPUT", limit.partition(" ")[0])
    assert error.message.endswith(".")


INPUTS = (*DRAFTS, CreateInvoiceTrackerInput, MediaInput, LinkOrderInput, UnlinkOrderInput, RefreshOrderInput)


def types_in(hint: Any) -> set[Any]:
    """The types that an annotation is made of: of `list[str] | None` list, str and None's."""
    return {hint, get_origin(hint)}.union(*(types_in(part) for part in get_args(hint)))


TEXTS = [
    (given, member, list in types_in(hint))
    for given in INPUTS
    for member, hint in get_type_hints(given).items()
    if types_in(hint) & {str, URL, ID}
]
"""Every member of an input that takes text, and whether it takes a list."""


@pytest.mark.parametrize(("given", "member", "is_list"), TEXTS)
def test_no_text_takes_half_a_character(given: type, member: str, is_list: bool) -> None:
    """A lone surrogate, which JSON can spell and UTF-8 cannot carry; whatever other rule the member has."""
    one = object.__new__(given)
    setattr(one, member, ["a\ud800"] if is_list else "a\ud800")
    (error,) = violations(one, RULES)
    assert error.path == ["input", to_camel_case(member), *(["0"] if is_list else [])]


def test_there_is_text_in_every_place_that_is_known_of() -> None:
    """The test of the test: members of every kind of type are among those that are tried."""
    names = {(given, member) for given, member, _is_list in TEXTS}
    assert {(OrderInput, "segments"), (TrackerItemInput, "image_url"), (UpdateShipmentInput, "tracking_id")} <= names
    assert {(AddressInput, "city"), (RouteInput, "track_mode"), (PlaceOrderInput, "idempotency_key")} <= names


def test_everything_wrong_is_told_at_once() -> None:
    given = order(order_number="", currency="?", products=[ProductInput(title="A", quantity=-1)])
    assert [".".join(error.path or []) for error in violations(given, RULES)] == [
        "input.orderNumber",
        "input.currency",
        "input.products.0.quantity",
    ]


def test_every_rule_has_both_its_ends_tried() -> None:
    """A rule that is added without its limits fails. Those named here are the rules of other members."""
    tried = {limit.partition(" ")[0].rpartition(".")[2] for limit in LIMITS}
    ruled = {to_camel_case(member) for rules in RULES.values() for member in rules}
    as_others = {
        *("deviceId", "routeHandle", "opsGroupHandle", "orderHandle", "reference", "carrierReference"),
        *("carrierCode", "trackAndTrace"),
    }
    assert ruled - tried == as_others


def test_what_is_written_of_bundles_can_be_read() -> None:
    assert DEEPEST_BUNDLE == wire.DEEPEST_BUNDLE
