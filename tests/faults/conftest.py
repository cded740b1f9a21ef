"""A gateway behind uvicorn on a real socket, four providers on theirs, and a stage on which one gets into trouble."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import certifi
import httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from gateway import app as composition
from gateway.app import create_app
from gateway.cli.connection import BoundedConnection
from providers.simulation.http_server import LOOPBACK
from providers.simulation.world import SimulatedOrder, World
from tests.faults.certificates import Authority
from tests.faults.table import CALL_SECONDS, QUERY_SECONDS
from tests.faults.troubles import Names, Stage
from tests.gateway.freshness.conftest import HandClock
from tests.scenarios.conftest import (
    MakeSettings,
    cache_table,
    clock,
    make_settings,
    new_store,
    order,
    plain_order,
    providers,
    store,
    world,
)
from tests.scenarios.harness import Gateway, Providers

__all__ = ["cache_table", "clock", "make_settings", "new_store", "order", "plain_order", "providers", "store", "world"]

ServeGateway = Callable[..., AbstractAsyncContextManager[Gateway]]

SERVER = {"call_deadline_seconds": CALL_SECONDS, "query_deadline_seconds": QUERY_SECONDS}


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[Authority]:
    """The authority, which the gateways of this test trust and no other: certifi's file is its own."""
    monkeypatch.setattr(certifi, "where", lambda: str(authority.bundle))
    composition._trusted_certificates.cache_clear()
    yield authority
    composition._trusted_certificates.cache_clear()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    names = Names()
    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)
    return names


@pytest.fixture
def stage(providers: Providers, trusted: Authority, names: Names) -> Stage:
    return Stage(providers, trusted, names)


@pytest.fixture
def numbers(world: World) -> list[str]:
    """Orders to ask for, each of which Karla knows."""
    return [order.number for order in world.orders]


@pytest.fixture
def serve_gateway(make_settings: MakeSettings, providers: Providers, clock: HandClock) -> ServeGateway:
    """Serves a gateway that waits for nobody for long.

    Providers can be elsewhere, by their names, and tables of the settings be given.
    """

    @asynccontextmanager
    async def serve(urls: Mapping[str, str] | None = None, **tables: object) -> AsyncIterator[Gateway]:
        shop = providers.settings
        for name, url in (urls or {}).items():
            shop[name] = {**shop[name], "base_url": url}
        settings = make_settings(**{"server": SERVER, "shops": {"demo": shop}, **tables})
        async with (
            _served(create_app(settings, clock=clock)) as url,
            httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client,
        ):
            yield Gateway(client)

    return serve


@pytest.fixture
async def gateway(serve_gateway: ServeGateway) -> AsyncIterator[Gateway]:
    async with serve_gateway() as gateway:
        yield gateway


@pytest.fixture
async def linked(gateway: Gateway, order: SimulatedOrder) -> SimulatedOrder:
    """An order that every provider knows, PayPal by a link in the store that all gateways of a test share."""
    await gateway.link(order)
    return order


@asynccontextmanager
async def _served(app: Starlette) -> AsyncIterator[str]:
    """The address of `app` behind uvicorn, with the connections that `trackgraph serve` has."""
    config = uvicorn.Config(app, http=BoundedConnection, ws="none", lifespan="on", log_config=None)
    with socket.create_server((LOOPBACK, 0)) as listener:
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            while not server.started:
                assert not serving.done(), "the gateway did not start"
                await asyncio.sleep(0.001)
            yield f"http://{LOOPBACK}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving
