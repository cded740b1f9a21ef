"""A child process: the four simulated providers, over a world with many more orders than a person needs.

Prints one line of JSON when all listen: the address of each. `python -m benchmarks.simulators ORDERS`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime

import orjson

from providers.simulation.clock import SimulationClock
from providers.simulation.generate import generate_world
from providers.simulation.server import ANY_PORTS, SimulatorServer, run_simulators


def main(orders: int) -> None:
    """Serve the simulators of a world of `orders` orders until a signal."""
    clock = SimulationClock(lambda: datetime.now(UTC), 1.0)
    run_simulators(_announce, ANY_PORTS, generate_world(clock, orders))


def _announce(servers: Mapping[str, SimulatorServer]) -> None:
    print(orjson.dumps({name: server.url for name, server in servers.items()}).decode(), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
