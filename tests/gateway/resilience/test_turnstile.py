"""Who goes first when there is not room for all."""

from __future__ import annotations

import asyncio

import pytest

from gateway.resilience.gate import AccountLimits, ProcessGate, Urgency
from gateway.resilience.turnstile import AccountPaused, NoPlace, Turnstile
from tests.gateway.resilience.watch import Watch

FRONT, BEHIND = Urgency.INTERACTIVE, Urgency.BACKGROUND
LONG = 60.0


class Road:
    """A turnstile, and calls that stay inside until they are let go."""

    def __init__(self, limits: AccountLimits) -> None:
        self.gate = ProcessGate(limits, Watch())
        self.turnstile = Turnstile(self.gate)
        self.inside: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self._doors: dict[str, asyncio.Event] = {}

    async def send(self, name: str, urgency: Urgency = FRONT, seconds: float = LONG) -> None:
        self._doors[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._call(name, urgency, seconds))
        await settled()

    async def let_go(self, name: str) -> None:
        self._doors[name].set()
        await settled()

    async def _call(self, name: str, urgency: Urgency, seconds: float) -> None:
        async with self.turnstile.place(urgency, seconds):
            self.inside.append(name)
            await self._doors[name].wait()


async def settled() -> None:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_who_waits_longest_goes_first() -> None:
    road = Road(AccountLimits(concurrency=1))
    for name in ("a", "b", "c"):
        await road.send(name)
    assert road.inside == ["a"]
    await road.let_go("a")
    assert road.inside == ["a", "b"]
    await road.let_go("b")
    assert road.inside == ["a", "b", "c"]


async def test_those_for_whom_somebody_waits_go_before_the_background() -> None:
    road = Road(AccountLimits(concurrency=1))
    await road.send("first")
    await road.send("refresh", BEHIND)
    await road.send("registration", BEHIND)
    await road.send("reader")
    await road.let_go("first")
    assert road.inside == ["first", "reader"]
    await road.let_go("reader")
    assert road.inside == ["first", "reader", "refresh"]


async def test_a_background_that_fills_its_share_does_not_hold_up_a_reader() -> None:
    road = Road(AccountLimits(concurrency=4, background_share=0.75))
    for name in ("r1", "r2", "r3", "r4"):
        await road.send(name, BEHIND)
    assert road.inside == ["r1", "r2", "r3"]
    await road.send("reader")
    assert road.inside[-1] == "reader"


async def test_waiting_ends_in_time() -> None:
    road = Road(AccountLimits(concurrency=1))
    await road.send("first")
    with pytest.raises(NoPlace):
        async with road.turnstile.place(FRONT, 0.001):
            pytest.fail("there was no place")


async def test_a_free_place_needs_no_time() -> None:
    async with Road(AccountLimits(concurrency=1)).turnstile.place(FRONT, 0):
        pass


async def test_whoever_gives_up_leaves_the_way_to_the_next() -> None:
    road = Road(AccountLimits(concurrency=1))
    for name in ("first", "gone", "next"):
        await road.send(name)
    road.tasks["gone"].cancel()
    await settled()
    await road.let_go("first")
    assert road.inside == ["first", "next"]


async def test_a_call_that_fails_gives_its_place_back() -> None:
    road = Road(AccountLimits(concurrency=1))
    await road.send("first")
    await road.send("next")
    road.tasks["first"].cancel()
    await settled()
    assert road.inside == ["first", "next"]


async def test_a_pause_sends_everybody_away() -> None:
    road = Road(AccountLimits(concurrency=1))
    await road.send("first")
    await road.send("waiting")
    road.gate.pause(7)
    await road.let_go("first")
    with pytest.raises(AccountPaused) as refused:
        await road.tasks["waiting"]
    assert refused.value.seconds == 7


async def test_a_quota_is_waited_for() -> None:
    """Real time, as the waiting is on the event loop's clock: a hundredth of a second."""
    loop = asyncio.get_running_loop()
    turnstile = Turnstile(ProcessGate(AccountLimits(calls_per_second=100, background_share=0.01), loop.time))
    begun = loop.time()
    for _ in range(3):
        async with turnstile.place(BEHIND, LONG):
            pass
    assert loop.time() - begun >= 0.015
