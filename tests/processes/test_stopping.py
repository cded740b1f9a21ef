"""A gateway that is told to stop is not ready first, ends what it has begun, takes nothing new, and ends in time."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

import httpx
import pytest

from tests.processes.gateways import PATIENCE_SECONDS, Gateway, SlowProvider, Stopwatch, running_gateway

STOP_SECONDS = 15.0
"""What an orchestrator waits before it kills."""

WORKERS = [1, 2]

RUNNING = 8
"""Queries that are running when the signal comes: with two workers, each has some."""


async def stops_being_ready(gateway: Gateway) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await _is_stopping(gateway):  # noqa: ASYNC110  # it is another process
            await asyncio.sleep(0.02)


async def _is_stopping(gateway: Gateway) -> bool:
    try:
        return await gateway.readiness() == (503, "stopping")
    except httpx.TransportError:  # of two workers the one with nothing to do is gone at once, with what it was asked
        return False


def code(response: httpx.Response) -> str:
    found: str = response.json()["errors"][0]["extensions"]["code"]
    return found


@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_what_is_running_is_answered_and_what_is_new_is_refused(
    tmp_path: Path, provider: SlowProvider, workers: int, number: signal.Signals
) -> None:
    async with running_gateway(tmp_path, provider.url, workers) as gateway:
        running = [asyncio.create_task(gateway.ask(str(number))) for number in range(RUNNING)]
        await provider.has_taken(RUNNING)
        watch = Stopwatch()
        gateway.signal(number)
        await stops_being_ready(gateway)

        refused = await gateway.ask("new")
        assert (refused.status_code, code(refused)) == (503, "SHUTTING_DOWN")
        assert refused.headers["connection"] == "close"
        assert refused.headers["retry-after"] == "1"

        provider.released.set()
        for answer in await asyncio.gather(*running):
            assert answer.json() == {"data": {"order": None}}
        assert await gateway.exit_code() == 0
        assert watch.seconds < STOP_SECONDS
        assert "Traceback" not in gateway.log


@pytest.mark.parametrize("workers", WORKERS)
async def test_a_provider_that_hangs_does_not_hold_it_up(tmp_path: Path, provider: SlowProvider, workers: int) -> None:
    """Its calls run out of time, and the answers say so."""
    async with running_gateway(tmp_path, provider.url, workers) as gateway:
        running = [asyncio.create_task(gateway.ask(str(number))) for number in range(RUNNING)]
        await provider.has_taken(RUNNING)
        watch = Stopwatch()
        gateway.signal(signal.SIGTERM)

        for answer in await asyncio.gather(*running):
            assert code(answer) == "PROVIDER_TIMEOUT"
        assert await gateway.exit_code() == 0
        assert watch.seconds < STOP_SECONDS


@pytest.mark.parametrize("workers", WORKERS)
async def test_under_load_every_request_is_answered_or_refused(
    tmp_path: Path, provider: SlowProvider, workers: int
) -> None:
    """A connection may be refused or closed; half an answer, or one that says nothing, is never given."""
    provider.released.set()
    seen: set[str] = set()
    async with running_gateway(tmp_path, provider.url, workers) as gateway:
        load = [asyncio.create_task(ask_on_and_on(gateway, seen)) for _ in range(8)]
        await provider.has_taken(50)
        watch = Stopwatch()
        gateway.signal(signal.SIGTERM)
        assert await gateway.exit_code() == 0
        assert watch.seconds < STOP_SECONDS
        await asyncio.gather(*load)
        assert "Traceback" not in gateway.log
    assert seen <= {"answered", "SHUTTING_DOWN", "connection"}
    assert seen >= {"answered", "connection"}


async def ask_on_and_on(gateway: Gateway, seen: set[str]) -> None:
    """Until nobody is there."""
    async with gateway.client() as client:
        asked = 0
        while "connection" not in seen:
            asked += 1
            query = f'{{ order(by: {{orderNumber: "{id(client)}-{asked}"}}) {{ orderNumber }} }}'
            try:
                answer = await client.post("/graphql", json={"query": query})
            except httpx.TransportError:
                seen.add("connection")
            else:
                assert answer.status_code in (200, 503)
                seen.add("answered" if answer.json() == {"data": {"order": None}} else code(answer))


async def test_what_does_not_end_is_cut_off_and_told_so(tmp_path: Path, provider: SlowProvider) -> None:
    """Here a client that has sent half of its body, and takes its time."""
    async with running_gateway(tmp_path, provider.url, body_seconds=60) as gateway:
        url = httpx.URL(gateway.url)
        reader, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n")
        writer.write(b'Content-Length: 100\r\n\r\n{"query":')
        await writer.drain()
        await has_in_flight(gateway)
        watch = Stopwatch()
        gateway.signal(signal.SIGTERM)

        async with asyncio.timeout(PATIENCE_SECONDS):
            answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["errors"][0]["extensions"] == {"code": "INTERRUPTED"}
        assert await gateway.exit_code() == 0
        assert 10 <= watch.seconds < STOP_SECONDS
        assert "Traceback" not in gateway.log
        writer.close()


async def has_in_flight(gateway: Gateway) -> None:
    """Return when the gateway has taken what was sent before; one connection is read after the other."""
    assert (await gateway.readiness())[0] == 200


async def test_a_worker_that_hangs_is_killed_in_time(tmp_path: Path, provider: SlowProvider) -> None:
    async with running_gateway(tmp_path, provider.url, workers=2) as gateway:
        stuck = gateway.workers[-1]
        os.kill(stuck, signal.SIGSTOP)
        watch = Stopwatch()
        gateway.signal(signal.SIGTERM)
        assert await gateway.exit_code() == 0
        assert watch.seconds < STOP_SECONDS
        with pytest.raises(ProcessLookupError):
            os.kill(stuck, 0)


async def test_ctrl_c_after_sigterm_is_the_same_stop(tmp_path: Path, provider: SlowProvider) -> None:
    """A worker has both of one Ctrl-C, in any order: the terminal's, and what its parent passes on."""
    async with running_gateway(tmp_path, provider.url, 1) as gateway:
        running = asyncio.create_task(gateway.ask("1"))
        await provider.has_taken(1)
        for number in (signal.SIGTERM, signal.SIGINT):
            gateway.signal(number)
            await stops_being_ready(gateway)
        provider.released.set()
        assert (await running).status_code == 200
        assert await gateway.exit_code() == 0


@pytest.mark.parametrize("workers", WORKERS)
async def test_a_second_ctrl_c_does_not_wait(tmp_path: Path, provider: SlowProvider, workers: int) -> None:
    async with running_gateway(tmp_path, provider.url, workers) as gateway:
        running = asyncio.create_task(gateway.ask("1"))
        await provider.has_taken(1)
        watch = Stopwatch()
        for process in [gateway.pid, *gateway.workers]:  # as a terminal sends it: to all of them
            os.kill(process, signal.SIGINT)
        await stops_being_ready(gateway)
        for process in [gateway.pid, *gateway.workers]:
            os.kill(process, signal.SIGINT)

        assert code(await running) == "INTERRUPTED"
        assert await gateway.exit_code() == 0
        assert watch.seconds < 4  # less than a call to a provider may take
