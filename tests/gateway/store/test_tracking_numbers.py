"""The index of tracking numbers."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.store.database import Database
from gateway.store.tracking_numbers import TrackingNumbers
from tests.gateway.conftest import sqlite_url


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


async def test_many_writers_at_once_lose_nothing(store_file: Path) -> None:
    """Several workers on one host share a SQLite file."""
    databases = [Database(sqlite_url(store_file)) for _ in range(4)]
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
