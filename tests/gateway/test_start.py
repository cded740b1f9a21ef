"""What a gateway loads before its first answer, and what it does not: the measure of a quick start that needs no clock.

Seconds depend on the machine and on what else it does; `make bench` measures them.
"""

from __future__ import annotations

import asyncio
import gc
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.cli.loading import THRESHOLDS, loading
from gateway.cli.serving import WORKER_APP, server_config
from gateway.settings import parse_settings
from gateway.store.database import Database
from providers.simulation.server import running_simulators, simulator_settings, world_of_today
from tests.databases import sqlite_url

NOT_LOADED: Mapping[str, str] = {
    "alembic": "it migrates a store, and this one has its schema",
    "mako": "it is alembic's, for writing new migrations",
    "asyncpg": "it speaks to PostgreSQL, and this store is SQLite",
    "sqlalchemy.dialects.postgresql": "the same",
    "joserfc": "it checks and makes tokens, and `auth.mode` is none",
    "gateway.auth.jwks": "the same",
    "opentelemetry.sdk.trace": "it records traces, and `tracing.endpoint` is not set",
    "gateway.telemetry.otel": "the same",
    "opentelemetry.sdk.metrics": "redis would count by it, and the gateway counts by Prometheus's client",
    "psutil": "it is opentelemetry's",
    "rich": "it draws tables, and `serve` prints none",
    "pygments": "it is there for httpx's command line",
    "gateway.cli.check": "it is another command, as is all that it needs",
    "providers.simulation.server": "it plays the providers, for `dev` and `simulate`",
}
"""What `serve` does without until its first answer, and why it can. Most of these take a twentieth of a second."""

LOADED = frozenset({"gateway.app", "gateway.cli.connection", "providers.karla.adapter", "sqlalchemy.dialects.sqlite"})
"""Some of what it cannot do without: so the table is held against what was really loaded."""

LATER = frozenset({"strawberry", "sqlalchemy", "pydantic", "gateway.app", "gateway.cli.connection"})
"""What a worker loads only after it can answer its supervisor."""

PATIENCE_SECONDS = 60
"""For a start on a busy machine; a quiet one takes two seconds."""

_SERVE = (sys.executable, "-v", "-c", "from gateway.cli import main; main()", "serve", "--port", "0")
_IMPORTED = re.compile(r"^import '(\S+)' #", re.MULTILINE)
"""What `-v` has Python write to standard error whenever a module has been loaded, whoever loads it and how."""

_SERVING = re.compile(r"^trackgraph: serving (\S+)$", re.MULTILINE)

_QUERY = "query ($number: String!) { order(by: {orderNumber: $number}) { orderNumber deliveryStatus } }"


async def test_nothing_is_loaded_that_the_first_answer_does_not_need(tmp_path: Path) -> None:
    answer, loaded = await first_answer(tmp_path)
    assert answer["data"]["order"]["deliveryStatus"]
    assert loaded >= LOADED
    assert {name: why for name, why in NOT_LOADED.items() if name in loaded} == {}


def test_a_worker_can_answer_its_supervisor_before_it_has_loaded_the_gateway() -> None:
    sent = ForkingPickler.dumps(server_config(parse_settings({}), WORKER_APP))
    program = "import pickle, sys; pickle.load(sys.stdin.buffer); print(*sys.modules)"
    received = subprocess.run([sys.executable, "-c", program], input=bytes(sent), capture_output=True, check=True)  # noqa: S603
    assert LATER.isdisjoint(received.stdout.decode().split())


@pytest.fixture
def collector() -> Iterator[None]:
    """The collector of garbage, as it was, when the test has ended."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.mark.usefixtures("collector")
def test_no_garbage_is_looked_for_while_a_process_loads_and_seldom_afterwards() -> None:
    with loading():
        assert not gc.isenabled()
        made: list[object] = []
        made.append(made)
    assert gc.isenabled()
    assert gc.get_threshold() == THRESHOLDS
    assert not any(each is made for each in gc.get_objects())  # what was made meanwhile is not gone through again


@pytest.mark.usefixtures("collector")
def test_a_process_that_fails_to_load_collects_as_others_do() -> None:
    with pytest.raises(ImportError), loading():
        raise ImportError
    assert gc.isenabled()


async def first_answer(folder: Path) -> tuple[Any, frozenset[str]]:
    """What `trackgraph serve` answers first, over a store that has its schema, and what it has loaded by then."""
    world = world_of_today()
    async with running_simulators(world) as simulators:
        providers = simulator_settings({name: simulator.url for name, simulator in simulators.items()})
        log = folder / "log"
        async with serving(await written(folder, providers), log) as url:
            answer = await ask(url, world.orders[0].number)
            return answer, frozenset(_IMPORTED.findall(_text(log)))


async def written(folder: Path, providers: Mapping[str, Mapping[str, str]]) -> Path:
    """A file with the settings of a shop that asks `providers`; its store is migrated."""
    store = sqlite_url(folder / "store.db")
    database = Database(store)
    await database.migrate()
    await database.aclose()
    tables = [
        line
        for provider, settings in providers.items()
        for line in (f"[shops.demo.{provider}]", *(f"{name} = {json.dumps(value)}" for name, value in settings.items()))
    ]
    config = folder / "trackgraph.toml"
    config.write_text("\n".join([f"store.url = {json.dumps(store)}", *tables]), "utf-8")
    return config


@asynccontextmanager
async def serving(config: Path, log: Path) -> AsyncIterator[str]:
    """A gateway with the settings in `config`, as the address where it serves; what it says is in `log`."""
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(*_SERVE, "--config", config, stdout=output, stderr=output)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (said := _SERVING.search(_text(log))):
                assert process.returncode is None, "the gateway has ended"
                await asyncio.sleep(0.05)
        yield said[1]
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def ask(url: str, number: str) -> Any:
    async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as client:
        return (await client.post(url, json={"query": _QUERY, "variables": {"number": number}})).json()


def _text(log: Path) -> str:
    return log.read_text("utf-8")
