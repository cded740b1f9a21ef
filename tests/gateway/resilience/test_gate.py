"""What an account takes: calls at once, calls in a second, and none while it has asked for a pause."""

from __future__ import annotations

import math
from typing import Any

import pytest

from gateway.resilience.gate import AccountLimits, Leave, ProcessGate, Refusal, Urgency
from providers.registry import provider_specs
from tests.gateway.resilience.watch import Watch

FRONT, BEHIND = Urgency.INTERACTIVE, Urgency.BACKGROUND


async def taken(gate: ProcessGate, urgency: Urgency = FRONT) -> Leave:
    leave = await gate.take(urgency)
    assert not isinstance(leave, Refusal)
    return leave


async def refused(gate: ProcessGate, urgency: Urgency = FRONT) -> Refusal:
    refusal = await gate.take(urgency)
    assert isinstance(refusal, Refusal)
    return refusal


async def test_as_many_calls_at_once_as_there_are_slots() -> None:
    gate = ProcessGate(AccountLimits(concurrency=2), Watch())
    leave = await taken(gate)
    await taken(gate)
    assert await refused(gate) == Refusal(math.inf)
    leave()
    await taken(gate)


async def test_some_slots_are_kept_for_those_who_wait() -> None:
    gate = ProcessGate(AccountLimits(concurrency=4, background_share=0.75), Watch())
    for _ in range(3):
        await taken(gate, BEHIND)
    await refused(gate, BEHIND)
    await taken(gate)
    await refused(gate)


async def test_even_one_slot_is_had_in_the_background() -> None:
    await taken(ProcessGate(AccountLimits(concurrency=1), Watch()), BEHIND)


async def test_calls_per_second() -> None:
    watch = Watch()
    gate = ProcessGate(AccountLimits(concurrency=1000, calls_per_second=10), watch)
    begun = 0
    for _ in range(1000):
        if not isinstance(await gate.take(FRONT), Refusal):
            begun += 1
        watch.advance(0.01)
    assert begun in range(100, 111), "ten seconds, and what may come at once"


async def test_a_quota_says_when_there_is_room_again() -> None:
    watch = Watch()
    gate = ProcessGate(AccountLimits(concurrency=1000, calls_per_second=2), watch)
    await taken(gate)
    await taken(gate)
    assert (await refused(gate)).seconds == pytest.approx(0.5)
    watch.advance(0.5)
    await taken(gate)


async def test_a_quota_below_one_call_a_second_lets_one_through_at_a_time() -> None:
    watch = Watch()
    gate = ProcessGate(AccountLimits(calls_per_second=0.5), watch)
    await taken(gate)
    assert (await refused(gate)).seconds == pytest.approx(2)


async def test_the_background_leaves_some_of_a_burst() -> None:
    gate = ProcessGate(AccountLimits(concurrency=1000, calls_per_second=8, background_share=0.5), Watch())
    for _ in range(4):
        await taken(gate, BEHIND)
    await refused(gate, BEHIND)
    for _ in range(4):
        await taken(gate)
    await refused(gate)


async def test_no_call_before_a_pause_is_over() -> None:
    watch = Watch()
    gate = ProcessGate(AccountLimits(), watch)
    gate.pause(7)
    gate.pause(3)
    assert gate.paused_for() == 7
    assert await refused(gate) == Refusal(7, is_paused=True)
    watch.advance(6.9)
    await refused(gate)
    watch.advance(0.1)
    await taken(gate)


@pytest.mark.parametrize("workers", [1, 3, 50])
def test_the_shares_of_all_workers_are_no_more_than_the_whole(workers: int) -> None:
    share = AccountLimits(concurrency=20, calls_per_second=30).divided(workers)
    assert share.concurrency == max(20 // workers, 1)
    assert share.calls_per_second == pytest.approx(30 / workers)


@pytest.mark.parametrize("name", provider_specs())
def test_an_account_has_what_its_settings_say_and_else_its_provider(name: str) -> None:
    spec = provider_specs()[name]
    left_out: Any = spec.settings.model_construct(concurrency=None, calls_per_second=None)
    given: Any = spec.settings.model_construct(concurrency=3, calls_per_second=1.5)
    assert AccountLimits.of(spec.profile, left_out, 0.5) == AccountLimits(
        spec.profile.concurrency, spec.profile.calls_per_second, 0.5
    )
    assert AccountLimits.of(spec.profile, given, 0.5) == AccountLimits(3, 1.5, 0.5)
