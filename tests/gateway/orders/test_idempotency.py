"""A write with a key is made once: what is kept of it, who makes it again, and who only waits."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from gateway.orders.attempts import Attempt
from gateway.orders.errors import (
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
    ProviderNotConfigured,
)
from gateway.orders.idempotency import Idempotency, Made, NamedOrder, Outcome
from gateway.resilience.deadline import Deadline
from gateway.store.database import Database, StoreUnavailable
from gateway.store.idempotency_keys import LEASE, IdempotencyKeys, KeyedWrite
from gateway.store.present import present_of
from gateway.store.tables import IdempotencyKeyRow
from providers.errors import OrderNotFound, OutcomeUnknown, ProviderUnavailable, RequestRejected, Violation
from providers.models import InvoiceTracker, Media, Route, RouteTracking, TrackingStatus
from tests.databases import sqlite_url
from tests.gateway.orders.conftest import HandClock

Make = Callable[[Attempt], Awaitable[Made]]

WRITE = KeyedWrite("acme", "key", "placeOrder", "a" * 64)
MADE = Made(
    orders=(NamedOrder(kind="order_number", value="4711"),),
    tracking=InvoiceTracker(
        provider="billink",
        status=TrackingStatus.INFO_RECEIVED,
        store_id=7,
        tracker_id="1",
        invoice_number="4711",
        media=(Media(type="image/png", content="iVBORw0KGgo="),),
    ),
)


class Steps:
    """A write that ends as it is told to, and remembers by whom it was asked for."""

    def __init__(self, *endings: Made | Exception) -> None:
        self._endings = list(endings)
        self.attempts: list[Attempt] = []

    async def __call__(self, attempt: Attempt) -> Made:
        self.attempts.append(attempt)
        ending = self._endings.pop(0)
        if isinstance(ending, Exception):
            raise ending
        return ending

    @property
    def repeated(self) -> list[bool]:
        return [attempt.repeated for attempt in self.attempts]


@dataclass(frozen=True)
class World:
    """The keys of a store, and operations that use them."""

    keys: IdempotencyKeys
    clock: HandClock

    async def once(self, make: Make, write: KeyedWrite | None = WRITE, seconds: float = 30) -> Outcome:
        """What one more operation gets, whose deadline is `seconds` away."""
        return await Idempotency(self.keys, Deadline.after(seconds)).once(write, make)


@pytest.fixture
def world(database: Database) -> World:
    clock = HandClock()
    return World(IdempotencyKeys(database, present_of(database, clock)), clock)


async def test_without_a_key_each_is_made(world: World) -> None:
    make = Steps(MADE, MADE)
    assert [await world.once(make, None), await world.once(make, None)] == [Outcome(MADE), Outcome(MADE)]
    first, second = make.attempts
    assert (first.request_id != second.request_id, make.repeated) == (True, [False, False])


async def test_the_same_again_is_answered_what_was_made(world: World) -> None:
    make = Steps(MADE)
    assert await world.once(make) == Outcome(MADE)
    again = await world.once(make)
    assert (again.is_kept, again.made.orders) == (True, MADE.orders)
    assert isinstance(again.made.tracking, InvoiceTracker)
    assert again.made.tracking.store_id == 7
    assert make.repeated == [False]


async def test_contents_of_parcels_and_whereabouts_of_drivers_are_not_kept(world: World, database: Database) -> None:
    stop = RouteTracking(provider="hypertrack", status=TrackingStatus.PENDING, order_handle="secret-stop")
    await world.once(Steps(MADE.model_copy(update={"route": Route(route_handle="R1", stops=(stop,))})))
    async with database.reading() as connection:
        kept, order_number = (
            await connection.execute(select(IdempotencyKeyRow.outcome, IdempotencyKeyRow.order_number))
        ).one()
    assert "iVBORw0KGgo=" not in str(kept)
    assert "secret-stop" not in str(kept)
    assert kept["route"]["route_handle"] == "R1"
    assert order_number == "4711", "so that it can be forgotten with the order"


@pytest.mark.parametrize(
    "other",
    [replace(WRITE, input_hash="b" * 64), replace(WRITE, operation="upsertOrder")],
    ids=["another input", "another mutation"],
)
async def test_a_key_is_good_for_one_thing(world: World, other: KeyedWrite) -> None:
    await world.once(Steps(MADE))
    make = Steps(MADE)
    with pytest.raises(IdempotencyKeyReused):
        await world.once(make, other)
    assert make.attempts == []


async def test_a_key_belongs_to_a_shop(world: World) -> None:
    make = Steps(MADE, MADE)
    await world.once(make)
    await world.once(make, replace(WRITE, shop="other"))
    first, second = make.attempts
    assert (first.request_id != second.request_id, make.repeated) == (True, [False, False])


REFUSALS = {
    "rejected": RequestRejected(
        "karla", "place_order", provider_code="validation", violations=(Violation(("address", "zip_code"), "bad"),)
    ),
    "not found": OrderNotFound("paypal", "cancel_tracker"),
}


@pytest.mark.parametrize("kind", REFUSALS)
async def test_a_refusal_is_told_again_without_asking(world: World, kind: str) -> None:
    refusal = REFUSALS[kind]
    make = Steps(refusal)
    with pytest.raises(type(refusal)) as first:
        await world.once(make)
    assert first.value is refusal
    with pytest.raises(type(refusal)) as again:
        await world.once(make)
    told = ("code", "message", "provider", "operation", "provider_code", "violations")
    assert [getattr(again.value, name, None) for name in told] == [getattr(refusal, name, None) for name in told]


NOTHING_SENT = (
    ProviderUnavailable("karla", "place_order"),
    ProviderNotConfigured("This shop has no provider that takes orders."),
    StoreUnavailable("locked"),
)


@pytest.mark.parametrize("error", NOTHING_SENT, ids=lambda error: type(error).__name__)
async def test_what_was_not_sent_gives_its_key_back(world: World, error: Exception) -> None:
    make = Steps(error, MADE)
    with pytest.raises(type(error)):
        await world.once(make)
    assert await world.once(make) == Outcome(MADE)
    assert make.repeated == [False, False]


async def test_a_key_that_was_given_back_is_good_for_another_input(world: World) -> None:
    with pytest.raises(ProviderUnavailable):
        await world.once(Steps(ProviderUnavailable("karla", "place_order")))
    assert await world.once(Steps(MADE), replace(WRITE, input_hash="b" * 64)) == Outcome(MADE)


async def test_what_may_have_been_made_is_made_again_as_a_repetition(world: World) -> None:
    make = Steps(OutcomeUnknown("karla", "place_order"), MADE)
    with pytest.raises(OutcomeUnknown):
        await world.once(make)
    assert await world.once(make) == Outcome(MADE)
    first, second = make.attempts
    assert (make.repeated, second.request_id) == ([False, True], first.request_id)


async def test_a_repetition_that_is_not_taken_says_nothing_about_the_one_before(world: World) -> None:
    make = Steps(OutcomeUnknown("karla", "place_order"), ProviderUnavailable("karla", "place_order"), MADE)
    for failure in (OutcomeUnknown, ProviderUnavailable):
        with pytest.raises(failure):
            await world.once(make)
    with pytest.raises(IdempotencyKeyReused):
        await world.once(make, replace(WRITE, input_hash="b" * 64))
    assert await world.once(make) == Outcome(MADE)
    assert make.repeated == [False, True, True]


class TestAtTheSameTime:
    """One makes it, under a lease; who comes meanwhile waits as long as it may."""

    async def test_the_second_waits_and_is_answered_what_the_first_made(self, world: World) -> None:
        begun, end = asyncio.Event(), asyncio.Event()

        async def make(_attempt: Attempt) -> Made:
            begun.set()
            await end.wait()
            return MADE

        first = asyncio.create_task(world.once(make))
        await begun.wait()
        second = asyncio.create_task(world.once(Steps()))
        asyncio.get_running_loop().call_later(0.15, end.set)
        assert (await first).is_kept is False
        assert (await second).is_kept is True

    async def test_who_cannot_wait_any_longer_is_told(self, world: World) -> None:
        make = Steps()

        async def asked_meanwhile(_attempt: Attempt) -> Made:
            with pytest.raises(IdempotencyKeyInUse):
                await world.once(make, seconds=0)
            return MADE

        assert await world.once(asked_meanwhile) == Outcome(MADE)
        assert make.attempts == []

    async def test_a_lease_that_is_over_is_taken_over_and_the_late_one_changes_nothing(self, world: World) -> None:
        make = Steps(MADE)

        async def dies(_attempt: Attempt) -> Made:
            world.clock.advance(LEASE + timedelta(seconds=1))
            assert await world.once(make) == Outcome(MADE)
            raise ProviderUnavailable("karla", "place_order")

        with pytest.raises(ProviderUnavailable):
            await world.once(dies)
        assert make.repeated == [True]
        assert (await world.once(Steps())).is_kept, "what the second made is kept, whatever the first says afterwards"


async def test_a_store_that_fails_afterwards_does_not_hide_what_was_made(
    store_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = Database(sqlite_url(store_file))
    world = World(IdempotencyKeys(database, present_of(database)), HandClock())

    async def make(_attempt: Attempt) -> Made:
        async with database.writing() as connection:
            await connection.execute(text("DROP TABLE idempotency_keys"))
        return MADE

    with caplog.at_level(logging.ERROR):
        assert await world.once(make) == Outcome(MADE)
    assert "what became of a write is not in the store" in caplog.text
    await database.aclose()
