"""One shop with four simulated providers, a gateway before them, and one clock that all of them live by."""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from gateway.settings import Settings, parse_settings
from gateway.store.database import Database
from providers.simulation.clock import SimulationClock
from providers.simulation.generate import generate_orders
from providers.simulation.server import running_simulators
from providers.simulation.world import SimulatedOrder, World
from tests.gateway.freshness.conftest import HandClock
from tests.redis_server import RedisServer
from tests.scenarios.harness import Gateway, Providers, running_gateway

Tables = Mapping[str, Any]
MakeSettings = Callable[..., Settings]
OpenGateway = Callable[..., AbstractAsyncContextManager[Gateway]]


@cache
def orders_of(seed: int = 7) -> tuple[SimulatedOrder, ...]:
    """The orders of a shop at the moment when every test begins, another shop's for each `seed`."""
    return generate_orders(HandClock().now, seed=seed)


@pytest.fixture
def clock() -> HandClock:
    """The present of the gateway and of the providers; it stands still until it is moved."""
    return HandClock()


@pytest.fixture
def world(clock: HandClock) -> World:
    return World(orders_of(), SimulationClock(clock))


@pytest.fixture
async def providers(world: World) -> AsyncIterator[Providers]:
    async with running_simulators(world) as servers:
        yield Providers(servers)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    server = RedisServer()
    server.start()
    yield server
    server.remove()


@pytest.fixture
def redis_cache(redis_server: RedisServer) -> Tables:
    """The table `[cache]` for a real Redis. Its keys are this test's own, and a busy machine is no sick cache."""
    return {"url": redis_server.url, "key_prefix": f"t{secrets.token_hex(4)}", "timeout_ms": 5000}


@pytest.fixture
def cache_table() -> Tables:
    """The table `[cache]` of the gateways that are opened; a module can have another one."""
    return {"url": "memory://"}


@pytest.fixture(scope="session")
def new_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file as a gateway leaves it that has never been asked anything."""
    path = tmp_path_factory.mktemp("store") / "new.db"
    asyncio.run(_migrate(path))
    return path


async def _migrate(path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{path}")
    await database.migrate()
    await database.aclose()


@pytest.fixture
def store(new_store: Path, tmp_path: Path) -> Path:
    """The SQLite file of this test's gateways."""
    return Path(shutil.copy(new_store, tmp_path / "store.db"))


@pytest.fixture
def make_settings(providers: Providers, store: Path, cache_table: Tables) -> MakeSettings:
    """Settings of a gateway with the one shop `demo`, or with the tables given."""

    def make(**tables: Tables) -> Settings:
        usual: Tables = {
            "store": {"url": f"sqlite+aiosqlite:///{store}"},
            "cache": cache_table,
            "shops": {"demo": {"name": "Demo shop", **providers.settings}},
        }
        return parse_settings({**usual, **tables})

    return make


@pytest.fixture
def open_gateway(make_settings: MakeSettings, clock: HandClock) -> OpenGateway:
    """Opens another gateway over the same store and cache; tables of the settings can be given."""
    return lambda **tables: running_gateway(make_settings(**tables), clock)


@pytest.fixture
async def gateway(open_gateway: OpenGateway) -> AsyncIterator[Gateway]:
    async with open_gateway() as gateway:
        yield gateway


@pytest.fixture
def order(world: World) -> SimulatedOrder:
    """An order that every provider can know: a carrier's parcel, paid with PayPal, and a driver on the way to it."""
    return next(
        order
        for order in world.orders
        if order.stop and order.paypal_order_id and world.passed(order, order.stop.started) and world.parcels(order)
    )


@pytest.fixture
def plain_order(world: World) -> SimulatedOrder:
    """An order that only Karla knows, with one parcel on its way."""
    return next(order for order in world.orders if not order.stop and not order.paypal_order_id and order.parcels)
