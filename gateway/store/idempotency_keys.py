"""Idempotency keys: what became of each write that a client gave one.

A key belongs to a shop. It is taken before the write is made and says afterwards what was made or why it was refused;
while nobody knows, it says that. Whoever takes it holds it for a lease, so that a process that dies in the middle does
not hold it for ever: the next one who asks makes the write again, and is told that it is a repetition.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.database import Database
from gateway.store.inserts import insert_into
from gateway.store.present import Present
from gateway.store.tables import IdempotencyKeyRow

LEASE = timedelta(seconds=30)
"""How long a write may take before it counts as given up: three calls of 5 s and their waits for the store."""

Document = dict[str, Any]


class KeyState(StrEnum):
    """RUNNING: being made. UNKNOWN: made or not, nobody can say. DONE and REFUSED are final."""

    RUNNING = "RUNNING"
    UNKNOWN = "UNKNOWN"
    DONE = "DONE"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class KeyedWrite:
    """A write that a client gave a key: `input_hash` is the SHA-256 of its input, in hexadecimal."""

    shop: str
    key: str
    operation: str
    input_hash: str


@dataclass(frozen=True, slots=True)
class Begun:
    """The write is the caller's to make, as `attempt`. `repeated`: an earlier attempt may have made it."""

    attempt: str
    repeated: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """The write was made (DONE) or refused (REFUSED) before, with this outcome."""

    state: KeyState
    outcome: Document


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of the write that `attempt` made, and which order it was about."""

    attempt: str
    state: KeyState
    outcome: Document | None = None
    order_number: str | None = None


@dataclass(frozen=True, slots=True)
class Running:
    """The write is being made by somebody else at this moment."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The key was used for another write, or with another input."""


class IdempotencyKeys:
    """The keys of every shop."""

    def __init__(self, database: Database, present: Present) -> None:
        self._database = database
        self._present = present

    async def find(self, write: KeyedWrite) -> Ended | Running | Taken | None:
        """What became of `write` so far, without taking its key; None when the key was never used, or given back.

        A write whose end nobody knows is answered as `Running`. Raises `StoreUnavailable`.
        """
        async with self._database.reading() as connection:
            row = (await connection.execute(self._of(write))).one_or_none()
        return None if row is None else _told(row, write) or Running()

    async def begin(self, write: KeyedWrite) -> Begun | Ended | Running | Taken:
        """Take the key for `write`, or learn what became of it. Raises `StoreUnavailable`."""
        async with self._database.writing() as connection:
            return await self.begin_within(connection, write)

    async def begin_within(self, connection: AsyncConnection, write: KeyedWrite) -> Begun | Ended | Running | Taken:
        """`begin` as part of a transaction."""
        attempt = secrets.token_hex(16)
        if await self._insert(connection, write, attempt):
            return Begun(attempt, repeated=False)
        row = (await connection.execute(self._of(write).with_for_update())).one_or_none()
        if row is None:  # given back in between, and so free again
            return await self.begin_within(connection, write)
        told = _told(row, write) or (Running() if row.state == KeyState.RUNNING and row.is_held else None)
        if told is not None:
            return told
        await self._take_over(connection, write, attempt)
        return Begun(attempt, repeated=True)

    async def end(self, write: KeyedWrite, ending: Ending) -> None:
        """Say what became of the write; nothing is changed when somebody else has taken it over meanwhile."""
        async with self._database.writing() as connection:
            await self.end_within(connection, write, ending)

    async def end_within(self, connection: AsyncConnection, write: KeyedWrite, ending: Ending) -> None:
        """`end` as part of a transaction."""
        await connection.execute(
            update(IdempotencyKeyRow)
            .where(*_is(write), IdempotencyKeyRow.attempt == ending.attempt)
            .values(state=ending.state.value, outcome=ending.outcome, order_number=ending.order_number, lease_until=0.0)
        )

    async def release(self, write: KeyedWrite, attempt: str) -> None:
        """Give the key back unused: nothing was done under it."""
        async with self._database.writing() as connection:
            await connection.execute(delete(IdempotencyKeyRow).where(*_is(write), IdempotencyKeyRow.attempt == attempt))

    async def forget(self, shop: str, order_number: str) -> int:
        """Remove what is kept of writes about an order; how many there were."""
        async with self._database.writing() as connection:
            result = await connection.execute(
                delete(IdempotencyKeyRow).where(
                    IdempotencyKeyRow.shop == shop, IdempotencyKeyRow.order_number == order_number
                )
            )
        return result.rowcount

    async def purge(self, older_than: timedelta) -> int:
        """Remove the keys that were first used longer ago than this; how many there were."""
        async with self._database.writing() as connection:
            result = await connection.execute(
                delete(IdempotencyKeyRow).where(
                    IdempotencyKeyRow.created_at < self._present() - older_than.total_seconds(),
                    IdempotencyKeyRow.lease_until < self._present(),
                )
            )
        return result.rowcount

    def _of(self, write: KeyedWrite) -> Select[str, str, str, dict[str, object] | None, bool]:
        return select(
            IdempotencyKeyRow.operation,
            IdempotencyKeyRow.input_hash,
            IdempotencyKeyRow.state,
            IdempotencyKeyRow.outcome,
            (IdempotencyKeyRow.lease_until > self._present()).label("is_held"),
        ).where(*_is(write))

    async def _insert(self, connection: AsyncConnection, write: KeyedWrite, attempt: str) -> bool:
        inserted = await connection.execute(
            insert_into(self._database, IdempotencyKeyRow)
            .values(
                shop=write.shop,
                key=write.key,
                operation=write.operation,
                input_hash=write.input_hash,
                state=KeyState.RUNNING.value,
                attempt=attempt,
                lease_until=self._present() + LEASE.total_seconds(),
                created_at=self._present(),
            )
            .on_conflict_do_nothing()
            .returning(IdempotencyKeyRow.key)
        )
        return inserted.first() is not None

    async def _take_over(self, connection: AsyncConnection, write: KeyedWrite, attempt: str) -> None:
        await connection.execute(
            update(IdempotencyKeyRow)
            .where(*_is(write))
            .values(
                state=KeyState.RUNNING.value,
                attempt=attempt,
                lease_until=self._present() + LEASE.total_seconds(),
            )
        )


def _is(write: KeyedWrite) -> tuple[ColumnElement[bool], ...]:
    return IdempotencyKeyRow.shop == write.shop, IdempotencyKeyRow.key == write.key


def _told(row: Row[str, str, str, dict[str, object] | None, bool], write: KeyedWrite) -> Ended | Taken | None:
    """What the row of a key says for good."""
    if (row.operation, row.input_hash) != (write.operation, write.input_hash):
        return Taken()
    if row.state in (KeyState.DONE, KeyState.REFUSED):
        return Ended(KeyState(row.state), row.outcome or {})
    return None
