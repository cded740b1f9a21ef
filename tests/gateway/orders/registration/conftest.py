"""A shop over four simulated providers and a real store, with workers that can be started and stopped."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from gateway.freshness.cache import FreshCache
from gateway.freshness.memory import MemoryStorage
from gateway.freshness.policy import FreshnessPolicy
from gateway.orders.identity import OrderKey
from gateway.orders.loads import LoadServices
from gateway.orders.operation import Operation, OperationServices
from gateway.orders.registration.attempt import StepTeller
from gateway.orders.registration.service import RegistrationService, RegistrationServices
from gateway.orders.registration.shipment import Shipment, StepOutcome
from gateway.orders.registration.worker import Limits, RegistrationWorker
from gateway.orders.shops import RegistrationRules, Shop, Shops, rules_of
from gateway.orders.sightings import Sightings
from gateway.orders.unknown_words import UnknownWords
from gateway.resilience.calls import ProviderCalls
from gateway.resilience.deadline import Deadline
from gateway.resilience.health import HealthBook
from gateway.resilience.settings import ResilienceSettings
from gateway.store.database import Database
from gateway.store.idempotency_keys import IdempotencyKeys
from gateway.store.invoice_trackers import InvoiceTrackers
from gateway.store.links import Links
from gateway.store.order_tracker_details import OrderTrackerDetails
from gateway.store.present import Present, present_of
from gateway.store.registrations import Registration, Registrations, Step, StepState
from gateway.store.tracking_numbers import TrackingNumbers
from providers.base import Provider, ProviderContext
from providers.drafts import DestinationDraft, RouteDraft, RouteOrderDraft
from providers.hypertrack.simulator_fleet import WORKERS
from providers.models import GeoPoint, Reference
from providers.registry import provider_specs
from providers.simulation.clock import SimulationClock
from providers.simulation.generate import generate_orders
from providers.simulation.server import running_simulators
from providers.simulation.world import SimulatedOrder, World
from tests.gateway.orders.conftest import FRESHNESS, HandClock
from tests.scenarios.harness import Providers

RETENTION = timedelta(days=90)
CALL_SECONDS = 3.0
USUAL = Limits()
EVERYONE = ("karla", "paypal", "billink", "hypertrack")
NUMBER = "00340434161094042557"


@dataclass
class Engine:
    """Everything that a process has which registers shipments."""

    shop: Shop
    clock: HandClock
    services: OperationServices
    registrations: Registrations
    keys: IdempotencyKeys
    trackers: InvoiceTrackers
    worker: RegistrationWorker = field(init=False)

    def __post_init__(self) -> None:
        self.worker = self.new_worker()

    def new_worker(self, limits: Limits = USUAL) -> RegistrationWorker:
        """A worker of another process. It looks for work often, so that no test waits for it."""
        teller = StepTeller(Shops({self.shop.slug: self.shop}), self.services, lambda: 0.5)
        return RegistrationWorker(self.registrations, self.keys, teller, RETENTION, replace(limits, poll=0.02))

    def service(self, seconds: float = 8.0) -> RegistrationService:
        """The use cases of an operation that has `seconds`."""
        deadline = Deadline.after(seconds, time.monotonic)
        operation = Operation(self.services, deadline)
        known = RegistrationServices(self.registrations, self.worker, {self.shop.slug: self.trackers})
        return RegistrationService(known, operation.directory, operation.orders, deadline)

    @asynccontextmanager
    async def working(self, worker: RegistrationWorker | None = None) -> AsyncIterator[None]:
        """Have the worker work while the context lasts."""
        async with (worker or self.worker).working():
            yield

    async def register(
        self, order: SimulatedOrder, *providers: str, seconds: float = 8.0, **changes: Any
    ) -> Registration:
        """What is answered within `seconds` to a shipment of `order` for these providers, or for all four."""
        named = providers or EVERYONE
        shipment = shipment_of(order, named).model_copy(update=changes)
        answer = await self.service(seconds).register(self.shop, number_of(order), shipment, named)
        assert isinstance(answer, Registration), answer
        return answer

    async def accept(self, order: SimulatedOrder, *providers: str, **changes: Any) -> Registration:
        """What is accepted, and nobody waits for it."""
        return await self.register(order, *providers, seconds=0, **changes)

    async def link(self, order: SimulatedOrder) -> None:
        """Tie `order` to the payment that paid for it."""
        payment = Reference(provider="paypal", kind="paypal_order_id", value=str(order.paypal_order_id))
        assert await self.services.links.add(self.shop.slug, order.number, payment, self.clock()) is None

    async def step(self, registration: Registration, provider: str) -> Step:
        found = await self.registrations.find(self.shop.slug, registration.id)
        assert found is not None
        return next(step for step in found.steps if step.provider == provider)

    async def until(self, registration: Registration, provider: str, holds: Callable[[Step], bool]) -> Step:
        """The step of `provider` once it is as it must be soon."""

        async def holds_now() -> bool:
            return holds(await self.step(registration, provider))

        await eventually(holds_now)
        return await self.step(registration, provider)

    async def until_state(self, registration: Registration, provider: str, state: StepState) -> Step:
        return await self.until(registration, provider, lambda step: step.state is state)


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until `holds` does, because of what a worker does meanwhile."""
    async with asyncio.timeout(20):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.01)


