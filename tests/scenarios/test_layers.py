"""What makes answers faster changes none: compiled queries, kept objects, pieces of answers, whole answers."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import pytest

from gateway.schema.answers import VOLATILE
from providers.simulation.world import SimulatedOrder
from tests.figures import Added
from tests.gateway.freshness.conftest import HandClock
from tests.scenarios.conftest import OpenGateway, Tables
from tests.scenarios.harness import DOWN, Data, Gateway, Providers

EVENT = "occurredAt occurredAtText status name description labels { listLabel } location { city latitude }"
ORDER = f"""
    id orderNumber placedAt status deliveryStatus currency weightGrams masked
    totalPrice {{ amount currency }}
    products {{ title quantity price {{ amount }} images {{ src }} }}
    address {{ zipCode city }}
    trackings {{
      __typename id trackingNumber status providerStatus updatedAt carrier {{ name }} provider {{ name capabilities }}
      events(first: 3, order: OLDEST_FIRST) {{ {EVENT} }}
      eventCount latestEvent {{ id name }}
      ... on CarrierTracking {{ uuid phase pickup {{ type }} }}
      ... on RouteTracking {{ destination {{ location {{ latitude }} }} risks {{ name }} }}
      ... on OrderTracker {{ captureId items {{ name }} }}
    }}
    events {{ id {EVENT} provider {{ title }} }}
    estimatedArrival {{ from to provider {{ name }} }}
    sources {{ provider {{ name }} fetchedAt error {{ code }} }}
