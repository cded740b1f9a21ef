"""The index of tracking numbers: written behind the answers, found at once, and never in the way of a read."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.orders.needs import Part
from gateway.orders.sightings import Sightings
from gateway.store.database import Database
from gateway.store.tracking_numbers import Sighting, TrackingNumbers
from tests.databases import sqlite_url
from tests.gateway.orders.builders import parcel, placed
from tests.gateway.orders.conftest import World, need, number


class CountedIndex(TrackingNumbers):
    """The real index, which tells what was written to it."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.written: list[list[Sighting]] = []

    async def add(self, sightings: Iterable[Sighting]) -> None:
        batch = list(sightings)
        self.written.append(batch)
        await super().add(batch)


async def test_what_was_noted_is_found_at_once(database: Database) -> None:
    sightings = Sightings(TrackingNumbers(database))
    sightings.note("acme", placed("4711", trackings=(parcel(number="P1"), parcel(number="P2"))))
    assert await sightings.find_order_numbers("acme", "P2") == ("4711",)
    assert await sightings.find_order_numbers("other", "P2") == ()
    assert await sightings.find_order_numbers("acme", "P3") == ()


async def test_what_is_noted_together_is_written_together_and_once(database: Database) -> None:
    index = CountedIndex(database)
    sightings = Sightings(index)
    for place in range(30):
        sightings.note("acme", placed(str(place), trackings=(parcel(number=f"P{place}"),)))
    await sightings.flush()
    sightings.note("acme", placed("7", trackings=(parcel(number="P7"),)))
    await sightings.flush()
    assert [len(batch) for batch in index.written] == [30]


async def test_what_follows_shortly_is_written_with_it(database: Database) -> None:
    """Under load every request would otherwise bring a transaction of its own."""
    index = CountedIndex(database)
    sightings = Sightings(index)
    for place in range(3):
        sightings.note_number("acme", f"P{place}", str(place))
        for _ in range(5):  # more steps than writing would take
            await asyncio.sleep(0)
    await sightings.flush()
    assert [len(batch) for batch in index.written] == [3]


async def test_what_is_noted_while_a_batch_is_written_is_not_lost(database: Database) -> None:
    sightings = Sightings(TrackingNumbers(database))
    sightings.note_number("acme", "P1", "1")
    await asyncio.sleep(0)  # the writer has begun
    sightings.note_number("acme", "P2", "2")
    assert await sightings.find_order_numbers("acme", "P2") == ("2",)


async def test_an_order_without_a_number_or_parcels_without_one_are_passed_over(database: Database) -> None:
    index = CountedIndex(database)
    sightings = Sightings(index)
    sightings.note("acme", placed(None, trackings=(parcel(number="P1"),)))
    sightings.note("acme", placed("4711", trackings=(parcel().model_copy(update={"tracking_number": None}),)))
    await sightings.flush()
    assert index.written == []


async def test_a_store_that_cannot_be_written_costs_the_index_and_no_answer(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = Database(sqlite_url(tmp_path / "never-migrated.db"))
    world.services = replace(world.services, sightings=Sightings(TrackingNumbers(broken)))
    world.karla.orders = [placed(trackings=(parcel(number="P1"),))]
    with caplog.at_level(logging.ERROR):
        order = await world.order(need(Part.DETAILS))
        await world.services.sightings.flush()
    assert order.details == world.karla.orders[0]
    assert "1 sightings lost" in caplog.text
    await broken.aclose()


async def test_what_could_not_be_written_is_written_when_it_is_seen_again(tmp_path: Path) -> None:
    broken = Database(sqlite_url(tmp_path / "never-migrated.db"))
    sightings = Sightings(TrackingNumbers(broken))
    sightings.note_number("acme", "P1", "4711")
    await sightings.flush()
    await broken.migrate()
    sightings.note_number("acme", "P1", "4711")
    assert await sightings.find_order_numbers("acme", "P1") == ("4711",)
    await broken.aclose()


async def test_the_pages_of_a_search_fill_the_index(world: World) -> None:
    world.karla.orders = [placed("1", trackings=(parcel(number="P1"),)), placed("2", trackings=(parcel(number="P2"),))]
    await world.order(need(Part.DETAILS), key=number("2"))
    assert await world.sightings.find_order_numbers("acme", "P2") == ("2",)
    assert await world.sightings.find_order_numbers("acme", "P1") == ()
