"""Registrations: shipments that were accepted and are to be told to several providers, one step for each.

The database is the engine of this work. A worker claims steps that are due and holds them for a lease; the claim
counts the step's fence up, and a result is written only under the fence it was claimed with. So a step whose worker
died is claimed by another one, and a worker that was thought dead and wakes up can change nothing. No row is locked
while a provider is being called. A transaction that changes a registration and its steps takes the registration first,
so that no two wait for each other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Row,
    Select,
    and_,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.database import Database
from gateway.store.idempotency_keys import Begun, Ended, Ending, IdempotencyKeys, KeyedWrite, KeyState, Taken
from gateway.store.present import Present, to_moment, to_moment_or_none
from gateway.store.tables import RegistrationRow, RegistrationStepRow
from providers.models import Reference

LEASE = timedelta(seconds=15)
"""How long a claim holds. An attempt ends well before (`ATTEMPT_SECONDS` of the worker), so that nobody renews it."""

GIVE_UP_AFTER = timedelta(days=7)
"""How long a provider that is down is tried again."""

DELETED_AT_ONCE = 1_000
"""Registrations that one transaction removes."""

Document = dict[str, Any]


class StepState(StrEnum):
    """PENDING: to be done, or done again. UNKNOWN: sent, no answer, and not safe to repeat. The others are final."""

    PENDING = "PENDING"
    DONE = "DONE"
    REFUSED = "REFUSED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class NewStep:
    """What one provider is to be told; `references` are what it calls the order."""

    provider: str
    references: tuple[Reference, ...] = ()


@dataclass(frozen=True, slots=True)
class NewRegistration:
    """A shipment to be accepted. `order_kind` and `order_value` are the key that the order was named by."""

    shop: str
    order_kind: str
    order_value: str
    order_number: str | None
    shipment: Document
    steps: tuple[NewStep, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """How far one provider's part is. `attempts` counts those begun; `due_at` is of a PENDING one."""

    provider: str
    references: tuple[Reference, ...]
    state: StepState
    attempts: int
    due_at: datetime
    is_running: bool
    outcome: Document | None
    updated_at: datetime

    @property
    def was_tried(self) -> bool:
        """Whether an attempt has ended, and none is running."""
        return not self.is_running and (self.attempts > 0 or self.state is not StepState.PENDING)


@dataclass(frozen=True, slots=True)
class Registration:
    """An accepted shipment and its steps, in the order in which they were asked for."""

    id: int
    shop: str
    order_kind: str
    order_value: str
    order_number: str | None
    shipment: Document
    created_at: datetime
    finished_at: datetime | None
    dismissed_at: datetime | None
    dismissed_reason: str | None
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class ClaimedStep:
    """A step that is the claimer's to do. `attempt` counts from 1, this one included.

    `outcome` is what the attempt before ended in. One that `is_dismissed` is only to be ended: an attempt was running
    when its registration was given up.
    """

    registration_id: int
    shop: str
    order_kind: str
    order_value: str
    order_number: str | None
    shipment: Document
    provider: str
    references: tuple[Reference, ...]
    attempt: int
    outcome: Document | None
    is_last: bool
    is_dismissed: bool
    owner: str
    fence: int


@dataclass(frozen=True, slots=True)
class Result:
    """What an attempt ended in. A PENDING one is tried again `after` this time."""

    state: StepState
    outcome: Document | None = None
    after: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Accepted:
    """The registration with this number; `is_new` is false when its key had made it before."""

    id: int
    is_new: bool


@dataclass(frozen=True, slots=True)
class RegistrationFilter:
    """Which registrations are asked for; what is None or empty does not matter.

    `states` and `providers` are met by one step: PENDING at Karla, not PENDING somewhere and a step at Karla.
    """

    states: frozenset[StepState] = frozenset()
    providers: frozenset[str] = frozenset()
    order_number: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    open_only: bool = False
    """Without those that are done at every provider, and without dismissed ones."""