"""

QUERIES: Mapping[str, str] = {
    "an order with all that is on it": f"""
      query ($number: String!) {{ order(by: {{orderNumber: $number}}) {{ {ORDER} }} }}""",
    "the same by aliases and fragments": """
      query ($number: String!, $with: Boolean = true) {
        a: order(by: {orderNumber: $number}) { ...F number: orderNumber }
        b: order(by: {orderNumber: $number}) { ...F @include(if: $with) id @skip(if: $with) }
      }
      fragment F on Node { id ... on Order { placedAt trackings(first: 1) { ... on Tracking { id status } } } }""",
    "a page of orders": f"{{ orders(first: 10) {{ nodes {{ {ORDER} }} pageInfo {{ endCursor }} }} }}",
    "a page by its edges": "{ orders(first: 5) { edges { cursor node { orderNumber totalPrice { amount } } } } }",
    "sources of what a variable chose in another place": """
      query ($providers: [String!]) {
        orders(first: 2) {
          nodes { orderNumber sources { provider { name } } }
          edges { node { trackings(providers: $providers) { id } } }
        }
      }""",
    "trackings back to their order": """
      query ($number: String!) { order(by: {orderNumber: $number}) { trackings { order { orderNumber status } } } }""",
    "nobody's order": '{ order(by: {orderNumber: "nobody\'s"}) { id } }',
    "an argument that is refused": """
      query ($number: String!) { order(by: {orderNumber: $number}) { currency trackings(first: 0) { id } } }""",
    "how fresh it is": """
      query ($number: String!) { order(by: {orderNumber: $number}) { orderNumber sources { cache ageSeconds } } }""",
    "what is no order": "{ shop { id name } providers { name health { level } } }",
}

LAYERS = ("compile_queries", "pieces", "answers")

DETAILS = """
query ($number: String!) { order(by: {orderNumber: $number}) { orderNumber expectedShipments status } }"""

UPDATE = "mutation ($input: UpdateOrderInput!) { updateOrder(input: $input) { userErrors { code } } }"


def tables_of(cache: Tables, layers: Mapping[str, bool]) -> dict[str, Tables]:
    """The tables of the settings that have these layers on or off."""
    kept = {name: layers[name] for name in ("pieces", "answers")}
    return {"cache": {**cache, **kept}, "server": {"compile_queries": layers["compile_queries"]}}


async def told(gateway: Gateway, name: str, number: str) -> list[Data]:
    """The answers to one query, asked four times: asked of providers, run, compiled, and kept."""
    variables: list[Data] = [{"number": number} if "$number" in QUERIES[name] else {}] * 4
    if "$providers" in QUERIES[name]:
        variables = [{"providers": providers} for providers in (["karla"], ["karla"], [], [], ["karla"])]
    replies = [await gateway.ask(QUERIES[name], **each) for each in variables]
    return [{"data": reply.data, "errors": _without_request_ids(reply.errors)} for reply in replies]


def _without_request_ids(errors: list[Data]) -> list[Data]:
    return [{**error, "extensions": {**error["extensions"], "requestId": None}} for error in errors]


@pytest.mark.parametrize("on", list(product((True, False), repeat=len(LAYERS))), ids=str)
async def test_every_answer_is_the_same_with_each_layer_on_and_off(
    open_gateway: OpenGateway, cache_table: Tables, order: SimulatedOrder, on: tuple[bool, ...]
) -> None:
    layers = dict(zip(LAYERS, on, strict=True))
    plain = dict.fromkeys(LAYERS, False)
    async with (
        open_gateway(**tables_of(cache_table, plain)) as reference,
        open_gateway(**tables_of(cache_table, layers)) as gateway,
    ):
        for name in QUERIES:
            expected = await told(reference, name, order.number)
            assert await told(gateway, name, order.number) == expected, name


async def test_without_objects_every_query_asks_and_answers_the_same(
    open_gateway: OpenGateway, providers: Providers, plain_order: SimulatedOrder
) -> None:
    async with open_gateway(cache={"objects": False}) as gateway:
        answers = [await gateway.data(DETAILS, number=plain_order.number) for _ in range(3)]
    assert providers.calls() == {"karla": 3}
    assert answers[0] == answers[1] == answers[2]


async def test_a_whole_answer_loads_nothing(gateway: Gateway, plain_order: SimulatedOrder) -> None:
    for _ in range(2):
        await gateway.data(DETAILS, number=plain_order.number)
    added = Added()
    await gateway.data(DETAILS, number=plain_order.number)
    assert added("trackgraph_cache_loads_total") == 0
    assert added("trackgraph_operations_total", type="query", outcome="ok") == 1


async def test_it_is_given_no_longer_than_its_parts_are_fresh(
    gateway: Gateway, providers: Providers, clock: HandClock, plain_order: SimulatedOrder
) -> None:
    for _ in range(3):
        await gateway.data(DETAILS, number=plain_order.number)
    clock.advance(7 * 3600)
    await gateway.ask_until(lambda _: providers.calls() == {"karla": 2}, DETAILS, number=plain_order.number)


async def test_a_client_is_told_what_is_left_of_that_time(
    gateway: Gateway, clock: HandClock, plain_order: SimulatedOrder
) -> None:
    first = await gateway.get(DETAILS, number=plain_order.number)
    for seconds in (1, 2):
        clock.advance(seconds)
        again = await gateway.get(DETAILS, number=plain_order.number)
    assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])
    age = [int(each.headers["cache-control"].rpartition("=")[2]) for each in (first, again)]
    assert age[0] - age[1] == 3


async def test_what_is_written_is_seen_by_the_next_query(gateway: Gateway, plain_order: SimulatedOrder) -> None:
    for shipments in (3, 4):
        for _ in range(3):
            await gateway.data(DETAILS, number=plain_order.number)
        written = await gateway.data(
            UPDATE, input={"order": {"orderNumber": plain_order.number}, "expectedShipments": shipments}
        )
        assert written["updateOrder"]["userErrors"] == []
        read = await gateway.data(DETAILS, number=plain_order.number)
        assert read["order"]["expectedShipments"] == shipments


async def test_an_answer_with_an_error_is_not_kept(
    gateway: Gateway, providers: Providers, order: SimulatedOrder
) -> None:
    providers.fail("karla", fault=DOWN)
    for _ in range(3):
        assert (await gateway.ask(DETAILS, number=order.number)).errors
    providers.mend()
    reply = await gateway.ask_until(lambda reply: not reply.errors, DETAILS, number=order.number)
    assert reply.data


@pytest.mark.parametrize("coordinate", sorted(VOLATILE - {"Provider.health"}))
async def test_what_changes_by_itself_is_told_as_it_is(
    gateway: Gateway, clock: HandClock, plain_order: SimulatedOrder, coordinate: str
) -> None:
    field = coordinate.partition(".")[2]
    query = f"query ($number: String!) {{ order(by: {{orderNumber: $number}}) {{ currency sources {{ {field} }} }} }}"
    seen: list[Any] = []
    for _ in range(4):
        answer = await gateway.data(query, number=plain_order.number)
        seen.append(answer["order"]["sources"][0][field])
        clock.advance(1)
    assert seen == {"cache": ["MISS", "HIT", "HIT", "HIT"], "ageSeconds": [0, 1, 2, 3]}[field]


async def test_a_link_is_seen_though_the_answer_was_asked_for_before(gateway: Gateway, order: SimulatedOrder) -> None:
    query = "query ($number: String!) { order(by: {orderNumber: $number}) { currency references { value } } }"
    for _ in range(3):
        await gateway.data(query, number=order.number)
    await gateway.link(order)
    found = (await gateway.data(query, number=order.number))["order"]["references"]
    assert order.paypal_order_id in {reference["value"] for reference in found}
