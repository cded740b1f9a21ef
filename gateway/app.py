"""The composition root: makes the gateway out of its settings, and is the only module that may import everything."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette

from gateway.auth.authenticator import anyone, nobody_yet
from gateway.auth.order_tokens import OrderTokens
from gateway.auth.principal import Principal
from gateway.compiler import PieceCache
from gateway.freshness.cache import FreshCache
from gateway.freshness.guard import GuardedStorage
from gateway.freshness.policy import FreshnessPolicy
from gateway.freshness.storage import Storage, open_storage
from gateway.http.bearer import Authenticate
from gateway.http.cors import CorsOptions
from gateway.http.graphiql_page import GraphiqlPage, example_tabs
from gateway.http.health import PartHealth
from gateway.http.parameters import BodyLimits
from gateway.http.routes import HttpOptions, create_http_app
from gateway.orders.loads import LoadServices
from gateway.orders.operation import OperationServices
from gateway.orders.registration.attempt import StepTeller
from gateway.orders.registration.service import RegistrationServices
from gateway.orders.registration.watching import BacklogFigures
from gateway.orders.registration.worker import RegistrationWorker
from gateway.orders.shops import Shop, Shops, registration_rules_of, rules_of
from gateway.orders.sightings import Sightings
from gateway.orders.unknown_words import UnknownWords
from gateway.readiness import STORE_DOWN, Parts
from gateway.resilience.calls import Account, ProviderCalls
from gateway.resilience.deadline import Deadline, MonotonicClock
from gateway.resilience.gate import AccountLimits, Gate
from gateway.resilience.health import HealthBook
from gateway.resilience.rate_limits import RateLimit, RateLimiter
from gateway.resilience.shared_gate import ScriptServer, SharedGate
from gateway.schema.answers import KeptAnswers
from gateway.schema.context import Context, Services
from gateway.schema.documents import Documents
from gateway.schema.manifest import BadManifest, read_manifest
from gateway.schema.persisted import KeptDocuments, PersistedDocuments, SharedTexts
from gateway.schema.pipeline import Layers, Pipeline
from gateway.schema.published import schema
from gateway.settings import AuthMode, ConfigurationError, Mode, Settings, ShopSettings, load_settings
from gateway.store.api_keys import ApiKeys
from gateway.store.database import Database
from gateway.store.idempotency_keys import IdempotencyKeys
from gateway.store.invoice_trackers import InvoiceTrackers
from gateway.store.links import Links
from gateway.store.order_tracker_details import OrderTrackerDetails
from gateway.store.present import Present, present_of
from gateway.store.registration_backlog import RegistrationBacklog
from gateway.store.registrations import Registrations
from gateway.store.tracking_numbers import TrackingNumbers
from gateway.telemetry.clients import KnownClients
from gateway.telemetry.event_loop import event_loop_watched
from gateway.telemetry.metrics import BUILD_INFO, telling_others
from gateway.telemetry.settings import TracingSettings
from gateway.telemetry.tracing import tracing_with
from providers.base import Clock, Provider, ProviderContext
from providers.client import PooledClient
from providers.registry import provider_specs


def utc_now() -> datetime:
    """The clock of a running gateway."""
    return datetime.now(UTC)


def create_app(settings: Settings, *, clock: Clock = utc_now) -> Starlette:
    """The gateway's ASGI application. Nothing is opened before its lifespan starts."""
    gateway = Gateway(settings, clock)
    pipeline = Pipeline(
        schema,
        gateway.new_context,
        production=settings.mode is Mode.PRODUCTION,
        limits=settings.limits,
        persisted=_persisted_documents(settings, gateway),
        layers=_layers(settings, gateway, clock),
    )
    return create_http_app(
        pipeline,
        _http_options(settings, gateway),
        gateway.readiness,
        lifespan=gateway.lifespan,
    )


