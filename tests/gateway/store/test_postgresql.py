"""A PostgreSQL server that is away, comes back, hangs or refuses: told as that, in time, and survived."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from gateway.store import postgresql
from gateway.store.database import Database, StoreUnavailable
from gateway.store.tracking_numbers import TrackingNumbers
from tests.databases import PostgresServer

IN_TIME = 5.0
"""Seconds that a call to a provider may take: a store that does not answer must be told before."""

ONE = text("SELECT 1")


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgresServer]:
    """A server for this module to mistreat."""
    server = PostgresServer()
    try:
        server.create()
        yield server
    finally:
        server.remove()


@pytest.fixture
async def store(own_server: PostgresServer) -> AsyncIterator[Database]:
    """A store of that server, with two connections in its pool."""
    database = Database(own_server.new_database())
    async with database.reading() as first, database.reading() as second:
        await first.execute(ONE)
        await second.execute(ONE)
    yield database
    await database.aclose()


async def ask(database: Database) -> object:
    async with database.reading() as connection:
        return await connection.scalar(ONE)


async def write(database: Database) -> None:
    await TrackingNumbers(database).add([("acme", "P1", "4711")])


async def test_a_restart_between_two_statements_is_not_noticed(own_server: PostgresServer, store: Database) -> None:
    await write(store)
    await asyncio.to_thread(own_server.stop)
    await asyncio.to_thread(own_server.start)
    await asyncio.gather(write(store), ask(store), ask(store), ask(store))
    assert await TrackingNumbers(store).find_order_numbers("acme", "P1") == ("4711",)


async def test_a_server_that_is_away_is_told_at_once_and_used_again_when_it_is_back(
    own_server: PostgresServer, store: Database
) -> None:
    await asyncio.to_thread(own_server.stop)
    try:
        for use in (ask, write, Database.check, Database.prepare, Database.migrate):
            with pytest.raises(StoreUnavailable):
                await use(store)
    finally:
        await asyncio.to_thread(own_server.start)
    await write(store)


async def test_a_server_that_goes_away_in_a_transaction_keeps_nothing_of_it(
    own_server: PostgresServer, store: Database
) -> None:
    async def interrupted() -> None:
        async with store.writing() as connection:
            await connection.execute(text("INSERT INTO tracking_numbers VALUES ('acme', 'P1', '4711')"))
            await asyncio.to_thread(own_server.stop)

    try:
        with pytest.raises(StoreUnavailable):
            await interrupted()
    finally:
        await asyncio.to_thread(own_server.start)
    assert await TrackingNumbers(store).find_order_numbers("acme", "P1") == ()


async def test_a_server_that_hangs_is_told_in_time_whether_connected_or_not(
    own_server: PostgresServer, store: Database
) -> None:
    never_connected = Database(own_server.url("migrated"))
    own_server.pause()
    try:
        begun = time.monotonic()
        uses = (ask(store), write(store), ask(store), ask(never_connected), write(never_connected))
        outcomes = await asyncio.gather(*uses, return_exceptions=True)
        waited = time.monotonic() - begun
        await never_connected.aclose()
    finally:
        own_server.resume()
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 5
    assert waited < IN_TIME
    assert await ask(store) == 1


async def test_closing_does_not_wait_for_a_server_that_hangs(own_server: PostgresServer, store: Database) -> None:
    own_server.pause()
    try:
        async with asyncio.timeout(IN_TIME):
            await store.aclose()
    finally:
        own_server.resume()


async def test_who_waits_for_anothers_lock_is_told_in_time_and_the_other_goes_on(postgres_url: str) -> None:
    database = Database(postgres_url)
    others = create_async_engine(postgres_url)
    async with others.begin() as other:
        await other.execute(text("LOCK TABLE tracking_numbers IN ACCESS EXCLUSIVE MODE"))
        async with asyncio.timeout(IN_TIME):
            with pytest.raises(StoreUnavailable, match=r"^QueryCanceledError 57014$"):
                await write(database)
        await other.execute(text("INSERT INTO tracking_numbers VALUES ('acme', 'P2', '4712')"))
    await write(database)
    assert await TrackingNumbers(database).find_order_numbers("acme", "P2") == ("4712",)
    await others.dispose()
    await database.aclose()


async def test_a_pool_that_is_in_use_is_told_in_time(postgres_url: str) -> None:
    database = Database(postgres_url)
    lent = [database.reading() for _ in range(postgresql.POOL_SIZE)]
    for each in lent:
        await each.__aenter__()
    async with asyncio.timeout(IN_TIME):
        with pytest.raises(StoreUnavailable, match=r"^no connection in time$"):
            await ask(database)
    for each in lent:
        await each.__aexit__(None, None, None)
    assert await ask(database) == 1
    await database.aclose()


async def test_a_request_that_is_given_up_leaves_its_connection_in_order(postgres_url: str) -> None:
    database = Database(postgres_url)

    async def sleep() -> None:
        async with database.writing() as connection:
            await connection.execute(text("SELECT pg_sleep(2)"))

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await sleep()
    await write(database)
    await database.aclose()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("/migrated", "/nothing"), 'database "nothing" does not exist'),
        (("trackgraph:", "trackgraph:no"), 'password authentication failed for user "trackgraph"'),
        (("/migrated", "/migrated?sslmode=require"), "SSL"),
        (("/migrated", "/migrated?sslmode=sometimes"), "sslmode"),
    ],
)
async def test_a_url_that_leads_nowhere_is_told_without_its_password(
    own_server: PostgresServer, change: tuple[str, str], told: str
) -> None:
    url = own_server.url("migrated").replace(*change)
    database = Database(url)
    with pytest.raises(StoreUnavailable) as failure:
        await ask(database)
    assert told in failure.value.explanation
    assert told not in str(failure.value)
    assert url.split("@")[0].rpartition(":")[2] not in str(failure.value) + failure.value.explanation
    await database.aclose()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql+asyncpg://db/store?sslmod=require", "its URL has parameters that are not known: sslmod"),
        ("mysql+aiomysql://db/store", r"sqlite\+aiosqlite or postgresql\+asyncpg, and not mysql\+aiomysql"),
    ],
)
def test_a_url_that_cannot_be_a_store_is_told_before_it_is_opened(url: str, told: str) -> None:
    with pytest.raises(StoreUnavailable, match=told):
        Database(url)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO tracking_numbers VALUES ('acme', NULL, '4711')",
        "INSERT INTO tracking_numbers VALUES ('acme', repeat('P', 256), '4711')",
        "SELECT nothing FROM tracking_numbers",
        "SELECT 1 / 0",
    ],
)
async def test_a_mistake_in_a_statement_is_no_failure_of_the_server(postgres_url: str, statement: str) -> None:
    database = Database(postgres_url)
    with pytest.raises(DBAPIError):
        async with database.writing() as connection:
            await connection.execute(text(statement))
    await database.aclose()


async def test_a_role_that_may_not_read_is_a_failure_of_the_store(postgres_url: str) -> None:
    database = Database(postgres_url)

    async def read_as_another() -> None:
        async with database.writing() as connection:
            await connection.execute(text("CREATE ROLE nobody_in_particular"))
            await connection.execute(text("SET LOCAL ROLE nobody_in_particular"))
            await connection.execute(text("SELECT * FROM links"))

    with pytest.raises(StoreUnavailable, match=r"^InsufficientPrivilegeError 42501$"):
        await read_as_another()
    await database.aclose()


async def test_writing_is_read_committed_whatever_the_server_prefers(postgres_url: str) -> None:
    database = Database(postgres_url)
    name = postgres_url.rpartition("/")[2]
    async with database.writing() as connection:
        await connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'"))
    again = Database(postgres_url)
    async with again.writing() as connection:
        assert await connection.scalar(text("SHOW transaction_isolation")) == "read committed"
    await database.aclose()
    await again.aclose()
