"""Karla under contract: its requests, its recorded answers, its phases and its refusals."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from uuid import UUID

from pydantic import JsonValue

from providers.base import OrderSink, OrderSource, Provider
from providers.errors import RequestRejected
from providers.karla import KARLA
from providers.models import CarrierTracking, Order, OrderSearch, Reference, TrackingStatus
from providers.testing import Answer, ContractCase, Exchange, Operation, SentRequest, StatusTable, load_sample, sample
from tests.providers.karla.drafts import ORDER, ORDER_CHANGE, SHIPMENT_CHANGE, UPSERT, spelt_our_way

SAMPLES = Path(str(files("providers.karla"))) / "samples"
EXPECTED = Path(__file__).parent / "expected"

AUTHORIZED = {"authorization": "Basic YWNtZTpzZWNyZXQta2V5LTE=", "accept-encoding": "gzip"}
"""`acme:secret-key-1` in Base64 (RFC 7617)."""

EVERY_FILTER = OrderSearch(
    email_id="jane@example.com",
    external_id="string",
    order_name="IXF1234",
    order_number="1234",
    uuid=UUID("b4fadda9-61f4-4041-94d2-7a01ee0082b4"),
    zip_code="10001",
    placed_from=datetime(2023, 3, 1, tzinfo=UTC),
    placed_to=datetime(2023, 3, 31, tzinfo=UTC),
    shipment_updated_since=datetime(2023, 3, 2, tzinfo=UTC),
)


async def find_order(adapter: Provider) -> Order:
    assert isinstance(adapter, OrderSource)
    return await adapter.find_order(Reference(provider="karla", kind="order_number", value="1234"))


async def search_orders(adapter: Provider) -> tuple[Order, ...]:
    assert isinstance(adapter, OrderSource)
    return await adapter.search_orders(EVERY_FILTER, page=2, page_size=30)


async def place_order(adapter: Provider) -> None:
    assert isinstance(adapter, OrderSink)
    await adapter.place_order(ORDER)


async def upsert_order(adapter: Provider) -> None:
    assert isinstance(adapter, OrderSink)
    await adapter.upsert_order(UPSERT)


async def update_order(adapter: Provider) -> Order:
    assert isinstance(adapter, OrderSink)
    return await adapter.update_order("b4fadda9-61f4-4041-94d2-7a01ee0082b4", ORDER_CHANGE)


async def update_shipment(adapter: Provider) -> CarrierTracking:
    assert isinstance(adapter, OrderSink)
    return await adapter.update_shipment(
        "93101167-9065-4b9c-b98b-5d789a3ed9fe", "497f6eca-6276-4993-bfeb-53cbbbba6f08", SHIPMENT_CHANGE
    )


async def fulfill_orders(adapter: Provider) -> None:
    assert isinstance(adapter, OrderSink)
    await adapter.fulfill_orders((UPSERT,))


def written(method: str, path: str, request: str, answer: Answer) -> tuple[Exchange, ...]:
    """The call that sends what the sample `request` says."""
    body = spelt_our_way(load_sample(SAMPLES / f"{request}.json"))
    return (Exchange(SentRequest(method, path, headers=AUTHORIZED, body=body), answer),)


DONE = Answer(body=b"null")
"""What the reference shows for a write that answers nothing."""

WHATEVER_IT_SAYS = {"null": None, "wrong_type": None}
"""Such a write is done when the status says so; the answer need only be JSON."""


def put_phase(body: JsonValue, word: str) -> JsonValue:
    """The recorded order with one parcel, to which one thing has happened."""
    assert isinstance(body, list)
    assert isinstance(body[0], dict)
    event: JsonValue = {"event_key": "X1", "time": "2025-02-05T11:20:27+00:00", "phase": word}
    return [{**body[0], "trackings": [{"events": [event]}]}]


def read_status(answer: object) -> tuple[TrackingStatus, str | None]:
    assert isinstance(answer, Order)
    return answer.trackings[0].status, answer.trackings[0].provider_status


CASE = ContractCase(
    spec=KARLA,
    settings={"slug": "acme", "username": "acme", "api_key": "secret-key-1"},
    secrets=("secret-key-1", "YWNtZTpzZWNyZXQta2V5LTE="),
    operations=(
        Operation(
            "check",
            lambda adapter: adapter.check(),
            (
                Exchange(
                    SentRequest("GET", "/v1/shops/acme", headers=AUTHORIZED),
                    Answer(body=b'{"slug": "acme"}'),
                ),
            ),
            "credentials accepted for shop acme",
            errors={"status_404": RequestRejected},
        ),
        Operation(
            "find_order",
            find_order,
            (
                Exchange(
                    SentRequest(
                        "GET",
                        "/v1/shops/acme/orders",
                        (("order_number", "1234"), ("page", "1"), ("per_page", "10")),
                        AUTHORIZED,
                    ),
                    sample(SAMPLES / "search_orders.json"),
                ),
            ),
            load_sample(EXPECTED / "order.json"),
            required=((0, "discounts", 0, "code"),),
        ),
        Operation(
            "search_orders",
            search_orders,
            (
                Exchange(
                    SentRequest(
                        "GET",
                        "/v1/shops/acme/orders",
                        (
                            ("email_id", "jane@example.com"),
                            ("external_id", "string"),
                            ("order_name", "IXF1234"),
                            ("order_number", "1234"),
                            ("uuid", "b4fadda9-61f4-4041-94d2-7a01ee0082b4"),
                            ("zip_code", "10001"),
                            ("order_placed_from", "2023-03-01T00:00:00+00:00"),
                            ("order_placed_to", "2023-03-31T00:00:00+00:00"),
                            ("shipment_updated_since", "2023-03-02T00:00:00+00:00"),
                            ("page", "2"),
                            ("per_page", "30"),
                        ),
                        AUTHORIZED,
                    ),
                    sample(SAMPLES / "search_orders.json"),
                ),
            ),
            load_sample(EXPECTED / "orders.json"),
            errors={"status_404": RequestRejected},
        ),
        Operation(
            "place_order",
            place_order,
            written("POST", "/v1/shops/acme/orders", "place_order_request", DONE),
            None,
            errors={"status_404": RequestRejected, **WHATEVER_IT_SAYS},
        ),
        Operation(
            "upsert_order",
            upsert_order,
            written("PUT", "/v1/shops/acme/orders", "upsert_order_request", DONE),
            None,
            errors=WHATEVER_IT_SAYS,
        ),
        Operation(
            "fulfill_orders",
            fulfill_orders,
            written("PUT", "/v1/shops/acme/orders/bulk", "fulfill_orders_request", DONE),
            None,
            errors=WHATEVER_IT_SAYS,
        ),
        Operation(
            "update_order",
            update_order,
            written(
                "PATCH",
                "/v1/shops/acme/orders/b4fadda9-61f4-4041-94d2-7a01ee0082b4",
                "update_order_request",
                sample(SAMPLES / "update_order.json"),
            ),
            load_sample(EXPECTED / "order.json"),
            required=(("discounts", 0, "code"),),
        ),
        Operation(
            "update_shipment",
            update_shipment,
            written(
                "PATCH",
                "/v1/shops/acme/orders/93101167-9065-4b9c-b98b-5d789a3ed9fe"
                "/shipments/497f6eca-6276-4993-bfeb-53cbbbba6f08",
                "update_shipment_request",
                sample(SAMPLES / "update_shipment.json"),
            ),
            load_sample(EXPECTED / "updated_shipment.json"),
        ),
    ),
    statuses=(
        StatusTable(
            "find_order",
            {
                "order_created": TrackingStatus.PENDING,
                "order_processed": TrackingStatus.INFO_RECEIVED,
                "in_transit": TrackingStatus.IN_TRANSIT,
                "in_delivery": TrackingStatus.OUT_FOR_DELIVERY,
                "collect": TrackingStatus.AVAILABLE_FOR_PICKUP,
                "delivery_failed": TrackingStatus.ATTEMPT_FAILED,
                "delivered": TrackingStatus.DELIVERED,
                "return_created": TrackingStatus.RETURNING,
                "return_transit": TrackingStatus.RETURNING,
                "return_received": TrackingStatus.RETURNED,
                "returned": TrackingStatus.RETURNED,
                "return_failed": TrackingStatus.EXCEPTION,
            },
            put_phase,
            read_status,
        ),
    ),
)
