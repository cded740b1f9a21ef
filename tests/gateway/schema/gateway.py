"""A whole gateway for tests of what it publishes: real adapters over canned answers, a real store, the real schema."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from gateway.auth.principal import ANYONE, Principal
from gateway.freshness.cache import FreshCache
from gateway.freshness.memory import MemoryStorage
from gateway.freshness.policy import FreshnessPolicy
from gateway.freshness.settings import FreshnessSettings
from gateway.orders.loads import LoadServices
from gateway.orders.operation import OperationServices
from gateway.orders.registration.attempt import StepTeller
from gateway.orders.registration.service import RegistrationServices
from gateway.orders.registration.worker import RegistrationWorker
from gateway.orders.shops import Shop, Shops, rules_of
from gateway.orders.sightings import Sightings
from gateway.orders.unknown_words import UnknownWords
from gateway.resilience.calls import ProviderCalls
from gateway.resilience.deadline import Deadline
from gateway.resilience.health import HealthBook
from gateway.resilience.settings import ResilienceSettings
from gateway.schema.context import Context, Services
from gateway.schema.pipeline import GraphQLRequest, Pipeline
from gateway.schema.published import schema
from gateway.schema.settings import LARGEST, LimitSettings
from gateway.store.database import Database
from gateway.store.idempotency_keys import IdempotencyKeys
from gateway.store.invoice_trackers import InvoiceTrackers
from gateway.store.links import Links
from gateway.store.order_tracker_details import OrderTrackerDetails
from gateway.store.present import present_of
from gateway.store.registrations import Registrations
from gateway.store.tracking_numbers import TrackingNumbers
from providers.base import Provider, ProviderContext
from providers.registry import provider_specs

NOON = datetime(2025, 2, 3, 12, tzinfo=UTC)

Answer = Callable[[httpx.Request], httpx.Response]

SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "karla": {"slug": "acme", "api_key": "key"},
    "hypertrack": {"account_id": "account", "secret_key": "secret"},
    "paypal": {"client_id": "client", "client_secret": "secret"},
    "billink": {
        "billink_id": "merchant",
        "username": "acme",
        "media_members": {"type": "type", "content": "content"},
    },
}


def json_answer(body: Any, status: int = 200) -> Answer:
    """Answers `body` to everything; PayPal's token calls get a token."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/oauth2/token"):
            return httpx.Response(200, json={"access_token": "token", "token_type": "Bearer", "expires_in": 3600})
        return httpx.Response(status, json=body)

    return answer


NOTHING: Mapping[str, Answer] = {
    "karla": json_answer([]),
    "hypertrack": json_answer({"code": "order_not_found"}, 404),
    "paypal": json_answer({"name": "RESOURCE_NOT_FOUND"}, 404),
    "billink": json_answer({"status": 404}, 404),
}
"""What each provider answers when it knows nothing."""


@dataclass
class Gateway:
    """One shop with all four providers. `answers` says what each provider answers next."""

    pipeline: Pipeline
    answers: dict[str, Answer] = field(default_factory=dict)

    async def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The body of the response to `query`, as a client gets it: after a way through JSON."""
        return await self.ask_as(ANYONE, query, **variables)

    async def ask_as(self, principal: Principal, query: str, **variables: Any) -> dict[str, Any]:
        """The same for `principal`."""
        answer = await self.pipeline.run(
            GraphQLRequest(query, variables), request_id="test", principal=principal, queries_only=False
        )
        body: dict[str, Any] = json.loads(json.dumps(answer.body))
        return body


@asynccontextmanager
async def gateway_over(database: Database) -> AsyncIterator[Gateway]:
    """An open gateway."""
    answers = dict(NOTHING)
    async with AsyncExitStack() as stack:
        trackers = InvoiceTrackers(database, "acme")
        adapters: dict[str, Provider] = {}
        rules = {}
        for name, spec in provider_specs().items():
            client = await stack.enter_async_context(_client(answers, name))
            settings = spec.settings.model_validate(SETTINGS[name])
            adapters[name] = spec.build(settings, ProviderContext(client, _clock, trackers))
            rules.update(rules_of(spec, settings))
        freshness = FreshnessSettings()
        cache = FreshCache(MemoryStorage(16 * 1024 * 1024), freshness, _clock)
        stack.push_async_callback(cache.aclose)
        sightings = Sightings(TrackingNumbers(database))
        stack.push_async_callback(sightings.flush)
        loads = LoadServices(
            cache=cache,
            policy=FreshnessPolicy(freshness),
            calls=ProviderCalls(HealthBook(_clock), settings=ResilienceSettings(attempts=1), call_seconds=5),
            sightings=sightings,
            unknown_words=UnknownWords(),
            order_tracker_details=OrderTrackerDetails(database),
            clock=_clock,
        )
        present = present_of(database, _clock)
        keys = IdempotencyKeys(database, present)
        registrations = Registrations(database, present, keys)
        shops = Shops({"acme": Shop("acme", "Acme", adapters, rules)})
        links = Links(database)
        teller = StepTeller(shops, OperationServices(links, loads))
        worker = RegistrationWorker(registrations, keys, teller, timedelta(days=90))
        services = Services(
            shops=shops,
            links=links,
            invoice_trackers={"acme": trackers},
            sightings=sightings,
            cache=cache,
            loads=loads,
            keys=keys,
            registrations=RegistrationServices(registrations, worker, {"acme": trackers}),
            query_seconds=8,
        )

        def new_context(request_id: str, principal: Principal) -> Context:
            return Context(services, request_id, Deadline.after(30, time.monotonic), principal)

        # No client may ask for everything that there is at once; these tests do.
        limits = LimitSettings(cost=LARGEST)
        yield Gateway(Pipeline(schema, new_context, production=False, limits=limits), answers)


def _client(answers: Mapping[str, Answer], provider: str) -> httpx.AsyncClient:
    """A client whose every request is answered as `answers` says at that time."""

    def answer(request: httpx.Request) -> httpx.Response:
        return answers[provider](request)

    return httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="https://provider.test")


def _clock() -> datetime:
    return NOON