def _http_options(settings: Settings, gateway: Gateway) -> HttpOptions:
    server, cors = settings.server, settings.cors
    return HttpOptions(
        authenticate=gateway.authenticate,
        body=BodyLimits(server.max_body_bytes, server.body_seconds),
        max_in_flight=server.max_in_flight,
        rate_limiter=_rate_limiter(settings, gateway),
        hosts=settings.answered_hosts,
        get_queries=server.get_queries,
        cors=CorsOptions(cors.allow_origins, cors.allow_headers, cors.max_age_seconds),
        page=GraphiqlPage(tabs=example_tabs()) if settings.mode is Mode.DEVELOPMENT else None,
        clients=KnownClients(server.clients),
        metrics=gateway.refresh_figures if settings.serves_metrics else None,
    )


def _rate_limiter(settings: Settings, gateway: Gateway) -> RateLimiter | None:
    rates = settings.rate_limits
    if not rates.requests_per_minute:
        return None
    return RateLimiter(
        RateLimit(rates.requests_per_minute, rates.burst or rates.requests_per_minute),
        gateway.monotonic,
        shared=gateway.script_server,
        workers=settings.server.workers,
    )


def _layers(settings: Settings, gateway: Gateway, clock: Clock) -> Layers:
    """What makes answers faster, beside the copies that they are made of."""
    cache = settings.cache
    return Layers(
        answers=KeptAnswers(gateway.changes, clock, cache.answers_bytes) if cache.answers and cache.objects else None,
        compiles=settings.server.compile_queries,
        pieces=PieceCache(cache.pieces_bytes) if cache.pieces else None,
    )


def _persisted_documents(settings: Settings, gateway: Gateway) -> PersistedDocuments:
    documents = settings.documents
    return PersistedDocuments(
        trusted_documents(settings),
        only_trusted=documents.only_trusted,
        kept=KeptDocuments(gateway.shared_texts) if documents.automatic else None,
    )


def trusted_documents(settings: Settings) -> Mapping[str, str]:
    """The documents of the manifest. Raises `ConfigurationError` for each that could not be run."""
    if settings.documents.manifest is None:
        return {}
    # Strawberry has no public name for the graphql-core schema that it builds.
    documents = Documents(schema._schema, production=settings.mode is Mode.PRODUCTION, limits=settings.limits)
    try:
        return read_manifest(Path(settings.documents.manifest), documents.problem_of)
    except BadManifest as error:
        raise ConfigurationError(error.problems) from None


def app_from_environment() -> Starlette:
    """The application of one of several workers, which finds its settings in the environment."""
    return create_app(load_settings(os.environ))


class Gateway:
    """What one process holds while it runs."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self.monotonic = _monotonic(clock)
        self._services: Services | None = None
        self._database: Database | None = None
        self._parts: Parts | None = None
        self._backlog: BacklogFigures | None = None
        self._authenticate: Authenticate = anyone if settings.auth.mode is AuthMode.NONE else nobody_yet

    @asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        """Open everything and close it in the end. A store that has no schema gets it; one with another is refused."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(_watched(self._settings.tracing))
            self._database = Database(self._settings.store.url.get_secret_value())
            stack.push_async_callback(self._database.aclose)
            await self._database.prepare()
            self._services = await stack.enter_async_context(open_services(self._settings, self._database, self._clock))
            if self._settings.auth.mode is AuthMode.REQUIRED:
                from gateway.auth.opening import open_authenticator  # noqa: PLC0415  # see `gateway.auth.secret_file`

                self._authenticate = await stack.enter_async_context(
                    open_authenticator(
                        ApiKeys(self._database),
                        self._settings.auth.jwt,
                        self._services.order_tokens,
                        self._clock,
                        _trusted_certificates(self._settings.server.certificate_authorities),
                    )
                )
            self._backlog = _backlog(self._settings, self._database, self._clock)
            await stack.enter_async_context(self._services.registrations.worker.working())
            self._parts = Parts(self._database, self._services)
            yield

    def new_context(self, request_id: str, principal: Principal) -> Context:
        """What the resolvers of one operation share."""
        services = self._opened()
        return Context(services, request_id, Deadline.after(services.query_seconds), principal)

    def authenticate(self, token: str | None) -> Principal | Coroutine[Any, Any, Principal]:
        """Who sends a bearer token, or none. Raises `AuthenticationError` and `StoreUnavailable`."""
        return self._authenticate(token)

    async def readiness(self) -> Mapping[str, PartHealth]:
        """The parts that this process relies on, each as it is now."""
        return STORE_DOWN if self._parts is None else await self._parts.look()

    def shared_texts(self) -> SharedTexts | None:
        """The storage that several processes share; None where there is none, or it is not open."""
        storage = self._services.cache.storage if self._services else None
        return storage if storage is not None and storage.shared else None

    def script_server(self) -> ScriptServer | None:
        """The server that several workers count in; None where there is none, or it is not open."""
        storage = self._services.cache.storage if self._services else None
        return storage if isinstance(storage, GuardedStorage) else None

    def changes(self) -> FreshCache | None:
        """What tells when a copy is no longer what it was; None while nothing is open."""
        return self._services.cache if self._services else None

    async def refresh_figures(self) -> None:
        """Bring those metrics up to date that are read from the store when somebody looks."""
        if self._backlog is not None:
            await self._backlog.refresh()

    def _opened(self) -> Services:
        if self._services is None:
            raise RuntimeError("the gateway is not open: its lifespan has not started")
        return self._services


