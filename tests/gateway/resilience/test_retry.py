"""Trying again: what for, how often, how long to wait, and within which budget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from gateway.resilience.deadline import Deadline
from gateway.resilience.retry import LEAST_SECONDS, RetryBudget, RetryPolicy
from tests.gateway.resilience.watch import Watch


class Passing(Exception):
    """Worth another try."""


class Lasting(Exception):
    """Not worth one."""


@dataclass
class Trying:
    """A call that fails as told, and what becomes of it."""

    watch: Watch = field(default_factory=Watch)
    waits: list[float] = field(default_factory=list)
    calls: int = 0
    budget: RetryBudget | None = None

    def __post_init__(self) -> None:
        self.budget = self.budget or RetryBudget(1.0, self.watch)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.watch.advance(seconds)

    async def run(
        self,
        *failures: Exception,
        seconds: float = 8.0,
        may_retry: Callable[[], bool] = lambda: True,
        attempts: int = 3,
    ) -> str:
        left = list(failures)

        async def call() -> str:
            self.calls += 1
            if left:
                raise left.pop(0)
            return "answer"

        assert self.budget is not None
        self.budget.note_call()
        policy = RetryPolicy(attempts, 0.1, self.sleep)
        deadline = Deadline.after(seconds, self.watch)
        retrying = policy.retrying(lambda error: isinstance(error, Passing), may_retry, self.budget, deadline)
        return await retrying(call)


@pytest.fixture
def trying() -> Trying:
    trying = Trying()
    assert trying.budget is not None
    for _ in range(20):
        trying.budget.note_call()
    return trying


async def test_what_passes_is_tried_again(trying: Trying) -> None:
    assert await trying.run(Passing(), Passing()) == "answer"
    assert trying.calls == 3


async def test_the_last_failure_is_raised_after_all_attempts(trying: Trying) -> None:
    last = Passing()
    with pytest.raises(Passing) as raised:
        await trying.run(Passing(), Passing(), last)
    assert raised.value is last
    assert trying.calls == 3


async def test_what_lasts_is_not_tried_again(trying: Trying) -> None:
    with pytest.raises(Lasting):
        await trying.run(Lasting())
    assert (trying.calls, trying.waits) == (1, [])


async def test_waits_are_drawn_from_twice_as_much_each_time() -> None:
    first, second = [], []
    for _ in range(200):
        trying = Trying()
        assert trying.budget is not None
        trying.budget.note_call()
        await trying.run(Passing(), Passing())
        first.append(trying.waits[0])
        second.append(trying.waits[1])
    assert max(first) <= 0.1
    assert max(second) <= 0.2
    assert max(first) > 0.08, "up to all of it"
    assert min(first) < 0.02, "from nothing"
    assert max(second) > 0.16


async def test_no_attempt_begins_without_time_for_it(trying: Trying) -> None:
    with pytest.raises(Passing):
        await trying.run(Passing(), seconds=LEAST_SECONDS)
    assert (trying.calls, trying.waits) == (1, [])


async def test_whoever_may_not_is_not_kept_waiting(trying: Trying) -> None:
    with pytest.raises(Passing):
        await trying.run(Passing(), may_retry=lambda: False)
    assert (trying.calls, trying.waits) == (1, [])


async def test_in_an_outage_retries_are_a_tenth_of_the_calls() -> None:
    trying = Trying()
    trying.budget = RetryBudget(0.1, trying.watch)
    for _ in range(300):
        with pytest.raises(Passing):
            await trying.run(*[Passing()] * 3)
    assert trying.calls == 330


async def test_a_quiet_account_has_one_retry_in_a_minute() -> None:
    trying = Trying()
    trying.budget = RetryBudget(0.1, trying.watch)
    for _ in range(2):
        trying.calls = 0
        with pytest.raises(Passing):
            await trying.run(*[Passing()] * 3)
        assert trying.calls == 2
        trying.watch.advance(62)


async def test_retries_can_be_turned_off(trying: Trying) -> None:
    with pytest.raises(Passing):
        await trying.run(Passing(), attempts=1)
    assert trying.calls == 1
