"""Marked secrets and personal data go through answers, inputs, settings and faults, and are looked for where they must
not be: in the log, metrics, spans, names in the cache, and in what is told to others than those they are for.

Every mark holds the word "canary", so one search finds them all.
"""

from __future__ import annotations

import logging
import logging.config
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import SecretStr
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.auth.api_keys import new_key
from gateway.store.api_keys import ApiKey, ApiKeys
from gateway.store.database import Database
from gateway.telemetry import logging_config
from gateway.telemetry.logs import LogFormat
from gateway.telemetry.metrics import exposition
from gateway.telemetry.otel import RecordingTracer, new_provider
from gateway.telemetry.tracing import tracing_with
from providers.registry import provider_specs
from providers.simulation.clock import SimulationClock
from providers.simulation.server import SIMULATORS
from providers.simulation.world import SimulatedOrder, World
from tests.databases import sqlite_url
from tests.gateway.freshness.conftest import HandClock
from tests.gateway.http.conftest import served
from tests.redis_server import RedisServer
from tests.scenarios.conftest import OpenGateway, Tables, orders_of
from tests.scenarios.harness import Gateway

CANARY = "canary"

ORDER = """
query ($number: String!) {
  order(by: {orderNumber: $number}) {
    id emailId references { kind value } deliveryStatus
    trackings { trackingNumber status providerStatus events { name code } ... on CarrierTracking { trackingUrl } }
    latestEvent { name } estimatedArrival { from to } sources { cache }
  }
}"""
PERSONAL = """
query ($number: String!) {
  order(by: {orderNumber: $number}) { emailId address { name street } masked trackings { trackingNumber } }
}"""
SEARCH = "query ($filter: OrderFilter) { orders(filter: $filter, first: 5) { nodes { orderNumber emailId } } }"
LINK = """
mutation ($input: LinkOrderInput!) { linkOrder(input: $input) { order { id } userErrors { code path } } }"""
REGISTER = """
mutation ($input: RegisterShipmentInput!) {
  registerShipment(input: $input) { outcomes { state userErrors { code providerCode } } userErrors { code path } }
}"""


@dataclass
class Watch:
    """Everything that the team on call gets to see."""

    spans: InMemorySpanExporter
    log: StringIO
    redis_keys: list[str] = field(default_factory=list)

    def seen(self) -> dict[str, str]:
        return {
            "log": self.log.getvalue(),
            "metrics": exposition()[0].decode(),
            "spans": "\n".join(span.to_json() for span in self.spans.get_finished_spans()),
            "names in the cache": "\n".join(self.redis_keys),
        }

    def assert_clean(self) -> None:
        """Nowhere is a mark. The lines in which there is one are told."""
        lines = [(place, line) for place, text in self.seen().items() for line in text.splitlines()]
        assert [(place, line[:500]) for place, line in lines if CANARY in line.casefold()] == []


@pytest.fixture(params=["text", "json"])
def watch(request: pytest.FixtureRequest) -> Iterator[Watch]:
    """With everything on: each line of the log down to `debug`, every request in it, and every span."""
    log_format: LogFormat = request.param
    stream, exporter, provider = StringIO(), InMemorySpanExporter(), new_provider(1.0, "1")
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with _logging_into(stream, log_format), tracing_with(RecordingTracer(provider)):
        yield Watch(exporter, stream)


@pytest.fixture
def world(clock: HandClock) -> World:
    """Orders whose personal data and tracking numbers are marked."""
    return World([_marked(order) for order in orders_of()], SimulationClock(clock))


@pytest.fixture
def cache_table(redis_cache: Tables) -> Tables:
    return redis_cache


async def test_what_providers_know_of_people_is_told_to_clients_alone(
    gateway: Gateway, watch: Watch, world: World, redis_server: RedisServer, redis_cache: Tables
) -> None:
    order = next(order for order in world.orders if order.stop and order.paypal_order_id and world.parcels(order))
    await gateway.link(order)

    reply = await gateway.ask(ORDER, number=order.number)
    found = await gateway.ask(SEARCH, filter={"emailId": order.email})
    named = await gateway.ask(SEARCH, filter={"zipCode": "Canary 7", "orderName": "canary-name"})
    await gateway.get(SEARCH, filter={"emailId": order.email})

    assert CANARY in str(reply.data)  # or nothing that follows would mean anything
    assert found.data == {"orders": {"nodes": [{"orderNumber": order.number, "emailId": order.email}]}}
    assert named.errors == []
    watch.redis_keys = await _keys(redis_server, redis_cache)
    assert watch.redis_keys
    watch.assert_clean()


