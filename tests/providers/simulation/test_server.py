"""Every simulator of the table is served over real HTTP, with the credentials that the table names."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from providers.simulation.clock import SimulationClock
from providers.simulation.generate import generate_world
from providers.simulation.server import (
    ANY_PORTS,
    DEFAULT_PORTS,
    SIMULATORS,
    SimulatorServer,
    running_simulators,
    simulator_settings,
)
from providers.simulation.world import World

NOW = datetime(2025, 6, 4, 12, 0, tzinfo=UTC)
ROOT = Path(__file__).parents[3]

RUN = """
import sys
from providers.simulation.server import ANY_PORTS, run_simulators

def announce(servers):
    for name, server in servers.items():
        print(name, server.url, flush=True)
    print("ready", flush=True)

run_simulators(announce, ANY_PORTS)
print("stopped", flush=True)
"""


@pytest.fixture
def world() -> World:
    return generate_world(SimulationClock(lambda: NOW), 40)


def test_the_four_providers_have_a_simulator_and_a_port_each() -> None:
    assert set(SIMULATORS) == {"karla", "paypal", "billink", "hypertrack"}
    assert sorted(DEFAULT_PORTS.values()) == [8101, 8102, 8103, 8104]


async def test_all_run_at_once_and_share_one_world(world: World) -> None:
    async with running_simulators(world) as servers, httpx.AsyncClient(trust_env=False) as client:
        moved = await client.post(f"{servers['paypal'].url}/_simulator/clock", json={"advance_seconds": 60})
        clocks = [(await client.get(f"{server.url}/_simulator/clock")).json() for server in servers.values()]
    assert clocks == [moved.json()] * len(SIMULATORS)


@pytest.mark.parametrize("name", SIMULATORS)
async def test_each_starts_on_a_free_port_and_gives_it_back(name: str, world: World) -> None:
    async with SimulatorServer(name, world) as server, httpx.AsyncClient(trust_env=False) as client:
        url = server.url
        assert (await client.get(f"{url}/_simulator/calls")).json()["count"] == 0
        assert server.control.provider == name
    async with httpx.AsyncClient(trust_env=False) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(f"{url}/_simulator/calls")


async def test_an_unstarted_server_has_no_url(world: World) -> None:
    server = SimulatorServer("karla", world)
    with pytest.raises(RuntimeError, match="not started"):
        _ = server.url
    await server.stop()


def test_settings_name_the_address_and_the_credentials() -> None:
    settings = simulator_settings({"karla": "http://127.0.0.1:1", "billink": "http://127.0.0.1:2"})
    assert settings == {
        "karla": {"base_url": "http://127.0.0.1:1", **SIMULATORS["karla"].credentials},
        "billink": {"base_url": "http://127.0.0.1:2", **SIMULATORS["billink"].credentials},
    }


async def test_when_a_port_is_taken_none_stays_up(world: World) -> None:
    with socket.socket() as taken, socket.socket() as free:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        free.bind(("127.0.0.1", 0))
        free_port = free.getsockname()[1]
        free.close()
        with pytest.raises(OSError, match="cannot listen"):
            async with running_simulators(world, {"karla": free_port, "paypal": taken.getsockname()[1]}):
                pass
        async with SimulatorServer("karla", world, free_port) as server:
            assert server.url.endswith(f":{free_port}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_it_is_told_to_stop(number: signal.Signals) -> None:
    with subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-W", "error", "-c", RUN],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        announced = [line.split() for line in iter(process.stdout.readline, "ready\n")]
        urls = {name: url for name, url in announced}
        assert urls.keys() == ANY_PORTS.keys()
        assert httpx.get(f"{urls['karla']}/_simulator/orders", trust_env=False).status_code == 200
        process.send_signal(number)
        output, errors = process.communicate(timeout=20)
    assert (process.returncode, output.strip(), errors) == (0, "stopped", "")