class Registrations:
    """The registrations of every shop."""

    def __init__(self, database: Database, present: Present, keys: IdempotencyKeys) -> None:
        self._database = database
        self._present = present
        self._keys = keys

    async def add(self, new: NewRegistration, write: KeyedWrite | None = None) -> Accepted | Taken:
        """Accept a shipment, once for each key. What is answered `Accepted` survives a crash."""
        async with self._database.writing() as connection:
            if write is None:
                return Accepted(await self._insert(connection, new), is_new=True)
            kept = await self._keys.begin_within(connection, write)
            match kept:
                case Begun(attempt=attempt):
                    number = await self._insert(connection, new)
                    await self._keys.end_within(
                        connection, write, Ending(attempt, KeyState.DONE, {"registration": number}, new.order_number)
                    )
                    return Accepted(number, is_new=True)
                case Ended(outcome={"registration": int(number)}):
                    return Accepted(number, is_new=False)
                case _:
                    return Taken()

    async def find_accepted(self, write: KeyedWrite) -> Accepted | Taken | None:
        """The registration that this write made before; None when its key is free."""
        match await self._keys.find(write):
            case None:
                return None
            case Ended(outcome={"registration": int(number)}):
                return Accepted(number, is_new=False)
            case _:
                return Taken()

    async def find(self, shop: str, number: int) -> Registration | None:
        """The shop's registration with this number."""
        async with self._database.reading() as connection:
            found = await self._read(connection, _all_of(shop).where(RegistrationRow.id == number))
        return found[0] if found else None

    async def search(
        self, shop: str | None, wanted: RegistrationFilter, limit: int, before: int | None = None
    ) -> tuple[Registration, ...]:
        """Registrations, newest first; of every shop when `shop` is None; only those older than number `before`."""
        statement = _all_of(shop).where(*_matches(wanted))
        if before is not None:
            statement = statement.where(RegistrationRow.id < before)
        async with self._database.reading() as connection:
            return await self._read(connection, statement.order_by(RegistrationRow.id.desc()).limit(limit))

    async def due(self) -> Mapping[str, int]:
        """How many steps wait for a worker at this moment, by provider."""
        async with self._database.reading() as connection:
            rows = await connection.execute(
                select(RegistrationStepRow.provider, func.count())
                .where(*self._is_due())
                .group_by(RegistrationStepRow.provider)
            )
            return {row[0]: row[1] for row in rows}

    async def count_steps(self, numbers: Collection[int]) -> Mapping[tuple[str, StepState], int]:
        """How many steps of the registrations with these numbers are at which provider in which state."""
        async with self._database.reading() as connection:
            rows = await connection.execute(
                select(RegistrationStepRow.provider, RegistrationStepRow.state, func.count())
                .where(RegistrationStepRow.registration_id.in_(list(numbers)))
                .group_by(RegistrationStepRow.provider, RegistrationStepRow.state)
            )
            return {(row[0], StepState(row[1])): row[2] for row in rows}

    async def count_untried(self, numbers: Collection[int]) -> int:
        """How many of the registrations with these numbers have a step at which no attempt has ended yet."""
        chosen = select(func.count(func.distinct(RegistrationStepRow.registration_id))).where(
            RegistrationStepRow.registration_id.in_(list(numbers)),
            RegistrationStepRow.state == StepState.PENDING.value,
            RegistrationStepRow.outcome.is_(null()),
        )
        async with self._database.reading() as connection:
            untried: int | None = await connection.scalar(chosen)
        return untried or 0

    async def claim(
        self, owner: str, provider: str, limit: int, cut_off: Document | None = None
    ) -> tuple[ClaimedStep, ...]:
        """Take up to `limit` steps of `provider` that are due, the longest due first, for one `LEASE`.

        `cut_off` becomes the outcome of an attempt that never ended, because its worker died.
        """
        chosen = (
            select(RegistrationStepRow.registration_id, RegistrationStepRow.provider)
            .where(RegistrationStepRow.provider == provider, *self._is_due())
            .order_by(RegistrationStepRow.due_at, RegistrationStepRow.registration_id)
            .limit(limit)
            .with_for_update(skip_locked=True)
            # Chosen once: as a plain subquery PostgreSQL may run it again for each row, and lock more than `limit`.
            .cte("chosen")
        )
        claim = (
            update(RegistrationStepRow)
            .where(tuple_(RegistrationStepRow.registration_id, RegistrationStepRow.provider).in_(select(chosen)))
            .values(
                owner=owner,
                lease_until=self._present() + LEASE.total_seconds(),
                fence=RegistrationStepRow.fence + 1,
                attempts=RegistrationStepRow.attempts + 1,
                # What has a lease was neither ended nor given back.
                outcome=case(
                    (RegistrationStepRow.lease_until > 0.0, literal(cut_off, JSON())),
                    else_=RegistrationStepRow.outcome,
                ),
            )
            .returning(
                RegistrationStepRow.registration_id,
                RegistrationStepRow.order_references,
                RegistrationStepRow.attempts,
                RegistrationStepRow.outcome,
                RegistrationStepRow.fence,
                (RegistrationStepRow.give_up_at <= self._present()).label("is_last"),
            )
        )
        async with self._database.writing() as connection:
            claimed = (await connection.execute(claim)).all()
            numbers = [row.registration_id for row in claimed]
            found = await connection.execute(select(RegistrationRow.__table__).where(RegistrationRow.id.in_(numbers)))
            registrations = {row.id: row for row in found}
        return tuple(_to_claimed(row, registrations[row.registration_id], provider, owner) for row in claimed)

    async def end(self, step: ClaimedStep, result: Result) -> bool:
        """Write what an attempt ended in. False, and nothing is written, when the step was taken over meanwhile.

        What is to be tried again of a registration that was dismissed meanwhile is due at once, to be ended.
        """
        async with self._database.writing() as connection:
            held = await self._hold(connection, RegistrationRow.id == step.registration_id)
            is_dismissed = held is not None and held.dismissed_at is not None
            after = timedelta() if is_dismissed else result.after
            written = await connection.execute(
                update(RegistrationStepRow)
                .where(
                    *_is_step(step.registration_id, step.provider),
                    RegistrationStepRow.owner == step.owner,
                    RegistrationStepRow.fence == step.fence,
                )
                .values(
                    state=result.state.value,
                    outcome=result.outcome,
                    due_at=self._present() + after.total_seconds(),
                    owner=None,
                    lease_until=0.0,
                    updated_at=self._present(),
                )
            )
            if written.rowcount == 0:
                return False
            await self._finish(connection, step.registration_id)
        return True

    async def release(self, step: ClaimedStep) -> None:
        """Give a claimed step back as it was, for another worker: nothing was sent."""
        async with self._database.writing() as connection:
            await connection.execute(
                update(RegistrationStepRow)
                .where(
                    *_is_step(step.registration_id, step.provider),
                    RegistrationStepRow.owner == step.owner,
                    RegistrationStepRow.fence == step.fence,
                )
                .values(owner=None, lease_until=0.0, attempts=RegistrationStepRow.attempts - 1)
            )

    async def retry(self, shop: str, number: int, providers: Collection[str] | None = None) -> tuple[str, ...]:
        """Have the steps tried again at once that are not done and not running; of `providers`, or all.

        Answers whose steps those are. A person's decision: a step that is UNKNOWN is repeated too.
        """
        chosen: list[ColumnElement[bool]] = [
            RegistrationStepRow.registration_id == number,
            RegistrationStepRow.state != StepState.DONE.value,
            RegistrationStepRow.lease_until <= self._present(),
        ]
        if providers is not None:
            chosen.append(RegistrationStepRow.provider.in_(list(providers)))
        async with self._database.writing() as connection:
            if await self._hold(connection, RegistrationRow.id == number, RegistrationRow.shop == shop) is None:
                return ()
            retried = await connection.scalars(
                update(RegistrationStepRow)
                .where(*chosen)
                .values(
                    state=StepState.PENDING.value,
                    due_at=self._present(),
                    give_up_at=self._present() + GIVE_UP_AFTER.total_seconds(),
                    updated_at=self._present(),
                )
                .returning(RegistrationStepRow.provider)
            )
            names = tuple(sorted(retried))
            if names:
                await connection.execute(
                    update(RegistrationRow)
                    .where(RegistrationRow.id == number)
                    .values(finished_at=None, dismissed_at=None, dismissed_reason=None)
                )
        return names

    async def dismiss(self, shop: str, number: int, reason: str | None, outcome: Document) -> bool:
        """Give a registration up: its PENDING steps become REFUSED with `outcome`. False when there is none.

        An attempt that is running ends as it does; only its repetition is called off (`ClaimedStep.is_dismissed`).
        """
        async with self._database.writing() as connection:
            dismissed = await connection.execute(
                update(RegistrationRow)
                .where(RegistrationRow.id == number, RegistrationRow.shop == shop)
                .values(dismissed_at=self._present(), dismissed_reason=reason)
            )
            if dismissed.rowcount == 0:
                return False
            await connection.execute(
                update(RegistrationStepRow)
                .where(
                    RegistrationStepRow.registration_id == number,
                    RegistrationStepRow.state == StepState.PENDING.value,
                    RegistrationStepRow.lease_until <= self._present(),
                )
                .values(state=StepState.REFUSED.value, outcome=outcome, updated_at=self._present())
            )
            await self._finish(connection, number)
        return True

    async def forget(self, shop: str, order_number: str, references: Collection[Reference] = ()) -> int:
        """Remove the registrations of an order, done or not, also those that named it by one of `references` alone.

        Answers how many there were.
        """
        by_reference = [
            and_(RegistrationRow.order_kind == reference.kind, RegistrationRow.order_value == reference.value)
            for reference in references
        ]
        is_about_it = or_(RegistrationRow.order_number == order_number, *by_reference)
        return await self._delete(RegistrationRow.shop == shop, is_about_it)

    async def purge(self, older_than: timedelta) -> int:
        """Remove the registrations that were finished longer ago than this; how many there were."""
        return await self._delete(RegistrationRow.finished_at < self._present() - older_than.total_seconds())

    async def _insert(self, connection: AsyncConnection, new: NewRegistration) -> int:
        number: int = await connection.scalar(  # type: ignore[assignment]  # RETURNING of one row is never None
            insert(RegistrationRow)
            .values(
                shop=new.shop,
                order_kind=new.order_kind,
                order_value=new.order_value,
                order_number=new.order_number,
                shipment=new.shipment,
                created_at=self._present(),
            )
            .returning(RegistrationRow.id)
        )
        for position, step in enumerate(new.steps):
            await connection.execute(
                insert(RegistrationStepRow).values(
                    registration_id=number,
                    provider=step.provider,
                    position=position,
                    order_references=[reference.model_dump() for reference in step.references],
                    state=StepState.PENDING.value,
                    attempts=0,
                    due_at=self._present(),
                    give_up_at=self._present() + GIVE_UP_AFTER.total_seconds(),
                    lease_until=0.0,
                    fence=0,
                    updated_at=self._present(),
                )
            )
        return number

    async def _hold(
        self, connection: AsyncConnection, *conditions: ColumnElement[bool]
    ) -> Row[int, float | None] | None:
        """Have one registration to ourselves until the transaction ends."""
        found = await connection.execute(
            select(RegistrationRow.id, RegistrationRow.dismissed_at).where(*conditions).with_for_update()
        )
        return found.one_or_none()

    async def _finish(self, connection: AsyncConnection, number: int) -> None:
        """Note the end of a registration that has nothing left to do. Its row is held by then, so that of two steps
        that end at once the second sees the first."""
        is_pending = exists().where(
            RegistrationStepRow.registration_id == number, RegistrationStepRow.state == StepState.PENDING.value
        )
        await connection.execute(
            update(RegistrationRow)
            .where(RegistrationRow.id == number, RegistrationRow.finished_at.is_(None), ~is_pending)
            .values(finished_at=self._present())
        )

    async def _read(self, connection: AsyncConnection, statement: Select[Any]) -> tuple[Registration, ...]:
        """In one statement, so that a registration and its steps are of the same moment."""
        chosen = statement.subquery()
        is_running = (RegistrationStepRow.lease_until > self._present()).label("is_running")
        rows = await connection.execute(
            select(chosen, RegistrationStepRow.__table__, is_running)
            .join_from(chosen, RegistrationStepRow.__table__, chosen.c.id == RegistrationStepRow.registration_id)
            .order_by(chosen.c.id.desc(), RegistrationStepRow.position)
        )
        return tuple(_to_registration(list(of_one)) for _id, of_one in groupby(rows, key=lambda row: row.id))

    async def _delete(self, *conditions: ColumnElement[bool]) -> int:
        """In batches, so that nobody waits long for the rows, and as many numbers are bound as every driver takes."""
        deleted = 0
        while batch := await self._delete_some(conditions):
            deleted += batch
        return deleted

    async def _delete_some(self, conditions: Sequence[ColumnElement[bool]]) -> int:
        chosen = select(RegistrationRow.id).where(*conditions).order_by(RegistrationRow.id).limit(DELETED_AT_ONCE)
        async with self._database.writing() as connection:
            numbers = list(await connection.scalars(chosen.with_for_update()))
            # Their steps go with them.
            await connection.execute(delete(RegistrationRow).where(RegistrationRow.id.in_(numbers)))
        return len(numbers)

    def _is_due(self) -> tuple[ColumnElement[bool], ...]:
        return (
            RegistrationStepRow.state == StepState.PENDING.value,
            RegistrationStepRow.due_at <= self._present(),
            RegistrationStepRow.lease_until <= self._present(),
        )


