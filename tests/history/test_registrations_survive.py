"""Hundreds of registrations while providers fail and gateways are killed: each is done once, or listed.

What was done is counted by the providers, not by the gateway.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from providers.hypertrack.simulator_fleet import WORKERS
from providers.simulation.clock import SimulationClock
from providers.simulation.faults import Fault, FaultMode
from providers.simulation.generate import generate_world
from providers.simulation.server import SimulatorServer, running_simulators, simulator_settings
from providers.simulation.world import World
from tests.databases import sqlite_url
from tests.history.clients import Parcel, Shop
from tests.history.gateways import GatewayProcess, write_settings
from tests.history.ledgers import Made, made_at

PARCELS = 100
AT_ONCE = 25
KILLS = 4
"""SIGKILLs, spread evenly over the registrations being accepted."""

GATEWAYS = {"sqlite": 1, "postgresql": 2}
"""How many share the store: several machines need PostgreSQL."""

FAULTS = (
    Fault(mode=FaultMode.STATUS, status=503, method="POST", probability=0.06, seed=1),
    Fault(mode=FaultMode.STATUS, status=503, method="PUT", probability=0.06, seed=2),
    Fault(mode=FaultMode.TRUNCATE, method="POST", probability=0.04, seed=3),
    Fault(mode=FaultMode.TRUNCATE, method="PUT", probability=0.04, seed=4),
    Fault(mode=FaultMode.RESET, method="POST", probability=0.04, seed=5),
    Fault(mode=FaultMode.NONE, latency_ms=40),
)
"""Refusals to serve, answers that are lost after the work was done, and connections that break; the rest is slow
enough for a kill to meet calls under way."""

SETTLED_SECONDS = 240
"""For what was left behind: leases of 15 s that end, and back-off that doubles from a few seconds."""


def parcels_of(world: World) -> tuple[Parcel, ...]:
    """As many parcels as the history has, on orders that every provider can be told of."""
    orders = [order for order in world.orders if order.paypal_order_id and order.capture_id and world.parcels(order)]
    drivers = [worker.worker_handle for worker in WORKERS if worker.device_id]
    return tuple(
        Parcel(orders[number % len(orders)], f"0034043400{number:010}", drivers[number % len(drivers)])
        for number in range(PARCELS)
    )


@asynccontextmanager
async def serving(config: Path, log: Path, count: int) -> AsyncIterator[Sequence[GatewayProcess]]:
    gateways = [GatewayProcess(config, log) for _ in range(count)]
    try:
        for gateway in gateways:
            await gateway.start()
        yield gateways
    finally:
        for gateway in gateways:
            gateway.kill()


async def kill_in_turn(gateways: Sequence[GatewayProcess], shop: Shop) -> None:
    """Kill and restart one gateway after the other while registrations are being accepted."""
    for kill in range(KILLS):
        await shop.has_accepted(PARCELS * (kill + 1) // (KILLS + 1))
        await gateways[kill % len(gateways)].restart()


@dataclass(frozen=True, slots=True)
class History:
    """How it ended: the registration of each tracking number, its outcomes by provider, and what was made there."""

    acknowledged: Mapping[str, str]
    outcomes: Mapping[str, Mapping[str, Mapping[str, Any]]]
    made: Mapping[str, Made]

    def made_twice(self) -> dict[str, list[str]]:
        """By provider: the tracking numbers that were made there more than once."""
        repeated = {name: [number for number, times in made.items() if times > 1] for name, made in self.made.items()}
        return {name: numbers for name, numbers in repeated.items() if numbers}

    def untrue(self) -> list[str]:
        """Every outcome that is neither DONE and made, nor UNKNOWN where a provider cannot be told twice."""
        return [
            f"{number} at {name} is {outcome['state']}"
            for number, registration in self.acknowledged.items()
            for name, outcome in self.outcomes[registration].items()
            if not self._is_true(number, name, outcome)
        ]

    def _is_true(self, number: str, name: str, outcome: Mapping[str, Any]) -> bool:
        if outcome["state"] == "DONE":
            return self.made[name][number] == 1
        codes = [error["code"] for error in outcome["userErrors"]]
        return (name, outcome["state"], codes) == ("billink", "UNKNOWN", ["OUTCOME_UNKNOWN"])


async def settled(shop: Shop) -> dict[str, dict[str, Mapping[str, Any]]]:
    """The outcomes once nothing is pending any more."""
    async with asyncio.timeout(SETTLED_SECONDS):
        while True:
            outcomes = await shop.outcomes()
            states = {outcome["state"] for steps in outcomes.values() for outcome in steps.values()}
            if "PENDING" not in states:
                return outcomes
            await asyncio.sleep(0.5)


async def play(store_url: str, folder: Path) -> History:
    """The whole history over one store, with providers of its own; `folder` is for its files."""
    world = generate_world(SimulationClock(lambda: datetime.now(UTC)))
    parcels = parcels_of(world)
    async with running_simulators(world) as servers:
        providers = simulator_settings({name: server.url for name, server in servers.items()})
        config = write_settings(folder / "trackgraph.toml", store_url, providers)
        async with serving(config, folder / "log.txt", GATEWAYS[store_url.partition("+")[0]]) as gateways:
            shop = Shop([gateway.url for gateway in gateways])
            for order in {parcel.order.number: parcel.order for parcel in parcels}.values():
                await shop.link(order)
            with failing(servers):
                async with asyncio.TaskGroup() as group:
                    group.create_task(shop.register(parcels, AT_ONCE))
                    group.create_task(kill_in_turn(gateways, shop))
            return History(shop.acknowledged, await settled(shop), await made_at(servers))


@contextmanager
def failing(servers: Mapping[str, SimulatorServer]) -> Iterator[None]:
    """Have every provider fail now and then."""
    for server in servers.values():
        server.control.faults.arm(*FAULTS)
    yield
    for server in servers.values():
        server.control.faults.clear()


async def test_what_was_accepted_is_done_once_everywhere_or_listed_with_its_reason(
    store_file: Path, postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Both stores at the same time: most of it is waiting for leases to end and for back-off."""
    stores = {"sqlite": sqlite_url(store_file), "postgresql": postgres_url}
    histories = await asyncio.gather(*(play(url, tmp_path_factory.mktemp(name)) for name, url in stores.items()))
    for name, history in zip(stores, histories, strict=True):
        assert len(history.acknowledged) == PARCELS, name
        assert set(history.acknowledged.values()) == set(history.outcomes), f"{name}: one lost, or one too many"
        assert history.made_twice() == {}, name
        assert history.untrue() == [], name


def test_an_answer_that_billink_lost_is_listed_as_unknown() -> None:
    """What `History.untrue` lets pass, and what it does not."""
    made = {"karla": Counter({"A": 1}), "billink": Counter({"A": 1})}
    unknown = {"state": "UNKNOWN", "userErrors": [{"code": "OUTCOME_UNKNOWN"}]}
    done = {"state": "DONE", "userErrors": []}
    assert History({"A": "1"}, {"1": {"karla": done, "billink": unknown}}, made).untrue() == []
    assert History({"A": "1"}, {"1": {"karla": unknown, "billink": done}}, made).untrue() == ["A at karla is UNKNOWN"]
    assert History({"B": "1"}, {"1": {"karla": done}}, made).untrue() == ["B at karla is DONE"]
