"""The index of tracking numbers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.store.database import Database
from gateway.store.tracking_numbers import TrackingNumbers
from tests.databases import sqlite_url


async def test_a_number_leads_to_every_order_it_was_seen_on(database: Database) -> None:
    index = TrackingNumbers(database)
    await index.add([("acme", "P1", "4712"), ("acme", "P1", "4711"), ("acme", "P2", "4711"), ("other", "P1", "1")])
    assert await index.find_order_numbers("acme", "P1") == ("4711", "4712")
    assert await index.find_order_numbers("acme", "P2") == ("4711",)
    assert await index.find_order_numbers("other", "P1") == ("1",)
    assert await index.find_order_numbers("other", "P2") == ()


async def test_what_is_known_already_changes_nothing(database: Database) -> None:
    index = TrackingNumbers(database)
    await index.add([("acme", "P1", "4711")])
    await index.add([("acme", "P1", "4711"), ("acme", "P1", "4711"), ("acme", "P2", "4711")])
    assert await index.find_order_numbers("acme", "P1") == ("4711",)
    assert await index.find_order_numbers("acme", "P2") == ("4711",)


async def test_nothing_to_remember_is_no_transaction(tmp_path: Path) -> None:
    never_migrated = Database(sqlite_url(tmp_path / "none.db"))
    await TrackingNumbers(never_migrated).add([])
    assert not (tmp_path / "none.db").exists()
    await never_migrated.aclose()


async def test_many_writers_at_once_lose_nothing(store_url: str) -> None:
    """Several workers of one host share an SQLite file, those of several machines a server."""
    databases = [Database(store_url) for _ in range(4)]
    await asyncio.gather(
        *(
            TrackingNumbers(databases[writer]).add([("acme", f"P{writer}-{n}", str(n)) for n in range(100)])
            for writer in range(4)
        )
    )
    index = TrackingNumbers(databases[0])
    for writer in range(4):
        assert await index.find_order_numbers("acme", f"P{writer}-99") == ("99",)
    for database in databases:
        await database.aclose()


async def test_writers_of_the_same_numbers_do_not_wait_for_each_other_for_ever(store_url: str) -> None:
    """As they would if each took the rows in an order of its own."""
    numbers = [("acme", f"P{n}", "4711") for n in range(200)]
    databases = [Database(store_url) for _ in range(4)]
    batches = [numbers[n:] + numbers[:n] for n in range(0, 200, 25)]
    await asyncio.gather(
        *(TrackingNumbers(databases[n % 4]).add(batch[:: (-1) ** n]) for n, batch in enumerate(batches))
    )
    assert await TrackingNumbers(databases[0]).find_order_numbers("acme", "P199") == ("4711",)
    for database in databases:
        await database.aclose()


@pytest.mark.parametrize("number", ["P\0", "P\ud800", "P" * 256])
async def test_a_number_that_cannot_be_kept_costs_no_other(database: Database, number: str) -> None:
    index = TrackingNumbers(database)
    await index.add([("acme", number, "4711"), ("acme", "P1", "4711"), ("acme", "P2", number)])
    assert await index.find_order_numbers("acme", "P1") == ("4711",)
    assert await index.find_order_numbers("acme", "P2") == ()
    assert await index.find_order_numbers("acme", number) == ()


async def test_a_number_of_255_characters_is_kept(database: Database) -> None:
    index = TrackingNumbers(database)
    await index.add([("acme", "ü" * 255, "4711")])
    assert await index.find_order_numbers("acme", "ü" * 255) == ("4711",)


async def test_the_orders_of_a_number_are_sorted_alike_on_every_database(database: Database) -> None:
    index = TrackingNumbers(database)
    await index.add([("acme", "P1", order) for order in ("b", "A", "a", "B")])
    assert await index.find_order_numbers("acme", "P1") == ("A", "B", "a", "b")