async def test_strangers_are_told_nothing_and_tokens_stand_nowhere(
    open_gateway: OpenGateway, watch: Watch, world: World, store: Path
) -> None:
    order = next(order for order in world.orders if order.stop and world.parcels(order))
    made = new_key()
    key = ApiKey(made.id, None, made.digest, None, frozenset({"orders:read"}), datetime(2026, 1, 1, tzinfo=UTC))
    async with open_gateway(auth={"mode": "required"}, server={"metrics": True}) as gateway:
        database = Database(sqlite_url(store))
        await ApiKeys(database).add(key)
        await database.aclose()
        body = {"query": PERSONAL, "variables": {"number": order.number}}
        reader = await gateway.client.post("/graphql", json=body, headers={"Authorization": f"Bearer {made.value}"})
        strangers = [
            await gateway.client.post("/graphql", json=body, headers=headers)
            for headers in ({}, {"Authorization": "Bearer canary"}, {"Authorization": f"Bearer {made.value}x"})
        ]
        strangers += [await gateway.client.get(path) for path in ("/metrics", "/readyz", "/healthz", f"/{order.email}")]

    assert order.parcels[0].tracking_number in reader.text  # no more than what the key is for
    assert [mark for mark in (order.email, order.customer, order.street) if mark in reader.text] == []
    assert [response.text for response in strangers if CANARY in response.text.casefold()] == []
    assert [place for place, text in watch.seen().items() if made.value in text] == []
    watch.assert_clean()


HOSTILE_INPUTS: Mapping[str, Mapping[str, object]] = {
    "no GraphQL": {"query": "canary {{{"},
    "an unknown field": {"query": '{ canary(canary: "canary") }'},
    "an unknown operation": {"query": "{ shops { name } }", "operationName": "canary"},
    "variables of the wrong type": {"query": ORDER, "variables": {"number": {"canary": "canary"}}},
    "an unknown key": {"query": ORDER, "variables": {"number": "canary-1"}},
    "a filter": {"query": SEARCH, "variables": {"filter": {"emailId": "canary@example.org", "zipCode": "canary"}}},
    "a link": {
        "query": LINK,
        "variables": {"input": {"orderNumber": "1", "provider": "canary", "kind": "canary", "value": "canary"}},
    },
    "a shipment": {
        "query": REGISTER,
        "variables": {
            "input": {"order": {"orderNumber": "canary"}, "trackingNumber": "CANARY123", "carrier": "canary"}
        },
    },
    "an id": {"query": '{ node(id: "canary") { id } }'},
}


@pytest.mark.parametrize("body", HOSTILE_INPUTS.values(), ids=HOSTILE_INPUTS)
async def test_what_clients_send_stays_between_them_and_the_gateway(
    gateway: Gateway, watch: Watch, body: Mapping[str, object]
) -> None:
    headers = {
        "apollographql-client-name": "canary",
        "apollographql-client-version": "canary",
        "authorization": "Bearer canary-canary-canary",
        "cookie": "canary=canary",
        "traceparent": "canary",
        "user-agent": "canary",
    }
    await gateway.client.post("/graphql", json=body, headers=headers)
    await gateway.client.get("/graphql", params={"query": "{ canary }", "variables": '{"a": "canary"}'})
    await gateway.client.get("/canary/path?canary=canary", headers=headers)
    await gateway.client.request("CANARY", "/graphql", content=b"canary")

    watch.assert_clean()


async def test_a_store_that_breaks_tells_nothing_of_what_it_was_given(
    open_gateway: OpenGateway, watch: Watch, store: Path
) -> None:
    """SQLAlchemy's exceptions hold the statement and its values."""
    given = {"orderNumber": "canary", "provider": "paypal", "kind": "paypal_order_id", "value": "CANARY0123456789A"}
    async with open_gateway() as gateway:
        with sqlite3.connect(store) as connection:
            connection.execute("DROP TABLE links")
        connection.close()
        reply = await gateway.ask(LINK, input=given)

    assert reply.codes
    assert CANARY not in str(reply.errors)
    assert '"level": "ERROR"' in watch.log.getvalue() or " ERROR " in watch.log.getvalue()
    watch.assert_clean()


JSON = "application/json"

