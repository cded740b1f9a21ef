"""The connection to the store, and its schema's version."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from sqlalchemy import URL, inspect, make_url
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.backends import AnyRow, Backend, Statement
from gateway.store.errors import StoreUnavailable, WrongSchema
from gateway.store.schema import Schema, SchemaState, inspect_schema, upgrade
from gateway.store.sqlite import Sqlite

__all__ = ["Database", "StoreUnavailable", "WrongSchema"]


def _postgresql(url: URL) -> Backend:
    # Its driver and its dialect take a twentieth of a second to import, which a store on SQLite is spared.
    from gateway.store.postgresql import Postgresql  # noqa: PLC0415

    return Postgresql(url)


_BACKENDS: Mapping[str, Callable[[URL], Backend]] = {"sqlite+aiosqlite": Sqlite, "postgresql+asyncpg": _postgresql}
"""The databases that can be a store, by the first part of the URL."""

_MISTAKES = (DataError, IntegrityError, NotSupportedError, ProgrammingError)
"""What a database raises about a statement of ours: nothing is wrong with the store, and waiting mends nothing."""

_MISTAKEN_STATES = ("0A", "22", "23", "42")
"""The same as the classes of SQLSTATE, by which PostgreSQL tells it (its manual, appendix A): not supported, data,
integrity, syntax. asyncpg's errors come as SQLAlchemy's more general ones for some of them."""

_NO_PRIVILEGE = "42501"
"""A SQLSTATE of the class "syntax" that is the store's: the role that we connect as may not do this."""


def _is_mistake(error: Exception) -> bool:
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    if isinstance(state, str):
        return state.startswith(_MISTAKEN_STATES) and state != _NO_PRIVILEGE
    return isinstance(error, _MISTAKES)


@contextmanager
def _told(is_mistake: Callable[[Exception], bool] = _is_mistake) -> Iterator[None]:
    try:
        yield
    except (DBAPIError, PoolTimeout) as error:
        if is_mistake(error):
            raise
        raise StoreUnavailable.because_of(getattr(error, "orig", None) or error) from error


class Database:
    """Transactions on one store. `url` is SQLAlchemy's (`sqlite+aiosqlite:///trackgraph.db`).

    Nothing is opened before it is used. Raises `StoreUnavailable` for a URL of another kind of database.
    """

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        backend = _BACKENDS.get(parsed.drivername)
        if backend is None:
            raise StoreUnavailable(f"it may be {' or '.join(_BACKENDS)}, and not {parsed.drivername}")
        self._backend = backend(parsed)

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._backend.engine.dialect.name

    async def rows(self, statement: Statement, parameters: Mapping[str, Any]) -> Sequence[AnyRow]:
        """What one statement answers that writes nothing, of what was committed when it began.

        It is for what most requests ask: quicker than `reading`. Raises `StoreUnavailable`.
        """
        with _told():
            return await self._backend.rows(statement, parameters)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection for statements that write nothing: each sees what was committed when it began.

        So two of them need not fit together. Raises `StoreUnavailable`.
        """
        with _told():
            async with self._backend.reading() as connection:
                yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that is committed when the block ends without an error. Raises `StoreUnavailable`.

        On SQLite it is the only one that writes. On PostgreSQL others write at the same time, and each statement sees
        what was committed when it began (READ COMMITTED): what was read may have changed before it is written to. So
        decide within one statement (`ON CONFLICT`, `UPDATE … WHERE`), or lock what is read (`FOR UPDATE`), and touch
        rows in one order. Keep the block short: PostgreSQL's connection is cut off after `postgresql.ANSWER_SECONDS`.
        """
        with _told():
            async with self._backend.writing() as connection, _committed(connection):
                yield connection

    async def schema(self) -> Schema:
        """The store's schema as it is now. Raises `StoreUnavailable`."""
        async with self.reading() as connection:
            return await connection.run_sync(inspect_schema)

    async def migrate(self) -> Schema:
        """Bring the schema to the version that this code needs: wholly or not at all. Answers what it was before.

        In one transaction and one process at a time, because several workers and machines may start over one new store
        at the same moment. Raises `WrongSchema` for a schema that a newer trackgraph made, and `StoreUnavailable`.
        """
        with _told(lambda _: False):  # a statement fails where something stands in its way: that is the store's
            async with self._backend.migrating() as connection, _committed(connection):
                before = await connection.run_sync(inspect_schema)
                if before.state is SchemaState.UNKNOWN:
                    raise WrongSchema(before.refusal)
                if before.state is not SchemaState.CURRENT:
                    await connection.run_sync(upgrade)
                return before

    async def prepare(self) -> None:
        """Make sure that the schema is the one that this code needs. Only an empty store is migrated.

        Raises `WrongSchema` for an older or newer schema, and `StoreUnavailable`.
        """
        schema = await self.schema()
        if schema.refusal:
            raise WrongSchema(schema.refusal)
        if schema.state is SchemaState.EMPTY:
            await self.migrate()

    async def check(self) -> None:
        """Raise `StoreUnavailable` when the store cannot be read."""
        async with self.reading() as connection:
            # The catalogue and not `SELECT 1`, which SQLite answers without looking at its file.
            await connection.run_sync(lambda synchronous: inspect(synchronous).get_table_names())

    async def aclose(self) -> None:
        await self._backend.aclose()


@asynccontextmanager
async def _committed(connection: AsyncConnection) -> AsyncIterator[None]:
    try:
        yield
    except BaseException:
        await connection.rollback()
        raise
    await connection.commit()
