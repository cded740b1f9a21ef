"""What clients write into a request is not held once it is answered, however they put it."""

from __future__ import annotations

import gc

import pytest

from gateway.orders.needs import Need
from gateway.schema.arguments import MOST_PROVIDERS
from providers.simulation.world import SimulatedOrder
from tests.scenarios.harness import Gateway

CHOOSING = {
    "trackings": "trackings(providers: $providers) { id }",
    "events": "events(providers: $providers) { id }",
    "eventCount": "eventCount(providers: $providers)",
    "latestEvent": "latestEvent(providers: $providers) { id }",
    "deliveryStatus": "deliveryStatus(providers: $providers)",
    "estimatedArrival": "estimatedArrival(providers: $providers) { from }",
    "estimatedArrivals": "estimatedArrivals(providers: $providers) { from }",
}
"""The fields that take `providers`, by name."""


def asking(field: str) -> str:
    return f"""
    query ($number: String!, $providers: [String!]) {{
      order(by: {{orderNumber: $number}}) {{ currency {CHOOSING[field]} sources {{ fetchedAt }} }}
    }}"""


def needs_held() -> int:
    gc.collect()
    return sum(isinstance(each, Need) for each in gc.get_objects())


@pytest.mark.parametrize("field", CHOOSING)
async def test_names_that_no_provider_has_are_refused_and_forgotten(
    gateway: Gateway, plain_order: SimulatedOrder, field: str
) -> None:
    """They are read ahead, before the field that takes them can refuse them."""
    query = asking(field)
    for _ in range(3):
        await gateway.ask(query, number=plain_order.number, providers=["nobody"])
    before = needs_held()
    for place in range(20):
        reply = await gateway.ask(query, number=plain_order.number, providers=["karla", f"nobody {place}"])
        assert reply.codes == ["UNKNOWN_PROVIDER"]
        assert reply.data
        assert reply.data["order"]["currency"], "the rest of the order is answered"
    assert needs_held() <= before + 1


@pytest.mark.parametrize("field", CHOOSING)
async def test_a_list_of_providers_that_is_too_long_is_refused(
    gateway: Gateway, plain_order: SimulatedOrder, field: str
) -> None:
    query = asking(field)
    most = ["karla"] * MOST_PROVIDERS
    assert (await gateway.ask(query, number=plain_order.number, providers=most)).errors == []
    reply = await gateway.ask(query, number=plain_order.number, providers=[*most, "karla"])
    assert reply.codes == ["BAD_USER_INPUT"]
    assert reply.errors[0]["path"] == ["order", field]
    assert "Name each provider once." in reply.errors[0]["message"]
