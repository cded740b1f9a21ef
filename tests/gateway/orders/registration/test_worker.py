"""The worker over simulated providers: everything accepted is done once, or said to be refused or unknown."""

from __future__ import annotations

import asyncio
import logging
import shutil
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.orders.registration.worker import KEYS_STAY, Limits, RegistrationWorker
from gateway.store.database import Database
from gateway.store.idempotency_keys import Ending, IdempotencyKeys, KeyedWrite, KeyState
from gateway.store.invoice_trackers import MAY_RUN
from gateway.store.present import present_of
from gateway.store.registrations import (
    GIVE_UP_AFTER,
    LEASE,
    Accepted,
    NewRegistration,
    NewStep,
    Registration,
    RegistrationFilter,
    Registrations,
    StepState,
)
from providers.base import AttemptBegun
from providers.models import Reference, TrackerDraft, Tracking
from providers.simulation.faults import Fault, FaultMode
from providers.simulation.world import SimulatedOrder
from tests.databases import sqlite_url
from tests.gateway.orders.providers import BILLINK, TrackingBook
from tests.gateway.orders.registration.conftest import (
    CALL_SECONDS,
    NUMBER,
    RETENTION,
    Engine,
    eventually,
    outcome,
    states,
)
from tests.scenarios.harness import HANGING, Providers

LOST = Fault(mode=FaultMode.TRUNCATE, method="POST", count=1)
"""The work is done, and half of the answer comes."""


def writes(providers: Providers, name: str) -> int:
    """How many requests that write something the provider got."""
    return sum(call.method != "GET" for call in providers.received(name))


async def test_four_providers_are_told_at_once_and_each_once(
    engine: Engine, providers: Providers, order: SimulatedOrder
) -> None:
    await engine.link(order)
    async with engine.working():
        registration = await engine.register(order)
    assert set(states(registration).values()) == {StepState.DONE}
    assert {name: writes(providers, name) for name in states(registration)} == {
        "karla": 1,
        "paypal": 1,
        "billink": 1,
        "hypertrack": 1,
    }
    made = {step.provider: outcome(step).made for step in registration.steps}
    assert {name: tracking.kind if tracking else None for name, tracking in made.items()} == {
        "karla": None,
        "paypal": "order_tracker",
        "billink": "invoice_tracker",
        "hypertrack": "route",
    }
    assert registration.finished_at == engine.clock()


async def test_one_is_down_one_refuses_and_one_hangs_and_the_answer_is_in_time(
    engine: Engine, providers: Providers, order: SimulatedOrder
) -> None:
    """The one that was down is told when it is back, without anybody asking."""
    await engine.link(order)
    providers.fail("paypal")
    providers.fail("karla", fault=HANGING)
    async with engine.working():
        loop = asyncio.get_running_loop()
        begun = loop.time()
        registration = await engine.register(order, seconds=2.5, carrier="Postman Pat")
        assert loop.time() - begun < 2.5 < CALL_SECONDS
        assert states(registration) == {
            "karla": StepState.PENDING,
            "paypal": StepState.PENDING,
            "billink": StepState.REFUSED,
            "hypertrack": StepState.DONE,
        }
        paypal, karla = await engine.step(registration, "paypal"), await engine.step(registration, "karla")
        assert (outcome(paypal).failure, karla.is_running) == ("PROVIDER_FAILED", True)
        refusal = outcome(await engine.step(registration, "billink")).refusal
        assert refusal is not None
        assert [violation.field for violation in refusal.violations] == [("carrier_code",)]
        providers.mend("paypal")
        engine.clock.advance(paypal.due_at - engine.clock())
        assert (await engine.until_state(registration, "paypal", StepState.DONE)).attempts == 2


async def test_a_call_that_hangs_is_given_up_and_made_again_where_that_is_safe(
    engine: Engine, providers: Providers, order: SimulatedOrder
) -> None:
    worker = engine.worker = engine.new_worker(Limits(attempt=0.3))
    providers.fail("karla", fault=HANGING)
    async with engine.working(worker):
        registration = await engine.accept(order, "karla")
        step = await engine.until(registration, "karla", lambda step: step.was_tried)
        assert (step.state, outcome(step).failure, outcome(step).may_be_done) == (
            StepState.PENDING,
            "OUTCOME_UNKNOWN",
            True,
        )
        providers.mend("karla")
        engine.clock.advance(timedelta(seconds=4))
        await engine.until_state(registration, "karla", StepState.DONE)


