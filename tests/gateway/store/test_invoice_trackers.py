"""The ledger of invoice trackers and of registrations that were begun: the only record of what Billink was told."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone

import pytest

from gateway.store.database import Database
from gateway.store.invoice_trackers import MAY_RUN, ForgottenInvoices, InvoiceTrackers, NotBegun
from gateway.store.present import present_of
from providers.base import (
    LEDGER_TEXT_LIMIT,
    REGISTRATION_TIME_LIMIT,
    AttemptBegun,
    AttemptRunning,
    AttemptUnfinished,
)
from providers.models import Carrier, InvoiceTracker, Media, TrackingStatus
from tests.databases import store_threads_end

WINTER = timezone(timedelta(hours=1))
NAMED = ("1001", "POSTNL", "3SABCD")


@dataclass
class Ledger:
    """The trackers of shops of one store, by a clock that stands still until it is moved."""

    database: Database
    now: datetime = field(default_factory=lambda: datetime(2025, 2, 3, 12, tzinfo=UTC))

    def of(self, shop: str = "acme") -> InvoiceTrackers:
        return InvoiceTrackers(self.database, shop, present_of(self.database, lambda: self.now))

    async def begun(self) -> AttemptBegun:
        begun = await self.of().begin(*NAMED)
        assert isinstance(begun, AttemptBegun)
        return begun


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database)


def tracker(invoice: str = "1001", number: str = "3SABCD", carrier: str | None = "POSTNL") -> InvoiceTracker:
    return InvoiceTracker(
        provider="billink",
        tracking_number=number,
        tracking_url="https://example.com/3SABCD",
        carrier=Carrier(reference=carrier, name="PostNL") if carrier else None,
        status=TrackingStatus.INFO_RECEIVED,
        created_at=datetime(2025, 2, 3, 12, 0, 0, 980_000, tzinfo=WINTER),
        store_id=0,
        tracker_id="48213",
        invoice_number=invoice,
        billink_order_id="910027",
        media=(Media(type="image/png", content="aGVsbG8="),),
    )


async def test_every_member_comes_back_as_it_was_with_a_number_of_ours(database: Database) -> None:
    added = await InvoiceTrackers(database, "acme").add(tracker())
    assert added.store_id > 0
    assert added.model_copy(update={"store_id": 0}) == tracker()
    (found,) = await InvoiceTrackers(database, "acme").find_by_invoice("1001")
    assert found == added
    assert found.created_at is not None
    assert found.created_at.utcoffset() == timedelta(hours=1), "an offset that was stated is not lost"


async def test_an_invoice_answers_its_trackers_oldest_first(database: Database) -> None:
    trackers = InvoiceTrackers(database, "acme")
    for number in ("Z", "A", "M"):
        await trackers.add(tracker(number=number))
    await trackers.add(tracker(invoice="1002"))
    assert [each.tracking_number for each in await trackers.find_by_invoice("1001")] == ["Z", "A", "M"]


async def test_the_same_invoice_carrier_and_number_is_stored_once(database: Database) -> None:
    trackers = InvoiceTrackers(database, "acme")
    first = await trackers.add(tracker())
    again = await trackers.add(tracker().model_copy(update={"tracker_id": "other", "media": ()}))
    assert again == first
    assert await trackers.find_by_invoice("1001") == (first,)


@pytest.mark.parametrize(
    "other", [tracker(invoice="1002"), tracker(number="3SEFGH"), tracker(carrier="DHL"), tracker(carrier=None)]
)
async def test_another_invoice_carrier_or_number_is_another_tracker(database: Database, other: InvoiceTracker) -> None:
    trackers = InvoiceTrackers(database, "acme")
    assert (await trackers.add(tracker())).store_id != (await trackers.add(other)).store_id


async def test_a_tracker_is_found_by_our_number(database: Database) -> None:
    trackers = InvoiceTrackers(database, "acme")
    added = await trackers.add(tracker())
    assert await trackers.find_by_id(added.store_id) == added
    assert await trackers.find_by_id(added.store_id + 1) is None


async def test_shops_do_not_see_each_others_trackers(database: Database) -> None:
    added = await InvoiceTrackers(database, "acme").add(tracker())
    other = InvoiceTrackers(database, "other")
    assert await other.find_by_invoice("1001") == ()
    assert await other.find_by_id(added.store_id) is None
    assert (await other.add(tracker())).store_id != added.store_id


async def test_of_many_who_store_one_tracker_at_once_all_get_the_same(store_url: str) -> None:
    databases = [Database(store_url) for _ in range(4)]
    stored = await asyncio.gather(*(InvoiceTrackers(databases[n % 4], "acme").add(tracker()) for n in range(16)))
    assert len({each.store_id for each in stored}) == 1
    assert len(await InvoiceTrackers(databases[0], "acme").find_by_invoice("1001")) == 1
    for database in databases:
        await database.aclose()


async def test_what_is_forgotten_is_counted_and_gone(ledger: Ledger) -> None:
    """Of the invoices named and of this shop: trackers, the media in them, and attempts."""
    for number in ("A", "B"):
        await ledger.of().add(tracker(number=number))
    await ledger.begun()
    kept = await ledger.of().add(tracker(invoice="1002"))
    elsewhere = await ledger.of("other").add(tracker())
    assert await ledger.of().forget(["1001", "1003"]) == ForgottenInvoices(trackers=2, media=2, attempts=1)
    assert await ledger.of().find_by_invoice("1001") == ()
    assert await ledger.of().find_by_invoice("1002") == (kept,)
    assert await ledger.of("other").find_by_invoice("1001") == (elsewhere,)
    await ledger.begun()
    assert await ledger.of().forget([]) == ForgottenInvoices(0, 0, 0)


# Attempts


async def test_what_is_stored_is_not_begun(ledger: Ledger) -> None:
    added = await ledger.of().add(tracker())
    assert await ledger.of().begin(*NAMED) == added
    ledger.now += MAY_RUN * 2
    assert await ledger.of().begin(*NAMED) == added


async def test_an_attempt_is_running_for_its_time_and_unfinished_afterwards(ledger: Ledger) -> None:
    """What may run for the adapter's limit has some time more, in which its answer is stored."""
    await ledger.begun()
    for passed in (timedelta(), REGISTRATION_TIME_LIMIT, MAY_RUN - REGISTRATION_TIME_LIMIT - timedelta(seconds=1)):
        ledger.now += passed
        assert await ledger.of().begin(*NAMED) == AttemptRunning()
    for passed in (timedelta(seconds=1), timedelta(days=365)):
        ledger.now += passed
        assert await ledger.of().begin(*NAMED) == AttemptUnfinished()


