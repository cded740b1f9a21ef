"""Who is told of a shipment: decided by what providers can do and what is known of the order, before anything else."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from gateway.orders.identity import OrderKey
from gateway.orders.links import Problem
from gateway.orders.registration.plan import Plan, Planner
from gateway.orders.registration.shipment import Shipment
from gateway.orders.shops import RegistrationRules
from gateway.store.registrations import NewStep
from providers.base import Capability, ProviderProfile
from providers.drafts import DestinationDraft, RouteDraft, RouteOrderDraft
from providers.errors import OrderNotFound, ProviderServerFailed
from providers.models import InvoiceTracker, Reference, TrackerDraft, Tracking, TrackingStatus
from tests.databases import sqlite_url
from tests.gateway.orders.conftest import World, number
from tests.gateway.orders.providers import BILLINK, TrackingBook
from tests.gateway.orders.sinks import writable_hypertrack, writable_karla, writable_paypal

PARCEL = Shipment(tracking_number="N1", carrier="dhl")
DRIVEN = PARCEL.model_copy(
    update={"route": RouteDraft(orders=(RouteOrderDraft(order_handle="4711", destination=DestinationDraft()),))}
)

KARLA_STEP = NewStep("karla", (Reference(provider="karla", kind="order_number", value="4711"),))
HANDLE = Reference(provider="hypertrack", kind="order_handle", value="4711")


def paid(*ids: str) -> tuple[Reference, ...]:
    return tuple(Reference(provider="paypal", kind="paypal_order_id", value=id_) for id_ in ids)


def invoiced(*numbers: str) -> tuple[Reference, ...]:
    return tuple(Reference(provider="billink", kind="invoice_number", value=number) for number in numbers)


@dataclass
class InvoiceBook(TrackingBook):
    """A `TrackerSink`."""

    async def register_tracker(self, draft: TrackerDraft) -> Tracking:
        return InvoiceTracker(
            provider=self.profile.name,
            status=TrackingStatus.INFO_RECEIVED,
            store_id=1,
            tracker_id="T1",
            invoice_number=draft.reference.value,
        )


@pytest.fixture
def store_url(store_file: Path) -> str:
    """One database is enough: nothing is written here but links."""
    return sqlite_url(store_file)


@pytest.fixture
def shop(world: World) -> World:
    """A shop whose four providers can all be written to."""
    writable_karla(world)
    writable_paypal(world)
    writable_hypertrack(world)
    world.billink = InvoiceBook(BILLINK)
    world.shop = replace(world.shop, providers={**world.shop.providers, "billink": world.billink})
    return world


async def plan(
    world: World,
    shipment: Shipment = PARCEL,
    providers: Collection[str] | None = None,
    key: OrderKey | None = None,
) -> Plan | tuple[Problem, ...]:
    planner = Planner(world.directory(), world.operation())
    return await planner.plan(world.shop, key or number("4711"), shipment, providers)


async def steps(
    world: World,
    shipment: Shipment = PARCEL,
    providers: Collection[str] | None = None,
    key: OrderKey | None = None,
) -> tuple[NewStep, ...]:
    planned = await plan(world, shipment, providers, key)
    assert isinstance(planned, Plan), planned
    return planned.steps


async def problems(
    world: World,
    shipment: Shipment = PARCEL,
    providers: Collection[str] | None = None,
    key: OrderKey | None = None,
) -> list[tuple[str, str]]:
    planned = await plan(world, shipment, providers, key)
    assert not isinstance(planned, Plan), planned
    return [(problem.code, problem.member) for problem in planned]


def always(world: World) -> None:
    """Have Billink told without a link, too."""
    world.shop = replace(world.shop, registration={"billink": RegistrationRules(always=True)})


async def test_the_order_source_alone_is_told_where_nothing_else_is_known(shop: World) -> None:
    assert await steps(shop) == (KARLA_STEP,)
    assert shop.calls == {}


async def test_a_payment_is_told_where_it_is_linked_and_every_part_of_a_split_one_is_kept(shop: World) -> None:
    await shop.link("paypal", "paypal_order_id", "PAY1")
    await shop.link("paypal", "paypal_order_id", "PAY2")
    assert await steps(shop) == (KARLA_STEP, NewStep("paypal", paid("PAY1", "PAY2")))


async def test_an_invoice_is_told_where_it_is_linked_or_the_settings_say_always(shop: World) -> None:
    always(shop)
    assert (await steps(shop))[1:] == (NewStep("billink", invoiced("4711")),)
    shop.shop = replace(shop.shop, registration={})
    await shop.link("billink", "invoice_number", "INV-1")
    assert (await steps(shop))[1:] == (NewStep("billink", invoiced("INV-1")),)


async def test_always_cannot_tell_an_invoice_that_no_rule_names(shop: World) -> None:
    always(shop)
    shop.ruled({})
    assert await steps(shop) == (KARLA_STEP,)


async def test_drivers_are_told_when_there_is_a_route(shop: World) -> None:
    assert (await steps(shop, DRIVEN)) == (KARLA_STEP, NewStep("hypertrack", (HANDLE,)))


async def test_those_who_are_named_are_told_once_each_in_that_order_and_nobody_else(shop: World) -> None:
    await shop.link("paypal", "paypal_order_id", "PAY1")
    told = await steps(shop, providers=["billink", "karla", "billink"])
    assert told == (NewStep("billink", invoiced("4711")), KARLA_STEP)


async def test_an_order_named_by_its_payment_is_told_to_its_payment(shop: World) -> None:
    shop.without("karla")
    assert await steps(shop, key=OrderKey("paypal_order_id", "PAY9")) == (NewStep("paypal", paid("PAY9")),)


async def test_an_order_that_its_source_has_no_name_for_is_not_quietly_kept_from_it(shop: World) -> None:
    assert await problems(shop, key=OrderKey("paypal_order_id", "PAY9")) == [("REFERENCE_REQUIRED", "order")]


async def test_of_several_invoices_the_one_is_told_that_the_order_was_named_by(shop: World) -> None:
    for value in ("INV-1", "INV-2"):
        await shop.link("billink", "invoice_number", value)
    assert await problems(shop) == [("AMBIGUOUS_REFERENCE", "order")]
    named = await steps(shop, key=OrderKey("invoice_number", "INV-2"))
    assert named == (KARLA_STEP, NewStep("billink", invoiced("INV-2")))


@pytest.mark.parametrize(
    ("shipment", "providers", "expected"),
    [
        (PARCEL, ["nobody"], [("UNKNOWN_PROVIDER", "providers")]),
        (PARCEL, ["paypal"], [("REFERENCE_REQUIRED", "order")]),
        (PARCEL, ["hypertrack"], [("BAD_USER_INPUT", "route")]),
        (DRIVEN, ["karla"], [("BAD_USER_INPUT", "route")]),
        (PARCEL, [], [("CAPABILITY_MISSING", "providers")]),
        (PARCEL, ["nobody", "nobody else"], [("UNKNOWN_PROVIDER", "providers")] * 2),
        (PARCEL, ["paypal", "hypertrack"], [("REFERENCE_REQUIRED", "order"), ("BAD_USER_INPUT", "route")]),
    ],
)
async def test_what_cannot_be_told_is_a_problem(
    shop: World, shipment: Shipment, providers: list[str], expected: list[tuple[str, str]]
) -> None:
    assert await problems(shop, shipment, providers) == expected


async def test_a_provider_without_settings_cannot_be_named(shop: World) -> None:
    shop.without("billink")
    assert await problems(shop, providers=["billink"]) == [("PROVIDER_NOT_CONFIGURED", "providers")]


async def test_a_provider_that_only_answers_questions_cannot_be_named_and_is_left_out_else(shop: World) -> None:
    book = TrackingBook(BILLINK)
    shop.shop = replace(shop.shop, providers={**shop.shop.providers, "billink": book})
    always(shop)
    assert await problems(shop, providers=["billink"]) == [("CAPABILITY_MISSING", "providers")]
    assert await steps(shop) == (KARLA_STEP,)


async def test_an_invoice_without_a_number_cannot_be_named(shop: World) -> None:
    shop.ruled({})
    assert await problems(shop, providers=["billink"]) == [("REFERENCE_REQUIRED", "order")]


async def test_a_route_that_nobody_of_the_shop_drives_is_a_problem(shop: World) -> None:
    shop.without("hypertrack")
    assert await problems(shop, DRIVEN) == [("BAD_USER_INPUT", "route")]


async def test_a_shop_without_anyone_to_tell_accepts_nothing(shop: World) -> None:
    shop.without("karla", "hypertrack")
    assert await problems(shop) == [("CAPABILITY_MISSING", "providers")]


async def test_the_source_is_asked_once_for_the_number_that_links_and_rules_go_by(shop: World) -> None:
    await shop.link("paypal", "paypal_order_id", "PAY1")
    always(shop)
    planned = await plan(shop, key=OrderKey("external_id", "ext-4711"))
    assert isinstance(planned, Plan)
    assert planned.identity.order_number == "4711"
    assert planned.steps == (KARLA_STEP, NewStep("paypal", paid("PAY1")), NewStep("billink", invoiced("4711")))
    assert shop.calls == {"karla": 1}


async def test_nobody_is_asked_where_the_number_decides_nothing(shop: World) -> None:
    key = OrderKey("external_id", "ext-4711")
    (step,) = await steps(shop, providers=["karla"], key=key)
    assert step.references == (Reference(provider="karla", kind="external_id", value="ext-4711"),)
    assert shop.calls == {}


async def test_an_order_that_nobody_knows_is_not_accepted(shop: World) -> None:
    with pytest.raises(OrderNotFound):
        await plan(shop, key=OrderKey("external_id", "no-such-order"))


async def test_a_source_that_cannot_be_asked_for_the_number_is_told_as_that(shop: World) -> None:
    shop.karla.failure = ProviderServerFailed("karla", "find_order", 500)
    with pytest.raises(ProviderServerFailed):
        await plan(shop, key=OrderKey("external_id", "ext-4711"))


async def test_a_third_partys_provider_takes_part_by_what_it_can_do(shop: World) -> None:
    profile = ProviderProfile(
        name="ledgerly",
        title="Ledgerly",
        capabilities=frozenset({Capability.REGISTER_TRACKERS}),
        trust=9,
        reference_kinds=BILLINK.reference_kinds,
        finds_by=BILLINK.finds_by,
        times="none",
        concurrency=1,
        documentation="https://example.com",
    )
    shop.shop = replace(
        shop.shop,
        providers={**shop.shop.providers, "ledgerly": InvoiceBook(profile)},
        registration={"ledgerly": RegistrationRules(always=True)},
    )
    await shop.link("ledgerly", "invoice_number", "L-1")
    told = await steps(shop)
    assert told[1:] == (NewStep("ledgerly", (Reference(provider="ledgerly", kind="invoice_number", value="L-1"),)),)
