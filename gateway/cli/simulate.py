"""`trackgraph simulate`: the simulated providers by themselves, for whoever builds against them."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.cli.failures import CommandFailed
from gateway.cli.output import print_plain, print_table
from providers.simulation.server import DEFAULT_PORTS, SIMULATORS, SimulatorServer, run_simulators, world_of_today


def simulate(names: list[str], first_port: int | None, speed: float) -> None:
    """Serve the simulators of `names` (none: all) until a signal. Raises `CommandFailed` for names and ports."""
    ports = choose_ports(names or list(SIMULATORS), first_port)
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
