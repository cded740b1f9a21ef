"""What the team on call sees of a query: its figures, and its trace from the request to the attempt."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from gateway.telemetry.names import Span
from gateway.telemetry.otel import RecordingTracer, new_provider
from gateway.telemetry.tracing import tracing_with
from providers.simulation.faults import Fault, FaultMode
from providers.simulation.world import SimulatedOrder, World
from tests.collector import running_collector
from tests.figures import Added, figure
from tests.gateway.freshness.conftest import HandClock
from tests.scenarios.conftest import OpenGateway
from tests.scenarios.harness import Gateway, Providers

ORDER = """
query ($number: String!) { order(by: {orderNumber: $number}) { currency trackings(providers: ["karla"]) { id } } }"""


@pytest.fixture
async def gateway(open_gateway: OpenGateway) -> AsyncIterator[Gateway]:
    async with open_gateway(server={"metrics": True}) as gateway:
        yield gateway


async def test_a_call_and_then_the_copies_of_its_answer(
    gateway: Gateway, clock: HandClock, plain_order: SimulatedOrder
) -> None:
    added = Added()
    await gateway.data(ORDER, number=plain_order.number)
    assert added("trackgraph_provider_calls_total", shop="demo", provider="karla", outcome="ok") == 1
    assert added("trackgraph_provider_attempt_duration_seconds_count", provider="karla", operation="find_order") == 1
    assert added("trackgraph_cache_loads_total", provider="karla", operation="find_order", result="MISS") == 1

    clock.advance(3)
    await gateway.data(ORDER, number=plain_order.number)
    assert added("trackgraph_provider_calls_total", provider="karla") == 1
    assert added("trackgraph_cache_loads_total", provider="karla", operation="find_order", result="HIT") == 1
    assert added("trackgraph_cache_age_seconds_sum", result="HIT") == pytest.approx(3)


async def test_a_failure_by_its_code_with_every_attempt(
    gateway: Gateway, providers: Providers, plain_order: SimulatedOrder
) -> None:
    added = Added()
    providers.fail("karla", fault=Fault(mode=FaultMode.STATUS, status=503, count=1))
    await gateway.data(ORDER, number=plain_order.number)
    assert added("trackgraph_provider_attempt_duration_seconds_count", provider="karla") == 2
    assert added("trackgraph_provider_calls_total", provider="karla", outcome="ok") == 1

    providers.fail("karla", fault=Fault(mode=FaultMode.STATUS, status=401))
    reply = await gateway.ask(ORDER, number="unheard-of")
    assert reply.codes == ["PROVIDER_AUTH_FAILED"]
    assert added("trackgraph_provider_calls_total", provider="karla", outcome="PROVIDER_AUTH_FAILED") == 1
    assert added("trackgraph_errors_total", code="PROVIDER_AUTH_FAILED") == 1
    assert added("trackgraph_operations_total", type="query", outcome="errors") == 1


async def test_a_circuit_that_opens_and_closes_again(
    gateway: Gateway, providers: Providers, world: World, clock: HandClock
) -> None:
    providers.fail("karla")
    for number in range(20):
        await gateway.ask(ORDER, number=f"unheard-of-{number}")
    assert figure("trackgraph_provider_circuit_open", shop="demo", provider="karla") == 1

    providers.mend()
    clock.advance(60)
    await gateway.data(ORDER, number=world.orders[0].number)
    assert figure("trackgraph_provider_circuit_open", shop="demo", provider="karla") == 0


async def test_the_figures_are_served_with_those_of_the_store(gateway: Gateway) -> None:
    response = await gateway.client.get("/metrics")

    assert response.status_code == 200
    assert figure("trackgraph_store_up", response.text) == 1
    assert figure("trackgraph_registration_steps", response.text, provider="billink", state="PENDING") == 0


@pytest.mark.parametrize(
    ("server", "status"),
    [
        ({}, 200),
        ({"mode": "production"}, 404),
        ({"mode": "production", "metrics": True}, 200),
        ({"metrics": False}, 404),
    ],
)
async def test_they_are_served_in_production_only_where_that_is_set(
    open_gateway: OpenGateway, server: dict[str, object], status: int
) -> None:
    async with open_gateway(server=server) as gateway:
        assert (await gateway.client.get("/metrics")).status_code == status


async def test_a_trace_leads_from_the_request_to_each_attempt(
    gateway: Gateway, providers: Providers, plain_order: SimulatedOrder
) -> None:
    exporter, provider = InMemorySpanExporter(), new_provider(1.0, "1")
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    providers.fail("karla", fault=Fault(mode=FaultMode.STATUS, status=503, count=1))
    with tracing_with(RecordingTracer(provider)):
        response = await gateway.client.post(
            "/graphql", json={"query": ORDER, "variables": {"number": plain_order.number}}
        )
    spans = {span.context.span_id: span for span in exporter.get_finished_spans()}

    attempts = [span for span in spans.values() if span.name == "provider.attempt"]
    assert [(span.attributes or {}).get("error.type") for span in attempts] == ["PROVIDER_FAILED", None]
    for attempt in attempts:
        chain = way_up(attempt, spans)
        assert [span.name for span in chain] == [
            "provider.attempt",
            "provider.call",
            "cached.load",
            "graphql.operation",
            "http.request",
        ]
        assert (chain[-1].attributes or {})["trackgraph.request_id"] == response.headers["x-request-id"]
        for inner, outer in pairwise(chain):
            assert (outer.start_time or 0) <= (inner.start_time or 0)


async def test_traces_are_sent_where_the_settings_say(open_gateway: OpenGateway, plain_order: SimulatedOrder) -> None:
    with running_collector() as collector:
        async with open_gateway(tracing={"endpoint": collector.endpoint}) as gateway:
            await gateway.data(ORDER, number=plain_order.number)

    sent = b"".join(body for _, body in collector.received)
    assert [name for name in Span if name.value.encode() not in sent] == []


def way_up(span: ReadableSpan, spans: dict[int, ReadableSpan]) -> list[ReadableSpan]:
    """`span`, the one that it stands in, and so on to the outermost."""
    return [span] if span.parent is None else [span, *way_up(spans[span.parent.span_id], spans)]
