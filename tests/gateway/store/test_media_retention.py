"""Media are kept for a time; the trackers that they were registered with stay."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.store.database import Database
from gateway.store.invoice_trackers import InvoiceTrackers
from gateway.store.present import present_of
from providers.models import Carrier, InvoiceTracker, Media, TrackingStatus
from tests.databases import downgrade
from tests.gateway.freshness.conftest import HandClock

RETENTION = timedelta(days=30)
PICTURE = Media(type="image/png", content="aGFsbG8=")


def tracker(number: str, *media: Media) -> InvoiceTracker:
    return InvoiceTracker(
        provider="billink",
        store_id=0,
        tracker_id=number,
        invoice_number="R-1",
        tracking_number=number,
        carrier=Carrier(reference="DHL"),
        status=TrackingStatus.INFO_RECEIVED,
        media=media,
    )


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def trackers(database: Database, clock: HandClock) -> InvoiceTrackers:
    return InvoiceTrackers(database, "acme", present_of(database, clock))


async def media_of(trackers: InvoiceTrackers) -> dict[str | None, tuple[Media, ...]]:
    return {found.tracking_number: found.media for found in await trackers.find_by_invoice("R-1")}


async def test_contents_go_after_their_time_and_the_trackers_stay(trackers: InvoiceTrackers, clock: HandClock) -> None:
    await trackers.add(tracker("OLD", PICTURE, PICTURE))
    await trackers.add(tracker("BARE"))
    clock.advance(RETENTION.total_seconds())
    await trackers.add(tracker("NEW", PICTURE))
    clock.advance(1)

    assert await trackers.purge_media(RETENTION) == 1
    emptied = Media(type="image/png")
    assert await media_of(trackers) == {"OLD": (emptied, emptied), "BARE": (), "NEW": (PICTURE,)}
    assert await trackers.purge_media(RETENTION) == 0


async def test_more_than_are_purged_at_once(trackers: InvoiceTrackers, clock: HandClock) -> None:
    for number in range(45):
        await trackers.add(tracker(str(number), PICTURE))
    clock.advance(RETENTION.total_seconds() + 1)

    assert await trackers.purge_media(RETENTION) == 45


async def test_another_shops_media_stay(database: Database, trackers: InvoiceTrackers, clock: HandClock) -> None:
    other = InvoiceTrackers(database, "other", present_of(database, clock))
    await other.add(tracker("T1", PICTURE))
    clock.advance(RETENTION.total_seconds() + 1)

    assert await trackers.purge_media(RETENTION) == 0
    assert await media_of(other) == {"T1": (PICTURE,)}


async def test_the_time_of_media_from_before_it_was_counted_begins_with_the_migration(database: Database) -> None:
    trackers = InvoiceTrackers(database, "acme")
    await trackers.add(tracker("OLD", PICTURE))
    await trackers.add(tracker("BARE"))
    await downgrade(database, "0001")
    await database.migrate()

    assert await trackers.purge_media(timedelta(hours=1)) == 0
    assert await trackers.purge_media(timedelta(hours=-1)) == 1
