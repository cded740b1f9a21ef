"""Operations are counted in one pass, as they would be executed, and held to limits by variables as they come."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    get_introspection_query,
    get_named_type,
    get_nullable_type,
    is_list_type,
    parse,
)
from hypothesis import given
from hypothesis import strategies as st

from gateway.schema import nodes
from gateway.schema.costs import LONGEST_INTEGER, WAITING, row_of
from gateway.schema.counting import CountedOperation, Counter, FragmentCycle
from gateway.schema.limits import MAX_NESTING, TOLD_TO, first_exceeded
from gateway.schema.list_sizes import LIST_SIZES
from gateway.schema.published import schema
from gateway.schema.settings import LimitSettings

SCHEMA = schema._schema
DEFAULTS = LimitSettings()
TRACKINGS = LIST_SIZES["Order.trackings"].most
EVENTS = LIST_SIZES["Tracking.events"].most
ORDER = 'order(by: {orderNumber: "1"})'


def count(text: str, name: str | None = None) -> CountedOperation:
    """What the operation of this name asks for, or the only one."""
    operations = Counter(SCHEMA).count(parse(text))
    return next(operation for operation in operations if name in {None, operation.name})


def exceeded(text: str, limits: LimitSettings = DEFAULTS, **variables: Any) -> str | None:
    """The name of the limit that `text` exceeds."""
    found = first_exceeded(count(text), limits, variables)
    return found.limit.name if found else None


def doubling(fragments: int, last: str = "id") -> str:
    """Fragments on an order, each of which spreads the next one twice."""
    chain = " ".join(f"fragment F{n} on Order {{ ...F{n + 1} ...F{n + 1} }}" for n in range(fragments))
    return f"{{ {ORDER} {{ ...F0 }} }} {chain} fragment F{fragments} on Order {{ {last} }}"


def nested(opening: str, times: int) -> str:
    return "{ " + f"{opening} {{ " * times + "id" + " }" * times + " }"


# What is counted


def test_each_thing_is_counted() -> None:
    totals = count(
        f"""query A($deep: Boolean! = true) @live {{
          {ORDER} {{ id key: orderNumber @include(if: $deep) ... @skip(if: $deep) {{ ...Parcels }} }}
          __typename
        }}
        fragment Parcels on Order {{ trackings {{ all: events {{ id }} }} }}"""
    ).totals
    assert (totals.depth, totals.nesting, totals.root_fields) == (4, 6, 2)
    assert (totals.aliases, totals.directives, totals.fragment_spreads) == (2, 3, 1)
    assert totals.cost.constant == WAITING + 2 + TRACKINGS * (1 + EVENTS * 2) + 1


def test_inline_fragments_and_spreads_are_no_levels_of_fields() -> None:
    text = f"{{ {ORDER} {{ ... {{ ... on Order {{ ...A }} }} }} }} fragment A on Order {{ id }}"
    assert (count(text).totals.depth, count(text).totals.nesting) == (2, 5)


def test_fields_of_fragments_at_the_root_are_root_fields() -> None:
    text = "{ ...A ... { ...A } shop { id } } fragment A on Query { shop { id slug } providers { name } }"
    assert count(text).totals.root_fields == 5


def test_fragments_that_nothing_spreads_count_nothing() -> None:
    text = f"{{ {ORDER} {{ id }} }} fragment A on Order {{ a: id b: id ...B }} fragment B on Order {{ id }}"
    assert count(text).totals == count(f"{{ {ORDER} {{ id }} }}").totals


def test_each_operation_is_counted_by_itself() -> None:
    text = f"query A {{ {ORDER} {{ id }} }} query B {{ a: shop {{ id }} b: shop {{ id }} }}"
    assert [count(text, name).totals.aliases for name in ("A", "B")] == [0, 2]


@pytest.mark.parametrize(
    "text",
    [
        "{ unknown { deeper { id } } }",
        "{ shop { id { id { id } } } }",
        "{ shop { ...Missing } }",
        "{ shop { ... on Missing { name { id } } } }",
        "{ orders(first: [1, {a: 2}]) { nodes } }",
        "{ orders(first: $missing) { nodes { id } } }",
        "{ orders(first: 99999999999999999999999999999) { nodes { id } } }",
        "query ($n: Int = true) { orders(first: $n) { nodes { id } } }",
        "fragment A on Order { id } fragment A on Order { id } { shop { ...A } }",
        "subscription { orders { nodes { id } } }",
        "type Query { a: Int } { shop { id } }",
    ],
)
def test_what_validation_will_refuse_is_counted_as_far_as_it_goes(text: str) -> None:
    assert exceeded(text) is None


# In one pass


class Read(tuple[SelectionNode, ...]):
    """Selections that count how many of them are read."""

    reads = 0

    def __iter__(self) -> Iterator[SelectionNode]:
        Read.reads += len(self)
        return super().__iter__()


def watched(text: str) -> tuple[DocumentNode, int]:
    """The document that `text` is, its selections watched, and how many it has."""
    document = parse(text)
    sets = [
        d.selection_set for d in document.definitions if isinstance(d, OperationDefinitionNode | FragmentDefinitionNode)
    ]
    total = 0
    for each in sets:
        total += len(each.selections)
        sets += [inner for node in each.selections if (inner := getattr(node, "selection_set", None))]
        object.__setattr__(each, "selections", Read(each.selections))
    Read.reads = 0
    return document, total


@pytest.mark.parametrize("fragments", [40, 400])
def test_fragments_that_double_are_read_once_each(fragments: int) -> None:
    document, selections = watched(doubling(fragments))
    [operation] = Counter(SCHEMA).count(document)
    assert operation.totals.fragment_spreads == 2 ** (fragments + 1) - 1
    # Once each for the order of fragments, for the types, and for the sums.
    assert Read.reads <= 3 * selections


def test_costs_that_variables_say_do_not_double_with_fragments() -> None:
    text = doubling(40, "trackings(first: $n) { events(first: $n) { id } }").replace(
        "{ order", "query ($n: Int) { order", 1
    )
    operation = count(text)
    assert len(operation.steps) < 100
    assert operation.cost({"n": 2}) == WAITING + 2**40 * 2 * (1 + 2 * (1 + 1))


@pytest.mark.parametrize(
    "text",
    [
        "{ ...A } fragment A on Query { ...A }",
        "{ ...A } fragment A on Query { a { ...B } } fragment B on Shop { ... { ...C } } fragment C on Shop { ...B }",
        "{ shop { id } } fragment A on Query { ...B } fragment B on Query { ...A }",
        "{ ...A } fragment A on Query { ...A ...A ...A ...B } fragment B on Query { ...A ...B }",
    ],
)
def test_a_fragment_that_contains_itself_is_found(text: str) -> None:
    with pytest.raises(FragmentCycle) as raised:
        count(text)
    assert raised.value.node.name.value in {"A", "B", "C"}


def test_no_document_exhausts_the_stack() -> None:
    beyond = sys.getrecursionlimit() + 1
    chain = " ".join(f"fragment F{n} on Order {{ ...F{n + 1} }}" for n in range(beyond))
    text = f"{{ {ORDER} {{ ...F0 }} }} {chain} fragment F{beyond} on Order {{ id }}"
    assert count(text).totals.fragment_spreads == beyond + 1
    assert exceeded(text) == "nesting"


# Held to limits


def aliases(times: int) -> str:
    return "{ shop { " + " ".join(f"a{n}: id" for n in range(times)) + " } }"


def spreads(times: int) -> str:
    return "{ shop { " + "...A " * times + "} } fragment A on Shop { id }"


AT_THE_LIMIT: Mapping[str, tuple[Callable[[int], str], int]] = {
    "depth": (lambda most: nested("shop", most - 1), DEFAULTS.depth),
    "nesting": (lambda most: nested("...", most - 1), MAX_NESTING),
    "aliases": (aliases, DEFAULTS.aliases),
    "rootFields": (lambda most: "{ " + "shop { id } " * most + "}", DEFAULTS.root_fields),
    "directives": (lambda most: "{ shop { id " + "@a " * most + "} }", DEFAULTS.directives),
    "fragmentSpreads": (spreads, DEFAULTS.fragment_spreads),
    "cost": (lambda most: "{ shop { " + "id " * (most - 1) + "} }", 500),
}
"""By the name of a limit: a document that asks for so many, and how many are allowed."""


@pytest.mark.parametrize("name", AT_THE_LIMIT)
def test_a_limit_is_the_most_that_is_allowed(name: str) -> None:
    make, most = AT_THE_LIMIT[name]
    limits = LimitSettings(cost=500) if name == "cost" else DEFAULTS
    assert exceeded(make(most), limits) is None
    assert exceeded(make(most + 1), limits) == name


@pytest.mark.parametrize("name", AT_THE_LIMIT)
def test_the_message_says_what_was_found_and_what_to_do(name: str) -> None:
    make, most = AT_THE_LIMIT[name]
    limits = LimitSettings(cost=500) if name == "cost" else DEFAULTS
    found = first_exceeded(count(make(most + 1)), limits, {})
    assert found
    assert found.extensions == {"limit": name, "allowed": most, "found": most + 1}
    assert f"{most + 1:,}" in found.message
    assert f"{most:,}" in found.message
    assert found.message.endswith(found.limit.remedy)


def test_a_number_beyond_measure_is_not_told() -> None:
    found = first_exceeded(count(doubling(40)), DEFAULTS, {})
    assert found
    assert found.extensions == {"limit": "fragmentSpreads", "allowed": 200, "found": TOLD_TO}
    assert "more than 1,000,000" in found.message


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        (doubling(40), "fragmentSpreads"),
        (doubling(7, last="a: id b: orderNumber"), "aliases"),
        (doubling(6, last="id @skip(if: true)"), "directives"),
        (nested("...", 100), "nesting"),
        (nested("... on Order", 100), "nesting"),
        ("query " + "@a " * 51 + "{ shop { id } }", "directives"),
        ("query (" + "".join(f"$v{n}: Int @a " for n in range(51)) + ") { shop { id } }", "directives"),
        ("{ shop { id ... @a @b @c { ...A } } } fragment A on Shop " + "@d " * 48 + "{ id }", "directives"),
        (f"{{ {ORDER} {{ {'trackings { order { ' * 4} id {'} }' * 4} }} }}", "cost"),
        ("{ " + " ".join(f"p{n}: orders(first: 100) {{ nodes {{ id }} }}" for n in range(9)) + " }", "cost"),
        ("{ __schema { types { fields { type { fields { type { fields { args { name } } } } } } } } }", None),
        ("{ __schema { types " + "{ fields { type " * 6 + "{ name }" + "} }" * 6 + " } }", "cost"),
    ],
)
def test_what_is_built_to_harm_is_refused(text: str, limit: str | None) -> None:
    assert exceeded(text) == limit


def test_a_long_list_of_arguments_costs_what_the_field_takes() -> None:
    ids = ", ".join(f'"{n}"' for n in range(4_000))
    assert count(f"{{ nodes(ids: [{ids}]) {{ id }} }}").cost({}) == 100 * (WAITING + 1)


# What clients need


@pytest.mark.parametrize(
    "text",
    [
        get_introspection_query(
            specified_by_url=True,
            directive_is_repeatable=True,
            schema_description=True,
            input_value_deprecation=True,
        ),
        "{ orders(first: 100) { nodes { id orderNumber trackings { status carrier { name } "
        "events(first: 20) { id status name occurredAt location { city countryCode } } } } pageInfo { endCursor } } }",
        '{ route(handle: "r") { stops { id order { orderNumber } driver { location { latitude longitude } } } } }',
        "query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Order { orderNumber deliveryStatus } } }",
    ],
)
def test_what_clients_need_passes_with_room(text: str) -> None:
    assert exceeded(text, LimitSettings(cost=DEFAULTS.cost * 2 // 3)) is None


# Sizes that variables say

PAGE = "query ($n: Int) { orders(first: $n) { nodes { id } } }"
PAGE_OF_FIVE = "query ($n: Int = 5) { orders(first: $n) { nodes { id } } }"


@pytest.mark.parametrize(
    ("text", "variables", "orders"),
    [
        (PAGE, {"n": 3}, 3),
        (PAGE, {}, 30),
        (PAGE, {"n": None}, 30),
        (PAGE, {"n": 100}, 100),
        (PAGE, {"n": 5_000_000_000}, 100),
        (PAGE, {"n": 0}, 1),
        (PAGE, {"n": -7}, 1),
        (PAGE, {"n": True}, 100),
        (PAGE, {"n": {"a": 1}}, 100),
        (PAGE_OF_FIVE, {}, 5),
        (PAGE_OF_FIVE, {"n": 7}, 7),
        (PAGE_OF_FIVE, {"n": None}, 30),
        ("{ orders { nodes { id } } }", {}, 30),
        ("{ orders(first: null) { nodes { id } } }", {}, 30),
        ("{ orders(first: 4) { nodes { id } } }", {}, 4),
        ("{ orders(first: 2147483647) { nodes { id } } }", {}, 100),
        ("{ ...A } query B { shop { id } } fragment A on Query { orders(first: $n) { nodes { id } } }", {"n": 2}, 2),
    ],
)
def test_a_page_costs_as_many_orders_as_are_asked_for(text: str, variables: dict[str, Any], orders: int) -> None:
    assert count(text).cost(variables) == orders * (WAITING + 2)


@pytest.mark.parametrize(
    ("text", "variables", "things"),
    [
        ('{ nodes(ids: ["a", "b"]) { id } }', {}, 2),
        ('{ nodes(ids: "a") { id } }', {}, 1),
        ("query ($a: ID!) { nodes(ids: [$a, $a, $a]) { id } }", {"a": "x"}, 3),
        ("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ["a"] * 40}, 40),
        ("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": "a"}, 1),
        ("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": []}, 1),
        ("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ["a"] * 5_000}, 100),
        ('query ($ids: [ID!]! = ["a", "b"]) { nodes(ids: $ids) { id } }', {}, 2),
        ("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {}, 100),
    ],
)
def test_nodes_cost_as_many_things_as_there_are_ids(text: str, variables: dict[str, Any], things: int) -> None:
    assert count(text).cost(variables) == things * (WAITING + 1)


def test_a_list_that_is_rarely_full_costs_what_is_usual() -> None:
    in_one = f"{{ {ORDER} {{ trackings(first: 1) {{ events(first: 100) {{ id }} }} }} }}"
    assert count(in_one).cost({}) == WAITING + 1 + EVENTS * 2


# The tables


def lists_of_the_schema() -> Iterator[tuple[GraphQLObjectType | GraphQLInterfaceType, str]]:
    for kind in SCHEMA.type_map.values():
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for name, definition in kind.fields.items():
                if is_list_type(get_nullable_type(definition.type)):
                    yield kind, name


LISTS = tuple(lists_of_the_schema())


@pytest.mark.parametrize(("kind", "name"), LISTS, ids=str)
def test_every_list_of_the_schema_has_a_size(kind: GraphQLObjectType | GraphQLInterfaceType, name: str) -> None:
    row = row_of(kind, name)
    assert row, f"gateway/schema/list_sizes.py needs a row for {kind.name}.{name}"
    assert row.argument is None or row.argument in kind.fields[name].args


@pytest.mark.parametrize(("kind", "name"), LISTS, ids=str)
def test_a_list_that_takes_first_goes_by_it(kind: GraphQLObjectType | GraphQLInterfaceType, name: str) -> None:
    row = row_of(kind, name)
    assert row
    assert row.argument == next((each for each in ("first", "ids") if each in kind.fields[name].args), None)


def test_every_size_is_of_something_that_exists() -> None:
    def exists(key: str) -> bool:
        owner, name = key.split(".")
        kinds = SCHEMA.type_map.values() if owner == "*Payload" else [SCHEMA.type_map.get(owner)]
        return any(name in getattr(kind, "fields", {}) for kind in kinds)

    assert [key for key in LIST_SIZES if not exists(key)] == []


def test_nodes_are_counted_as_far_as_they_are_taken() -> None:
    assert LIST_SIZES["Query.nodes"].most == nodes.MOST_NODES


def test_every_integer_of_graphql_is_read() -> None:
    assert len(str(-(2**31))) == LONGEST_INTEGER


@pytest.mark.parametrize(
    "path", ["Query.order", "Query.orders", "Query.nodes", "Tracking.order", "Mutation.placeOrder"]
)
def test_a_field_that_begins_another_entity_is_dear(path: str) -> None:
    owner, name = path.split(".")
    text = f"fragment A on {owner} {{ {name} }} query {{ ...A }}"
    assert count(text).cost({}) % WAITING == 0


# Against a naive count

BY_FIRST = {"Query.orders", "Order.trackings", "Tracking.events", "Order.events"}
DEAR = {"Query.order", "Query.orders", "Query.nodes", "Tracking.order"}
"""As far as the generated documents reach."""


@dataclass(frozen=True)
class Naive:
    """Counts a document by expanding it, as its definition says."""

    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]

    def fields(self, outer: SelectionSetNode, kind: Any) -> Iterator[tuple[FieldNode, Any]]:
        """Every field of `outer` with the type that it is on, fragments expanded."""
        for node in outer.selections:
            if isinstance(node, FieldNode):
                yield node, kind
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                yield from self.fields(
                    node.selection_set, SCHEMA.type_map.get(condition.name.value) if condition else kind
                )
            elif isinstance(node, FragmentSpreadNode) and node.name.value in self.fragments:
                fragment = self.fragments[node.name.value]
                yield from self.fields(fragment.selection_set, SCHEMA.type_map[fragment.type_condition.name.value])

    def depth(self, outer: SelectionSetNode) -> int:
        return max(
            (1 + (self.depth(node.selection_set) if node.selection_set else 0) for node, _ in self.fields(outer, None)),
            default=0,
        )

    def everywhere(self, outer: SelectionSetNode) -> Iterator[SelectionNode]:
        """Every selection in `outer`, at any depth, fragments expanded."""
        for node in outer.selections:
            yield node
            inner = getattr(node, "selection_set", None)
            if isinstance(node, FragmentSpreadNode) and node.name.value in self.fragments:
                inner = self.fragments[node.name.value].selection_set
            if inner:
                yield from self.everywhere(inner)

    def cost(self, outer: SelectionSetNode, kind: Any) -> int:
        return sum(self._cost_of(node, on) for node, on in self.fields(outer, kind))

    def _cost_of(self, node: FieldNode, kind: Any) -> int:
        definition = getattr(kind, "fields", {}).get(node.name.value)
        below = get_named_type(definition.type) if definition else None
        inner = self.cost(node.selection_set, below) if node.selection_set else 0
        path = f"{kind.name}.{node.name.value}" if definition else ""
        return self._size(path, node, definition) * ((WAITING if path in DEAR else 1) + inner)

    def _size(self, path: str, node: FieldNode, definition: Any) -> int:
        if path == "Query.nodes":
            return nodes.MOST_NODES
        if path not in BY_FIRST:
            return 1
        first = definition.args["first"].default_value
        for argument in node.arguments or ():
            value: Any = argument.value
            asked = self.variables.get("n") if value.kind == "variable" else int(value.value)
            first = first if asked is None else asked
        return max(1, min(first, LIST_SIZES[path].most))


def selections(spread: tuple[str, ...]) -> st.SearchStrategy[str]:
    """What can stand between braces, valid or not; fragments of these names may be spread."""
    leaves = st.sampled_from(
        ["id", "a: id", "unknown", "id @skip(if: true)", "...Missing", *(f"...{f}" for f in spread)]
    )
    openings = st.sampled_from(
        [
            "order",
            "b: order",
            "order @include(if: $b)",
            "orders",
            "orders(first: $n)",
            "orders(first: 2)",
            "nodes",
            "trackings",
            "trackings(first: 3)",
            "c: trackings(first: $n)",
            "events",
            "events(first: $n)",
            "...",
            "... @skip(if: false)",
            "... on Order",
            "... on Tracking",
            "... on Missing",
        ]
    )

    def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        several = st.lists(inner, min_size=1, max_size=4).map(" ".join)
        return st.tuples(openings, several).map(lambda made: f"{made[0]} {{ {made[1]} }}")

    return st.recursive(leaves, grown, max_leaves=12)


DOCUMENTS = st.tuples(
    selections(("A", "B", "C")), selections(("B", "C")), selections(("C",)), selections(()), st.sampled_from("ABC")
)


@given(made=DOCUMENTS, n=st.sampled_from([None, 1, 2, 7, 1_000]))
def test_the_pass_counts_what_a_naive_expansion_counts(made: tuple[str, str, str, str, str], n: int | None) -> None:
    root, a, b, c, first = made
    kinds = {"A": "Query", "B": "Order", "C": "Tracking"}
    texts = {"A": a, "B": b, "C": c}
    fragments = " ".join(f"fragment {name} on {kinds[name]} {{ {text} }}" for name, text in texts.items())
    document = parse(f"query ($n: Int, $b: Boolean) {{ {root} ...{first} }} {fragments}")
    variables = {} if n is None else {"n": n}
    [operation] = Counter(SCHEMA).count(document)
    definitions = document.definitions
    naive = Naive({d.name.value: d for d in definitions if isinstance(d, FragmentDefinitionNode)}, variables)
    outer = next(d.selection_set for d in definitions if isinstance(d, OperationDefinitionNode))
    everywhere = list(naive.everywhere(outer))
    totals = operation.totals
    assert totals.depth == naive.depth(outer)
    assert totals.root_fields == sum(1 for _ in naive.fields(outer, None))
    assert totals.aliases == sum(bool(getattr(node, "alias", None)) for node in everywhere)
    assert totals.directives == sum(len(node.directives or ()) for node in everywhere)
    known = [node for node in everywhere if isinstance(node, FragmentSpreadNode) and node.name.value in naive.fragments]
    assert totals.fragment_spreads == len(known)
    assert operation.cost(variables) == naive.cost(outer, SCHEMA.query_type)
