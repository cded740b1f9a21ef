"""The ledger of registered invoice trackers: the only record of what Billink was told."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from gateway.store.database import Database
from gateway.store.invoice_trackers import InvoiceTrackers
from providers.models import Carrier, InvoiceTracker, Media, TrackingStatus
from tests.gateway.conftest import sqlite_url

WINTER = timezone(timedelta(hours=1))


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


async def test_a_tracker_is_found_by_what_identifies_it(database: Database) -> None:
    trackers = InvoiceTrackers(database, "acme")
    added = await trackers.add(tracker())
    assert await trackers.find("1001", "POSTNL", "3SABCD") == added
    assert await trackers.find("1001", "DHL", "3SABCD") is None
    assert await trackers.find_by_id(added.store_id) == added
    assert await trackers.find_by_id(added.store_id + 1) is None


async def test_shops_do_not_see_each_others_trackers(database: Database) -> None:
    added = await InvoiceTrackers(database, "acme").add(tracker())
    other = InvoiceTrackers(database, "other")
    assert await other.find_by_invoice("1001") == ()
    assert await other.find_by_id(added.store_id) is None
    assert (await other.add(tracker())).store_id != added.store_id


async def test_of_many_who_store_one_tracker_at_once_all_get_the_same(store_file: Path) -> None:
    databases = [Database(sqlite_url(store_file)) for _ in range(4)]
    stored = await asyncio.gather(*(InvoiceTrackers(databases[n % 4], "acme").add(tracker()) for n in range(16)))
    assert len({each.store_id for each in stored}) == 1
    assert len(await InvoiceTrackers(databases[0], "acme").find_by_invoice("1001")) == 1
    for database in databases:
        await database.aclose()
