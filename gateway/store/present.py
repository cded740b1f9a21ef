"""The present, as statements see it: seconds since 1970 in UTC.

Leases and due times are compared on machines whose clocks may differ, so the database says what time it is. A gateway
that lives by another clock (tests, simulated time) has its statements carry that clock's time instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Double, cast, func, literal, literal_column

from gateway.store.database import Database

Present = Callable[[], ColumnElement[float]]
"""Makes the expression for the present moment; a new one for each statement."""

_CLOCKS: Mapping[str, Present] = {
    # Both go on within a transaction: what waited for a lock must not count its lease from before the wait.
    "sqlite": lambda: literal_column("(julianday('now') - 2440587.5) * 86400.0", Double()),
    "postgresql": lambda: cast(func.extract("epoch", func.clock_timestamp()), Double()),
}


def present_of(database: Database, clock: Callable[[], datetime] | None = None) -> Present:
    """The clock of `database`, or `clock` where one is given."""
    if clock is None:
        return _CLOCKS[database.dialect]
    return lambda: literal(clock().timestamp(), Double())


def to_moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def to_moment_or_none(seconds: float | None) -> datetime | None:
    return None if seconds is None else to_moment(seconds)
