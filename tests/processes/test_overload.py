"""A gateway with more requests than it takes refuses the rest at once, and takes requests again by itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.processes.gateways import PATIENCE_SECONDS, Gateway, SlowProvider, Stopwatch, running_gateway

TAKEN = 4
REFUSED = 5

SHED_SECONDS = 0.1
"""Most that the quickest refusal takes: it is made in less than a millisecond, and the machine may be busy."""


async def refused_in(gateway: Gateway) -> float:
    """How many seconds a refusal takes, over a connection of its own."""
    watch = Stopwatch()
    answer = await gateway.ask("one too many")
    seconds = watch.seconds
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["errors"][0]["extensions"]["code"] == "OVERLOADED"
    return seconds


async def test_what_is_too_much_is_refused_at_once_and_it_recovers_by_itself(
    tmp_path: Path, provider: SlowProvider
) -> None:
    async with running_gateway(tmp_path, provider.url, max_in_flight=TAKEN) as gateway:
        running = [asyncio.create_task(gateway.ask(str(number))) for number in range(TAKEN)]
        await provider.has_taken(TAKEN)

        assert min([await refused_in(gateway) for _ in range(REFUSED)]) < SHED_SECONDS
        assert (await gateway.readiness())[0] == 200, "it is full and not broken"

        provider.released.set()
        assert {answer.status_code for answer in await asyncio.gather(*running)} == {200}
        assert (await gateway.ask("again")).json() == {"data": {"order": None}}
        assert "Traceback" not in gateway.log


async def test_a_flood_is_answered_in_full_and_for_what_it_takes_as_ever(
    tmp_path: Path, provider: SlowProvider
) -> None:
    """Ten times as many at once as there are places: each is answered or refused, and nothing is left behind."""
    provider.released.set()
    async with running_gateway(tmp_path, provider.url, max_in_flight=TAKEN) as gateway:
        async with asyncio.timeout(PATIENCE_SECONDS):
            flood = await asyncio.gather(*(gateway.ask(str(number)) for number in range(10 * TAKEN)))
        assert {answer.status_code for answer in flood} <= {200, 503}
        assert sum(answer.status_code == 200 for answer in flood) >= TAKEN
        for number in range(TAKEN):
            assert (await gateway.ask(f"after {number}")).status_code == 200
