"""PostgreSQL as the store: a server that several machines share.

Nobody waits for a server that does not answer: getting a connection and using it have a limit each. Writing
transactions are READ COMMITTED whatever the server's default is: each statement sees what was committed when it began.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # ships no types
from sqlalchemy import URL, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from gateway.store.backends import AnyRow, Statement
from gateway.store.errors import StoreUnavailable

CONNECT_SECONDS = 1.5
"""Longest wait for a connection, be it one of the pool or a new one, which takes milliseconds on a local network. With
`ANSWER_SECONDS` it is less than a provider call may take (5 s), for the reason that `sqlite.BUSY_TIMEOUT_MS` gives."""

ANSWER_SECONDS = 3.0
"""Longest that a connection is used. Then it is cut off: a server that hangs would not even answer to a request that it
cancel the statement."""

CLOSE_SECONDS = 0.5
"""How long the server may take to take leave of a connection; then it is dropped."""

POOL_SIZE = 10
"""Connections of one process, opened as they are needed. Each is used for a millisecond at a time, and a server takes
100 by default (`max_connections`), from all processes together."""

RECYCLE_SECONDS = 240
"""A connection is replaced at this age: what lies between may forget one that is silent for minutes, without a word."""

_SESSION: Mapping[str, str] = {
    "application_name": "trackgraph",
    # A statement that takes long, or waits for another one's lock, is ended before the connection is cut off.
    "statement_timeout": "2500",
    # A process that is frozen in a transaction holds nobody up for longer: its locks are taken from it.
    "idle_in_transaction_session_timeout": "5000",
}
"""Settings of the server for our connections; milliseconds."""

_PARAMETERS = frozenset({"host", "port", "ssl", "passfile", "target_session_attrs"})
"""What may stand after the question mark of the URL, under asyncpg's names."""

_MIGRATION_LOCK = 0x747261636B677261
"""The key of the advisory lock that a migration holds: "trackgra" in ASCII. Each database has locks of its own."""


class _Connection(asyncpg.Connection):  # type: ignore[misc]  # untyped, as above
    """asyncpg's, but closed in any case. Its own waits for a server that hangs, and so would whoever shuts down."""

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109  # as asyncpg declares it
        with suppress(TimeoutError):
            await super().close(timeout=CLOSE_SECONDS)


class Postgresql:
    """A store in one database of a server."""

    def __init__(self, url: URL) -> None:
        self.engine = create_async_engine(
            _understood(url),
            isolation_level="READ COMMITTED",
            pool_size=POOL_SIZE,
            max_overflow=0,
            pool_use_lifo=True,
            pool_recycle=RECYCLE_SECONDS,
            connect_args={"server_settings": _SESSION, "connection_class": _Connection},
        )
        self._autocommitting = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        event.listen(self.engine.sync_engine, "checkout", _refuse_closed)

    async def rows(self, statement: Statement, parameters: Mapping[str, Any]) -> Sequence[AnyRow]:
        async with self.reading() as connection:
            return (await connection.execute(statement, parameters)).all()

    def reading(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection without transactions, which saves two of three round trips to the server."""
        return _bounded(self._autocommitting)

    def writing(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection whose first statement begins a transaction."""
        return _bounded(self.engine)

    @asynccontextmanager
    async def migrating(self) -> AsyncIterator[AsyncConnection]:
        """The same without limits, holding the lock of migrations until the transaction ends."""
        async with _connected(self.engine) as connection:
            await connection.execute(text("SET LOCAL statement_timeout = 0"))
            await connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            yield connection

    async def aclose(self) -> None:
        await self.engine.dispose()


@asynccontextmanager
async def _connected(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection within `CONNECT_SECONDS`. Raises `StoreUnavailable` for what the driver raises as it came."""
    async with AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                connection = await stack.enter_async_context(engine.connect())
        except TimeoutError as error:
            raise StoreUnavailable("no connection in time") from error
        except OSError as error:
            raise StoreUnavailable.because_of(error) from error
        yield connection


@asynccontextmanager
async def _bounded(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection that is cut off after `ANSWER_SECONDS`; what waits for it then fails, and so does what is next."""
    async with _connected(engine) as connection:
        pooled = await connection.get_raw_connection()
        assert pooled.driver_connection is not None
        cut = asyncio.get_running_loop().call_later(ANSWER_SECONDS, pooled.driver_connection.terminate)
        try:
            yield connection
        finally:
            cut.cancel()


def _refuse_closed(connection: DBAPIConnection, _entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
    """Have the pool open another connection in place of one that the server closed, as at its restart.

    The operating system has told the driver by then, so this costs nothing; the pool's own `pool_pre_ping` asks the
    server, in three round trips for each use.
    """
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def _understood(url: URL) -> URL:
    """`url` with the TLS mode under asyncpg's name for it: in most URLs it has that of PostgreSQL's own library.

    Raises `StoreUnavailable` for a parameter that asyncpg does not take as text.
    """
    query = {("ssl" if name == "sslmode" else name): value for name, value in url.query.items()}
    unknown = query.keys() - _PARAMETERS
    if unknown:
        raise StoreUnavailable(f"its URL has parameters that are not known: {', '.join(sorted(unknown))}")
    return url.set(query=query)
