"""The composition root: makes the gateway out of its settings, and is the only module that may import everything."""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

import httpx
from starlette.applications import Starlette

from gateway.freshness.cache import FreshCache
from gateway.freshness.policy import FreshnessPolicy
from gateway.freshness.storage import open_storage
from gateway.http.graphiql_page import GraphiqlPage, example_tabs
from gateway.http.health import PartHealth
from gateway.http.routes import HttpOptions, create_http_app
from gateway.orders.loads import LoadServices
from gateway.orders.operation import OperationServices
from gateway.orders.registration.attempt import StepTeller
from gateway.orders.registration.service import RegistrationServices
from gateway.orders.registration.worker import RegistrationWorker
from gateway.orders.shops import Shop, Shops, registration_rules_of, rules_of
from gateway.orders.sightings import Sightings
from gateway.orders.unknown_words import UnknownWords
from gateway.resilience.deadline import Deadline
from gateway.resilience.health import HealthBook
from gateway.schema.context import Context, Services
from gateway.schema.pipeline import Pipeline
from gateway.schema.published import schema
from gateway.settings import Mode, Settings, ShopSettings, load_settings
from gateway.store.database import Database, StoreUnavailable
from gateway.store.idempotency_keys import IdempotencyKeys
from gateway.store.invoice_trackers import InvoiceTrackers
from gateway.store.links import Links
from gateway.store.order_tracker_details import OrderTrackerDetails
from gateway.store.present import Present, present_of
from gateway.store.registrations import Registrations
from gateway.store.tracking_numbers import TrackingNumbers
from providers.base import Clock, Provider, ProviderContext, ProviderProfile, ProviderSettings
from providers.registry import provider_specs

IDLE_CONNECTION_SECONDS = 3.0
"""An idle connection to a provider is not used again after this. Many servers close theirs after 5 s (the default of
Node and of uvicorn), and httpx's own limit is the same 5 s: a call sent in that moment meets a closed connection."""


def utc_now() -> datetime:
    """The clock of a running gateway."""
    return datetime.now(UTC)


def create_app(settings: Settings, *, clock: Clock = utc_now) -> Starlette:
    """The gateway's ASGI application. Nothing is opened before its lifespan starts."""
    gateway = Gateway(settings, clock)
    page = GraphiqlPage(tabs=example_tabs()) if settings.mode is Mode.DEVELOPMENT else None
    return create_http_app(
        Pipeline(schema, gateway.new_context, production=settings.mode is Mode.PRODUCTION, limits=settings.limits),
        HttpOptions(max_body_bytes=settings.server.max_body_bytes, page=page),
        gateway.readiness,
        lifespan=gateway.lifespan,
    )


def app_from_environment() -> Starlette:
    """The application of one of several workers, which finds its settings in the environment."""
    return create_app(load_settings(os.environ))