def _all_of(shop: str | None) -> Select[Any]:
    statement = select(RegistrationRow.__table__)
    return statement if shop is None else statement.where(RegistrationRow.shop == shop)


def _matches(wanted: RegistrationFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    step: list[ColumnElement[bool]] = []
    if wanted.states:
        step.append(RegistrationStepRow.state.in_([state.value for state in wanted.states]))
    if wanted.providers:
        step.append(RegistrationStepRow.provider.in_(list(wanted.providers)))
    if step:
        conditions.append(exists().where(RegistrationStepRow.registration_id == RegistrationRow.id, and_(*step)))
    if wanted.order_number is not None:
        conditions.append(RegistrationRow.order_number == wanted.order_number)
    if wanted.created_from is not None:
        conditions.append(RegistrationRow.created_at >= wanted.created_from.timestamp())
    if wanted.created_to is not None:
        conditions.append(RegistrationRow.created_at <= wanted.created_to.timestamp())
    if wanted.open_only:
        is_open = exists().where(
            RegistrationStepRow.registration_id == RegistrationRow.id,
            RegistrationStepRow.state != StepState.DONE.value,
        )
        conditions += [is_open, RegistrationRow.dismissed_at.is_(None)]
    return conditions


def _is_step(number: int, provider: str) -> tuple[ColumnElement[bool], ...]:
    return RegistrationStepRow.registration_id == number, RegistrationStepRow.provider == provider


def _to_references(documents: Sequence[Mapping[str, str]]) -> tuple[Reference, ...]:
    return tuple(Reference.model_validate(document) for document in documents)


def _to_step(row: Row[Any]) -> Step:
    return Step(
        provider=row.provider,
        references=_to_references(row.order_references),
        state=StepState(row.state),
        attempts=row.attempts,
        due_at=to_moment(row.due_at),
        is_running=row.is_running,
        outcome=row.outcome,
        updated_at=to_moment(row.updated_at),
    )


def _to_registration(rows: Sequence[Row[Any]]) -> Registration:
    """One registration, out of a row for each of its steps."""
    row = rows[0]
    return Registration(
        id=row.id,
        shop=row.shop,
        order_kind=row.order_kind,
        order_value=row.order_value,
        order_number=row.order_number,
        shipment=row.shipment,
        created_at=to_moment(row.created_at),
        finished_at=to_moment_or_none(row.finished_at),
        dismissed_at=to_moment_or_none(row.dismissed_at),
        dismissed_reason=row.dismissed_reason,
        steps=tuple(map(_to_step, rows)),
    )


def _to_claimed(row: Any, registration: Row[Any], provider: str, owner: str) -> ClaimedStep:
    return ClaimedStep(
        registration_id=row.registration_id,
        shop=registration.shop,
        order_kind=registration.order_kind,
        order_value=registration.order_value,
        order_number=registration.order_number,
        shipment=registration.shipment,
        provider=provider,
        references=_to_references(row.order_references),
        attempt=row.attempts,
        outcome=row.outcome,
        is_last=row.is_last,
        is_dismissed=registration.dismissed_at is not None,
        owner=owner,
        fence=row.fence,
    )