async def test_an_attempt_whose_time_is_over_before_it_sends_sends_nothing(
    engine: Engine, providers: Providers, order: SimulatedOrder
) -> None:
    """As of a process that was frozen: its lease may be over, and somebody else at work."""
    registration = await engine.accept(order, "karla")
    async with engine.working(engine.new_worker(Limits(attempt=0))):
        step = await engine.until(registration, "karla", lambda step: step.was_tried)
    assert (step.state, outcome(step).failure, outcome(step).may_be_done) == (
        StepState.PENDING,
        "PROVIDER_TIMEOUT",
        False,
    )
    assert providers.calls() == {}


async def test_a_provider_that_hangs_takes_no_slot_from_another(
    engine: Engine, providers: Providers, order: SimulatedOrder
) -> None:
    providers.fail("karla", fault=HANGING)
    async with engine.working(engine.new_worker(Limits(slots=1, grace=0))):
        first = await engine.accept(order, "karla", "billink")
        second = await engine.accept(order, "karla", "billink", tracking_number="N2")
        for registration in (first, second):
            await engine.until_state(registration, "billink", StepState.DONE)
        running = [(await engine.step(registration, "karla")).is_running for registration in (first, second)]
        assert running == [True, False]


async def test_more_than_there_are_slots_for_is_done_one_after_the_other(engine: Engine, order: SimulatedOrder) -> None:
    async with engine.working(engine.new_worker(Limits(slots=2))):
        numbers = [f"N{each}" for each in range(7)]
        registrations = [await engine.accept(order, "billink", tracking_number=number) for number in numbers]
        for registration in registrations:
            assert (await engine.until_state(registration, "billink", StepState.DONE)).attempts == 1


@pytest.mark.parametrize("provider", ["paypal", "hypertrack"])
async def test_what_was_done_and_its_answer_lost_is_done_once_in_the_end(
    engine: Engine, providers: Providers, order: SimulatedOrder, provider: str
) -> None:
    await engine.link(order)
    path = {"paypal": "/v2/checkout/orders/*/track", "hypertrack": "/orders/track"}[provider]
    providers.fail(provider, fault=LOST.model_copy(update={"path": path}))
    async with engine.working():
        registration = await engine.accept(order, provider)
        step = await engine.until(registration, provider, lambda step: step.was_tried)
        assert (step.state, outcome(step).failure) == (StepState.PENDING, "OUTCOME_UNKNOWN")
        engine.clock.advance(timedelta(seconds=4))
        step = await engine.until_state(registration, provider, StepState.DONE)
    assert outcome(step).made is not None


async def test_a_call_to_billink_whose_answer_is_lost_is_unknown_and_not_repeated(
    engine: Engine, providers: Providers, order: SimulatedOrder
) -> None:
    providers.fail("billink", fault=LOST)
    async with engine.working():
        registration = await engine.register(order, "billink")
        assert states(registration) == {"billink": StepState.UNKNOWN}
        engine.clock.advance(GIVE_UP_AFTER)
        assert await engine.registrations.due() == {}
    assert writes(providers, "billink") == 1


async def test_a_dead_workers_step_is_taken_over_when_its_lease_ends_and_not_before(
    engine: Engine, providers: Providers, order: SimulatedOrder
) -> None:
    registration = await engine.accept(order, "karla")
    assert len(await engine.registrations.claim("dead", "karla", 10)) == 1
    async with engine.working():
        engine.clock.advance(LEASE - timedelta(milliseconds=1))
        bystander = await engine.accept(order, "billink")
        await engine.until_state(bystander, "billink", StepState.DONE)
        assert writes(providers, "karla") == 0
        engine.clock.advance(timedelta(milliseconds=1))
        assert (await engine.until_state(registration, "karla", StepState.DONE)).attempts == 2


async def test_an_attempt_at_billink_that_was_killed_ends_unknown_and_is_sent_again_only_by_a_person(
    engine: Engine, providers: Providers, order: SimulatedOrder
) -> None:
    registration = await engine.accept(order, "billink")
    assert len(await engine.registrations.claim("dead", "billink", 10)) == 1
    begun = await engine.trackers.begin(order.number, "dhl", NUMBER)
    assert isinstance(begun, AttemptBegun)
    async with engine.working():
        engine.clock.advance(MAY_RUN)
        step = await engine.until_state(registration, "billink", StepState.UNKNOWN)
        assert (outcome(step).failure, writes(providers, "billink")) == ("OUTCOME_UNKNOWN", 0)
        again = await engine.service().retry(engine.shop, registration.id)
        assert isinstance(again, Registration)
        assert states(again) == {"billink": StepState.DONE}
    assert writes(providers, "billink") == 1


