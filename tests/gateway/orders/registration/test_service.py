"""Accepting registrations and deciding about them: once for each key, without waiting for more than there is time."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.orders.errors import IdempotencyKeyReused
from gateway.orders.links import Problem
from gateway.orders.registration.service import ANSWER_SECONDS
from gateway.orders.registration.worker import Limits
from gateway.store.idempotency_keys import KeyedWrite
from gateway.store.registrations import Accepted, Registration, RegistrationFilter, StepState
from providers.simulation.world import SimulatedOrder
from tests.gateway.orders.registration.conftest import Engine, eventually, number_of, outcome, shipment_of, states
from tests.scenarios.harness import HANGING, Providers

WRITE = KeyedWrite("demo", "k1", "registerShipment", "a" * 64)


async def everything(engine: Engine) -> tuple[Registration, ...]:
    return await engine.registrations.search("demo", RegistrationFilter(), 100)


def codes(answer: Registration | Accepted | tuple[Problem, ...]) -> list[tuple[str, str]]:
    assert isinstance(answer, tuple)
    return [(problem.code, problem.member) for problem in answer]


class TestAccepting:
    async def test_problems_store_nothing_and_use_up_no_key(
        self, engine: Engine, providers: Providers, order: SimulatedOrder
    ) -> None:
        shipment = shipment_of(order, ["karla"])
        async with engine.working():
            answer = await engine.service().register(engine.shop, number_of(order), shipment, ["paypal"], WRITE)
            assert codes(answer) == [("REFERENCE_REQUIRED", "order")]
            assert (await everything(engine), providers.calls()) == ((), {})
            other_input = replace(WRITE, input_hash="b" * 64)
            mended = await engine.service().register(engine.shop, number_of(order), shipment, ["billink"], other_input)
        assert isinstance(mended, Registration)

    async def test_the_same_key_again_is_answered_what_it_made_whatever_has_changed_since(
        self, engine: Engine, providers: Providers, order: SimulatedOrder
    ) -> None:
        await engine.link(order)
        shipment = shipment_of(order, ["karla"])

        async def register() -> Registration | tuple[Problem, ...]:
            return await engine.service().register(engine.shop, number_of(order), shipment, ["paypal"], WRITE)

        async with engine.working():
            first = await register()
            await engine.services.links.remove("demo", order.number, first.steps[0].references[0])  # type: ignore[union-attr]
            providers.fail("paypal")
            assert await register() == first
        assert await everything(engine) == (first,)

    async def test_twenty_at_once_under_one_key_are_told_once(
        self, engine: Engine, providers: Providers, order: SimulatedOrder
    ) -> None:
        shipment = shipment_of(order, ["billink"])
        async with engine.working():
            answers = await asyncio.gather(
                *(
                    engine.service().register(engine.shop, number_of(order), shipment, ["billink"], WRITE)
                    for _ in range(20)
                )
            )
        assert len({answer.id for answer in answers if isinstance(answer, Registration)}) == 1
        assert all(isinstance(answer, Registration) for answer in answers)
        assert providers.calls() == {"billink": 1}

    async def test_a_key_of_something_else_is_refused(self, engine: Engine, order: SimulatedOrder) -> None:
        shipment = shipment_of(order, ["karla"])
        await engine.service(0).register(engine.shop, number_of(order), shipment, ["karla"], WRITE)
        with pytest.raises(IdempotencyKeyReused):
            await engine.service(0).register(
                engine.shop, number_of(order), shipment, ["karla"], replace(WRITE, input_hash="b" * 64)
            )
        assert len(await everything(engine)) == 1

    async def test_what_is_only_accepted_is_not_waited_for_and_done(
        self, engine: Engine, order: SimulatedOrder
    ) -> None:
        accepted = await engine.service().accept(
            engine.shop, number_of(order), shipment_of(order, ["karla"]), ["karla"]
        )
        assert isinstance(accepted, Accepted)
        (registration,) = await everything(engine)
        assert (accepted.id, states(registration)) == (registration.id, {"karla": StepState.PENDING})
        async with engine.working():
            await engine.until_state(registration, "karla", StepState.DONE)


class TestWaiting:
    async def test_an_answer_leaves_time_to_be_told(self, engine: Engine, order: SimulatedOrder) -> None:
        """Nobody works: what is accepted is answered as PENDING, a moment before the time is over."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        registration = await engine.register(order, "karla", seconds=ANSWER_SECONDS + 0.3)
        assert states(registration) == {"karla": StepState.PENDING}
        assert loop.time() - begun >= 0.3

    async def test_a_client_that_goes_away_cancels_nothing(
        self, engine: Engine, providers: Providers, order: SimulatedOrder
    ) -> None:
        async with engine.working():
            asking = asyncio.create_task(engine.register(order, "karla"))

            async def accepted() -> bool:
                return bool(await everything(engine))

            await eventually(accepted)
            asking.cancel()
            await asyncio.wait({asking})
            (registration,) = await everything(engine)
            await engine.until_state(registration, "karla", StepState.DONE)
        assert asking.cancelled()
        assert providers.calls() == {"karla": 1}

    async def test_what_another_process_does_is_seen(self, engine: Engine, order: SimulatedOrder) -> None:
        async with engine.working(engine.new_worker()):
            registration = await engine.register(order, "karla")
        assert states(registration) == {"karla": StepState.DONE}


