"""`trackgraph dev`: the gateway with everything around it simulated, to try it and to build a frontend against it."""

from __future__ import annotations

import json
import shlex
import socket
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from gateway.app import create_app
from gateway.cli.output import print_heading, print_plain, print_table
from gateway.cli.seed import seed_demo
from gateway.cli.serving import listen, run_until_interrupted, serve_app, url_of
from gateway.settings import Settings, parse_settings
from gateway.telemetry import configure_logging
from providers.simulation.server import SimulatorServer, running_simulators, simulator_settings, world_of_today
from providers.simulation.world import SimulatedOrder, Story, World

HOST = "127.0.0.1"
SHOP = "demo"

EXAMPLE_QUERY = """\
{{
  order(by: {{orderNumber: "{number}"}}) {{
    orderNumber
    deliveryStatus
    estimatedArrival {{ from to provider {{ title }} }}
    trackings {{ provider {{ title }} status trackingNumber }}
    latestEvent {{ name occurredAt }}
    sources {{ provider {{ name }} cache }}
  }}
}}"""


def dev(port: int, database: Path, speed: float) -> None:
    """Serve the demo until a signal. Raises `CommandFailed` when `port` is taken."""
    with listen(HOST, port) as listener:
        run_until_interrupted(_serve_demo(listener, database, world_of_today(speed)))


async def _serve_demo(listener: socket.socket, database: Path, world: World) -> None:
    async with running_simulators(world) as simulators:
        settings = demo_settings(listener.getsockname()[1], database, simulators)
        configure_logging(settings.server.log_level)
        await seed_demo(settings, world)
        announce = partial(_announce, url_of(listener), simulators, example_order(world))
        await serve_app(settings, create_app(settings), listener, announce)


def demo_settings(port: int, database: Path, simulators: Mapping[str, SimulatorServer]) -> Settings:
    """Settings of one shop that asks `simulators`."""
    providers = simulator_settings({name: simulator.url for name, simulator in simulators.items()})
    return parse_settings(
        {
            "store": {"url": f"sqlite+aiosqlite:///{database}"},
            "server": {"host": HOST, "port": port, "log_level": "warning"},
            "shops": {SHOP: {"name": "Demo shop", **providers}},
        }
    )


def example_order(world: World) -> SimulatedOrder:
    """An order that shows much: the newest one that is out for delivery, else the newest of all."""
    underway = [order for order in world.orders if order.story is Story.OUT_FOR_DELIVERY]
    return (underway or world.orders)[0]


def example_curl(url: str, query: str) -> str:
    """A command that sends `query` to the gateway at `url`, ready to be pasted into a shell."""
    body = json.dumps({"query": " ".join(query.split())})
    return f"curl -s {url}/graphql -H 'content-type: application/json' -d {shlex.quote(body)}"


def _announce(url: str, simulators: Mapping[str, SimulatorServer], order: SimulatedOrder) -> None:
    query = EXAMPLE_QUERY.format(number=order.number)
    gateway = [("GraphQL", f"{url}/graphql"), ("GraphiQL, in a browser", f"{url}/graphql")]
    simulated = [(f"simulated {name}", simulator.url) for name, simulator in simulators.items()]
    print_table("Trackgraph is running; stop it with Ctrl-C", ("what", "where"), [*gateway, *simulated])
    print_heading("\nA query to try")
    print_plain(query)
    print_heading("\nThe same from a shell")
    print_plain(example_curl(url, query))
