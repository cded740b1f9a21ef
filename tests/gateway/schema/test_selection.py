"""Looking ahead sees what will be executed: fragments, conditions, aliases, arguments and variables."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest
from graphql import FragmentDefinitionNode, GraphQLResolveInfo, OperationDefinitionNode, parse

from gateway.orders.needs import Need, Part
from gateway.schema.order_needs import ORDER_TYPE, needs_of
from gateway.schema.published import schema
from gateway.schema.selection import Selection
from gateway.schema.types.connection import read_places


def info_of(text: str, variables: Mapping[str, Any]) -> GraphQLResolveInfo[Any]:
    """What graphql-core hands the resolver of the only field of `text`, as far as it is read here."""
    document = parse(text)
    operation = next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    info = SimpleNamespace(
        field_nodes=list(operation.selection_set.selections),
        fragments=fragments,
        variable_values=dict(variables),
        schema=schema._schema,
    )
    return cast(GraphQLResolveInfo[Any], info)


def selection(below: str, fragments: str = "", **variables: Any) -> Selection:
    info = info_of(f'{{ order(by: {{orderNumber: "1"}}) {{ {below} }} }} {fragments}', variables)
    return Selection(ORDER_TYPE, tuple(info.field_nodes), info)


def keys(chosen: Selection) -> list[str]:
    return [field.response_key for field in chosen.fields()]


@pytest.mark.parametrize(
    ("below", "fragments", "variables", "selected"),
    [
        ("id placedAt", "", {}, ["id", "placedAt"]),
        ("a: id b: id", "", {}, ["a", "b"]),
        ("id id", "", {}, ["id"]),
        ("...F", "fragment F on Order { id ...G } fragment G on Order { currency }", {}, ["id", "currency"]),
        ("... on Order { id }", "", {}, ["id"]),
        ("... { id }", "", {}, ["id"]),
        ("...F", "fragment F on Node { id }", {}, ["id"]),
        ("... on Route { routeHandle } id", "", {}, ["id"]),
        ("id @skip(if: true) currency @include(if: false) uuid @include(if: true)", "", {}, ["uuid"]),
        ("id @skip(if: $no) currency @include(if: $yes)", "", {"no": False, "yes": True}, ["id", "currency"]),
        ("...F @skip(if: $no)", "fragment F on Order { id }", {"no": True}, []),
        ("... @include(if: $yes) { id }", "", {"yes": False}, []),
        ("id @include(if: $yes) id", "", {"yes": False}, ["id"]),
        ("__typename", "", {}, ["__typename"]),
    ],
)
def test_what_will_be_executed(below: str, fragments: str, variables: dict[str, Any], selected: list[str]) -> None:
    assert keys(selection(below, fragments, **variables)) == selected


@pytest.mark.parametrize(
    ("below", "variables", "need"),
    [
        ("trackings { id }", {}, Need(Part.TRACKINGS)),
        ('trackings(providers: ["karla"]) { id }', {}, Need(Part.TRACKINGS, frozenset({"karla"}))),
        ("trackings(providers: $p) { id }", {"p": ["karla"]}, Need(Part.TRACKINGS, frozenset({"karla"}))),
        ("trackings(providers: null) { id }", {}, Need(Part.TRACKINGS)),
        ("trackings(providers: $p) { id }", {}, Need(Part.TRACKINGS)),
        ("trackings(providers: []) { id }", {}, Need(Part.TRACKINGS, frozenset())),
    ],
)
def test_arguments_are_taken_as_they_will_be(below: str, variables: dict[str, Any], need: Need) -> None:
    assert needs_of(selection(below, **variables)).needs == (need,)


def test_each_field_with_a_need_is_known_by_its_key_in_the_answer() -> None:
    chosen = needs_of(selection('id when: placedAt a: events(providers: ["karla"]) { id } __typename'))
    assert chosen.fields == (("when", Need(Part.DETAILS)), ("a", Need(Part.TRACKINGS, frozenset({"karla"}))))


def test_fields_that_ask_nobody_need_nothing() -> None:
    assert needs_of(selection("id __typename shop { slug } sources { ageSeconds } masked")).needs == ()


def test_orders_of_a_page_are_found_wherever_they_are_selected() -> None:
    info = info_of(
        """{ orders {
            nodes { id } again: nodes { placedAt }
            edges { node { currency } cursor } ...F
        } }
        fragment F on OrderConnection { edges { it: node { trackings { id } } } pageInfo { endCursor } }""",
        {},
    )
    found = [(place.before, place.behind, place.selected.needs) for place in read_places(info).places]
    assert found == [
        (("nodes",), (), ()),
        (("again",), (), (Need(Part.DETAILS),)),
        (("edges",), ("node",), (Need(Part.DETAILS),)),
        (("edges",), ("it",), (Need(Part.TRACKINGS),)),
    ]


def test_a_page_without_orders_selects_none() -> None:
    assert read_places(info_of("{ orders { pageInfo { hasNextPage } } }", {})).places == ()
