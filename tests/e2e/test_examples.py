"""What holds for the examples of the GraphiQL page, and for the docs it shows, without a browser."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    is_introspection_type,
    is_specified_scalar_type,
    validate,
)
from graphql.execution import get_variable_values

from providers.simulation.clock import SimulationClock
from providers.simulation.generate import generate_world
from providers.simulation.world import SimulatedOrder, Story
from tests.e2e.examples import EXAMPLES, FOLDER, Example

SCHEMA = Path(__file__).parents[2] / "schema.graphql"

#: How many characters of a line are in sight in a window of 1280 pixels.
VISIBLE_CHARACTERS = 50

each_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.operation_name)


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    """The published schema."""
    return build_schema(SCHEMA.read_text("utf-8"))


@pytest.fixture(scope="module")
def orders() -> dict[str, SimulatedOrder]:
    """The simulated orders by number, as they are when the gateway starts."""
    world = generate_world(SimulationClock(lambda: datetime(2026, 1, 15, 12, tzinfo=UTC)))
    return {order.number: order for order in world.orders}


@each_example
def test_an_example_is_valid(schema: GraphQLSchema, example: Example) -> None:
    """Every example, with its variables, is a request that the published schema allows."""
    assert validate(schema, example.document) == []
    coerced = get_variable_values(schema, example.operation.variable_definitions or (), example.variables)
    assert not isinstance(coerced, list), coerced


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.graphql")), ids=lambda file: file.stem)
def test_an_example_says_first_what_it_shows(file: Path) -> None:
    """Every example begins with a comment in plain words, of which no line runs out of sight."""
    lines = file.read_text("utf-8").splitlines()
    assert lines[0].startswith("# ")
    assert [line for line in lines if len(line) > VISIBLE_CHARACTERS] == []


def test_the_examples_name_simulated_orders(orders: dict[str, SimulatedOrder]) -> None:
    """The order that is followed to its door has a driver and a PayPal order; the timeline is of several parcels.

    Freshness is shown on an order that no other example reads, so that its first answer is from nobody's cache.
    """
    variables = {example.operation_name: example.variables for example in EXAMPLES}
    followed = orders[variables["OrderPage"]["orderNumber"]]

    assert followed.story is Story.OWN_DRIVER
    assert followed.stop is not None
    assert followed.parcels
    assert variables["Driver"] == variables["OrderPage"]
    assert variables["LinkOrder"]["input"]["orderNumber"] == followed.number
    assert variables["LinkOrder"]["input"]["value"] == followed.paypal_order_id
    assert len(orders[variables["Timeline"]["orderNumber"]].parcels) > 1
    assert variables["Freshness"]["orderNumber"] in orders
    assert [name for name, given in variables.items() if given == variables["Freshness"]] == ["Freshness"]


def test_the_docs_say_something_of_everything(schema: GraphQLSchema) -> None:
    """Every type, field, argument, input field and enum value of the published schema has a description."""
    assert [place for place, description in _described(schema) if not (description or "").strip()] == []


def _described(schema: GraphQLSchema) -> Iterator[tuple[str, str | None]]:
    """Each documented part of the schema as (Type.field(argument), its description)."""
    for named in schema.type_map.values():
        if not is_introspection_type(named) and not is_specified_scalar_type(named):
            yield named.name, named.description
            yield from _members(named)


def _members(named: GraphQLNamedType) -> Iterator[tuple[str, str | None]]:
    if isinstance(named, GraphQLObjectType | GraphQLInterfaceType):
        for name, field in named.fields.items():
            yield f"{named.name}.{name}", field.description
            for argument_name, argument in field.args.items():
                yield f"{named.name}.{name}({argument_name}:)", argument.description
    elif isinstance(named, GraphQLInputObjectType):
        yield from ((f"{named.name}.{name}", field.description) for name, field in named.fields.items())
    elif isinstance(named, GraphQLEnumType):
        yield from ((f"{named.name}.{name}", value.description) for name, value in named.values.items())