async def test_a_tracker_ends_its_attempt(ledger: Ledger) -> None:
    await ledger.begun()
    added = await ledger.of().add(tracker())
    ledger.now += MAY_RUN * 2
    assert await ledger.of().begin(*NAMED) == added


async def test_an_attempt_that_came_to_nothing_frees_the_way(ledger: Ledger) -> None:
    await ledger.of().abandon(await ledger.begun())
    await ledger.begun()


async def test_an_attempt_that_was_given_up_cannot_free_the_way_of_the_next_one(ledger: Ledger) -> None:
    """A process that stood still meanwhile wakes up and is refused."""
    first = await ledger.begun()
    ledger.now += MAY_RUN
    await ledger.of().forget_attempt(*NAMED)
    second = await ledger.begun()
    await ledger.of().abandon(first)
    assert await ledger.of().begin(*NAMED) == AttemptRunning()
    await ledger.of().abandon(second)
    await ledger.begun()


async def test_only_an_unfinished_attempt_can_be_forgotten(ledger: Ledger) -> None:
    await ledger.begun()
    await ledger.of().forget_attempt(*NAMED)
    assert await ledger.of().begin(*NAMED) == AttemptRunning()
    ledger.now += MAY_RUN
    await ledger.of().forget_attempt(*NAMED)
    await ledger.begun()


@pytest.mark.parametrize(
    "other", [("1002", "POSTNL", "3SABCD"), ("1001", "DHL", "3SABCD"), ("1001", "POSTNL", "3SEFGH")]
)
async def test_attempts_are_of_one_invoice_carrier_and_number(ledger: Ledger, other: tuple[str, str, str]) -> None:
    await ledger.begun()
    assert isinstance(await ledger.of().begin(*other), AttemptBegun)
    assert isinstance(await ledger.of("other").begin(*NAMED), AttemptBegun)


async def test_the_longest_texts_can_be_begun_and_stored(ledger: Ledger) -> None:
    named = tuple(letter * LEDGER_TEXT_LIMIT for letter in "ié包")
    assert isinstance(await ledger.of().begin(*named), AttemptBegun)
    added = await ledger.of().add(tracker(invoice=named[0], carrier=named[1], number=named[2]))
    assert await ledger.of().begin(*named) == added


async def test_without_another_clock_the_databases_counts(database: Database) -> None:
    trackers = InvoiceTrackers(database, "acme")
    begun = await trackers.begin(*NAMED)
    assert isinstance(begun, AttemptBegun)
    assert abs(begun.begun_at - datetime.now(UTC).timestamp()) < 60
    assert await trackers.begin(*NAMED) == AttemptRunning()
    await trackers.abandon(begun)
    assert isinstance(await trackers.begin(*NAMED), AttemptBegun)


async def test_of_many_who_begin_and_end_at_once_one_is_to_make_each_call(store_url: str) -> None:
    """However the transactions of workers fall: nobody begins what another is ending."""
    databases = [Database(store_url) for _ in range(4)]
    calls: list[str] = []

    async def register(trackers: InvoiceTrackers, number: str) -> int:
        while True:
            begun = await trackers.begin("1001", "POSTNL", number)
            if isinstance(begun, AttemptBegun):
                calls.append(number)
                return (await trackers.add(tracker(number=number))).store_id
            if isinstance(begun, InvoiceTracker):
                return begun.store_id
            assert begun == AttemptRunning()

    numbers = [f"3S{n:02}" for n in range(12)]
    for number in numbers:
        async with asyncio.timeout(30):
            workers = [InvoiceTrackers(databases[n % 4], "acme") for n in range(8)]
            assert len(set(await asyncio.gather(*(register(worker, number) for worker in workers)))) == 1
    assert calls == numbers
    for database in databases:
        await database.aclose()


async def test_a_store_that_fails_before_the_call_says_so() -> None:
    """Nothing may be sent, so nothing is unknown."""
    database = Database("sqlite+aiosqlite:////nowhere/at/all/store.db")
    with pytest.raises(NotBegun):
        await InvoiceTrackers(database, "acme").begin(*NAMED)
    await database.aclose()
    await store_threads_end()
