"""SQLite as the store: a file that several processes of one machine may share.

It runs in WAL mode, so that readers do not wait for a writer, with `BEGIN IMMEDIATE` for every write: a transaction
that reads first and then writes fails under load instead of waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from sqlalchemy import URL, create_engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from gateway.store.backends import AnyRow, Statement
from gateway.store.errors import StoreUnavailable

BUSY_TIMEOUT_MS = 4_000
"""How long a writer waits for another one before SQLite gives up: less than a provider call may take (5 s), in which a
registered tracker has to be stored, so that a store that fails is told and logged as that and not as a time-out."""

MIGRATION_TIMEOUT_MS = 60_000
"""How long a process waits for another one that migrates the same file."""

_PRAGMAS = ("journal_mode = WAL", f"busy_timeout = {BUSY_TIMEOUT_MS}", "synchronous = NORMAL", "foreign_keys = ON")


class Sqlite:
    """A store in one file."""

    def __init__(self, url: URL) -> None:
        self.engine = create_async_engine(url)
        event.listen(self.engine.sync_engine, "connect", _prepare)
        self._writer = asyncio.Lock()
        self._reader = _Reader(url.set(drivername="sqlite"))

    async def rows(self, statement: Statement, parameters: Mapping[str, Any]) -> Sequence[AnyRow]:
        return await self._reader.rows(statement, parameters)

    def reading(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection; SQLite makes each statement a transaction unless one was begun."""
        return self.engine.connect()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A connection in the file's only writing transaction; writers of this process get it in turn."""
        async with self._turn(), self.engine.connect() as connection:
            await connection.execute(text("BEGIN IMMEDIATE"))
            yield connection

    @asynccontextmanager
    async def migrating(self) -> AsyncIterator[AsyncConnection]:
        """The same, without what would follow from a table that is made anew and dropped: its children go with it."""
        async with self.engine.connect() as connection:
            await _set(connection, "foreign_keys = OFF", f"busy_timeout = {MIGRATION_TIMEOUT_MS}")
            try:
                await connection.execute(text("BEGIN IMMEDIATE"))
                yield connection
            finally:
                await _set(connection, *_PRAGMAS)

    async def aclose(self) -> None:
        await self._reader.aclose()
        await self.engine.dispose()

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Wait in line. SQLite has none: who finds the file locked tries again now and then, and where many write at
        once, one of them may find it locked each time until its patience ends."""
        try:
            async with asyncio.timeout(BUSY_TIMEOUT_MS / 1000):
                await self._writer.acquire()
        except TimeoutError as error:
            raise StoreUnavailable("too many wait to write") from error
        try:
            yield
        finally:
            self._writer.release()


class _Reader:
    """Reads in a thread of its own, one statement after the other.

    aiosqlite goes to its thread and back five times for a statement. Once is enough, and takes a fifth of the CPU:
    135 µs in place of 670 for the links of an order.
    """

    def __init__(self, url: URL) -> None:
        self._engine = create_engine(url)
        event.listen(self._engine, "connect", _prepare)
        self._thread: ThreadPoolExecutor | None = None

    async def rows(self, statement: Statement, parameters: Mapping[str, Any]) -> Sequence[AnyRow]:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store-reader")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._rows, statement, parameters)

    async def aclose(self) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.get_running_loop().run_in_executor(thread, self._engine.dispose)
            thread.shutdown()

    def _rows(self, statement: Statement, parameters: Mapping[str, Any]) -> Sequence[AnyRow]:
        with self._engine.connect() as connection:
            return connection.execute(statement, parameters).all()


def _prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # The driver must not open transactions of its own: `writing` says which kind it wants.
    connection.isolation_level = None
    cursor = connection.cursor()
    try:
        for pragma in _PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()  # nobody else will: the pool has not got it yet, and it holds a thread
        raise
    cursor.close()


async def _set(connection: AsyncConnection, *pragmas: str) -> None:
    for pragma in pragmas:
        await connection.execute(text(f"PRAGMA {pragma}"))
