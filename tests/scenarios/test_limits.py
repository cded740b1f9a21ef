"""Operations that ask for too much are refused before anything runs; those that clients need are answered."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from graphql import get_introspection_query

from providers.simulation.world import SimulatedOrder
from tests.scenarios.conftest import OpenGateway
from tests.scenarios.harness import Gateway, Providers, Reply

README = Path(__file__).parents[2] / "README.md"

ORDER = 'order(by: {orderNumber: "1"})'

FRAGMENTS = " ".join(f"fragment F{n} on Order {{ ...F{n + 1} ...F{n + 1} }}" for n in range(40))

TOO_MUCH: dict[str, tuple[str, str]] = {
    "forty fragments, each spread twice": (
        f"{{ {ORDER} {{ ...F0 }} }} {FRAGMENTS} fragment F40 on Order {{ trackings {{ id }} }}",
        "fragmentSpreads",
    ),
    "orders within orders": (f"{{ {ORDER} {{ {'trackings { order { ' * 6} id {'} } ' * 6} }} }}", "cost"),
    "orders within orders within orders": (
        f"{{ {ORDER} {{ {'trackings { order { ' * 8} id {'} } ' * 8} }} }}",
        "depth",
    ),
    "inline fragments within inline fragments": (f"{{ {ORDER} {'{ ... ' * 100} {{ id }} {'}' * 100} }}", "nesting"),
    "an order under 101 names": ("{ " + " ".join(f"a{n}: {ORDER} {{ id }}" for n in range(101)) + " }", "aliases"),
    "fifty-one orders": ("{ " + f"{ORDER} {{ id }} " * 51 + "}", "rootFields"),
    "directives over and over": (f"{{ {ORDER} {{ id {'@include(if: true) ' * 51} }} }}", "directives"),
    "ten pages of a hundred orders": (
        "{ " + " ".join(f"p{n}: orders(first: 100) {{ nodes {{ id }} }}" for n in range(10)) + " }",
        "cost",
    ),
    "ten thousand fields": (f"{{ {ORDER} {{ {'id ' * 10_000} }} }}", "tokens"),
}
"""What is asked, and the limit that it exceeds."""


def limit_of(reply: Reply) -> str:
    """The name of the limit for which the whole request was refused."""
    [error] = reply.errors
    assert reply.data is None
    assert error["extensions"]["code"] == "QUERY_LIMIT_EXCEEDED"
    assert error["extensions"]["found"] > error["extensions"]["allowed"]
    assert "path" not in error
    return str(error["extensions"]["limit"])


@pytest.mark.parametrize("kind", TOO_MUCH)
async def test_what_asks_for_too_much_is_refused_and_asks_nobody(
    gateway: Gateway, providers: Providers, kind: str
) -> None:
    query, limit = TOO_MUCH[kind]
    assert limit_of(await gateway.ask(query)) == limit
    assert providers.calls() == {}
    assert await gateway.data("{ __typename }") == {"__typename": "Query"}


async def test_a_refusal_has_the_status_of_other_refused_requests(gateway: Gateway) -> None:
    response = await gateway.get(TOO_MUCH["fifty-one orders"][0])
    assert response.status_code == 400
    assert limit_of(Reply.of(response)) == "rootFields"


async def test_the_query_of_the_readme_is_answered(gateway: Gateway, order: SimulatedOrder) -> None:
    query, *_ = re.findall(r"```graphql\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    data = await gateway.data(query.replace('"1235"', f'"{order.number}"'))
    assert data["order"]["orderNumber"] == order.number


async def test_a_hundred_orders_with_their_events_are_answered(gateway: Gateway) -> None:
    data = await gateway.data(
        """{ orders(first: 100) { nodes { id orderNumber placedAt status trackings {
          trackingNumber status carrier { name }
          events(first: 20) { id occurredAt status name location { city countryCode } }
        } } } }"""
    )
    assert len(data["orders"]["nodes"]) == 100


async def test_graphiql_can_ask_for_the_whole_schema(gateway: Gateway) -> None:
    query = get_introspection_query(
        specified_by_url=True, directive_is_repeatable=True, schema_description=True, input_value_deprecation=True
    )
    assert (await gateway.data(query))["__schema"]["types"]


async def test_variables_decide_what_a_page_costs(gateway: Gateway) -> None:
    pages = " ".join(f"p{n}: orders(first: $first) {{ nodes {{ id }} }}" for n in range(10))
    query = f"query ($first: Int) {{ {pages} }}"
    assert (await gateway.data(query, first=2)).keys() == {f"p{n}" for n in range(10)}
    assert limit_of(await gateway.ask(query, first=100)) == "cost"
    assert limit_of(await gateway.ask(query, first=10**9)) == "cost"
    assert (await gateway.data(query, first=2)).keys() == {f"p{n}" for n in range(10)}


async def test_only_the_operation_that_is_run_is_held_to_limits(gateway: Gateway) -> None:
    both = "query Small { __typename } query Large " + TOO_MUCH["fifty-one orders"][0]

    async def run(name: str) -> Reply:
        return Reply.of(await gateway.client.post("/graphql", json={"query": both, "operationName": name}))

    assert (await run("Small")).data == {"__typename": "Query"}
    assert limit_of(await run("Large")) == "rootFields"


async def test_settings_say_the_limits(open_gateway: OpenGateway) -> None:
    async with open_gateway(limits={"depth": 2, "root_fields": 1, "cost": 200, "tokens": 100}) as strict:
        assert await strict.data("{ shop { slug } }") == {"shop": {"slug": "demo"}}
        assert limit_of(await strict.ask("{ shop { providers { name } } }")) == "depth"
        assert limit_of(await strict.ask("{ a: shop { slug } b: shop { slug } }")) == "rootFields"
        assert limit_of(await strict.ask("{ orders(first: 2) { __typename } }")) == "cost"
        assert limit_of(await strict.ask("{ shop { " + "slug " * 100 + "} }")) == "tokens"