HOSTILE_ANSWERS: Mapping[str, tuple[int, str, str]] = {
    **{f"status {status}": (status, JSON, '{"message": "canary", "canary": "canary"}') for status in (400, 401, 403)},
    **{f"status {status}": (status, JSON, '{"message": "canary", "canary": "canary"}') for status in (409, 422, 429)},
    **{f"status {status}": (status, "text/plain", "canary at canary@example.org") for status in (500, 503)},
    "HTML": (200, "text/html", "<html>canary</html>"),
    "cut off": (200, JSON, '[{"canary": "canary'),
    "another shape": (200, JSON, '{"canary": {"canary": ["canary", 1]}}'),
    "a list of another shape": (200, JSON, '[{"canary": "canary"}]'),
    "wrong types": (200, JSON, '[{"order": {"order_number": {"canary": 1}, "id": "canary"}, "trackings": "canary"}]'),
    "text": (200, JSON, '"canary"'),
}


@pytest.mark.parametrize("answer", HOSTILE_ANSWERS.values(), ids=HOSTILE_ANSWERS)
async def test_what_a_broken_provider_says_is_told_to_nobody(
    open_gateway: OpenGateway, watch: Watch, answer: tuple[int, str, str]
) -> None:
    """Nor are its address and the credentials that it is sent."""
    async with _hostile_provider(answer) as url:
        shop = {name: _marked_settings(name, url) for name in SIMULATORS}
        async with open_gateway(shops={"demo": shop}) as gateway:
            replies = [
                await gateway.ask(ORDER, number="1042"),
                await gateway.ask(SEARCH, filter={"orderNumber": "1042"}),
                await gateway.ask(
                    LINK,
                    input={
                        "orderNumber": "1042",
                        "provider": "paypal",
                        "kind": "paypal_order_id",
                        "value": "5O190127TN364715T",
                    },
                ),
                await gateway.ask(ORDER, number="1042"),
                await gateway.ask(
                    REGISTER,
                    input={
                        "order": {"orderNumber": "1042"},
                        "trackingNumber": "00340434161094042557",
                        "carrier": "dhl",
                    },
                ),
            ]
            stranger = [await gateway.client.get(path) for path in ("/healthz", "/readyz", "/metrics")]

    assert any(reply.errors for reply in replies)
    assert [reply.errors for reply in replies if CANARY in str(reply.errors).casefold()] == []
    assert [response.url for response in stranger if CANARY in response.text.casefold()] == []
    watch.assert_clean()


@asynccontextmanager
async def _hostile_provider(answer: tuple[int, str, str]) -> AsyncIterator[str]:
    """The address of a provider that answers everything with a status, a media type and a body; tokens it gives."""
    status, media_type, body = answer

    async def endpoint(request: Request) -> Response:
        if request.url.path.endswith("/oauth2/token"):
            return Response('{"access_token": "canary-token", "token_type": "Bearer", "expires_in": 3600}')
        return Response(body, status, media_type=media_type, headers={"X-Canary": "canary", "Retry-After": "1"})

    app = Starlette(routes=[Route("/{path:path}", endpoint, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])])
    async with served(app) as (host, port):
        yield f"http://{host}:{port}/canary"


def _marked_settings(name: str, url: str) -> dict[str, str]:
    """What a simulator takes, with a mark for every secret."""
    fields = provider_specs()[name].settings.model_fields
    marked = {key: f"canary-{key}" for key, info in fields.items() if info.annotation is SecretStr}
    return {**SIMULATORS[name].credentials, **marked, "base_url": url}


def _marked(order: SimulatedOrder) -> SimulatedOrder:
    parcels = [replace(parcel, tracking_number=f"CANARY{parcel.tracking_number}") for parcel in order.parcels]
    return replace(
        order,
        customer="Canary Ada",
        email=f"canary-{order.number}@example.org",
        street="Canary Street 7",
        parcels=tuple(parcels),
    )


async def _keys(server: RedisServer, table: Tables) -> list[str]:
    async with Redis.from_url(server.url) as redis:
        return [key.decode() async for key in redis.scan_iter(f"{table['key_prefix']}*")]


class _logging_into:  # noqa: N801  # read as what it does
    """The log as a gateway writes it, into `stream`; what was set before comes back."""

    def __init__(self, stream: StringIO, log_format: LogFormat) -> None:
        self._config = logging_config("debug", log_format, access_log=True)
        self._config["handlers"] = {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": stream}}
        self._names: list[str] = ["", *self._config["loggers"]]  # type: ignore[misc]  # a table of names

    def __enter__(self) -> None:
        self._before = {name: logging.getLogger(name).level for name in self._names}
        self._handlers = logging.getLogger().handlers[:]
        logging.config.dictConfig(self._config)

    def __exit__(self, *_: object) -> None:
        logging.getLogger().handlers[:] = self._handlers
        for name, level in self._before.items():
            logging.getLogger(name).setLevel(level)
