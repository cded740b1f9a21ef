"""What is left of registrations, as the store counts it, and the figures that are made of it."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.orders.registration.watching import LEAST_SECONDS, BacklogFigures
from gateway.store.database import Database
from gateway.store.idempotency_keys import IdempotencyKeys
from gateway.store.present import present_of
from gateway.store.registration_backlog import Backlog, RegistrationBacklog
from gateway.store.registrations import LEASE, NewRegistration, NewStep, Registrations, Result, StepState
from tests.databases import sqlite_url
from tests.figures import figure
from tests.gateway.orders.conftest import HandClock

NEW = NewRegistration(
    shop="acme",
    order_kind="order_number",
    order_value="4711",
    order_number="4711",
    shipment={"tracking_number": "N1", "carrier": "dhl"},
    steps=(NewStep("karla"), NewStep("paypal")),
)

PENDING = ("karla", StepState.PENDING)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def registrations(database: Database, clock: HandClock) -> Registrations:
    present = present_of(database, clock)
    return Registrations(database, present, IdempotencyKeys(database, present))


@pytest.fixture
def backlog(database: Database, clock: HandClock) -> RegistrationBacklog:
    return RegistrationBacklog(database, present_of(database, clock))


async def end(registrations: Registrations, provider: str, result: Result) -> None:
    for step in await registrations.claim("me", provider, 1):
        assert await registrations.end(step, result)


async def test_of_an_empty_store_nothing_is_left(backlog: RegistrationBacklog) -> None:
    assert await backlog.read() == {}


async def test_what_is_not_done_is_counted_by_provider_and_state(
    registrations: Registrations, backlog: RegistrationBacklog
) -> None:
    for number in range(4):
        await registrations.add(replace(NEW, order_value=str(number)))
    for state in (StepState.DONE, StepState.REFUSED, StepState.UNKNOWN):
        await end(registrations, "karla", Result(state, {}))

    assert {key: left.steps for key, left in (await backlog.read()).items()} == {
        ("karla", StepState.PENDING): 1,
        ("karla", StepState.REFUSED): 1,
        ("karla", StepState.UNKNOWN): 1,
        ("paypal", StepState.PENDING): 4,
    }


async def test_the_lag_is_that_of_the_first_that_is_due_and_in_nobodys_hands(
    registrations: Registrations, backlog: RegistrationBacklog, clock: HandClock
) -> None:
    await registrations.add(replace(NEW, order_value="1"))
    clock.advance(timedelta(seconds=60))
    await registrations.add(replace(NEW, order_value="2"))
    assert (await backlog.read())[PENDING] == Backlog(2, pytest.approx(60, abs=0.1))

    [oldest] = await registrations.claim("me", "karla", 1)
    clock.advance(timedelta(seconds=5))
    assert (await backlog.read())[PENDING] == Backlog(2, pytest.approx(5, abs=0.1))

    clock.advance(LEASE)
    assert (await backlog.read())[PENDING].overdue_seconds > 60  # whoever had it is dead
    assert oldest.order_value == "1"


async def test_what_is_tried_again_later_is_not_due_before(
    registrations: Registrations, backlog: RegistrationBacklog, clock: HandClock
) -> None:
    await registrations.add(NEW)
    await end(registrations, "karla", Result(StepState.PENDING, {}, timedelta(minutes=1)))
    assert (await backlog.read())[PENDING] == Backlog(1, 0)

    clock.advance(timedelta(seconds=90))
    assert (await backlog.read())[PENDING] == Backlog(1, pytest.approx(30, abs=0.1))


class TestFigures:
    async def test_every_provider_has_figures_that_follow_the_store(
        self, registrations: Registrations, backlog: RegistrationBacklog
    ) -> None:
        seconds = 0.0
        figures = BacklogFigures(backlog, ["karla", "paypal", "billink"], lambda: seconds)
        await registrations.add(NEW)
        await figures.refresh()

        assert figure("trackgraph_registration_steps", provider="karla", state="PENDING") == 1
        assert figure("trackgraph_registration_steps", provider="billink", state="PENDING") == 0
        assert figure("trackgraph_store_up") == 1

        await end(registrations, "karla", Result(StepState.UNKNOWN, {}))
        await figures.refresh()
        assert figure("trackgraph_registration_steps", provider="karla", state="PENDING") == 1  # read a moment ago

        seconds += LEAST_SECONDS
        await figures.refresh()
        assert figure("trackgraph_registration_steps", provider="karla", state="PENDING") == 0
        assert figure("trackgraph_registration_steps", provider="karla", state="UNKNOWN") == 1

    async def test_a_store_that_cannot_be_read_is_told_and_the_others_stay(self, tmp_path: Path) -> None:
        file = tmp_path / "broken.db"
        file.write_bytes(b"no database at all" * 100)
        with pytest.raises(sqlite3.DatabaseError):
            sqlite3.connect(file).execute("SELECT 1 FROM x")
        database = Database(sqlite_url(file))
        backlog = RegistrationBacklog(database, present_of(database))
        await BacklogFigures(backlog, ["karla"]).refresh()
        await database.aclose()

        assert figure("trackgraph_store_up") == 0
