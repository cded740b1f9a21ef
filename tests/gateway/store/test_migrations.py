"""The store's schema: made by migrations alone, and the same as the tables that the code knows."""

from __future__ import annotations

import asyncio
import re
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, insert, inspect, text
from sqlalchemy.exc import IntegrityError

from gateway.store.database import Database, StoreUnavailable, WrongSchema
from gateway.store.schema import MIGRATIONS, Schema, SchemaState
from gateway.store.tables import RegistrationStepRow, Table
from tests.databases import downgrade, pose_as_newer, sqlite_url, store_threads_end

NEEDED = "0003"
"""The newest version that there is a migration for."""


STEP_OF_NOTHING = {
    "registration_id": 4711,
    "provider": "karla",
    "position": 0,
    "order_references": [],
    "state": "PENDING",
    "attempts": 0,
    "due_at": 0.0,
    "give_up_at": 0.0,
    "lease_until": 0.0,
    "fence": 0,
    "updated_at": 0.0,
}
"""A step of a registration that there is not."""


def tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


def differences(connection: Connection) -> list[object]:
    options = {"compare_type": True, "compare_server_default": True, "render_as_batch": True}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), Table.metadata))


@pytest.fixture
async def empty(empty_store_url: str) -> AsyncIterator[Database]:
    """A store that was never migrated, on each database in turn."""
    database = Database(empty_store_url)
    yield database
    await database.aclose()


async def test_migrating_from_nothing_makes_every_table(empty: Database) -> None:
    await empty.migrate()
    async with empty.reading() as connection:
        assert await connection.run_sync(tables) == {*Table.metadata.tables, "alembic_version"}


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


async def test_workers_that_start_together_migrate_once(empty: Database, empty_store_url: str) -> None:
    """Workers of one host share a file, those of several machines a server, and all of them may be the first."""
    arguments = (sys.executable, "-c", WORKER, empty_store_url)
    workers = [await asyncio.create_subprocess_exec(*arguments, stderr=PIPE) for _ in range(4)]
    ends = await asyncio.gather(*(worker.communicate() for worker in workers))
    assert [worker.returncode for worker in workers] == [0] * 4, ends
    async with empty.reading() as connection:
        assert await connection.run_sync(differences) == []


async def test_a_migration_that_fails_leaves_the_store_as_it_was(empty: Database) -> None:
    """Here because a table stands in the way; the tables before it in the migration must not stay behind."""
    async with empty.writing() as connection:
        await connection.execute(text("CREATE TABLE tracking_numbers (id INTEGER)"))
    with pytest.raises(StoreUnavailable) as failure:
        await empty.migrate()
    assert re.search(r"tracking_numbers.* already exists", failure.value.explanation)
    async with empty.reading() as connection:
        assert await connection.run_sync(tables) == {"tracking_numbers"}


async def test_every_migration_can_be_taken_back(database: Database) -> None:
    await downgrade(database, "base")
    async with database.reading() as connection:
        assert await connection.run_sync(tables) == {"alembic_version"}


async def test_migrating_says_what_was_there_before(empty: Database) -> None:
    assert await empty.migrate() == Schema(None, NEEDED, SchemaState.EMPTY)
    assert await empty.migrate() == Schema(NEEDED, NEEDED, SchemaState.CURRENT)
    await downgrade(empty, "0001")
    assert await empty.migrate() == Schema("0001", NEEDED, SchemaState.OLDER)
    assert await empty.schema() == Schema(NEEDED, NEEDED, SchemaState.CURRENT)


async def test_migrating_keeps_what_is_stored(database: Database) -> None:
    await downgrade(database, "0001")
    async with database.writing() as connection:
        await connection.execute(text("INSERT INTO tracking_numbers VALUES ('acme', 'P1', '4711')"))
    await database.migrate()
    async with database.reading() as connection:
        assert await connection.scalar(text("SELECT order_number FROM tracking_numbers")) == "4711"


async def test_a_schema_of_a_newer_trackgraph_is_not_touched(database: Database) -> None:
    await pose_as_newer(database)
    with pytest.raises(WrongSchema, match=f"^the store's schema is version 9999, made by a newer .* needs {NEEDED}: "):
        await database.migrate()
    assert await database.schema() == Schema("9999", NEEDED, SchemaState.UNKNOWN)


class TestPreparing:
    """What a start does to a store."""

    async def test_an_empty_store_gets_its_schema(self, empty: Database) -> None:
        await empty.prepare()
        assert (await empty.schema()).state is SchemaState.CURRENT

    async def test_a_store_that_is_up_to_date_is_only_looked_at(self, database: Database) -> None:
        async with database.writing():  # a migration would wait for this one on SQLite
            await database.prepare()

    async def test_an_older_schema_is_refused_and_left_alone(self, database: Database) -> None:
        await downgrade(database, "0001")
        told = f"^the store's schema is version 0001 and this trackgraph needs {NEEDED}: run `trackgraph migrate`$"
        with pytest.raises(WrongSchema, match=told):
            await database.prepare()
        assert (await database.schema()).version == "0001"

    async def test_a_newer_schema_is_refused(self, database: Database) -> None:
        await pose_as_newer(database)
        with pytest.raises(WrongSchema, match="made by a newer trackgraph"):
            await database.prepare()


async def test_a_row_goes_with_what_it_belongs_to(database: Database) -> None:
    """Foreign keys count on SQLite too, which does not heed them unless it is told to; also after a migration."""
    await database.migrate()
    async with database.reading() as connection:
        with pytest.raises(IntegrityError):
            await connection.execute(insert(RegistrationStepRow).values(STEP_OF_NOTHING))


def test_the_migrations_are_one_line_of_descent() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_heads() == [NEEDED]


async def test_checking_fails_when_the_store_cannot_be_read(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path / "no such folder" / "store.db"))
    with pytest.raises(StoreUnavailable):
        await database.check()
    await database.aclose()
    await store_threads_end()


async def test_a_file_that_is_no_database_is_told_without_what_was_asked(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"no database" * 1000)
    database = Database(sqlite_url(tmp_path / "store.db"))
    with pytest.raises(StoreUnavailable, match=r"^DatabaseError SQLITE_NOTADB$") as failure:
        await database.check()
    assert failure.value.explanation == "file is not a database"
    await database.aclose()


async def test_a_mistake_in_a_statement_is_no_failure_of_the_store(database: Database) -> None:
    async def write_twice() -> None:
        async with database.writing() as connection:
            for _ in range(2):
                await connection.execute(text("INSERT INTO tracking_numbers VALUES ('acme', 'P1', '4711')"))

    with pytest.raises(IntegrityError):
        await write_twice()


async def test_a_store_that_was_never_migrated_can_be_checked(empty: Database) -> None:
    """`trackgraph check` comes before the first start."""
    await empty.check()
    assert (await empty.schema()).state is SchemaState.EMPTY


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
