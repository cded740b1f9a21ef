"""Claims about the adapter and HyperTrack's double together, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from providers.base import ProviderContext
from providers.drafts import RouteDraft
from providers.errors import OrderNotFound, ProviderAuthFailed, RequestRejected, Violation
from providers.hypertrack.adapter import HyperTrackAdapter
from providers.hypertrack.settings import HyperTrackSettings
from providers.hypertrack.simulator import CREDENTIALS
from providers.models import Domain, GeoPoint, Reference, RouteTracking, TrackingStatus
from providers.simulation.clock import SimulationClock
from providers.simulation.generate import generate_orders
from providers.simulation.server import SimulatorServer
from providers.simulation.world import World
from providers.testing import MemoryLedger
from tests.providers.hypertrack.contract_case import DRAFT

PLACED = datetime(2025, 6, 4, 6, 0, tzinfo=UTC)


@asynccontextmanager
async def adapter_over(world: World, **settings: str) -> AsyncIterator[HyperTrackAdapter]:
    async with (
        SimulatorServer("hypertrack", world) as server,
        httpx.AsyncClient(base_url=server.url, trust_env=False) as client,
    ):
        known = HyperTrackSettings.model_validate({**CREDENTIALS, "base_url": server.url, **settings})
        yield HyperTrackAdapter(known, ProviderContext(client, world.now, MemoryLedger()))


@pytest.fixture
def world() -> World:
    return World(generate_orders(PLACED, count=60), SimulationClock(lambda: PLACED))


async def find(adapter: HyperTrackAdapter, number: str) -> tuple[RouteTracking, tuple[Reference, ...]]:
    found = await adapter.find_trackings(Reference(provider="hypertrack", kind="order_handle", value=number))
    tracking = found.trackings[0]
    assert isinstance(tracking, RouteTracking)
    return tracking, found.references


async def test_every_simulated_stop_is_understood(world: World) -> None:
    """Each order that a driver carries is found, its status is known, and so is the stop on the route it names."""
    carried = [order for order in world.orders if order.stop]
    assert carried
    async with adapter_over(world) as adapter:
        for order in carried:
            tracking, references = await find(adapter, order.number)
            assert tracking.status is not TrackingStatus.UNKNOWN
            assert tracking.events
            assert all(event.occurred_at for event in tracking.events)
            for reference in references:
                route = await adapter.find_route(reference.value)
                assert order.number in [stop.order_handle for stop in route.stops]
                assert {stop.route_handle for stop in route.stops} == {reference.value}


async def test_refusals_are_understood(world: World) -> None:
    async with adapter_over(world) as adapter:
        assert await adapter.check() == "reachable, credentials accepted"
        with pytest.raises(OrderNotFound):
            await find(adapter, "no-such-order")
        with pytest.raises(OrderNotFound):
            await adapter.find_route("no-such-route")
    async with adapter_over(world, account_id="wrong") as adapter:
        with pytest.raises(ProviderAuthFailed):
            await adapter.check()


async def test_a_route_is_tracked_and_read_to_its_end(world: World) -> None:
    """What was asked for is what is answered and what is read afterwards, and the clock brings it to its end."""
    async with adapter_over(world) as adapter:
        route = await adapter.track_route(DRAFT)
        assert (route.status, route.worker_handle) == ("tracking", DRAFT.worker_handle)
        assert [stop.status for stop in route.stops] == [TrackingStatus.IN_TRANSIT, TrackingStatus.OUT_FOR_DELIVERY]
        for asked, made in zip(DRAFT.orders, route.stops, strict=True):
            assert made.destination is not None
            assert made.destination.location == asked.destination.location
            assert made.destination.radius_metres == asked.destination.radius_metres
            assert made.destination.address == asked.destination.address
            assert (made.order_handle, made.scheduled_at) == (asked.order_handle, asked.scheduled_at)
            assert (made.track_mode, made.ops_group_handle) == (DRAFT.track_mode, DRAFT.ops_group_handle)
        assert await adapter.find_route(route.route_handle) == route
        world.clock.advance(timedelta(hours=1))
        drop, references = await find(adapter, "order-2")
        assert drop.status is TrackingStatus.DELIVERED
        assert [reference.value for reference in references] == [route.route_handle]


async def test_a_planned_route_is_started(world: World) -> None:
    async with adapter_over(world) as adapter:
        handles = {order.stop.route_handle for order in world.orders if order.stop}
        planned = [handle for handle in handles if (await adapter.find_route(handle)).status == "planned"]
        assert planned
        route = await adapter.track_route(RouteDraft(route_handle=planned[0]))
        assert (route.route_handle, route.status) == (planned[0], "tracking")
        with pytest.raises(RequestRejected) as refused:
            await adapter.track_route(RouteDraft(route_handle=planned[0]))
    assert refused.value.provider_code == "validation_error"


async def test_an_order_under_way_is_not_sent_twice(world: World) -> None:
    async with adapter_over(world) as adapter:
        await adapter.track_route(DRAFT)
        with pytest.raises(RequestRejected) as refused:
            await adapter.track_route(DRAFT)
    assert refused.value.provider_code == "duplicate_resource"


NOWHERE = GeoPoint.model_construct(latitude=90.5, longitude=-180.5)
"""A point that passes as one without being checked."""


def changed(draft: Domain, *path: str | int, to: object) -> object:
    """The draft with another value at `path`."""
    name, *rest = path
    if not rest:
        return draft.model_copy(update={str(name): to})
    inner = getattr(draft, str(name))
    if isinstance(inner, tuple):
        at, *deeper = rest
        inner = tuple(changed(each, *deeper, to=to) if n == at else each for n, each in enumerate(inner))
    else:
        inner = changed(inner, *rest, to=to)
    return draft.model_copy(update={str(name): inner})


@pytest.mark.parametrize(
    ("path", "value", "fields", "code"),
    [
        (("worker_handle",), "nobody", [("worker_handle",)], "driver_not_found"),
        (("worker_handle",), "newcomer@demo-shop.example", [("worker_handle",)], "driver_not_linked_to_device"),
        (("device_id",), "no-such-device", [("device_id",)], "device_not_found"),
        (("ops_group_handle",), "NOWHERE", [("ops_group_handle",)], "ops_group_not_defined"),
        (("route_handle",), "no-such-route", [("route_handle",)], "route_not_found"),
        (("track_mode",), "sometimes", [("track_mode",)], None),
        (("track_mode",), None, [("track_mode",)], None),
        (("worker_handle",), None, [("worker_handle",)], None),
        (("orders",), (), [("orders",)], None),
        (("orders", 1, "order_handle"), "", [("orders", "1", "order_handle")], None),
        (("orders", 1, "type"), "detour", [("orders", "1", "type")], None),
        (("orders", 0, "destination", "radius_metres"), 0, [("orders", "0", "destination", "radius_metres")], None),
        (("orders", 0, "destination", "location"), None, [("orders", "0", "destination", "location")], None),
        (
            ("orders", 0, "destination", "location"),
            NOWHERE,
            [
                ("orders", "0", "destination", "location", "longitude"),
                ("orders", "0", "destination", "location", "latitude"),
            ],
            None,
        ),
    ],
)
async def test_a_refusal_leads_to_what_is_wrong_in_the_draft(
    world: World, path: tuple[str | int, ...], value: object, fields: list[tuple[str, ...]], code: str | None
) -> None:
    """A draft that is wrong in one member is refused for just that member."""
    draft = changed(DRAFT, *path, to=value)
    assert isinstance(draft, RouteDraft)
    async with adapter_over(world) as adapter:
        with pytest.raises(RequestRejected) as refused:
            await adapter.track_route(draft)
    assert refused.value.provider_code == code
    assert list(refused.value.violations) == [Violation(field, code) for field in fields]
