"""Claims about the adapter and HyperTrack's double together, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import pytest

from providers.base import ProviderContext
from providers.errors import OrderNotFound, ProviderAuthFailed
from providers.hypertrack.adapter import HyperTrackAdapter
from providers.hypertrack.settings import HyperTrackSettings
from providers.hypertrack.simulator import CREDENTIALS
from providers.models import Reference, RouteTracking, TrackingStatus
from providers.simulation.clock import SimulationClock
from providers.simulation.generate import generate_orders
from providers.simulation.server import SimulatorServer
from providers.simulation.world import World
from providers.testing import MemoryLedger

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
