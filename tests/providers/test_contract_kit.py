"""Claims about the contract kit itself: an adapter that breaks a claim fails the test that makes it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, timezone

import httpx
import pytest
from pydantic import SecretStr

from providers.base import (
    AttemptBegun,
    Capability,
    Provider,
    ProviderContext,
    ProviderProfile,
    ProviderSettings,
    ProviderSpec,
)
from providers.errors import OrderNotFound
from providers.models import GenericTracking, Reference, TrackingsFound, TrackingStatus
from providers.testing import (
    FAULTS,
    Answer,
    ContractCase,
    Exchange,
    MemoryLedger,
    Operation,
    ProviderContract,
    SentRequest,
    StatusTable,
)
from providers.testing.cases import NOW
from tests.providers.billink.contract_case import REGISTERED

PROFILE = ProviderProfile(
    name="acme",
    title="Acme",
    capabilities=frozenset({Capability.FIND_TRACKINGS}),
    trust=9,
    reference_kinds=(),
    finds_by=(),
    times="RFC 3339",
    concurrency=1,
    documentation="https://acme.example/api",
)


IN_AMSTERDAM_IN_1930 = datetime(1930, 1, 1, tzinfo=timezone(timedelta(minutes=19, seconds=32)))
"""Its clocks had an offset with seconds, which JSON's times cannot say."""


class Settings(ProviderSettings):
    base_url: str = "https://acme.example"
    key: SecretStr


class Careless:
    """An adapter with every habit that the contract forbids."""

    profile = PROFILE

    def __init__(self, settings: ProviderSettings, context: ProviderContext) -> None:
        assert isinstance(settings, Settings)
        self.key = settings.key.get_secret_value()
        self.client = context.client

    def __repr__(self) -> str:
        return f"Careless({self.key})"

    async def check(self) -> str:
        return "fine"

    async def find_trackings(self, reference: Reference) -> TrackingsFound:
        try:
            body = (await self.client.get("/trackings", params={"q": reference.value})).json()
        except (httpx.HTTPError, ValueError, asyncio.CancelledError):
            return TrackingsFound(trackings=())
        words = {"delivered": TrackingStatus.DELIVERED}
        status = words.get(body.get("status", ""), TrackingStatus.IN_TRANSIT)
        tracking = GenericTracking(provider="acme", local_id="1", status=status, created_at=IN_AMSTERDAM_IN_1930)
        return TrackingsFound(trackings=(tracking,))

    async def find_route(self, handle: str) -> None:
        raise OrderNotFound("acme", handle)


async def find_trackings(adapter: Provider) -> object:
    assert isinstance(adapter, Careless)
    return await adapter.find_trackings(Reference(provider="acme", kind="number", value="1"))


def read_status(answer: object) -> tuple[TrackingStatus, str | None]:
    assert isinstance(answer, TrackingsFound)
    return answer.trackings[0].status, answer.trackings[0].provider_status


FIND = Operation(
    "find_trackings",
    find_trackings,
    (Exchange(SentRequest("GET", "/trackings/1"), Answer(body=b'{"status": "delivered"}')),),
    {"trackings": [], "references": []},
    required=(("status",),),
)
AS_SENT = Exchange(SentRequest("GET", "/trackings", (("q", "1"),)), Answer(body=b'{"status": "delivered"}'))
ASKED = Operation("find_trackings", find_trackings, (AS_SENT,), {"trackings": [], "references": []})
TABLE = StatusTable(
    "find_trackings",
    {"delivered": TrackingStatus.DELIVERED},
    lambda body, word: json.loads(json.dumps(body)) | {"status": word},
    read_status,
)


class Broken(ProviderContract):
    case = ContractCase(
        spec=ProviderSpec(PROFILE, Settings, Careless),
        settings={"key": "secret-1"},
        secrets=("secret-1",),
        operations=(ASKED,),
        statuses=(TABLE,),
    )


FAULT = {fault.name: fault for fault in FAULTS}
contract = Broken()


@pytest.mark.parametrize(
    "claim",
    [
        contract.test_shows_no_secret,
        contract.test_declares_what_it_implements,
        contract.test_is_documented,
        lambda: contract.test_sends_what_is_documented(FIND),
        lambda: contract.test_answers_what_was_recorded(ASKED),
        lambda: contract.test_answers_can_be_kept(ASKED),
        lambda: contract.test_maps_every_status(TABLE, "delivered"),
        lambda: contract.test_guesses_no_status(TABLE),
        lambda: contract.test_every_failure_is_one_error(ASKED, FAULT["read_time_out"]),
        lambda: contract.test_every_failure_is_one_error(ASKED, FAULT["html"]),
        lambda: contract.test_every_failure_is_one_error(ASKED, FAULT["status_503"]),
        lambda: contract.test_needs_what_it_cannot_do_without(ASKED, ("status",)),
        lambda: contract.test_answers_many_at_once(ASKED),
    ],
)
async def test_a_careless_adapter_fails(claim: Callable[[], Awaitable[None]]) -> None:
    with pytest.raises(AssertionError):
        await claim()


@pytest.mark.parametrize(
    "claim", [contract.test_every_method_is_under_contract, contract.test_every_setting_is_described]
)
def test_a_careless_case_fails(claim: Callable[[], None]) -> None:
    """A method without an operation and a setting without a description are told."""
    with pytest.raises(AssertionError):
        claim()


async def test_swallowed_cancellation_fails() -> None:
    with pytest.raises(pytest.fail.Exception):
        await contract.test_cancellation_passes_through(ASKED, hangs_in_body=False)


def test_every_fault_has_a_name_of_its_own() -> None:
    assert len(FAULT) == len(FAULTS)


async def test_the_ledger_in_memory_stores_a_tracker_once() -> None:
    """The same invoice, carrier and number is one tracker, and gets one number."""
    ledger = MemoryLedger(clock=lambda: NOW)
    first = await ledger.add(REGISTERED)
    assert await ledger.add(REGISTERED.model_copy(update={"tracker_id": "other"})) == first
    assert first.store_id == 1
    assert await ledger.find_by_invoice("1002") == (first,)
    assert await ledger.begin("1002", "DHL", "3SXYZ") == first
    assert await ledger.begin("1002", "GLS", "3SXYZ") == AttemptBegun("1002", "GLS", "3SXYZ", NOW.timestamp())
