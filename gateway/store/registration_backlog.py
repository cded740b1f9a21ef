"""How much of the registrations is left to do, for whoever watches: counted by the store, without reading any of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import and_, case, func, select

from gateway.store.database import Database
from gateway.store.present import Present
from gateway.store.registrations import StepState
from gateway.store.tables import RegistrationStepRow

LEFT = (StepState.PENDING, StepState.REFUSED, StepState.UNKNOWN)
"""States of what is not done. Those that are done are by far the most, and nobody waits for them."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """Steps at one provider in one state; for how many seconds the first of them has been due, with nobody at it."""

    steps: int = 0
    overdue_seconds: float = 0.0


class RegistrationBacklog:
    """What is left of the registrations of every shop. Raises `StoreUnavailable`."""

    def __init__(self, database: Database, present: Present) -> None:
        self._database = database
        self._present = present

    async def read(self) -> Mapping[tuple[str, StepState], Backlog]:
        """What is left, by provider and state; where there is none, nothing is said. The index on states finds it."""
        row = RegistrationStepRow
        now = self._present()
        is_due = and_(row.state == StepState.PENDING.value, row.due_at <= now, row.lease_until <= now)
        overdue = func.max(case((is_due, now - row.due_at), else_=0.0))
        statement = (
            select(row.provider, row.state, func.count(), overdue)
            .where(row.state.in_([state.value for state in LEFT]))
            .group_by(row.provider, row.state)
        )
        async with self._database.reading() as connection:
            found = await connection.execute(statement)
            return {(each[0], StepState(each[1])): Backlog(each[2], each[3]) for each in found}
