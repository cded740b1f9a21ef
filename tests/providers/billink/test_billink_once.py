"""Claims about registering once, whoever asks and whoever dies: adapters, the gateway's store and Billink's double."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from gateway.store.database import Database
from gateway.store.invoice_trackers import MAY_RUN, InvoiceTrackers
from gateway.store.present import present_of
from providers.base import REGISTRATION_TIME_LIMIT, ProviderContext
from providers.billink.adapter import BillinkAdapter
from providers.billink.settings import BillinkSettings
from providers.billink.simulator import CREDENTIALS
from providers.errors import OutcomeUnknown, ProviderError, WriteInProgress
from providers.models import InvoiceTracker, Reference, TrackerDraft
from providers.simulation.clock import SimulationClock
from providers.simulation.faults import Fault, FaultMode
from providers.simulation.generate import generate_orders
from providers.simulation.server import SimulatorServer
from providers.simulation.world import World

ORDERS = generate_orders(datetime(2025, 6, 4, tzinfo=UTC), count=20)
INVOICE = ORDERS[-1].number
DRAFT = TrackerDraft(
    reference=Reference(provider="billink", kind="invoice_number", value=INVOICE),
    carrier_code="POSTNL",
    tracking_number="3SABCD1234567",
)
NAMED = (INVOICE, DRAFT.carrier_code, DRAFT.tracking_number)


class GatedTransport(httpx.AsyncHTTPTransport):
    """Holds back every answer, while its gate is closed, after the provider has given it."""

    def __init__(self) -> None:
        super().__init__()
        self.answered = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        self.answered.set()
        await self.gate.wait()
        return response


@dataclass
class Worker:
    """An adapter of a process of its own, as far as another can tell."""

    adapter: BillinkAdapter
    ledger: InvoiceTrackers
    transport: GatedTransport

    async def register(self) -> InvoiceTracker:
        return await self.adapter.register_tracker(DRAFT)


@dataclass
class Deployment:
    """Workers over one store, and the Billink that all of them ask. `now` is the store's clock."""

    store_url: str
    billink: SimulatorServer
    stack: AsyncExitStack
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    async def worker(self, time_limit: timedelta = REGISTRATION_TIME_LIMIT) -> Worker:
        database = Database(self.store_url)
        self.stack.push_async_callback(database.aclose)
        transport = GatedTransport()
        client = httpx.AsyncClient(base_url=self.billink.url, transport=transport)
        await self.stack.enter_async_context(client)
        ledger = InvoiceTrackers(database, "demo", present_of(database, lambda: self.now))
        settings = BillinkSettings.model_validate({**CREDENTIALS, "base_url": self.billink.url})
        context = ProviderContext(client, lambda: self.now, ledger)
        return Worker(BillinkAdapter(settings, context, time_limit), ledger, transport)

    async def made(self) -> int:
        """How many trackers Billink has: its own count."""
        async with httpx.AsyncClient(base_url=self.billink.url, trust_env=False) as client:
            return len((await client.get("/_simulator/trackers")).json()["trackers"])

    def asked(self) -> int:
        """How many calls Billink got."""
        return len(self.billink.control.calls.calls)


@pytest.fixture
async def deployment(store_url: str) -> AsyncIterator[Deployment]:
    world = World(ORDERS, SimulationClock(lambda: datetime(2025, 6, 4, tzinfo=UTC)))
    async with SimulatorServer("billink", world) as billink, AsyncExitStack() as stack:
        yield Deployment(store_url, billink, stack)


async def test_a_process_that_is_killed_after_sending_leaves_the_outcome_unknown(deployment: Deployment) -> None:
    """Billink made the tracker and nobody here knows: it is not sent again, now or ever, but by a person's decision."""
    arguments = ("-m", "tests.providers.billink.dying_worker", deployment.store_url, deployment.billink.url, INVOICE)
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments)
    assert await process.wait() == -signal.SIGKILL
    assert await deployment.made() == 1

    survivor = await deployment.worker()
    with pytest.raises(WriteInProgress):
        await survivor.register()
    deployment.now += MAY_RUN + timedelta(minutes=1)
    for worker in (survivor, await deployment.worker()):
        with pytest.raises(OutcomeUnknown):
            await worker.register()
    assert (await deployment.made(), deployment.asked()) == (1, 1)

    await survivor.ledger.forget_attempt(*NAMED)
    assert (await survivor.register()).tracker_id == "2"


async def test_while_one_worker_sends_another_does_not(deployment: Deployment) -> None:
    sender, other = await deployment.worker(), await deployment.worker()
    sender.transport.gate.clear()
    sending = asyncio.ensure_future(sender.register())
    await sender.transport.answered.wait()
    with pytest.raises(WriteInProgress):
        await other.register()
    sender.transport.gate.set()
    made = await sending
    assert await other.register() == made
    assert (await deployment.made(), deployment.asked()) == (1, 1)


async def test_of_many_workers_at_once_one_sends(deployment: Deployment) -> None:
    """The others are told to look again, or find what it made."""
    workers = [await deployment.worker() for _ in range(8)]
    outcomes = await asyncio.gather(*(worker.register() for worker in workers), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} <= {InvoiceTracker, WriteInProgress}
    made = {outcome.store_id for outcome in outcomes if isinstance(outcome, InvoiceTracker)}
    assert len(made) == 1
    assert {(await worker.register()).store_id for worker in workers} == made
    assert (await deployment.made(), deployment.asked()) == (1, 1)


@pytest.mark.parametrize("status", [403, 404, 409, 422, 429, 503])
async def test_a_refusal_frees_the_way(deployment: Deployment, status: int) -> None:
    first, second = await deployment.worker(), await deployment.worker()
    deployment.billink.control.faults.arm(Fault(mode=FaultMode.STATUS, status=status))
    with pytest.raises(ProviderError):
        await first.register()
    deployment.billink.control.faults.clear()
    assert (await second.register()).tracker_id == "1"


async def test_a_server_that_is_not_there_frees_the_way(deployment: Deployment) -> None:
    worker = await deployment.worker()
    await deployment.billink.stop()
    with pytest.raises(ProviderError):
        await worker.register()
    await deployment.billink.start()
    assert (await (await deployment.worker()).register()).tracker_id == "1"


@pytest.mark.parametrize(
    "fault",
    [
        Fault(mode=FaultMode.STATUS, status=500),
        Fault(mode=FaultMode.TRUNCATE),
        Fault(mode=FaultMode.RESET),
        Fault(mode=FaultMode.HTML),
        Fault(mode=FaultMode.HANG),
    ],
    ids=lambda fault: fault.mode.value,
)
async def test_an_answer_that_says_nothing_is_never_asked_for_again(deployment: Deployment, fault: Fault) -> None:
    worker = await deployment.worker(timedelta(seconds=0.5))
    deployment.billink.control.faults.arm(fault)
    with pytest.raises(ProviderError):
        await worker.register()
    deployment.billink.control.faults.clear()
    asked = deployment.asked()
    with pytest.raises(WriteInProgress):
        await worker.register()
    deployment.now += MAY_RUN + timedelta(seconds=1)
    with pytest.raises(OutcomeUnknown):
        await worker.register()
    assert deployment.asked() == asked
