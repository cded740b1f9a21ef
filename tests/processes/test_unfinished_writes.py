"""A gateway that is stopped, or dies, while it writes: the write is finished, or done anew by the next gateway."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.processes.gateways import PATIENCE_SECONDS, Gateway, SlowProvider, running_gateway
from tests.processes.test_stopping import stops_being_ready

UPSERT = "mutation ($input: UpsertOrderInput!) { upsertOrder(input: $input) { userErrors { code } } }"

REGISTER = """
mutation ($input: RegisterShipmentInput!) {
  registerShipment(input: $input) { registration { id } userErrors { code } }
}"""

STATE = "query ($id: ID!) { registration(id: $id) { outcomes { state attempts } } }"

PARCEL = {"trackingNumber": "00340434161094042557"}
SHIPMENT = {"order": {"orderNumber": "1042"}, **PARCEL, "carrier": "dhl"}


async def registered(gateway: Gateway) -> str:
    """The id of a shipment that the gateway has accepted."""
    payload = (await gateway.send(REGISTER, input=SHIPMENT)).json()["data"]["registerShipment"]
    assert payload["userErrors"] == []
    identifier: str = payload["registration"]["id"]
    return identifier


async def outcomes_of(gateway: Gateway, identifier: str) -> list[dict[str, Any]]:
    answer = await gateway.send(STATE, id=identifier)
    outcomes: list[dict[str, Any]] = answer.json()["data"]["registration"]["outcomes"]
    return outcomes


async def is_done(gateway: Gateway, identifier: str) -> list[dict[str, Any]]:
    """The outcomes, as soon as every provider was told."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            outcomes = await outcomes_of(gateway, identifier)
            if {each["state"] for each in outcomes} == {"DONE"}:
                return outcomes
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_write_that_is_running_is_finished_and_told(
    tmp_path: Path, provider: SlowProvider, workers: int
) -> None:
    async with running_gateway(tmp_path, provider.url, workers) as gateway:
        writing = asyncio.create_task(gateway.send(UPSERT, input={"reference": "1042", "trackings": [PARCEL]}))
        await provider.has_taken(1)
        gateway.signal(signal.SIGTERM)
        await stops_being_ready(gateway)
        provider.released.set()
        assert (await writing).json() == {"data": {"upsertOrder": {"userErrors": []}}}
        assert await gateway.exit_code() == 0
        assert "Traceback" not in gateway.log
    assert provider.taken == 1


async def test_a_step_of_a_registration_that_is_running_is_finished_and_not_done_again(
    tmp_path: Path, provider: SlowProvider
) -> None:
    async with running_gateway(tmp_path, provider.url) as gateway:
        registering = asyncio.create_task(registered(gateway))
        await provider.has_taken(1)
        gateway.signal(signal.SIGTERM)
        provider.released.set()
        identifier = await registering
        assert await gateway.exit_code() == 0
        assert "Traceback" not in gateway.log
    async with running_gateway(tmp_path, provider.url) as next_one:
        assert await is_done(next_one, identifier) == [{"state": "DONE", "attempts": 1}]
    assert provider.taken == 1


async def test_a_step_whose_gateway_died_is_taken_over_once_its_lease_is_over(
    tmp_path: Path, provider: SlowProvider
) -> None:
    """What it had sent is one state, however often it is written; the one after the next finds nothing to do."""
    async with running_gateway(tmp_path, provider.url) as gateway:
        identifier = await registered(gateway)
        await provider.has_taken(1)
        gateway.signal(signal.SIGKILL)
        await gateway.exit_code()
    provider.released.set()
    async with running_gateway(tmp_path, provider.url) as next_one:
        assert await is_done(next_one, identifier) == [{"state": "DONE", "attempts": 2}]
    async with running_gateway(tmp_path, provider.url) as third:
        assert await is_done(third, identifier) == [{"state": "DONE", "attempts": 2}]
    assert provider.taken == 2
