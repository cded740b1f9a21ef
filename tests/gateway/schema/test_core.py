"""The names that clients rely on (`core.graphql`) are all in the published schema, with the same types and meanings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest
from graphql import (
    DocumentNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    TypeDefinitionNode,
    parse,
    print_ast,
)

from gateway.schema.published import sdl

Fact = tuple[str, str]
"""A place in the schema (`Order.trackings(first:)`), and what stands there (`Int = 100`)."""


def definitions(document: DocumentNode) -> Mapping[str, TypeDefinitionNode]:
    return {node.name.value: node for node in document.definitions if isinstance(node, TypeDefinitionNode)}


CORE = definitions(parse((Path(__file__).parent / "core.graphql").read_text()))
PUBLISHED = definitions(parse(sdl()))


def facts(definition: TypeDefinitionNode) -> Iterator[Fact]:
    """What a definition promises, each promise by itself."""
    name = definition.name.value
    yield name, definition.kind
    for directive in definition.directives or ():
        yield f"{name} @{directive.name.value}", ""
    if isinstance(definition, EnumTypeDefinitionNode):
        yield from ((f"{name}.{value.name.value}", "") for value in definition.values or ())
    if isinstance(definition, InputObjectTypeDefinitionNode):
        yield from (input_fact(name, field) for field in definition.fields or ())
    if isinstance(definition, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
        yield from ((f"{name} implements {interface.name.value}", "") for interface in definition.interfaces or ())
        yield from field_facts(name, definition.fields or ())


def field_facts(owner: str, fields: Iterable[FieldDefinitionNode]) -> Iterator[Fact]:
    for field in fields:
        place = f"{owner}.{field.name.value}"
        yield place, print_ast(field.type)
        for argument in field.arguments or ():
            _, text = input_fact(place, argument)
            yield f"{place}({argument.name.value}:)", text


def input_fact(owner: str, value: InputValueDefinitionNode) -> Fact:
    """The type with the default; leaving a nullable value out and giving null as the default come to the same."""
    default = print_ast(value.default_value) if value.default_value else "null"
    text = print_ast(value.type)
    return f"{owner}.{value.name.value}", text if default == "null" else f"{text} = {default}"


@pytest.mark.parametrize("name", CORE)
def test_every_name_is_published_as_clients_rely_on_it(name: str) -> None:
    assert name in PUBLISHED
    published = dict(facts(PUBLISHED[name]))
    assert {place: published.get(place) for place, _ in facts(CORE[name])} == dict(facts(CORE[name]))


@pytest.mark.parametrize(
    "name", [name for name, node in PUBLISHED.items() if isinstance(node, InputObjectTypeDefinitionNode)]
)
def test_an_input_requires_nothing_that_clients_do_not_know_of(name: str) -> None:
    """A field that is required and new would refuse every document that was written before it."""
    definition = PUBLISHED[name]
    assert isinstance(definition, InputObjectTypeDefinitionNode)
    required = {
        field.name.value
        for field in definition.fields or ()
        if field.type.kind == "non_null_type" and not field.default_value
    }
    assert required <= {place.partition(".")[2] for place, _ in facts(CORE[name])}


def test_the_comparison_sees_a_name_that_is_missing() -> None:
    """The test of the test: a name that nobody publishes is told apart."""
    (invented,) = definitions(parse("type Order { inventedField: Int }")).values()
    published = dict(facts(PUBLISHED["Order"]))
    assert [place for place, text in facts(invented) if published.get(place) != text] == ["Order.inventedField"]
