"""Claims about the adapter and Billink's double together, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import pytest

from providers.base import ProviderContext
from providers.billink.adapter import BillinkAdapter
from providers.billink.settings import BillinkSettings
from providers.billink.simulator import CREDENTIALS
from providers.errors import ProviderAuthFailed, RequestRejected
from providers.models import Media, Reference, TrackerDraft
from providers.simulation.clock import SimulationClock
from providers.simulation.generate import generate_orders
from providers.simulation.server import SimulatorServer
from providers.simulation.world import World
from providers.testing import MemoryLedger

NOW = datetime(2025, 6, 4, 14, 26, 5, tzinfo=UTC)
ORDERS = generate_orders(NOW, count=20)
INVOICE = Reference(provider="billink", kind="invoice_number", value=ORDERS[-1].number)
DRAFT = TrackerDraft(reference=INVOICE, carrier_code="POSTNL", tracking_number="3SABCD1234567")


@asynccontextmanager
async def adapter(**settings: object) -> AsyncIterator[BillinkAdapter]:
    world = World(ORDERS, SimulationClock(lambda: NOW))
    async with (
        SimulatorServer("billink", world) as server,
        httpx.AsyncClient(base_url=server.url, trust_env=False) as client,
    ):
        known = BillinkSettings.model_validate({**CREDENTIALS, "base_url": server.url, **settings})
        yield BillinkAdapter(known, ProviderContext(client, world.now, MemoryLedger()))


async def test_what_is_registered_is_found() -> None:
    async with adapter() as billink:
        assert (await billink.check()).startswith("reachable")
        tracker = await billink.register_tracker(DRAFT)
        assert tracker.created_at == NOW
        assert (await billink.find_trackings(INVOICE)).trackings == (tracker,)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"carrier_code": "no such carrier!"}, ("carrier_code",)),
        ({"tracking_number": ""}, ("tracking_number",)),
        ({"reference": INVOICE.model_copy(update={"value": "no-such-invoice"})}, ("reference", "value")),
    ],
)
async def test_a_refusal_names_the_member_that_is_wrong(change: dict[str, object], field: tuple[str, ...]) -> None:
    async with adapter() as billink:
        with pytest.raises(RequestRejected) as refused:
            await billink.register_tracker(DRAFT.model_copy(update=change))
    assert [violation.field for violation in refused.value.violations] == [field]


@pytest.mark.parametrize(
    ("media", "fields"),
    [
        ([Media(type="image/png", content="no Base64!")], [("media", "0", "content")]),
        ([Media(type="image/png", content="")], [("media", "0", "content")]),
        ([Media(type=None, content="aGVsbG8=")], [("media", "0", "type")]),
        (
            [Media(type="image/png", content="aGVsbG8="), Media(type=" ", content="aGVsbG8")],
            [("media", "1", "type"), ("media", "1", "content")],
        ),
        ([Media(type="image/png", content="aGVsbG8=")] * 11, [("media",)]),
    ],
)
async def test_a_refused_medium_is_named_by_its_place(media: list[Media], fields: list[tuple[str, ...]]) -> None:
    """All that Billink finds wrong with the media leads into the draft."""
    async with adapter(media_members={"type": "type", "content": "content"}) as billink:
        with pytest.raises(RequestRejected) as refused:
            await billink.register_tracker(DRAFT.model_copy(update={"media": tuple(media)}))
    assert [violation.field for violation in refused.value.violations] == fields


async def test_everything_that_is_wrong_is_told_at_once() -> None:
    wrong = DRAFT.model_copy(update={"carrier_code": "!", "tracking_number": ""})
    async with adapter() as billink:
        with pytest.raises(RequestRejected) as refused:
            await billink.register_tracker(wrong)
    assert {violation.field for violation in refused.value.violations} == {("carrier_code",), ("tracking_number",)}
    assert all(violation.provider_code for violation in refused.value.violations)


async def test_wrong_credentials_are_told() -> None:
    async with adapter(billink_id="wrong") as billink:
        with pytest.raises(ProviderAuthFailed):
            await billink.register_tracker(DRAFT)