async def test_a_provider_s_wish_to_be_left_alone_is_kept(
    engine: Engine, providers: Providers, order: SimulatedOrder
) -> None:
    providers.fail("karla", fault=Fault(mode=FaultMode.STATUS, status=429, retry_after="120"))
    async with engine.working():
        registration = await engine.register(order, "karla")
    (step,) = registration.steps
    assert (step.state, step.due_at) == (StepState.PENDING, engine.clock() + timedelta(seconds=120))


async def test_after_seven_days_it_is_refused_with_the_last_failure(
    engine: Engine, providers: Providers, order: SimulatedOrder
) -> None:
    providers.fail("karla")
    registration = await engine.accept(order, "karla")
    engine.clock.advance(GIVE_UP_AFTER)
    async with engine.working():
        step = await engine.until(registration, "karla", lambda step: step.was_tried)
    assert (step.state, outcome(step).failure) == (StepState.REFUSED, "PROVIDER_UNAVAILABLE")


async def test_after_seven_days_a_step_whose_worker_died_once_is_unknown(
    engine: Engine, providers: Providers, order: SimulatedOrder
) -> None:
    """The dead worker may have sent it, and what was not taken since then says nothing about that."""
    registration = await engine.accept(order, "karla")
    assert len(await engine.registrations.claim("dead", "karla", 10)) == 1
    providers.fail("karla")
    engine.clock.advance(LEASE)
    async with engine.working():
        step = await engine.until(registration, "karla", lambda step: step.was_tried and step.attempts == 2)
        assert (step.state, outcome(step).failure) == (StepState.PENDING, "PROVIDER_UNAVAILABLE")
        engine.clock.advance(GIVE_UP_AFTER)
        assert (await engine.until_state(registration, "karla", StepState.UNKNOWN)).attempts == 3


async def test_an_order_that_karla_does_not_have_is_refused_and_not_made(engine: Engine, order: SimulatedOrder) -> None:
    async with engine.working():
        unknown = replace(order, number="no-such-order")
        registration = await engine.register(unknown, "karla")
    (step,) = registration.steps
    refusal = outcome(step).refusal
    assert refusal is not None
    assert (step.state, refusal.code) == (StepState.REFUSED, "ORDER_NOT_FOUND")


class TestStopping:
    async def test_what_is_being_sent_may_end(
        self, engine: Engine, providers: Providers, order: SimulatedOrder
    ) -> None:
        providers.fail("karla", fault=Fault(mode=FaultMode.NONE, latency_ms=300))
        registration = await engine.accept(order, "karla")
        async with engine.working():
            await engine.until(registration, "karla", lambda step: step.is_running)
        assert (await engine.step(registration, "karla")).state is StepState.DONE

    async def test_what_was_not_sent_is_given_back(
        self, engine: Engine, providers: Providers, order: SimulatedOrder
    ) -> None:
        """PayPal is still being asked for the captures."""
        await engine.link(order)
        providers.fail("paypal", fault=HANGING)
        registration = await engine.accept(order, "paypal")
        async with engine.working(engine.new_worker(Limits(grace=0.05))):
            await engine.until(registration, "paypal", lambda step: step.is_running)
        step = await engine.step(registration, "paypal")
        assert (step.state, step.is_running, step.attempts) == (StepState.PENDING, False, 0)

    async def test_what_may_have_been_sent_stays_under_its_lease(
        self, engine: Engine, providers: Providers, order: SimulatedOrder
    ) -> None:
        providers.fail("karla", fault=HANGING)
        registration = await engine.accept(order, "karla")
        async with engine.working(engine.new_worker(Limits(grace=0.05))):
            await engine.until(registration, "karla", lambda _: bool(providers.received("karla")))
        step = await engine.step(registration, "karla")
        assert (step.is_running, step.attempts) == (True, 1)


