"""The directory: what an order is called elsewhere, from rules, links and what providers say. It asks nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, event

from gateway.orders.directory import provider_of_kind, reference_kinds
from gateway.orders.identity import OrderIdentity, OrderKey, ReferenceOrigin, identity_of
from providers.models import Reference
from providers.registry import provider_specs
from tests.gateway.orders.builders import placed
from tests.gateway.orders.conftest import World


def paypal(value: str) -> Reference:
    return Reference(provider="paypal", kind="paypal_order_id", value=value)


def handle(value: str) -> Reference:
    return Reference(provider="hypertrack", kind="order_handle", value=value)


@contextmanager
def statements_sent() -> Iterator[list[str]]:
    """What the store is asked, by whatever connection."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@pytest.mark.parametrize(
    ("key", "known"),
    [
        (OrderKey("order_number", "4711"), {"order_number": "4711"}),
        (OrderKey("external_id", "X1"), {"external_id": "X1"}),
        (OrderKey("order_handle", "4711"), {"order_number": "4711", "given": handle("4711")}),
        (OrderKey("paypal_order_id", "PAY9"), {"given": paypal("PAY9")}),
        (OrderKey("paypal_order_id", "PAY1"), {"order_number": "4711"}),
    ],
)
async def test_what_a_key_tells_without_asking(world: World, key: OrderKey, known: dict[str, object]) -> None:
    await world.link("paypal", "paypal_order_id", "PAY1")
    assert await world.directory().identify(world.shop, key) == OrderIdentity("acme", **known)  # type: ignore[arg-type]
    assert world.calls == {}


@pytest.mark.parametrize(
    ("rule", "value", "known"),
    [
        ("web-{order_number}", "web-4711", {"order_number": "4711"}),
        ("{external_id}", "X1", {"external_id": "X1"}),
        ("web-{order_number}", "4711", {}),  # cannot have been made by the rule
        ("{order_number}-{order_name}", "1-2-3", {}),  # more than one reading
    ],
)
async def test_a_rule_is_read_backwards_only_where_that_is_certain(
    world: World, rule: str, value: str, known: dict[str, str]
) -> None:
    world.ruled({("hypertrack", "order_handle"): rule})
    found = await world.directory().identify(world.shop, OrderKey("order_handle", value))
    assert found == OrderIdentity("acme", given=handle(value), **known)  # type: ignore[arg-type]


async def test_a_link_counts_before_the_rule_read_backwards(world: World) -> None:
    await world.link("hypertrack", "order_handle", "4712", order_number="4711")
    found = await world.directory().identify(world.shop, OrderKey("order_handle", "4712"))
    assert found == OrderIdentity("acme", order_number="4711")


async def test_links_belong_to_one_shop(world: World) -> None:
    await world.links.add("other", "1", paypal("PAY1"), world.clock())
    found = await world.directory().identify(world.shop, OrderKey("paypal_order_id", "PAY1"))
    assert found.order_number is None


async def test_what_a_provider_can_be_asked_by_is_each_reference_once(world: World) -> None:
    await world.link("paypal", "paypal_order_id", "PAY1")
    identity = OrderIdentity("acme", order_number="4711", given=paypal("PAY1"), told=(paypal("PAY2"), paypal("PAY1")))
    assert await world.directory().askable(world.shop, identity, "paypal") == (paypal("PAY1"), paypal("PAY2"))


async def test_a_reference_of_a_kind_that_finds_nothing_is_not_asked_by(world: World) -> None:
    told = Reference(provider="hypertrack", kind="route_handle", value="R1")
    identity = OrderIdentity("acme", order_number="4711", told=(told,))
    assert await world.directory().askable(world.shop, identity, "hypertrack") == (handle("4711"),)


async def test_of_one_reference_known_twice_the_strongest_origin_is_told(world: World) -> None:
    await world.link("hypertrack", "order_handle", "4711")
    found = await world.directory().references(world.shop, OrderIdentity("acme", order_number="4711"))
    assert [(known.reference.kind, known.origin) for known in found] == [
        ("order_number", ReferenceOrigin.PROVIDER),
        ("order_handle", ReferenceOrigin.LINK),
        ("invoice_number", ReferenceOrigin.RULE),
    ]


async def test_without_an_order_source_the_orders_own_names_are_no_references(world: World) -> None:
    world.without("karla")
    found = await world.directory().references(world.shop, OrderIdentity("acme", order_number="4711"))
    assert {known.reference.kind for known in found} == {"order_handle", "invoice_number"}


async def test_the_links_of_many_orders_are_read_together(world: World) -> None:
    """A list of 30 orders must not be 30 questions to the store."""
    directory = world.directory()
    with statements_sent() as statements:
        await asyncio.gather(*(directory.links(OrderIdentity("acme", order_number=str(n))) for n in range(30)))
        await directory.links(OrderIdentity("acme", order_number="7"))
    assert len(statements) == 1


async def test_a_link_made_by_the_same_operation_is_seen_once_links_are_forgotten(world: World) -> None:
    directory, identity = world.directory(), OrderIdentity("acme", order_number="4711")
    assert await directory.links(identity) == ()
    await world.link("paypal", "paypal_order_id", "PAY1")
    directory.forget_links()
    assert await directory.links(identity) == (paypal("PAY1"),)


def test_every_reference_kind_belongs_to_one_provider() -> None:
    """`linkOrder(kind:)` and `OrderBy` name kinds without providers."""
    kinds = [kind.name for spec in provider_specs().values() for kind in spec.profile.reference_kinds]
    assert len(kinds) == len(set(kinds)) == len(reference_kinds())
    assert all(provider_of_kind(kind) in provider_specs() for kind in kinds)


class TestIdentity:
    """Names that are learnt on the way."""

    def test_the_best_key_is_the_number_whenever_that_is_known(self) -> None:
        identity = OrderIdentity("acme", external_id="X1", given=paypal("PAY1"))
        assert identity.best_key == OrderKey("external_id", "X1")
        assert identity.learnt_from(placed("4711")).best_key == OrderKey("order_number", "4711")

    def test_an_order_known_by_a_reference_alone_is_asked_for_by_that(self) -> None:
        assert OrderIdentity("acme", given=paypal("PAY1")).best_key == OrderKey("paypal_order_id", "PAY1")

    def test_an_order_without_any_name_has_no_key(self) -> None:
        with pytest.raises(ValueError, match="without any name"):
            _ = OrderIdentity("acme").best_key

    def test_what_the_source_does_not_tell_is_not_forgotten(self) -> None:
        assert OrderIdentity("acme", order_name="IXF").learnt_from(placed("4711")).order_name == "IXF"

    def test_a_reference_that_is_told_twice_is_kept_once(self) -> None:
        identity = OrderIdentity("acme").told_also((paypal("PAY1"),)).told_also((paypal("PAY1"), paypal("PAY2")))
        assert identity.told == (paypal("PAY1"), paypal("PAY2"))

    def test_an_order_that_was_found_has_all_its_names(self) -> None:
        identity = identity_of("acme", placed("4711", order_name="IXF", external_id="X1"))
        assert identity.names == {"order_number": "4711", "order_name": "IXF", "external_id": "X1", "uuid": None}
