"""The connection to the store, and its schema's version.

SQLite (default) runs in WAL mode, so that readers do not wait for a writer, with `BEGIN IMMEDIATE` for every write:
a transaction that reads first and then writes fails under load instead of waiting.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event, inspect, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

BUSY_TIMEOUT_MS = 4_000
"""How long a writer waits for another one before SQLite gives up: less than a provider call may take (5 s), in which a
registered tracker has to be stored, so that a store that fails is told and logged as that and not as a time-out."""

MIGRATIONS = Path(__file__).parent / "migrations"


_MISTAKES = (DataError, IntegrityError, NotSupportedError, ProgrammingError)
"""What a database raises about a statement of ours: nothing is wrong with the store, and waiting mends nothing."""


class StoreUnavailable(Exception):
    """The store cannot be used: locked, full, read-only, not reachable, no database at all.

    What was being written was not. The text is the database's own, without the statement and its values.
    """


class Database:
    """Transactions on one store. `url` is SQLAlchemy's (`sqlite+aiosqlite:///trackgraph.db`)."""

    def __init__(self, url: str) -> None:
        self._engine = _create_engine(url)

    @property
    def dialect(self) -> str:
        return self._engine.dialect.name

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Raises `StoreUnavailable`."""
        with _told():
            async with self._engine.connect() as connection:
                yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that is committed when the block ends without an error. Raises `StoreUnavailable`."""
        with _told():
            async with self._engine.connect() as connection:
                if self.dialect == "sqlite":
                    await connection.execute(text("BEGIN IMMEDIATE"))
                try:
                    yield connection
                except BaseException:
                    await connection.rollback()
                    raise
                await connection.commit()

    async def migrate(self) -> None:
        """Bring the schema to the version that this code needs: wholly or not at all.

        In one transaction, because several workers may start over one new store at the same time.
        """
        async with self.writing() as connection:
            await connection.run_sync(_upgrade)

    async def check(self) -> None:
        """Raise `StoreUnavailable` when the store cannot be read."""
        async with self.reading() as connection:
            # The catalogue and not `SELECT 1`, which SQLite answers without looking at its file.
            await connection.run_sync(lambda synchronous: inspect(synchronous).get_table_names())

    async def aclose(self) -> None:
        await self._engine.dispose()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (DBAPIError, PoolTimeout) as error:
        if isinstance(error, _MISTAKES):
            raise
        raise StoreUnavailable(str(getattr(error, "orig", None) or error)) from error


def _create_engine(url: str) -> AsyncEngine:
    engine = create_async_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # The driver must not open transactions of its own: `writing` says which kind it wants.
    connection.isolation_level = None
    cursor = connection.cursor()
    try:
        for pragma in ("journal_mode = WAL", f"busy_timeout = {BUSY_TIMEOUT_MS}", "synchronous = NORMAL"):
            cursor.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()  # nobody else will: the pool has not got it yet, and it holds a thread
        raise
    cursor.close()


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    attributes: dict[str, Any] = config.attributes
    attributes["connection"] = connection
    command.upgrade(config, "head")
