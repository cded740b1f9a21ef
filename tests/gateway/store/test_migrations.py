"""The store's schema: made by migrations alone, and the same as the tables that the code knows."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import IntegrityError

from gateway.store.database import MIGRATIONS, Database, StoreUnavailable
from gateway.store.tables import Table
from tests.gateway.conftest import sqlite_url, store_threads_end


def tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


def differences(connection: Connection) -> list[object]:
    options = {"compare_type": True, "compare_server_default": True, "render_as_batch": True}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), Table.metadata))


async def test_migrating_from_nothing_makes_every_table(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path / "new.db"))
    await database.migrate()
    async with database.reading() as connection:
        assert await connection.run_sync(tables) == {*Table.metadata.tables, "alembic_version"}
    await database.aclose()


async def test_the_migrated_tables_are_those_that_the_code_knows(database: Database) -> None:
    """A change of `tables.py` without a migration, or the reverse, fails here."""
    async with database.reading() as connection:
        assert await connection.run_sync(differences) == []


async def test_migrating_again_changes_nothing(database: Database) -> None:
    async with database.writing() as connection:
        await connection.execute(text("INSERT INTO tracking_numbers VALUES ('acme', 'P1', '4711')"))
    await database.migrate()
    async with database.reading() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM tracking_numbers")) == 1


WORKER = """
import asyncio, sys
from gateway.store.database import Database

async def start() -> None:
    database = Database(sys.argv[1])
    await database.migrate()
    await database.aclose()

asyncio.run(start())
"""


async def test_workers_that_start_together_migrate_once(tmp_path: Path) -> None:
    """Several workers on one host may share a SQLite file, and all of them migrate it when they start."""
    url = sqlite_url(tmp_path / "new.db")
    workers = [await asyncio.create_subprocess_exec(sys.executable, "-c", WORKER, url, stderr=PIPE) for _ in range(4)]
    ends = await asyncio.gather(*(worker.communicate() for worker in workers))
    assert [worker.returncode for worker in workers] == [0] * 4, ends
    database = Database(url)
    async with database.reading() as connection:
        assert await connection.run_sync(differences) == []
    await database.aclose()


async def test_a_migration_that_fails_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    """Here because a table stands in the way; the tables before it in the migration must not stay behind."""
    database = Database(sqlite_url(tmp_path / "new.db"))
    async with database.writing() as connection:
        await connection.execute(text("CREATE TABLE tracking_numbers (id INTEGER)"))
    with pytest.raises(StoreUnavailable):
        await database.migrate()
    async with database.reading() as connection:
        assert await connection.run_sync(tables) == {"tracking_numbers"}
    await database.aclose()


async def test_every_migration_can_be_taken_back(database: Database) -> None:
    def downgrade(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.downgrade(config, "base")

    async with database.writing() as connection:
        await connection.run_sync(downgrade)
    async with database.reading() as connection:
        assert await connection.run_sync(tables) == {"alembic_version"}


def test_the_migrations_are_one_line_of_descent() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert len(ScriptDirectory.from_config(config).get_heads()) == 1


async def test_checking_fails_when_the_store_cannot_be_read(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path / "no such folder" / "store.db"))
    with pytest.raises(StoreUnavailable):
        await database.check()
    await database.aclose()
    await store_threads_end()


async def test_a_file_that_is_no_database_is_told_without_what_was_asked(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"no database" * 1000)
    database = Database(sqlite_url(tmp_path / "store.db"))
    with pytest.raises(StoreUnavailable, match=r"^file is not a database$"):
        await database.check()
    await database.aclose()


async def test_a_mistake_in_a_statement_is_no_failure_of_the_store(database: Database) -> None:
    async def write_twice() -> None:
        async with database.writing() as connection:
            for _ in range(2):
                await connection.execute(text("INSERT INTO tracking_numbers VALUES ('acme', 'P1', '4711')"))

    with pytest.raises(IntegrityError):
        await write_twice()


async def test_a_store_that_was_never_migrated_can_be_checked(tmp_path: Path) -> None:
    """`trackgraph check` comes before the first start."""
    database = Database(sqlite_url(tmp_path / "new.db"))
    await database.check()
    await database.aclose()


async def test_what_fails_half_way_is_not_kept_and_holds_nobody_up(database: Database) -> None:
    insert = text("INSERT INTO tracking_numbers VALUES ('acme', 'P1', '4711')")

    async def interrupted() -> None:
        async with database.writing() as connection:
            await connection.execute(insert)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        await interrupted()
    async with database.reading() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM tracking_numbers")) == 0
    async with asyncio.timeout(5), database.writing() as connection:
        await connection.execute(insert)
