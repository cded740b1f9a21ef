"""Registrations in the store: accepted once, worked on by one worker at a time, and kept until they are purged."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.store.database import Database
from gateway.store.idempotency_keys import IdempotencyKeys, KeyedWrite, Taken
from gateway.store.present import present_of
from gateway.store.registrations import (
    GIVE_UP_AFTER,
    LEASE,
    Accepted,
    ClaimedStep,
    NewRegistration,
    NewStep,
    Registration,
    RegistrationFilter,
    Registrations,
    Result,
    Step,
    StepState,
)
from providers.models import Reference
from tests.gateway.orders.conftest import HandClock

PAY1 = Reference(provider="paypal", kind="paypal_order_id", value="PAY1")
NEW = NewRegistration(
    shop="acme",
    order_kind="order_name",
    order_value="#4711",
    order_number="4711",
    shipment={"tracking_number": "N1", "carrier": "dhl"},
    steps=(NewStep("karla"), NewStep("paypal", (PAY1,))),
)
WRITE = KeyedWrite(shop="acme", key="k1", operation="registerShipment", input_hash="a" * 64)
DONE = Result(StepState.DONE, {"made": None})
REFUSED = Result(StepState.REFUSED, {"failure": "X"})
LATER = Result(StepState.PENDING, {"failure": "PROVIDER_UNAVAILABLE"}, timedelta(seconds=10))


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def registrations(database: Database, clock: HandClock) -> Registrations:
    present = present_of(database, clock)
    return Registrations(database, present, IdempotencyKeys(database, present))


async def accepted(registrations: Registrations, new: NewRegistration = NEW) -> int:
    answer = await registrations.add(new)
    assert isinstance(answer, Accepted)
    return answer.id


async def claimed(registrations: Registrations, provider: str = "karla", owner: str = "me") -> ClaimedStep:
    """The one step of `provider` that is due."""
    (step,) = await registrations.claim(owner, provider, 10)
    return step


async def found(registrations: Registrations, number: int) -> Registration:
    registration = await registrations.find("acme", number)
    assert registration is not None
    return registration


async def step_of(registrations: Registrations, number: int, provider: str = "karla") -> Step:
    return next(step for step in (await found(registrations, number)).steps if step.provider == provider)


async def finish(registrations: Registrations, result: Result = DONE) -> None:
    """End every step that is due with `result`."""
    for provider in ("karla", "paypal"):
        for step in await registrations.claim("me", provider, 10):
            assert await registrations.end(step, result)


class TestAccepting:
    async def test_what_is_accepted_is_found_with_its_steps_in_the_order_given(
        self, registrations: Registrations, clock: HandClock
    ) -> None:
        number = await accepted(registrations)
        registration = await found(registrations, number)
        assert (registration.order_kind, registration.order_value, registration.order_number) == (
            "order_name",
            "#4711",
            "4711",
        )
        assert (registration.shipment, registration.created_at) == (NEW.shipment, clock())
        assert [(step.provider, step.references) for step in registration.steps] == [("karla", ()), ("paypal", (PAY1,))]
        assert {(step.state, step.attempts, step.is_running) for step in registration.steps} == {
            (StepState.PENDING, 0, False)
        }
        assert await registrations.find("other", number) is None

    async def test_twenty_at_once_under_one_key_are_one_registration(self, registrations: Registrations) -> None:
        answers = await asyncio.gather(*(registrations.add(NEW, WRITE) for _ in range(20)))
        assert len({answer.id for answer in answers if isinstance(answer, Accepted)}) == 1
        assert sorted(answer.is_new for answer in answers if isinstance(answer, Accepted)) == [False] * 19 + [True]
        assert len(await registrations.search("acme", RegistrationFilter(), 10)) == 1

    async def test_a_key_that_made_something_else_makes_nothing(self, registrations: Registrations) -> None:
        await registrations.add(NEW, WRITE)
        for other in (replace(WRITE, operation="placeOrder"), replace(WRITE, input_hash="b" * 64)):
            assert await registrations.add(NEW, other) == Taken()
            assert await registrations.find_accepted(other) == Taken()
        assert len(await registrations.search("acme", RegistrationFilter(), 10)) == 1

    async def test_what_a_key_made_is_found_before_anything_is_planned(self, registrations: Registrations) -> None:
        assert await registrations.find_accepted(WRITE) is None
        answer = await registrations.add(NEW, WRITE)
        assert isinstance(answer, Accepted)
        assert await registrations.find_accepted(WRITE) == Accepted(answer.id, is_new=False)

    async def test_without_a_key_each_is_one_of_its_own(self, registrations: Registrations) -> None:
        assert await accepted(registrations) != await accepted(registrations)


class TestClaiming:
    async def test_twenty_claimers_at_once_get_each_step_once(self, registrations: Registrations) -> None:
        numbers = {await accepted(registrations) for _ in range(12)}
        claims = await asyncio.gather(*(registrations.claim(f"w{each}", "karla", 3) for each in range(20)))
        assert all(len(claim) <= 3 for claim in claims)
        assert Counter(step.registration_id for claim in claims for step in claim) == dict.fromkeys(numbers, 1)

    async def test_a_claim_tells_everything_that_the_work_needs(self, registrations: Registrations) -> None:
        number = await accepted(registrations)
        step = await claimed(registrations, "paypal", owner="w1")
        assert step == ClaimedStep(
            registration_id=number,
            shop="acme",
            order_kind="order_name",
            order_value="#4711",
            order_number="4711",
            shipment=dict(NEW.shipment),
            provider="paypal",
            references=(PAY1,),
            attempt=1,
            outcome=None,
            is_last=False,
            is_dismissed=False,
            owner="w1",
            fence=1,
        )

    async def test_only_steps_of_the_provider_are_claimed_and_counted(self, registrations: Registrations) -> None:
        await accepted(registrations)
        await accepted(registrations, replace(NEW, steps=(NewStep("karla"),)))
        assert await registrations.due() == {"karla": 2, "paypal": 1}
        await registrations.claim("me", "karla", 1)
        assert await registrations.due() == {"karla": 1, "paypal": 1}

    async def test_the_longest_due_is_claimed_first(self, registrations: Registrations, clock: HandClock) -> None:
        first = await accepted(registrations)
        clock.advance(timedelta(seconds=1))
        await accepted(registrations)
        (step,) = await registrations.claim("me", "karla", 1)
        assert step.registration_id == first

    async def test_nobody_claims_what_is_being_done_until_its_lease_ends(
        self, registrations: Registrations, clock: HandClock
    ) -> None:
        number = await accepted(registrations)
        dead = await claimed(registrations, owner="dead")
        assert (await step_of(registrations, number)).is_running
        clock.advance(LEASE - timedelta(milliseconds=1))
        assert await registrations.claim("heir", "karla", 10) == ()
        clock.advance(timedelta(milliseconds=1))
        assert not (await step_of(registrations, number)).is_running
        heir = await claimed(registrations, owner="heir")
        assert (heir.attempt, heir.fence) == (2, dead.fence + 1)

    async def test_an_attempt_that_never_ended_has_the_outcome_that_its_heir_gives_it(
        self, registrations: Registrations, clock: HandClock
    ) -> None:
        number = await accepted(registrations)
        cut_off = {"failure": "OUTCOME_UNKNOWN"}
        (first,) = await registrations.claim("dead", "karla", 1, cut_off)
        assert first.outcome is None
        clock.advance(LEASE)
        (heir,) = await registrations.claim("heir", "karla", 1, cut_off)
        assert (heir.outcome, (await step_of(registrations, number)).outcome) == (cut_off, cut_off)
        assert await registrations.end(heir, LATER)
        clock.advance(LATER.after)
        (again,) = await registrations.claim("heir", "karla", 1, cut_off)
        assert again.outcome == LATER.outcome
        await registrations.release(again)
        (released,) = await registrations.claim("heir", "karla", 1, cut_off)
        assert released.outcome == LATER.outcome

    async def test_the_database_s_own_clock_has_steps_due_at_once_and_leases_hold(self, database: Database) -> None:
        present = present_of(database)
        registrations = Registrations(database, present, IdempotencyKeys(database, present))
        number = await accepted(registrations)
        await claimed(registrations)
        assert await registrations.claim("other", "karla", 10) == ()
        assert (await step_of(registrations, number)).is_running


class TestEnding:
    async def test_a_worker_that_was_thought_dead_changes_nothing(
        self, registrations: Registrations, clock: HandClock
    ) -> None:
        number = await accepted(registrations)
        dead = await claimed(registrations, owner="dead")
        clock.advance(LEASE)
        heir = await claimed(registrations, owner="heir")
        assert not await registrations.end(dead, REFUSED)
        await registrations.release(dead)
        assert (await step_of(registrations, number)).is_running
        assert await registrations.end(heir, DONE)
        assert not await registrations.end(dead, REFUSED)
        assert (await step_of(registrations, number)).state is StepState.DONE

    async def test_the_same_worker_cannot_end_an_earlier_claim_of_its_own(
        self, registrations: Registrations, clock: HandClock
    ) -> None:
        await accepted(registrations)
        first = await claimed(registrations)
        clock.advance(LEASE)
        await claimed(registrations)
        assert not await registrations.end(first, DONE)

    async def test_what_is_to_be_tried_again_is_due_after_its_wait_and_knows_how_it_ended_before(
        self, registrations: Registrations, clock: HandClock
    ) -> None:
        number = await accepted(registrations)
        assert await registrations.end(await claimed(registrations), LATER)
        step = await step_of(registrations, number)
        assert (step.state, step.was_tried, step.due_at) == (StepState.PENDING, True, clock() + LATER.after)
        assert "karla" not in await registrations.due()
        clock.advance(LATER.after)
        again = await claimed(registrations)
        assert (again.attempt, again.outcome) == (2, LATER.outcome)

    async def test_it_is_finished_when_its_last_step_is_whichever_that_is(
        self, registrations: Registrations, clock: HandClock
    ) -> None:
        number = await accepted(registrations)
        await registrations.end(await claimed(registrations, "paypal"), REFUSED)
        assert (await found(registrations, number)).finished_at is None
        clock.advance(timedelta(seconds=5))
        await registrations.end(await claimed(registrations, "karla"), DONE)
        assert (await found(registrations, number)).finished_at == clock()

    async def test_steps_that_end_at_once_finish_their_registration(self, registrations: Registrations) -> None:
        numbers = [await accepted(registrations) for _ in range(10)]
        steps = [step for name in ("karla", "paypal") for step in await registrations.claim("me", name, 10)]
        assert await asyncio.gather(*(registrations.end(step, DONE) for step in steps)) == [True] * 20
        assert all([(await found(registrations, number)).finished_at for number in numbers])

    async def test_the_last_attempt_is_the_first_that_is_due_after_seven_days(
        self, registrations: Registrations, clock: HandClock
    ) -> None:
        await accepted(registrations)
        clock.advance(GIVE_UP_AFTER - timedelta(seconds=1))
        step = await claimed(registrations)
        assert not step.is_last
        await registrations.end(step, replace(LATER, after=timedelta(seconds=1)))
        clock.advance(timedelta(seconds=1))
        assert (await claimed(registrations)).is_last

    async def test_a_released_step_is_as_it_was_and_due_at_once(self, registrations: Registrations) -> None:
        number = await accepted(registrations)
        await registrations.release(await claimed(registrations))
        step = await step_of(registrations, number)
        assert (step.attempts, step.is_running, step.was_tried) == (0, False, False)
        assert (await claimed(registrations)).attempt == 1


class TestDeciding:
    @pytest.mark.parametrize("state", [StepState.PENDING, StepState.REFUSED, StepState.UNKNOWN])
    async def test_what_is_not_done_is_due_at_once_when_it_is_retried(
        self, registrations: Registrations, clock: HandClock, state: StepState
    ) -> None:
        number = await accepted(registrations)
        await registrations.end(await claimed(registrations), Result(state, {}, timedelta(hours=1)))
        await registrations.end(await claimed(registrations, "paypal"), DONE)
        clock.advance(GIVE_UP_AFTER)
        assert await registrations.retry("acme", number) == ("karla",)
        assert (await found(registrations, number)).finished_at is None
        step = await claimed(registrations)
        assert (step.attempt, step.is_last) == (2, False)

    async def test_a_retry_of_another_shop_of_other_providers_or_of_what_runs_changes_nothing(
        self, registrations: Registrations
    ) -> None:
        number = await accepted(registrations)
        assert await registrations.retry("other", number) == ()
        assert await registrations.retry("acme", number, ["billink"]) == ()
        assert await registrations.retry("acme", number, []) == ()
        await claimed(registrations)
        assert await registrations.retry("acme", number, ["karla"]) == ()
        assert await registrations.retry("acme", number) == ("paypal",)

    async def test_what_is_dismissed_is_refused_finished_and_off_the_list(
        self, registrations: Registrations, clock: HandClock
    ) -> None:
        number = await accepted(registrations)
        await registrations.end(await claimed(registrations), DONE)
        assert not await registrations.dismiss("other", number, None, {})
        assert await registrations.dismiss("acme", number, "a duplicate", {"failure": "GIVEN_UP"})
        registration = await found(registrations, number)
        assert (registration.dismissed_at, registration.dismissed_reason) == (clock(), "a duplicate")
        assert registration.finished_at == clock()
        assert [(step.state, step.outcome) for step in registration.steps] == [
            (StepState.DONE, DONE.outcome),
            (StepState.REFUSED, {"failure": "GIVEN_UP"}),
        ]
        assert await registrations.search("acme", RegistrationFilter(open_only=True), 10) == ()
        assert await registrations.due() == {}

    async def test_an_attempt_that_runs_while_it_is_dismissed_ends_as_it_does(
        self, registrations: Registrations
    ) -> None:
        number = await accepted(registrations, replace(NEW, steps=(NewStep("karla"),)))
        running = await claimed(registrations)
        await registrations.dismiss("acme", number, None, {})
        assert (await found(registrations, number)).finished_at is None
        assert await registrations.end(running, DONE)
        assert (await step_of(registrations, number)).state is StepState.DONE
        assert (await found(registrations, number)).finished_at is not None

    async def test_an_attempt_that_fails_while_it_is_dismissed_is_due_at_once_only_to_be_ended(
        self, registrations: Registrations
    ) -> None:
        number = await accepted(registrations)
        running = await claimed(registrations)
        assert not running.is_dismissed
        await registrations.dismiss("acme", number, None, {})
        assert await registrations.end(running, LATER)
        assert (await claimed(registrations)).is_dismissed

    async def test_what_is_retried_after_it_was_dismissed_is_open_again(self, registrations: Registrations) -> None:
        number = await accepted(registrations)
        await registrations.dismiss("acme", number, "a mistake", {})
        assert await registrations.retry("acme", number) == ("karla", "paypal")
        registration = await found(registrations, number)
        assert (registration.dismissed_at, registration.dismissed_reason, registration.finished_at) == (
            None,
            None,
            None,
        )
        assert not (await claimed(registrations)).is_dismissed

    async def test_retries_dismissals_and_ends_at_once_wait_for_each_other_and_none_fails(
        self, registrations: Registrations, clock: HandClock
    ) -> None:
        """On PostgreSQL, two that took the same rows in another order would be a deadlock."""
        number = await accepted(registrations)
        for _ in range(10):
            steps = [step for name in ("karla", "paypal") for step in await registrations.claim("me", name, 10)]
            clock.advance(LEASE)
            await asyncio.gather(
                *(registrations.end(step, REFUSED) for step in steps),
                registrations.dismiss("acme", number, None, {}),
                registrations.retry("acme", number),
                registrations.retry("acme", number),
                registrations.dismiss("acme", number, None, {}),
            )
            await registrations.retry("acme", number)


class TestForgetting:
    async def test_an_orders_registrations_are_removed_done_or_not(self, registrations: Registrations) -> None:
        mine = [await accepted(registrations), await accepted(registrations)]
        other = await accepted(registrations, replace(NEW, order_number="4712", order_value="#4712"))
        running = (await registrations.claim("me", "karla", 1))[0]
        assert await registrations.forget("other", "4711") == 0
        assert await registrations.forget("acme", "4711") == 2
        assert not await registrations.end(running, DONE)
        assert [await registrations.find("acme", number) for number in mine] == [None, None]
        assert await registrations.due() == {"karla": 1, "paypal": 1}
        assert (await found(registrations, other)).steps

    async def test_only_what_was_finished_long_enough_ago_is_purged(
        self, registrations: Registrations, clock: HandClock
    ) -> None:
        old = await accepted(registrations)
        await finish(registrations)
        clock.advance(timedelta(days=30))
        young = await accepted(registrations)
        await finish(registrations)
        pending = await accepted(registrations)
        clock.advance(timedelta(seconds=1))
        assert await registrations.purge(timedelta(days=30)) == 1
        left = await registrations.search("acme", RegistrationFilter(), 10)
        assert [registration.id for registration in left] == [pending, young]
        assert await registrations.find("acme", old) is None


class TestSearching:
    async def test_the_newest_comes_first_a_page_at_a_time(self, registrations: Registrations) -> None:
        numbers = [await accepted(registrations) for _ in range(3)]
        await accepted(registrations, replace(NEW, shop="other"))
        first = await registrations.search("acme", RegistrationFilter(), 2)
        assert [each.id for each in first] == [numbers[2], numbers[1]]
        rest = await registrations.search("acme", RegistrationFilter(), 2, before=numbers[1])
        assert [each.id for each in rest] == [numbers[0]]
        assert len(await registrations.search(None, RegistrationFilter(), 10)) == 4

    async def test_state_and_provider_are_met_by_one_step(self, registrations: Registrations) -> None:
        number = await accepted(registrations)
        await registrations.end(await claimed(registrations, "karla"), DONE)
        met = RegistrationFilter(states=frozenset({StepState.DONE}), providers=frozenset({"karla"}))
        assert [each.id for each in await registrations.search("acme", met, 10)] == [number]
        unmet = replace(met, providers=frozenset({"paypal"}))
        assert await registrations.search("acme", unmet, 10) == ()

    async def test_order_and_time_filter(self, registrations: Registrations, clock: HandClock) -> None:
        number = await accepted(registrations)
        begin = clock()
        clock.advance(timedelta(hours=1))
        later = await accepted(registrations, replace(NEW, order_number="4712"))

        async def ids(**wanted: object) -> list[int]:
            return [each.id for each in await registrations.search("acme", RegistrationFilter(**wanted), 10)]  # type: ignore[arg-type]

        assert await ids(order_number="4711") == [number]
        assert await ids(created_from=clock()) == [later]
        assert await ids(created_to=begin) == [number]

    async def test_what_is_done_everywhere_is_not_open_and_what_was_refused_is(
        self, registrations: Registrations
    ) -> None:
        await accepted(registrations)
        await finish(registrations)
        refused = await accepted(registrations)
        await finish(registrations, REFUSED)
        found = await registrations.search("acme", RegistrationFilter(open_only=True), 10)
        assert [each.id for each in found] == [refused]
