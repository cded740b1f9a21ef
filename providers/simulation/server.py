"""The four simulators as one table, and how they are served: in a test, behind a gateway, or by themselves.

    async with SimulatorServer("karla", world) as karla:
        httpx.get(f"{karla.url}/v1/shops/demo")

    async with running_simulators(world) as simulators:
        settings = simulator_settings({name: server.url for name, server in simulators.items()})

It knows each simulator's builder and credentials, and no provider's API.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType, TracebackType
from typing import Self

from starlette.applications import Starlette

from providers.billink import simulator as billink
from providers.hypertrack import simulator as hypertrack
from providers.karla import simulator as karla
from providers.paypal import simulator as paypal
from providers.simulation.clock import SimulationClock
from providers.simulation.control import SimulatorControl
from providers.simulation.generate import generate_world
from providers.simulation.http_server import HttpServer
from providers.simulation.world import World


@dataclass(frozen=True, slots=True)
class SimulatorSpec:
    """One provider's simulator: how it is built, the port `trackgraph simulate` gives it, and what it accepts.

    `credentials` are the provider's settings (`[shops.<shop>.<provider>]`) without `base_url`.
    """

    name: str
    build: Callable[[World], Starlette]
    port: int
    credentials: Mapping[str, str]


SIMULATORS: Mapping[str, SimulatorSpec] = MappingProxyType(
    {
        spec.name: spec
        for spec in (
            SimulatorSpec("karla", karla.create_simulator, 8101, karla.CREDENTIALS),
            SimulatorSpec("paypal", paypal.create_simulator, 8102, paypal.CREDENTIALS),
            SimulatorSpec("billink", billink.create_simulator, 8103, billink.CREDENTIALS),
            SimulatorSpec("hypertrack", hypertrack.create_simulator, 8104, hypertrack.CREDENTIALS),
        )
    }
)
"""Every simulator by its provider's name."""

DEFAULT_PORTS: Mapping[str, int] = MappingProxyType({name: spec.port for name, spec in SIMULATORS.items()})
ANY_PORTS: Mapping[str, int] = MappingProxyType(dict.fromkeys(SIMULATORS, 0))


class SimulatorServer:
    """One simulator over real HTTP on loopback, as an async context manager or between `start` and `stop`.

    `name` is a key of `SIMULATORS` (else `KeyError`); `port` 0 takes any free one.
    """

    def __init__(self, name: str, world: World, port: int = 0) -> None:
        self.spec = SIMULATORS[name]
        app = self.spec.build(world)
        self.control: SimulatorControl = app.state.control
        self._http = HttpServer(app, port)

    @property
    def url(self) -> str:
        """Its base URL, without a slash at the end. Raises `RuntimeError` before `start`."""
        return self._http.url

    async def start(self) -> None:
        """Listen; requests are answered when this returns. Raises `OSError` when the port is taken."""
        await self._http.start()

    async def stop(self) -> None:
        """Close every connection, answered or not, and the port."""
        await self._http.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self.stop()


def simulator_settings(urls: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """What a shop's settings must say about each provider in `urls` (name to base URL), to talk to its simulator."""
    return {name: {"base_url": url, **SIMULATORS[name].credentials} for name, url in urls.items()}


def world_of_today(speed: float = 1.0) -> World:
    """A generated world whose present is the real one, and whose clock runs `speed` times as fast."""
    return generate_world(SimulationClock(lambda: datetime.now(UTC), speed))


@asynccontextmanager
async def running_simulators(
    world: World, ports: Mapping[str, int] = ANY_PORTS
) -> AsyncIterator[Mapping[str, SimulatorServer]]:
    """Serve the simulators named in `ports`, all of one `world`, until the context ends.

    Raises `OSError` when a port is taken; none stays up then.
    """
    servers = {name: SimulatorServer(name, world, port) for name, port in ports.items()}
    try:
        for server in servers.values():
            await server.start()
        yield servers
    finally:
        await asyncio.gather(*(server.stop() for server in servers.values()))


def run_simulators(
    announce: Callable[[Mapping[str, SimulatorServer]], None],
    ports: Mapping[str, int] = DEFAULT_PORTS,
    world: World | None = None,
) -> None:
    """Serve the simulators until SIGINT or SIGTERM; `announce` is called once with all of them listening.

    Raises `OSError` when a port is taken.
    """
    asyncio.run(_serve_until_signal(announce, ports, world or world_of_today()))


async def _serve_until_signal(
    announce: Callable[[Mapping[str, SimulatorServer]], None], ports: Mapping[str, int], world: World
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with running_simulators(world, ports) as servers:
        announce(servers)
        await stop.wait()
