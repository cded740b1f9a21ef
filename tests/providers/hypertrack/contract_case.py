"""HyperTrack under contract: its requests, its recorded answers, its words and its refusals."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

from pydantic import JsonValue

from providers.base import Provider, RouteSink, RouteSource, TrackingSource
from providers.drafts import DestinationDraft, RouteDraft, RouteOrderDraft
from providers.errors import RequestRejected
from providers.hypertrack import HYPERTRACK
from providers.models import GeoPoint, Reference, Route, TrackingsFound, TrackingStatus
from providers.testing import Answer, ContractCase, Exchange, Operation, SentRequest, StatusTable, load_sample, sample

SAMPLES = Path(str(files("providers.hypertrack"))) / "samples"
EXPECTED = Path(__file__).parent / "expected"

ROUTE_HANDLE = "7ac07153-5590-46c5-9ada-a6ca84f5b48f"
AUTHORIZED = {"authorization": "Basic YWNtZS1hY2NvdW50OnNlY3JldC1rZXktMQ==", "accept-encoding": "gzip"}
"""`acme-account:secret-key-1` in Base64 (RFC 7617)."""


async def find_trackings(adapter: Provider) -> TrackingsFound:
    assert isinstance(adapter, TrackingSource)
    return await adapter.find_trackings(Reference(provider="hypertrack", kind="order_handle", value="order-2"))


async def find_odd_handle(adapter: Provider) -> TrackingsFound:
    assert isinstance(adapter, TrackingSource)
    return await adapter.find_trackings(Reference(provider="hypertrack", kind="order_handle", value="a/b ü?#%2F"))


async def find_route(adapter: Provider) -> Route:
    assert isinstance(adapter, RouteSource)
    return await adapter.find_route(ROUTE_HANDLE)


def stop(order_handle: str, type_: str, address: str) -> RouteOrderDraft:
    return RouteOrderDraft(
        order_handle=order_handle,
        type=type_,
        scheduled_at=datetime(2023, 11, 2, 2, tzinfo=UTC),
        destination=DestinationDraft(
            address=address, location=GeoPoint(latitude=34.832173, longitude=17.803927), radius_metres=100
        ),
    )


DRAFT = RouteDraft(
    worker_handle="james@ht.com",
    track_mode="on_time",
    ops_group_handle="SAN_JOSE_WH",
    orders=(
        stop("order-1", "pick", "1709 Automation Pkwy, San Jose, CA 95101"),
        stop("order-2", "drop", "748 Story Rd, San Jose, CA 95112"),
    ),
)
"""What the example of the reference page "Track Orders" asks for."""


async def track_route(adapter: Provider) -> Route:
    assert isinstance(adapter, RouteSink)
    return await adapter.track_route(DRAFT)


async def start_planned_route(adapter: Provider) -> Route:
    assert isinstance(adapter, RouteSink)
    return await adapter.track_route(RouteDraft(route_handle=ROUTE_HANDLE))


def put_status(type_: str) -> StatusTable:
    """The status table of an order of `type_` (hypertrack.com/reference, order `status`)."""
    on_the_way, at_the_end = {
        "drop": (TrackingStatus.OUT_FOR_DELIVERY, TrackingStatus.DELIVERED),
        "pick": (TrackingStatus.IN_TRANSIT, TrackingStatus.PICKED_UP),
    }[type_]

    def put(body: JsonValue, word: str) -> JsonValue:
        assert isinstance(body, dict)
        return {**body, "type": type_, "status": word}

    def read(answer: object) -> tuple[TrackingStatus, str | None]:
        assert isinstance(answer, TrackingsFound)
        return answer.trackings[0].status, answer.trackings[0].provider_status

    words = {
        "unplanned": TrackingStatus.PENDING,
        "planned": TrackingStatus.PENDING,
        "assigned": TrackingStatus.PENDING,
        "dispatched": on_the_way,
        "ongoing": on_the_way,
        "completed": at_the_end,
        "cancelled": TrackingStatus.CANCELLED,
        "disabled": TrackingStatus.ON_HOLD,
        # The sample has neither been completed nor cancelled, so nothing says how it ended.
        "summarizing": TrackingStatus.UNKNOWN,
    }
    return StatusTable("find_trackings", words, put, read, label=type_)


CASE = ContractCase(
    spec=HYPERTRACK,
    settings={"account_id": "acme-account", "secret_key": "secret-key-1"},
    secrets=("secret-key-1", "YWNtZS1hY2NvdW50OnNlY3JldC1rZXktMQ=="),
    operations=(
        Operation(
            "check",
            lambda adapter: adapter.check(),
            (
                Exchange(
                    SentRequest("GET", "/orders/", (("limit", "1"),), AUTHORIZED),
                    Answer(body=b'{"orders": [], "pagination_token": null}'),
                ),
            ),
            "reachable, credentials accepted",
            required=(("orders",),),
            errors={"status_404": RequestRejected},
        ),
        Operation(
            "find_trackings",
            find_trackings,
            (
                Exchange(
                    SentRequest("GET", "/orders/order-2", headers=AUTHORIZED),
                    sample(SAMPLES / "order.json"),
                ),
            ),
            load_sample(EXPECTED / "order.json"),
            required=(
                ("order_handle",),
                ("status",),
                ("destination", "geometry", "coordinates"),
                ("timeline", 0, "type"),
            ),
        ),
        Operation(
            "find_trackings",
            find_odd_handle,
            (
                Exchange(
                    SentRequest("GET", "/orders/a%2Fb%20%C3%BC%3F%23%252F", headers=AUTHORIZED),
                    Answer(body='{"order_handle": "a/b ü?#%2F", "status": "planned"}'.encode()),
                ),
            ),
            load_sample(EXPECTED / "odd_handle.json"),
            label="odd_handle",
        ),
        Operation(
            "find_route",
            find_route,
            (
                Exchange(
                    SentRequest("GET", f"/orders/routes/{ROUTE_HANDLE}", headers=AUTHORIZED),
                    sample(SAMPLES / "route.json"),
                ),
            ),
            load_sample(EXPECTED / "route.json"),
            required=(("route_handle",), ("orders", 0, "order_handle")),
        ),
        Operation(
            "track_route",
            track_route,
            (
                Exchange(
                    SentRequest(
                        "POST",
                        "/orders/track",
                        headers={**AUTHORIZED, "content-type": "application/json"},
                        body=load_sample(SAMPLES / "track_orders_request.json"),
                    ),
                    sample(SAMPLES / "track_orders_response.json", status=201),
                ),
            ),
            load_sample(EXPECTED / "tracked_route.json"),
            required=(("route_handle",), ("orders", 0, "order_handle"), ("orders", 1, "status")),
            errors={"status_404": RequestRejected},
        ),
        Operation(
            "track_route",
            start_planned_route,
            (
                Exchange(
                    SentRequest("POST", "/orders/track", headers=AUTHORIZED, body={"route_handle": ROUTE_HANDLE}),
                    Answer(201, f'{{"route_handle": "{ROUTE_HANDLE}", "status": "tracking"}}'.encode()),
                ),
            ),
            {"route_handle": ROUTE_HANDLE, "status": "tracking", "stops": []},
            errors={"status_404": RequestRejected},
            label="planned",
        ),
    ),
    statuses=(put_status("drop"), put_status("pick")),
)