class Gateway:
    """What one process holds while it runs."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._services: Services | None = None
        self._database: Database | None = None

    @asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        """Open everything and close it in the end. A store that has no schema gets it; one with another is refused."""
        async with AsyncExitStack() as stack:
            self._database = Database(self._settings.store.url.get_secret_value())
            stack.push_async_callback(self._database.aclose)
            await self._database.prepare()
            self._services = await stack.enter_async_context(open_services(self._settings, self._database, self._clock))
            await stack.enter_async_context(self._services.registrations.worker.working())
            yield

    def new_context(self, request_id: str) -> Context:
        """What the resolvers of one operation share."""
        services = self._opened()
        return Context(services, request_id, Deadline.after(services.query_seconds))

    async def readiness(self) -> Mapping[str, PartHealth]:
        """Whether the store can be read. Providers and a shared cache may be down: old copies are served then."""
        if self._database is None:
            return {"store": PartHealth(ok=False)}
        try:
            await self._database.check()
        except StoreUnavailable:
            return {"store": PartHealth(ok=False)}
        return {"store": PartHealth(ok=True)}

    def _opened(self) -> Services:
        if self._services is None:
            raise RuntimeError("the gateway is not open: its lifespan has not started")
        return self._services


@asynccontextmanager
async def open_services(settings: Settings, database: Database, clock: Clock) -> AsyncIterator[Services]:
    """Everything that outlives an operation, over an open store."""
    async with AsyncExitStack() as stack:
        shops = {
            slug: await stack.enter_async_context(_open_shop(slug, shop, database, clock))
            for slug, shop in settings.shops.items()
        }
        cache = FreshCache(
            open_storage(settings.cache), settings.freshness, clock, decoded_bytes=settings.cache.decoded_bytes
        )
        stack.push_async_callback(cache.aclose)
        sightings = Sightings(TrackingNumbers(database))
        stack.push_async_callback(sightings.flush)
        loads = LoadServices(
            cache=cache,
            policy=FreshnessPolicy(settings.freshness),
            health=HealthBook(clock),
            sightings=sightings,
            unknown_words=UnknownWords(),
            order_tracker_details=OrderTrackerDetails(database),
            clock=clock,
            call_seconds=settings.server.call_deadline_seconds,
        )
        stack.push_async_callback(loads.unfinished.aclose)
        present = _present(database, clock)
        keys = IdempotencyKeys(database, present)
        registrations = Registrations(database, present, keys)
        served = Shops({slug: opened.shop for slug, opened in shops.items()})
        links = Links(database)
        invoice_trackers = {slug: opened.trackers for slug, opened in shops.items()}
        worker = RegistrationWorker(
            registrations,
            keys,
            StepTeller(served, OperationServices(links, loads)),
            timedelta(days=settings.store.retention_days),
            invoice_trackers=invoice_trackers.values(),
        )
        yield Services(
            shops=served,
            links=links,
            invoice_trackers=invoice_trackers,
            sightings=sightings,
            cache=cache,
            loads=loads,
            keys=keys,
            registrations=RegistrationServices(registrations, worker, invoice_trackers),
            query_seconds=settings.server.query_deadline_seconds,
        )


@asynccontextmanager
async def open_adapters(settings: Settings) -> AsyncIterator[dict[tuple[str, str], Provider]]:
    """Every adapter by (shop, provider), for `trackgraph check`."""
    async with AsyncExitStack() as stack:
        database = Database(settings.store.url.get_secret_value())
        stack.push_async_callback(database.aclose)
        shops = [
            (await stack.enter_async_context(_open_shop(slug, shop, database, utc_now))).shop
            for slug, shop in settings.shops.items()
        ]
        yield {(shop.slug, name): adapter for shop in shops for name, adapter in shop.providers.items()}


@dataclass(frozen=True, slots=True)
class _OpenShop:
    shop: Shop
    trackers: InvoiceTrackers


@asynccontextmanager
async def _open_shop(slug: str, settings: ShopSettings, database: Database, clock: Clock) -> AsyncIterator[_OpenShop]:
    trackers = InvoiceTrackers(database, slug, _present(database, clock))
    adapters: dict[str, Provider] = {}
    rules = {}
    registration = {}
    async with AsyncExitStack() as stack:
        for name, provider_settings in settings.providers.items():
            spec = provider_specs()[name]
            client = await stack.enter_async_context(_new_client(provider_settings, spec.profile))
            adapters[name] = spec.build(provider_settings, ProviderContext(client, clock, trackers))
            rules.update(rules_of(spec, provider_settings))
            registration[name] = registration_rules_of(provider_settings)
        yield _OpenShop(Shop(slug, settings.name, adapters, rules, registration), trackers)


def _present(database: Database, clock: Clock) -> Present:
    """Leases go by the database's clock, on which all machines agree; a clock of a test's own is everybody's."""
    return present_of(database, None if clock is utc_now else clock)


def _new_client(settings: ProviderSettings, profile: ProviderProfile) -> httpx.AsyncClient:
    """The HTTP client of one provider account. Proxies and certificates of the environment do not apply to it.

    A connection carries one call at a time, so their number is the limit on calls; further ones wait for a connection.
    """
    limits = httpx.Limits(
        max_connections=profile.concurrency,
        max_keepalive_connections=profile.concurrency,
        keepalive_expiry=IDLE_CONNECTION_SECONDS,
    )
    return httpx.AsyncClient(
        base_url=settings.base_url,
        limits=limits,
        verify=_trusted_certificates(),
        timeout=httpx.Timeout(10.0),  # a backstop: every call has a shorter deadline of its own
        follow_redirects=False,
        trust_env=False,
        headers={"User-Agent": "trackgraph"},
    )


@cache
def _trusted_certificates() -> ssl.SSLContext:
    """Certifi's authorities. Reading them takes 50 ms, and a gateway may have hundreds of accounts."""
    return httpx.create_ssl_context(trust_env=False)
