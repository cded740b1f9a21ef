"""`trackgraph simulate`: the simulated providers by themselves, for whoever builds against them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from gateway.cli.failures import CommandFailed
from gateway.cli.output import print_plain, print_table
from providers.simulation.server import DEFAULT_PORTS, SIMULATORS, SimulatorServer, run_simulators, world_of_today

SpeedOption = Annotated[
    float, typer.Option(min=0.0, help="How many times as fast as the real clock the simulated one runs.")
]


def simulate(
    provider: Annotated[list[str] | None, typer.Option(help="Only this provider; may be repeated.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65500, help="Port of the first; the others follow it. 0: any free ones.")
    ] = None,
    speed: SpeedOption = 1.0,
) -> None:
    """Serve the simulated providers until they are stopped, and print where, and what they accept."""
    ports = choose_ports(provider or list(SIMULATORS), port)
    try:
        run_simulators(announce, ports, world_of_today(speed))
    except OSError as error:
        taken = ", ".join(str(chosen) for chosen in ports.values())
        raise CommandFailed(f"cannot listen on ports {taken}: {error.strerror}; choose others with --port") from None


def choose_ports(names: list[str], first: int | None) -> dict[str, int]:
    """A port for each provider in `names`: its own, or counted up from `first`. Raises `CommandFailed`."""
    unknown = [name for name in names if name not in SIMULATORS]
    if unknown:
        raise CommandFailed(f"there is no simulator of {unknown[0]}; there are: {', '.join(SIMULATORS)}")
    if first is None:
        return {name: DEFAULT_PORTS[name] for name in names}
    return {name: first + index if first else 0 for index, name in enumerate(names)}


def announce(servers: Mapping[str, SimulatorServer]) -> None:
    """Print where each simulator is and which credentials it accepts."""
    rows = [(name, server.url, _credentials(server)) for name, server in servers.items()]
    print_table("Simulated providers; stop them with Ctrl-C", ("provider", "base_url", "credentials"), rows)
    print_plain("")


def _credentials(server: SimulatorServer) -> str:
    return " ".join(f"{name}={value}" for name, value in server.spec.credentials.items())