def number_of(order: SimulatedOrder) -> OrderKey:
    return OrderKey("order_number", order.number)


def shipment_of(order: SimulatedOrder, providers: Collection[str]) -> Shipment:
    """A parcel of `order`; with a driver's route where that is told, too."""
    return Shipment(tracking_number=NUMBER, carrier="dhl", route=route_of(order) if "hypertrack" in providers else None)


def route_of(order: SimulatedOrder) -> RouteDraft:
    driver = next(worker for worker in WORKERS if worker.device_id)
    stop = RouteOrderDraft(
        order_handle=f"stop-{order.number}",
        destination=DestinationDraft(location=GeoPoint(latitude=52.5, longitude=13.4), radius_metres=50),
    )
    return RouteDraft(worker_handle=driver.worker_handle, track_mode="on_time", orders=(stop,))


def states(registration: Registration) -> dict[str, StepState]:
    return {step.provider: step.state for step in registration.steps}


def outcome(step: Step) -> StepOutcome:
    return StepOutcome.model_validate(step.outcome)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def simulated(clock: HandClock) -> World:
    return World(generate_orders(clock(), seed=7), SimulationClock(clock))


@pytest.fixture
def order(simulated: World) -> SimulatedOrder:
    """An order that every provider can be told of."""
    return next(
        order for order in simulated.orders if order.capture_id and simulated.parcels(order) and order.stop is None
    )


@pytest.fixture
async def providers(simulated: World) -> AsyncIterator[Providers]:
    async with running_simulators(simulated) as servers:
        yield Providers(servers)


@pytest.fixture
async def engine(providers: Providers, database: Database, clock: HandClock) -> AsyncIterator[Engine]:
    present = present_of(database, clock)
    trackers = InvoiceTrackers(database, "demo", present)
    async with AsyncExitStack() as stack:
        shop = await stack.enter_async_context(_shop(providers, clock, trackers))
        cache = FreshCache(MemoryStorage(16 * 1024 * 1024), FRESHNESS, clock)
        stack.push_async_callback(cache.aclose)
        loads = _loads(cache, database, clock)
        stack.push_async_callback(loads.sightings.flush)
        stack.push_async_callback(loads.unfinished.aclose)
        yield _engine(shop, clock, OperationServices(Links(database), loads), database, present, trackers)


def _engine(
    shop: Shop,
    clock: HandClock,
    services: OperationServices,
    database: Database,
    present: Present,
    trackers: InvoiceTrackers,
) -> Engine:
    keys = IdempotencyKeys(database, present)
    return Engine(shop, clock, services, Registrations(database, present, keys), keys, trackers)


def _loads(cache: FreshCache, database: Database, clock: HandClock) -> LoadServices:
    return LoadServices(
        cache=cache,
        policy=FreshnessPolicy(FRESHNESS),
        calls=ProviderCalls(HealthBook(clock), settings=ResilienceSettings(attempts=1), call_seconds=CALL_SECONDS),
        sightings=Sightings(TrackingNumbers(database)),
        unknown_words=UnknownWords(),
        order_tracker_details=OrderTrackerDetails(database),
        clock=clock,
    )


@asynccontextmanager
async def _shop(providers: Providers, clock: HandClock, trackers: InvoiceTrackers) -> AsyncIterator[Shop]:
    adapters: dict[str, Provider] = {}
    rules = {}
    async with AsyncExitStack() as stack:
        for name, known in providers.settings.items():
            spec = provider_specs()[name]
            settings = spec.settings.model_validate(known)
            client = await stack.enter_async_context(httpx.AsyncClient(base_url=settings.base_url, trust_env=False))
            adapters[name] = spec.build(settings, ProviderContext(client, clock, trackers))
            rules.update(rules_of(spec, settings))
        ranked = {name: adapters[name] for name in provider_specs() if name in adapters}
        yield Shop("demo", None, ranked, rules, {"billink": RegistrationRules(always=True)})
