"""Every query of the published schema is compiled, introspection aside."""

from __future__ import annotations

import pytest
from graphql import GraphQLObjectType, parse, validate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes, queries

from gateway.compiler import Compiler
from gateway.schema.access import gate_of
from gateway.schema.published import schema
from gateway.schema.scalars import SCALARS
from tests.gateway.compiler.reference import operation_of
from tests.gateway.compiler.variation import Variation, object_types
from tests.gateway.schema.everything import everything

SCHEMA = schema._schema
COMPILER = Compiler(SCHEMA)

VALUES = {
    "DateTime": st.just("2025-06-04T16:26:05+02:00"),
    "Decimal": st.just("29.99"),
    "UUID": st.just("b4fadda9-61f4-4041-94d2-7a01ee0082b4"),
    "URL": st.just("https://example.org/"),
    "JSON": st.just("json"),
}
"""A literal of each custom scalar."""


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    text=queries(SCHEMA, custom_scalars={name: values.map(nodes.String) for name, values in VALUES.items()}),
    seed=st.integers(0, 2**16),
)
def test_every_query_is_compiled(text: str, seed: int) -> None:
    written = parse(text)
    for document in (written, Variation(SCHEMA, written, seed).document):
        if not validate(SCHEMA, document):
            assert COMPILER.compile(document, operation_of(document)).coordinates


def test_every_scalar_has_a_literal() -> None:
    assert {definition.name for definition in SCALARS.values()} == VALUES.keys()


@pytest.mark.parametrize("type_name", ["Order", "Shop", "Registration", "RouteTracking"])
def test_everything_that_can_be_selected_is_compiled(type_name: str) -> None:
    document = parse(f'{{ node(id: "x") {{ ... on {type_name} {everything(type_name)} }} }}')

    program = COMPILER.compile(document, operation_of(document))

    fields = SCHEMA.type_map[type_name]
    assert isinstance(fields, GraphQLObjectType)
    expected = {f"{type_name}.{name}" for name, field in fields.fields.items() if not field.args}
    assert expected - program.coordinates <= {f"{type_name}.order", f"{type_name}.route"}  # ways back


def test_every_resolver_is_known_or_behind_a_gate() -> None:
    """What is called through the whole of `field.resolve` is slow: here, nothing is."""
    from gateway.compiler.resolvers import Whole, resolver_of  # noqa: PLC0415  # the claim is about this one step

    types = [type_ for type_ in object_types(SCHEMA) if type_.name not in ("Mutation", "Subscription")]
    whole = [
        f"{type_.name}.{name}"
        for type_ in types
        for name, field in type_.fields.items()
        if isinstance(resolver_of(field, COMPILER.types.converter, is_gated=gate_of(field) is not None), Whole)
    ]

    assert not whole
