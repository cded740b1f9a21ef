"""What a database has to offer to be a store."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine


class Backend(Protocol):
    """One kind of database. Its connections raise what SQLAlchemy raises, or `StoreUnavailable`."""

    @property
    def engine(self) -> AsyncEngine: ...

    def reading(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection on which each statement is a transaction."""
        ...

    def writing(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection whose first statement begins a transaction, or that is in one already; nobody commits it."""
        ...

    def migrating(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """The same, for one process at a time, and with all the time that it takes."""
        ...
