"""Everything published is described: GraphiQL shows nothing without words."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLUnionType,
    is_introspection_type,
    is_specified_scalar_type,
)

from gateway.schema.published import schema

TYPES: dict[str, GraphQLNamedType] = {
    name: kind
    for name, kind in schema._schema.type_map.items()
    if not is_introspection_type(kind) and not is_specified_scalar_type(kind)
}


def described(kind: GraphQLNamedType) -> Iterator[tuple[str, str | None]]:
    """Every place of a type that takes a description, with the description."""
    yield kind.name, kind.description
    if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        for name, field in kind.fields.items():
            yield f"{kind.name}.{name}", field.description
            yield from arguments(f"{kind.name}.{name}", field)
    elif isinstance(kind, GraphQLInputObjectType):
        yield from ((f"{kind.name}.{name}", field.description) for name, field in kind.fields.items())
    elif isinstance(kind, GraphQLEnumType):
        yield from ((f"{kind.name}.{name}", value.description) for name, value in kind.values.items())


def arguments(place: str, field: GraphQLField) -> Iterator[tuple[str, str | None]]:
    given: dict[str, GraphQLArgument] = field.args
    yield from ((f"{place}({name}:)", argument.description) for name, argument in given.items())


@pytest.mark.parametrize("name", TYPES)
def test_everything_has_a_description(name: str) -> None:
    assert [place for place, text in described(TYPES[name]) if not (text or "").strip()] == []


@pytest.mark.parametrize("name", TYPES)
def test_descriptions_are_whole_sentences(name: str) -> None:
    """Ending in a full stop, and not the name once more."""
    endings = (".", "?", "`.", ").")
    assert [place for place, text in described(TYPES[name]) if not (text or "").endswith(endings)] == []


def test_a_provider_is_an_object_and_no_enum() -> None:
    """Adding a provider never changes the schema; nor does a union of trackings exist that would have to grow."""
    assert isinstance(TYPES["Provider"], GraphQLObjectType)
    assert [name for name, kind in TYPES.items() if isinstance(kind, GraphQLUnionType)] == []
