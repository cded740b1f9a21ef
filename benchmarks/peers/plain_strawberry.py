"""Strawberry as its documentation shows it: dataclass types, `strawberry.asgi.GraphQL`, httpx and `aiocache.cached`.

This is the measure that the gateway is held against, so it is written as somebody would who has read the guides and
tuned nothing. `UPSTREAM` is Karla's address; with `CACHED=1` mapped orders are kept in the process.
Run it with `uvicorn benchmarks.peers.plain_strawberry:app`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import httpx
import strawberry
from aiocache import cached  # type: ignore[import-untyped]  # ships no types
from strawberry.asgi import GraphQL

Json = Mapping[str, Any]

COPIES_LIVE_SECONDS = 3600

client = httpx.AsyncClient(base_url=os.environ["UPSTREAM"], auth=("bench", "none"), timeout=60)


@strawberry.enum
class TrackingStatus(Enum):
    UNKNOWN = "UNKNOWN"
    PENDING = "PENDING"
    INFO_RECEIVED = "INFO_RECEIVED"
    IN_TRANSIT = "IN_TRANSIT"
    OUT_FOR_DELIVERY = "OUT_FOR_DELIVERY"
    DELIVERED = "DELIVERED"


STATUS_BY_PHASE = {
    "order_created": TrackingStatus.PENDING,
    "order_processed": TrackingStatus.INFO_RECEIVED,
    "in_transit": TrackingStatus.IN_TRANSIT,
    "in_delivery": TrackingStatus.OUT_FOR_DELIVERY,
    "delivered": TrackingStatus.DELIVERED,
}


@strawberry.type
class Money:
    amount: Decimal
    currency: str | None


@strawberry.type
class Carrier:
    reference: str | None


@strawberry.type
class Location:
    city: str | None
    country: str | None
    country_code: str | None


@strawberry.type
class TrackingEvent:
    occurred_at: datetime | None
    status: TrackingStatus
    name: str | None
    location: Location | None


@strawberry.type
class EstimatedArrival:
    from_: datetime | None = strawberry.field(name="from")
    to: datetime | None
    prediction: str | None


@strawberry.type
class Tracking:
    tracking_number: str | None
    tracking_url: str | None
    status: TrackingStatus
    provider_status: str | None
    carrier: Carrier | None
    estimated_arrival: EstimatedArrival | None
    events: list[TrackingEvent]


@strawberry.type
class Order:
    order_number: str | None
    order_name: str | None
    placed_at: datetime | None
    currency: str | None
    merchant_slug: str | None
    status_url: str | None
    expected_shipments: int | None
    weight_grams: float | None
    total_price: Money | None
    trackings: list[Tracking]


@strawberry.type
class OrderConnection:
    nodes: list[Order]


@strawberry.input
class OrderBy:
    order_number: str


@strawberry.input
class OrderFilter:
    placed_from: datetime | None = None


async def find_order(number: str) -> Order | None:
    """The order of this number, or None."""
    response = await client.get("/v1/shops/bench/orders", params={"order_number": number, "page": 1, "per_page": 10})
    response.raise_for_status()
    return next((to_order(order) for order in response.json() if order["order_number"] == number), None)


async def search_orders(first: int, placed_from: datetime | None) -> list[Order]:
    """The newest orders, placed at `placed_from` or later."""
    params: dict[str, str | int] = {"page": 1, "per_page": first}
    if placed_from is not None:
        params["order_placed_from"] = placed_from.isoformat()
    response = await client.get("/v1/shops/bench/orders", params=params)
    response.raise_for_status()
    return [to_order(order) for order in response.json()]


if os.environ.get("CACHED") == "1":
    find_order = cached(ttl=COPIES_LIVE_SECONDS)(find_order)
    search_orders = cached(ttl=COPIES_LIVE_SECONDS)(search_orders)


def to_order(order: Json) -> Order:
    """Karla's order as the schema has it."""
    return Order(
        order_number=order.get("order_number"),
        order_name=order.get("order_name"),
        placed_at=to_datetime(order.get("order_placed_at")),
        currency=order.get("currency"),
        merchant_slug=order.get("merchant_slug"),
        status_url=order.get("order_status_url"),
        expected_shipments=order.get("expected_number_of_shipments"),
        weight_grams=order.get("weight"),
        total_price=to_money(order.get("total_order_price"), order.get("currency")),
        trackings=[to_tracking(tracking) for tracking in order["trackings"]],
    )


def to_tracking(tracking: Json) -> Tracking:
    """A parcel; its status is that of its newest event, which stands first."""
    events = [to_event(event) for event in tracking["events"]]
    carrier = tracking["carrier"]
    return Tracking(
        tracking_number=carrier.get("tracking_number"),
        tracking_url=carrier.get("tracking_url"),
        status=events[0].status,
        provider_status=tracking["events"][0].get("phase"),
        carrier=Carrier(reference=carrier.get("carrier_reference")),
        estimated_arrival=to_estimate(tracking.get("estimated_arrival")),
        events=events,
    )


def to_event(event: Json) -> TrackingEvent:
    """What happened to a parcel."""
    return TrackingEvent(
        occurred_at=to_datetime(event.get("time")),
        status=STATUS_BY_PHASE.get(event.get("phase", ""), TrackingStatus.UNKNOWN),
        name=event.get("event_name"),
        location=to_location(event.get("location")),
    )


def to_location(location: Json | None) -> Location | None:
    """Where it happened, when that is known."""
    if location is None:
        return None
    return Location(
        city=location.get("city"), country=location.get("country"), country_code=location.get("country_code")
    )


def to_estimate(estimate: Json | None) -> EstimatedArrival | None:
    """When a parcel is expected, when that is known."""
    if estimate is None:
        return None
    return EstimatedArrival(
        from_=to_datetime(estimate.get("from")),
        to=to_datetime(estimate.get("to")),
        prediction=estimate.get("time_prediction"),
    )


def to_datetime(text: str | None) -> datetime | None:
    """The instant in ISO 8601, when there is one."""
    return None if text is None else datetime.fromisoformat(text)


def to_money(amount: float | None, currency: str | None) -> Money | None:
    """A price, when there is one."""
    return None if amount is None else Money(amount=Decimal(str(amount)), currency=currency)


@strawberry.type
class Query:
    @strawberry.field
    async def order(self, by: OrderBy) -> Order | None:
        return await find_order(by.order_number)

    @strawberry.field
    async def orders(self, first: int = 30, filter: OrderFilter | None = None) -> OrderConnection:
        return OrderConnection(nodes=await search_orders(first, filter.placed_from if filter else None))


schema = strawberry.Schema(Query)
app: GraphQL[None, None] = GraphQL(schema)