class TestDeciding:
    async def test_a_retry_waits_for_the_next_attempt(
        self, engine: Engine, providers: Providers, order: SimulatedOrder
    ) -> None:
        providers.fail("karla")
        async with engine.working():
            registration = await engine.register(order, "karla")
            assert states(registration) == {"karla": StepState.PENDING}
            providers.mend()
            again = await engine.service().retry(engine.shop, registration.id)
        assert isinstance(again, Registration)
        assert [(step.state, step.attempts) for step in again.steps] == [(StepState.DONE, 2)]

    async def test_only_what_is_named_is_retried(
        self, engine: Engine, providers: Providers, order: SimulatedOrder
    ) -> None:
        providers.fail("karla", "billink")
        async with engine.working():
            registration = await engine.register(order, "karla", "billink")
            providers.mend()
            again = await engine.service().retry(engine.shop, registration.id, ["billink"])
        assert isinstance(again, Registration)
        assert states(again) == {"karla": StepState.PENDING, "billink": StepState.DONE}

    async def test_what_cannot_be_retried_is_a_problem(self, engine: Engine, order: SimulatedOrder) -> None:
        async with engine.working():
            registration = await engine.register(order, "karla")
        nothing = [("NOTHING_TO_RETRY", "registrationId")]
        assert codes(await engine.service().retry(engine.shop, registration.id)) == nothing
        assert codes(await engine.service().retry(engine.shop, registration.id, ["paypal"])) == nothing
        missing = [("REGISTRATION_NOT_FOUND", "registrationId")]
        assert codes(await engine.service().retry(engine.shop, registration.id + 1)) == missing
        other = replace(engine.shop, slug="other")
        assert codes(await engine.service().retry(other, registration.id)) == missing

    async def test_what_is_dismissed_is_told_to_nobody_any_more(
        self, engine: Engine, providers: Providers, order: SimulatedOrder
    ) -> None:
        registration = await engine.accept(order, "karla")
        dismissed = await engine.service().dismiss(engine.shop, registration.id, "a duplicate")
        assert isinstance(dismissed, Registration)
        refusal = outcome(dismissed.steps[0]).refusal
        assert refusal is not None
        assert (states(dismissed), refusal.code) == ({"karla": StepState.REFUSED}, "DISMISSED")
        assert (dismissed.dismissed_reason, dismissed.dismissed_at) == ("a duplicate", engine.clock())
        async with engine.working():
            other = await engine.register(order, "billink")
        assert states(other) == {"billink": StepState.DONE}
        assert providers.calls() == {"billink": 1}

    async def test_what_is_not_there_cannot_be_dismissed(self, engine: Engine) -> None:
        assert codes(await engine.service().dismiss(engine.shop, 1, None)) == [
            ("REGISTRATION_NOT_FOUND", "registrationId")
        ]

    async def test_what_runs_at_the_moment_is_not_retried(
        self, engine: Engine, providers: Providers, order: SimulatedOrder
    ) -> None:
        providers.fail("karla", fault=HANGING)
        registration = await engine.accept(order, "karla")
        async with engine.working(engine.new_worker(Limits(grace=0))):
            await engine.until(registration, "karla", lambda step: step.is_running)
            answer = await engine.service().retry(engine.shop, registration.id)
        assert codes(answer) == [("NOTHING_TO_RETRY", "registrationId")]
