"""The figures of a gateway with several workers: whichever answers, it tells those of all."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest

from tests.figures import figure
from tests.processes.gateways import PATIENCE_SECONDS, Gateway, SlowProvider, running_gateway

QUERIES = 16


async def figures(gateway: Gateway) -> str:
    async with gateway.client() as client:  # a connection of its own, so any worker may answer
        response = await client.get("/metrics")
    assert response.status_code == 200
    return response.text


def kill_workers(gateway: Gateway) -> None:
    """As the machine does when memory is short. What watches over Python's shared resources is no worker."""
    for pid in gateway.workers:
        if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text("utf-8"):
            os.kill(pid, signal.SIGKILL)


async def told_in_time(gateway: Gateway, name: str, value: float) -> None:
    """Return when `name` is `value`, which it is soon."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while figure(name, await figures(gateway)) != value:  # noqa: ASYNC110  # it is another process
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("workers", [1, 2])
async def test_each_worker_tells_the_figures_of_all(tmp_path: Path, provider: SlowProvider, workers: int) -> None:
    provider.released.set()
    async with running_gateway(tmp_path, provider.url, workers) as gateway:
        answers = await asyncio.gather(*(gateway.ask(str(number)) for number in range(QUERIES)))
        assert {answer.status_code for answer in answers} == {200}

        for _ in range(4):
            text = await figures(gateway)
            assert figure("trackgraph_operations_total", text, type="query", outcome="ok") == QUERIES
            assert figure("trackgraph_http_requests_total", text, route="/graphql", status="200") == QUERIES
            assert figure("trackgraph_provider_calls_total", text, provider="karla", operation="find_order") == QUERIES
            assert figure("trackgraph_store_up", text) == 1
            assert 1 <= figure("trackgraph_cache_circuit_open", text) <= workers  # those that have asked
            assert figure("trackgraph_build_info", text) == 1


async def test_what_a_dead_worker_was_doing_is_forgotten_and_what_it_had_done_stays(
    tmp_path: Path, provider: SlowProvider
) -> None:
    provider.released.set()
    async with running_gateway(tmp_path, provider.url, 2) as gateway:
        await asyncio.gather(*(gateway.ask(str(number)) for number in range(QUERIES)))
        provider.released.clear()
        running = [asyncio.create_task(gateway.ask(f"held {number}")) for number in range(QUERIES)]
        await told_in_time(gateway, "trackgraph_http_requests_in_flight", QUERIES + 1)
        kill_workers(gateway)
        await asyncio.gather(*running, return_exceptions=True)

        await told_in_time(gateway, "trackgraph_http_requests_in_flight", 1)
        assert figure("trackgraph_operations_total", await figures(gateway), outcome="ok") == QUERIES


async def test_the_log_can_be_lines_of_json(tmp_path: Path, provider: SlowProvider) -> None:
    provider.released.set()
    async with running_gateway(tmp_path, provider.url, log_format="json", access_log=True) as gateway:
        answer = await gateway.ask("1")
    lines = [json.loads(line) for line in gateway.log.splitlines() if line.startswith("{")]

    [line] = [line for line in lines if line["logger"] == "gateway.access" and "POST" in line["message"]]
    assert line["request_id"] == answer.headers["x-request-id"]
    assert line["message"].startswith("POST /graphql 200 in ")