@asynccontextmanager
async def open_services(settings: Settings, database: Database, clock: Clock) -> AsyncIterator[Services]:
    """Everything that outlives an operation, over an open store."""
    trusted = _trusted_certificates(settings.server.certificate_authorities)
    async with AsyncExitStack() as stack:
        shops = {
            slug: await stack.enter_async_context(_open_shop(slug, shop, database, clock, trusted))
            for slug, shop in settings.shops.items()
        }
        storage = open_storage(settings.cache)
        calls = _provider_calls(settings, storage, clock)
        cache = FreshCache(
            storage,
            settings.freshness,
            clock,
            decoded_bytes=settings.cache.decoded_bytes,
            keeps=settings.cache.objects,
        )
        stack.push_async_callback(cache.aclose)
        stack.push_async_callback(calls.aclose)
        sightings = Sightings(TrackingNumbers(database))
        stack.push_async_callback(sightings.flush)
        loads = LoadServices(
            cache=cache,
            policy=FreshnessPolicy(settings.freshness),
            calls=calls,
            sightings=sightings,
            unknown_words=UnknownWords(),
            order_tracker_details=OrderTrackerDetails(database),
            clock=clock,
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
            order_tokens=_order_tokens(settings, clock),
        )


def _order_tokens(settings: Settings, clock: Clock) -> OrderTokens | None:
    """What makes order tokens; None where anyone may ask, or nothing is there to sign them with."""
    auth = settings.auth
    if auth.mode is AuthMode.NONE or auth.order_tokens is None:
        return None
    from gateway.auth.opening import order_tokens_of  # noqa: PLC0415  # as above

    return order_tokens_of(auth.order_tokens, clock)


@asynccontextmanager
async def open_adapters(settings: Settings) -> AsyncIterator[dict[tuple[str, str], Provider]]:
    """Every adapter by (shop, provider), for `trackgraph check`."""
    trusted = _trusted_certificates(settings.server.certificate_authorities)
    async with AsyncExitStack() as stack:
        database = Database(settings.store.url.get_secret_value())
        stack.push_async_callback(database.aclose)
        shops = [
            (await stack.enter_async_context(_open_shop(slug, shop, database, utc_now, trusted))).shop
            for slug, shop in settings.shops.items()
        ]
        yield {(shop.slug, name): adapter for shop in shops for name, adapter in shop.providers.items()}


@asynccontextmanager
async def _watched(tracing: TracingSettings) -> AsyncIterator[None]:
    """Have what this process does traced, where that is wanted, and its event loop watched."""
    BUILD_INFO.labels(_version()).set(1)
    with _traced(tracing):
        async with event_loop_watched(), telling_others():
            yield


