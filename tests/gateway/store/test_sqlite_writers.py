"""Many that write to one SQLite file at once: each gets its turn."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sqlalchemy import text

from gateway.store.database import Database
from tests.databases import sqlite_url

WRITERS = 100


async def test_writers_of_one_process_come_in_the_order_in_which_they_asked(store_file: Path) -> None:
    database = Database(sqlite_url(store_file))
    came: list[int] = []

    async def write(number: int) -> None:
        async with database.writing() as connection:
            came.append(number)
            await connection.execute(text(f"INSERT INTO tracking_numbers VALUES ('acme', 'P{number}', '1')"))  # noqa: S608

    try:
        await asyncio.gather(*(write(number) for number in range(WRITERS)))
        async with database.reading() as connection:
            assert await connection.scalar(text("SELECT count(*) FROM tracking_numbers")) == WRITERS
    finally:
        await database.aclose()

    assert came == list(range(WRITERS))


async def test_a_writer_that_fails_gives_its_turn_to_the_next(store_file: Path) -> None:
    database = Database(sqlite_url(store_file))

    async def fail() -> None:
        async with database.writing():
            raise ArithmeticError

    try:
        first, _second = await asyncio.gather(fail(), _write_one(database), return_exceptions=True)
        async with database.reading() as connection:
            assert await connection.scalar(text("SELECT count(*) FROM tracking_numbers")) == 1
    finally:
        await database.aclose()

    assert isinstance(first, ArithmeticError)


async def _write_one(database: Database) -> None:
    async with database.writing() as connection:
        await connection.execute(text("INSERT INTO tracking_numbers VALUES ('acme', 'P1', '1')"))
