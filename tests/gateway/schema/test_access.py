"""Who may see what, over the whole published schema: nothing is undecided, and nothing personal slips through."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from graphql import GraphQLList, GraphQLNonNull, GraphQLObjectType, get_named_type

from gateway.auth.principal import OneOrder, Principal, Scope, order_reader
from gateway.orders.identity import OrderKey
from gateway.schema.access import DECISIONS, MASKED, OPEN, PERSONAL, PERSONAL_TYPES, READ, RULES
from gateway.schema.published import schema
from gateway.store.database import Database
from tests.databases import sqlite_url
from tests.gateway.schema.gateway import Gateway, gateway_over, json_answer
from tests.gateway.schema.marks import Marks, without_positions
from tests.gateway.schema.test_reachability import CASES, ROUTE, karla_order, sample
from tests.providers.test_samples_reach_domain import whole_order

OBJECTS = {
    name: kind
    for name, kind in schema._schema.type_map.items()
    if isinstance(kind, GraphQLObjectType) and not name.startswith("__")
}

FIELDS = {f"{name}.{field}": kind.fields[field] for name, kind in OBJECTS.items() for field in kind.fields}

WITHOUT_PERSONAL = Principal("desk", None, frozenset(Scope) - {Scope.ADMIN, Scope.PERSONAL_READ})

PERSONAL_MEMBERS = re.compile(
    r"""(^|\.)(
        (order\.)?address\. | pickup\.(name$|address\.) | email_id$ | external_customer_id$ | user_agent\[]$
        | order_analytics\. | additional_info\.(pickup_point|mail_message)$
        | events\[]\.location\.(formatted_address|full|l(ine[12]|atitude|ongitude)|place|postal_code)$
        | destination\. | timeline\[]\.(address$|location\.geometry) | device_id$ | worker_handle$ | share_url$
        | embed_url$ | current_worker_location\. | polyline\.
    )""",
    re.VERBOSE,
)
"""The members of providers' answers that are personal, by the providers' names and not by our table."""


@pytest.fixture
async def gateway(store_file: Any) -> AsyncIterator[Gateway]:
    database = Database(sqlite_url(store_file))
    async with gateway_over(database) as opened:
        yield opened
    await database.aclose()


class AsPrincipal(Gateway):
    """A gateway that is asked by one principal."""

    def __init__(self, gateway: Gateway, principal: Principal) -> None:
        super().__init__(gateway.pipeline, gateway.answers)
        self.principal = principal

    async def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        return await self.ask_as(self.principal, query, **variables)


def codes(answer: dict[str, Any]) -> list[tuple[str, str | None]]:
    """Code and scope of each error."""
    extensions = [error["extensions"] for error in answer.get("errors", [])]
    return [(each["code"], each.get("scope")) for each in extensions]


class TestTheTable:
    def test_every_field_has_a_decision(self) -> None:
        assert sorted(FIELDS.keys() - RULES.keys()) == []

    def test_there_is_no_decision_about_what_does_not_exist(self) -> None:
        assert sorted(RULES.keys() - FIELDS.keys()) == []

    def test_no_field_has_two_decisions(self) -> None:
        listed = [
            f"{type_name}.{field}"
            for types in DECISIONS.values()
            for type_name, fields in types.items()
            for field in fields.split()
        ]
        assert sorted({each for each in listed if listed.count(each) > 1}) == []

    def test_what_is_personal_as_a_whole_is_reached_through_personal_fields_alone(self) -> None:
        ways = {
            coordinate: RULES[coordinate]
            for coordinate, field in FIELDS.items()
            if get_named_type(field.type).name in PERSONAL_TYPES and coordinate.partition(".")[0] not in PERSONAL_TYPES
        }
        assert ways
        assert {coordinate for coordinate, rule in ways.items() if rule != PERSONAL} == set()

    def test_clients_read_in_the_schema_what_a_field_takes(self) -> None:
        silent = [
            coordinate
            for coordinate, rule in RULES.items()
            if rule.scope and f"`{rule.scope}`" not in (FIELDS[coordinate].description or "")
        ]
        assert silent == []

    def test_a_masked_field_can_be_null_or_empty(self) -> None:
        stuck = [
            coordinate
            for coordinate, rule in RULES.items()
            if rule.is_masked
            and isinstance(kind := FIELDS[coordinate].type, GraphQLNonNull)
            and not isinstance(kind.of_type, GraphQLList)
        ]
        assert stuck == []

    def test_every_root_field_takes_a_scope_but_those_that_tell_of_no_order(self) -> None:
        roots = {f"{root}.{field}" for root in ("Query", "Mutation") for field in OBJECTS[root].fields}
        assert {each for each in roots if RULES[each].scope is None} == {"Query.shop", "Query.providers"}

    def test_an_order_token_gets_into_the_schema_by_the_checked_fields_alone(self) -> None:
        roots = {f"{root}.{field}" for root in ("Query", "Mutation") for field in OBJECTS[root].fields}
        assert {each for each in roots if not RULES[each].whole_shop} == {
            "Query.node",
            "Query.nodes",
            "Query.order",
            "Query.providers",
            "Query.shop",
        }

    def test_from_an_order_no_way_that_an_order_token_may_go_leads_to_another_order(self) -> None:
        """What leads to orders and trackings, below those root fields: each belongs to the order that it starts at."""
        reached = set(_open_to_order_tokens("Order"))
        leading = {
            coordinate
            for coordinate in reached
            if get_named_type(FIELDS[coordinate].type).name in {"Order", "Tracking", "Route", "Registration", "Node"}
        }
        kinds = ("CarrierTracking", "OrderTracker", "InvoiceTracker", "RouteTracking", "GenericTracking")
        assert leading == {"Order.trackings", "TrackingEvent.tracking", *(f"{kind}.order" for kind in kinds)}


def _open_to_order_tokens(start: str) -> Iterator[str]:
    """The coordinate of each field below `start` that an order token may see."""
    entered, waiting = {start}, [start]
    while waiting:
        name = waiting.pop()
        for field in OBJECTS[name].fields:
            coordinate = f"{name}.{field}"
            if RULES[coordinate].whole_shop:
                continue
            yield coordinate
            kind = get_named_type(FIELDS[coordinate].type)
            possible = schema._schema.get_possible_types(kind) if hasattr(kind, "resolve_type") else (kind,)
            for each in possible:
                if each.name in OBJECTS and each.name not in entered:
                    entered.add(each.name)
                    waiting.append(each.name)


class TestPersonalData:
    @pytest.mark.parametrize("name", CASES)
    async def test_without_the_scope_exactly_what_is_personal_in_a_sample_is_withheld(
        self, gateway: Gateway, name: str
    ) -> None:
        case, marks = CASES[name], Marks()
        body = marks.put_into(sample(name))
        with_all = marks.missing_in(await case.ask(gateway, body))
        without = marks.missing_in(await case.ask(AsPrincipal(gateway, WITHOUT_PERSONAL), body))
        assert without - with_all == {each for each in _paths(marks) - with_all if PERSONAL_MEMBERS.search(each)}

    async def test_the_same_holds_for_everything_that_karlas_tables_list(self, gateway: Gateway) -> None:
        marks = Marks()
        answer = await karla_order(AsPrincipal(gateway, WITHOUT_PERSONAL), marks.put_into(whole_order()))
        assert marks.missing_in(answer) == {each for each in _paths(marks) if PERSONAL_MEMBERS.search(each)}

    async def test_what_is_withheld_is_no_error_and_is_named(self, gateway: Gateway) -> None:
        gateway.answers["karla"] = json_answer(
            [{"order_number": "1", "address": {"city": "Ede"}, "email_id": "a@b.test"}]
        )
        query = '{ order(by: {orderNumber: "1"}) { emailId address { city } masked } }'
        answer = await gateway.ask_as(WITHOUT_PERSONAL, query)
        assert answer == {"data": {"order": {"emailId": None, "address": None, "masked": list(MASKED)}}}
        assert {"address", "emailId", "PickupPoint.name", "RouteTracking.driver"} <= {*MASKED}

    async def test_with_the_scope_nothing_is_masked(self, gateway: Gateway) -> None:
        gateway.answers["karla"] = json_answer([{"order_number": "1", "email_id": "a@b.test"}])
        answer = await gateway.ask('{ order(by: {orderNumber: "1"}) { emailId masked } }')
        assert answer["data"]["order"] == {"emailId": "a@b.test", "masked": []}

    @pytest.mark.parametrize("name", ["emailId", "zipCode"])
    async def test_nobody_finds_out_by_searching_whose_an_order_is(self, gateway: Gateway, name: str) -> None:
        query = f'{{ orders(filter: {{{name}: "a"}}) {{ nodes {{ id }} }} }}'
        assert codes(await gateway.ask_as(WITHOUT_PERSONAL, query)) == [("FORBIDDEN", "personal:read")]


def _paths(marks: Marks) -> set[str]:
    return {without_positions(path) for path in marks.placed}


ROOT_FIELDS = {
    "orders:read": [
        'order(by: {orderNumber: "1"}) { id }',
        'node(id: "x") { id }',
        'nodes(ids: ["x"]) { id }',
        'route(handle: "x") { id }',
        'registration(id: "x") { id }',
    ],
    "orders:search": ["orders { nodes { id } }", "registrations { nodes { id } }"],
}


class TestScopes:
    @pytest.mark.parametrize(
        ("scope", "field"), [(scope, field) for scope, fields in ROOT_FIELDS.items() for field in fields]
    )
    async def test_a_question_takes_its_scope(self, gateway: Gateway, scope: str, field: str) -> None:
        others = Principal("x", None, frozenset(Scope) - {Scope.ADMIN, Scope(scope)})
        assert codes(await gateway.ask_as(others, f"{{ {field} }}")) == [("FORBIDDEN", scope)]
        enough = await gateway.ask_as(Principal("x", None, frozenset({Scope(scope)})), f"{{ {field} }}")
        assert "FORBIDDEN" not in {code for code, _scope in codes(enough)}

    async def test_a_write_takes_its_scope(self, gateway: Gateway) -> None:
        link = 'input: {orderNumber: "1", provider: "paypal", kind: "paypal_order_id", value: "A"}'
        query = f"mutation {{ linkOrder({link}) {{ userErrors {{ code }} }} }}"
        reader = Principal("x", None, frozenset({Scope.ORDERS_READ, Scope.ORDERS_SEARCH}))
        answer = await gateway.ask_as(reader, query)
        assert (answer["data"], codes(answer)) == ({"linkOrder": None}, [("FORBIDDEN", "orders:write")])

    async def test_whoever_may_only_write_reads_nothing_by_writing(self, gateway: Gateway) -> None:
        gateway.answers["karla"] = json_answer([{"order_number": "1", "currency": "EUR"}])
        link = 'input: {orderNumber: "1", provider: "paypal", kind: "paypal_order_id", value: "A"}'
        query = f"mutation {{ linkOrder({link}) {{ order {{ currency }} userErrors {{ code }} }} }}"
        answer = await gateway.ask_as(Principal("x", None, frozenset({Scope.ORDERS_WRITE})), query)
        assert answer["data"] == {"linkOrder": {"order": None, "userErrors": []}}
        assert codes(answer) == [("FORBIDDEN", "orders:read")]

    async def test_a_field_that_is_refused_takes_no_neighbour_with_it(self, gateway: Gateway) -> None:
        gateway.answers["karla"] = json_answer([{"order_number": "1"}])
        reader = Principal("x", None, frozenset({Scope.ORDERS_READ}))
        answer = await gateway.ask_as(
            reader, '{ orders { nodes { id } } order(by: {orderNumber: "1"}) { orderNumber } }'
        )
        assert answer["data"] == {"orders": None, "order": {"orderNumber": "1"}}
        assert codes(answer) == [("FORBIDDEN", "orders:search")]

    async def test_admin_holds_every_scope(self, gateway: Gateway) -> None:
        gateway.answers["karla"] = json_answer([{"order_number": "1", "email_id": "a@b.test"}])
        admin = Principal("x", None, frozenset({Scope.ADMIN}))
        answer = await gateway.ask_as(admin, '{ orders(filter: {emailId: "a@b.test"}) { nodes { emailId } } }')
        assert answer == {"data": {"orders": {"nodes": [{"emailId": "a@b.test"}]}}}

    async def test_a_principal_without_a_shop_finds_none(self, gateway: Gateway) -> None:
        nowhere = Principal("x", frozenset(), frozenset({Scope.ADMIN}))
        assert codes(await gateway.ask_as(nowhere, '{ order(by: {orderNumber: "1"}) { id } }')) == [
            ("UNKNOWN_SHOP", None)
        ]


class TestAnOrderToken:
    """Bound to one order by its number; what it may not see is refused before any provider is asked."""

    OURS = order_reader("token", OneOrder("acme", frozenset({OrderKey("order_number", "1")})), personal=False)

    async def test_it_reads_its_route_without_the_other_stops(self, gateway: Gateway) -> None:
        gateway.answers["hypertrack"] = json_answer(sample("hypertrack/order"))
        handle = sample("hypertrack/order")["order_handle"]
        ours = order_reader("token", OneOrder("acme", frozenset({OrderKey("order_handle", handle)})), personal=True)
        query = "query ($handle: String!) { order(by: {orderHandle: $handle}) { trackings { ... on RouteTracking { "
        answer = await gateway.ask_as(ours, query + "status route { stops { id } } } } } }", handle=handle)
        [tracking] = answer["data"]["order"]["trackings"]
        assert tracking["route"] is None
        assert codes(answer) == [("FORBIDDEN", "orders:read")]

    async def test_other_orders_of_its_name_are_not_told_to_it(self, gateway: Gateway) -> None:
        twins = [{"order_number": "1", "external_id": "a"}, {"order_number": "1", "external_id": "b"}]
        gateway.answers["karla"] = json_answer(twins)
        answer = await gateway.ask_as(self.OURS, '{ order(by: {orderNumber: "1"}) { currency } }')
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["AMBIGUOUS_REFERENCE"]
        assert "externalIds" not in answer["errors"][0]["extensions"]

    async def test_a_route_is_not_for_it(self, gateway: Gateway) -> None:
        answer = await gateway.ask_as(self.OURS, ROUTE, handle="R1")
        assert (answer["data"], codes(answer)) == ({"route": None}, [("FORBIDDEN", "orders:read")])


def test_open_fields_cost_nothing() -> None:
    """A guard around every field would be paid for by every answer."""
    guarded = {coordinate for coordinate, field in FIELDS.items() if field.resolve.__name__ == "guarded"}
    assert guarded == {coordinate for coordinate, rule in RULES.items() if rule != OPEN}
    assert READ in {RULES[each] for each in guarded}
