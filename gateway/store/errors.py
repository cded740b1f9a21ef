"""How the store fails."""

from __future__ import annotations

from typing import Self


class StoreUnavailable(Exception):
    """The store cannot be used: locked, full, read-only, not reachable, no database at all.

    What was being written was not, with one exception: where PostgreSQL was lost while it committed, nobody knows. So
    every write can be repeated.

    Its text may be logged: the class and the code of what the database raised, or words of our own. `explanation` is
    the database's own text, without the statement and its values. It may quote what the store holds, and the names of
    roles and hosts: it is for the person at the command line.
    """

    def __init__(self, name: str, explanation: str | None = None) -> None:
        super().__init__(name)
        self.explanation = explanation or name

    @classmethod
    def because_of(cls, error: BaseException) -> Self:
        """What a driver raised, as the failure that it is."""
        return cls(_name(error), getattr(error, "strerror", None) or str(error))


class WrongSchema(Exception):
    """The store's schema is not the one that this code needs. The text says what to do, on one line."""


def _name(error: BaseException) -> str:
    """`OperationalError SQLITE_BUSY` or `QueryCanceledError 57014`: SQLite's result code, PostgreSQL's SQLSTATE."""
    code = getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None)
    # SQLAlchemy wraps asyncpg's errors into classes that say less.
    kind = type(error.__cause__ or error).__name__
    return f"{kind} {code}" if isinstance(code, str) else kind