@contextmanager
def _traced(settings: TracingSettings) -> Iterator[None]:
    if settings.endpoint is None:
        yield
        return
    # An optional package, which takes a third of a second to import.
    from gateway.telemetry.otel import exporting  # noqa: PLC0415

    with exporting(settings, _version()) as tracer, tracing_with(tracer):
        yield


def _version() -> str:
    """The gateway's own version; `unknown` where it runs from a folder that nobody installed."""
    try:
        return version("trackgraph")
    except PackageNotFoundError:
        return "unknown"


def _backlog(settings: Settings, database: Database, clock: Clock) -> BacklogFigures:
    providers = {name for shop in settings.shops.values() for name in shop.providers}
    return BacklogFigures(RegistrationBacklog(database, _present(database, clock)), providers, _monotonic(clock))


@dataclass(frozen=True, slots=True)
class _OpenShop:
    shop: Shop
    trackers: InvoiceTrackers


@asynccontextmanager
async def _open_shop(
    slug: str, settings: ShopSettings, database: Database, clock: Clock, trusted: ssl.SSLContext
) -> AsyncIterator[_OpenShop]:
    trackers = InvoiceTrackers(database, slug, _present(database, clock))
    adapters: dict[str, Provider] = {}
    rules = {}
    registration = {}
    async with AsyncExitStack() as stack:
        for name, provider_settings in settings.providers.items():
            spec = provider_specs()[name]
            limits = AccountLimits.of(spec.profile, provider_settings)
            client = await stack.enter_async_context(
                PooledClient(provider_settings.base_url, connections=limits.concurrency, certificates=trusted)
            )
            adapters[name] = spec.build(provider_settings, ProviderContext(client, clock, trackers))
            rules.update(rules_of(spec, provider_settings))
            registration[name] = registration_rules_of(provider_settings)
        yield _OpenShop(Shop(slug, settings.name, adapters, rules, registration), trackers)


def _provider_calls(settings: Settings, storage: Storage, clock: Clock) -> ProviderCalls:
    """Where all providers are called. With a cache that workers share, they share the limits of each account, too."""
    resilience, call_seconds = settings.resilience, settings.server.call_deadline_seconds
    monotonic = _monotonic(clock)

    def shared_gate(account: Account, limits: AccountLimits) -> Gate:
        assert isinstance(storage, GuardedStorage)
        return SharedGate(
            storage,
            " ".join(account),
            limits,
            monotonic,
            call_seconds=call_seconds,
            workers=settings.server.workers,
        )

    return ProviderCalls(
        HealthBook(clock),
        settings=resilience,
        call_seconds=call_seconds,
        limits={
            (slug, name): AccountLimits.of(provider_specs()[name].profile, table, resilience.background_share)
            for slug, shop in settings.shops.items()
            for name, table in shop.providers.items()
        },
        clock=monotonic,
        new_gate=shared_gate if isinstance(storage, GuardedStorage) else None,
    )


def _monotonic(clock: Clock) -> MonotonicClock:
    """The clock that waits are measured on; a clock of a test's own is everybody's."""
    return time.monotonic if clock is utc_now else lambda: clock().timestamp()


def _present(database: Database, clock: Clock) -> Present:
    """Leases go by the database's clock, on which all machines agree; a clock of a test's own is everybody's."""
    return present_of(database, None if clock is utc_now else clock)


@cache
def _trusted_certificates(authorities: str | None) -> ssl.SSLContext:
    """Certifi's authorities, and those of the PEM file `authorities`. Raises `ConfigurationError` for a bad file.

    Reading certifi's takes 50 ms, and a gateway may have hundreds of accounts.
    """
    trusted = httpx.create_ssl_context(trust_env=False)
    if authorities is not None:
        try:
            trusted.load_verify_locations(authorities)
        except OSError:  # what OpenSSL cannot read is one, too
            raise ConfigurationError(["server.certificate_authorities should be a PEM file of certificates"]) from None
    return trusted
