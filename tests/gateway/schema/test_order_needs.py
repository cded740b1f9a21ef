"""The table between the published order and the loads."""

from __future__ import annotations

import pytest
from graphql import GraphQLObjectType

from gateway.orders.needs import Need, Part
from gateway.schema.order_needs import FIELD_PARTS, ORDER_TYPE, SelectedNeeds, all_needs, need_for
from gateway.schema.published import schema
from gateway.schema.types.connection import OrderConnection
from providers.models import Order


def order_fields() -> GraphQLObjectType:
    kind = schema._schema.type_map[ORDER_TYPE]
    assert isinstance(kind, GraphQLObjectType)
    return kind


def test_the_table_covers_exactly_the_fields_of_an_order() -> None:
    """A field without a row could not be selected; a row without a field would hide a mistake."""
    assert set(FIELD_PARTS) - {"__typename"} == set(order_fields().fields)


def test_what_takes_providers_is_what_asks_for_trackings() -> None:
    """A field that may ask several providers lets the client choose among them, and no other does."""
    choosing = {name for name, field in order_fields().fields.items() if "providers" in field.args}
    asking = {name for name, part in FIELD_PARTS.items() if part in (Part.TRACKINGS, Part.ESTIMATE, Part.STATUS)}
    assert choosing == asking


def test_every_part_is_needed_by_a_field() -> None:
    assert {part for part in FIELD_PARTS.values() if part} == set(Part)


def test_what_the_order_source_alone_tells_is_read_from_it() -> None:
    names = {"order_number", "order_name", "external_id", "uuid", "trackings"}
    of_the_source = {name for name in Order.model_fields if name not in names}
    details = {name for name, part in FIELD_PARTS.items() if part is Part.DETAILS}
    assert len(details) == len(of_the_source) + 1, "and `status`, which is made of them"


@pytest.mark.parametrize(
    ("field", "providers", "need"),
    [
        ("trackings", None, Need(Part.TRACKINGS)),
        ("events", ["karla", "karla"], Need(Part.TRACKINGS, frozenset({"karla"}))),
        ("estimatedArrival", [], Need(Part.ESTIMATE, frozenset())),
        ("trackings", ["dhl"], Need(Part.TRACKINGS, frozenset())),
        ("deliveryStatus", ["dhl", "paypal", "x" * 9_000], Need(Part.STATUS, frozenset({"paypal"}))),
        ("placedAt", None, Need(Part.DETAILS)),
    ],
)
def test_the_need_of_a_field(field: str, providers: list[str] | None, need: Need) -> None:
    assert need_for(field, providers) == need


def test_equal_needs_of_a_field_are_one_object() -> None:
    """What is remembered by needs is no larger for being asked again in other words."""
    assert need_for("events", ["paypal", "karla"]) is need_for("events", ["karla", "dhl", "paypal", "karla"])


@pytest.mark.parametrize("field", ["id", "sources", "masked", "shop", "__typename"])
def test_a_field_that_asks_nobody_has_no_need(field: str) -> None:
    assert FIELD_PARTS[field] is None
    with pytest.raises(KeyError):
        need_for(field)


def test_each_need_counts_once_however_many_fields_have_it() -> None:
    details, trackings = Need(Part.DETAILS), Need(Part.TRACKINGS)
    one = SelectedNeeds((("placedAt", details), ("a", trackings), ("b", details)))
    assert one.needs == (details, trackings)
    assert all_needs([one, SelectedNeeds((("c", trackings),))]) == (details, trackings)


def test_a_page_selects_orders_in_two_ways() -> None:
    """`order_places` looks below `nodes` and `edges { node }`; a third way would not be loaded."""
    connection = schema._schema.type_map[OrderConnection.__name__]
    assert isinstance(connection, GraphQLObjectType)
    assert set(connection.fields) == {"nodes", "edges", "pageInfo"}
