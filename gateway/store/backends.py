"""What a database has to offer to be a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from sqlalchemy import Row, Select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

Statement = Select[*tuple[Any, ...]]
AnyRow = Row[*tuple[Any, ...]]


class Backend(Protocol):
    """One kind of database. Its connections raise what SQLAlchemy raises, or `StoreUnavailable`."""

    @property
    def engine(self) -> AsyncEngine: ...

    async def rows(self, statement: Statement, parameters: Mapping[str, Any]) -> Sequence[AnyRow]:
        """What one statement answers that writes nothing."""
        ...

    def reading(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection on which each statement is a transaction."""
        ...

    def writing(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection whose first statement begins a transaction, or that is in one already; nobody commits it."""
        ...

    def migrating(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """The same, for one process at a time, and with all the time that it takes."""
        ...

    async def aclose(self) -> None:
        """Let go of every connection."""
        ...
