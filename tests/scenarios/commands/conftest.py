"""What commands are run on: simulated providers of today, a store, and a settings file that names both."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from providers.simulation.server import SimulatorServer, running_simulators, simulator_settings, world_of_today
from providers.simulation.world import World
from tests.history.gateways import write_settings


@pytest.fixture
def world() -> World:
    return world_of_today()


@pytest.fixture
async def simulators(world: World) -> AsyncIterator[Mapping[str, SimulatorServer]]:
    async with running_simulators(world) as servers:
        yield servers


@pytest.fixture
def config(simulators: Mapping[str, SimulatorServer], store_url: str, tmp_path: Path) -> Path:
    providers = simulator_settings({name: server.url for name, server in simulators.items()})
    return write_settings(tmp_path / "trackgraph.toml", store_url, providers)