class TestDefects:
    @dataclass
    class Broken(TrackingBook):
        """A third party's provider with a defect."""

        async def register_tracker(self, draft: TrackerDraft) -> Tracking:
            raise RuntimeError(f"nobody thought of {draft.tracking_number}")

    async def test_a_defect_loses_no_work_is_logged_and_ends_no_worker(
        self, engine: Engine, order: SimulatedOrder, caplog: pytest.LogCaptureFixture
    ) -> None:
        engine.shop = replace(engine.shop, providers={**engine.shop.providers, "billink": self.Broken(BILLINK)})
        async with engine.working(engine.new_worker()):
            broken = await engine.accept(order, "billink", "karla")
            step = await engine.until(broken, "billink", lambda step: step.was_tried)
            assert (step.state, outcome(step).failure) == (StepState.PENDING, "INTERNAL_ERROR")
            await engine.until_state(broken, "karla", StepState.DONE)
        (record,) = [record for record in caplog.records if record.exc_info]
        assert record.levelno == logging.ERROR

    async def test_a_shipment_of_a_later_version_waits_for_a_gateway_that_can_read_it(
        self, engine: Engine, caplog: pytest.LogCaptureFixture
    ) -> None:
        registration = await stored(engine, "karla", {"tracking_number": "N1", "carrier": "dhl", "pallets": 2})
        async with engine.working():
            step = await engine.until(registration, "karla", lambda step: step.was_tried)
        assert (step.state, outcome(step).failure) == (StepState.PENDING, "INTERNAL_ERROR")
        assert "pallets" not in caplog.text
        assert "Traceback" not in caplog.text

    async def test_a_provider_without_settings_any_more_is_refused(self, engine: Engine) -> None:
        registration = await stored(engine, "gone", {})
        async with engine.working():
            step = await engine.until_state(registration, "gone", StepState.REFUSED)
        refusal = outcome(step).refusal
        assert refusal is not None
        assert refusal.code == "PROVIDER_NOT_CONFIGURED"


async def stored(engine: Engine, provider: str, shipment: dict[str, object]) -> Registration:
    """A registration that another version of the gateway accepted."""
    reference = Reference(provider=provider, kind="order_number", value="4711")
    new = NewRegistration("demo", "order_number", "4711", "4711", shipment, (NewStep(provider, (reference,)),))
    answer = await engine.registrations.add(new)
    assert isinstance(answer, Accepted)
    registration = await engine.registrations.find("demo", answer.id)
    assert registration is not None
    return registration


async def test_a_store_that_is_down_is_logged_once_and_waited_for(
    engine: Engine, order: SimulatedOrder, store_file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "not mounted yet"
    database = Database(sqlite_url(folder / "store.db"))
    present = present_of(database, engine.clock)
    engine.registrations = Registrations(database, present, IdempotencyKeys(database, present))

    async def noted() -> bool:
        return bool(caplog.records)

    async with engine.working(engine.new_worker()):
        await eventually(noted)
        folder.mkdir()
        shutil.copy(store_file, folder / "store.db")
        registration = await engine.accept(order, "karla")
        await engine.until_state(registration, "karla", StepState.DONE)
    await database.aclose()
    assert sum("wait for the store" in record.message for record in caplog.records) == 1


async def test_what_was_dismissed_while_it_ran_is_not_repeated(
    engine: Engine, providers: Providers, order: SimulatedOrder
) -> None:
    worker = engine.new_worker(Limits(attempt=0.5))
    providers.fail("karla", fault=HANGING)
    registration = await engine.accept(order, "karla")
    async with engine.working(worker):
        await engine.until(registration, "karla", lambda step: step.is_running)
        await engine.service().dismiss(engine.shop, registration.id, "sent by hand")
        providers.mend("karla")
        step = await engine.until_state(registration, "karla", StepState.REFUSED)
    refusal = outcome(step).refusal
    assert refusal is not None
    assert (refusal.code, writes(providers, "karla")) == ("DISMISSED", 1)


async def test_what_was_finished_long_ago_is_removed_and_its_key_too(engine: Engine, order: SimulatedOrder) -> None:
    write = KeyedWrite("demo", "k1", "registerShipment", "a" * 64)
    begun = await engine.keys.begin(write)
    await engine.keys.end(write, Ending(begun.attempt, KeyState.DONE))  # type: ignore[union-attr]
    async with engine.working():
        registration = await engine.register(order, "karla")
    engine.clock.advance(max(RETENTION, KEYS_STAY) + timedelta(seconds=1))

    async def removed() -> bool:
        return await engine.keys.find(write) is None

    async with engine.working(engine.new_worker()):
        await eventually(removed)
    assert await engine.registrations.find("demo", registration.id) is None
    assert await engine.registrations.search("demo", RegistrationFilter(), 10) == ()


async def test_two_workers_share_the_work_and_nothing_is_done_twice(
    engine: Engine, providers: Providers, order: SimulatedOrder
) -> None:
    workers: list[RegistrationWorker] = [engine.new_worker(), engine.new_worker()]
    async with engine.working(workers[0]), engine.working(workers[1]):
        registrations = [await engine.accept(order, "billink", tracking_number=f"N{each}") for each in range(20)]
        for registration in registrations:
            assert (await engine.until_state(registration, "billink", StepState.DONE)).attempts == 1
    assert writes(providers, "billink") == 20
