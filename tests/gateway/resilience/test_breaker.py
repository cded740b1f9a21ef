"""A circuit breaker: when it opens, whom it lets through, and how it closes."""

from __future__ import annotations

import asyncio

import pytest

from gateway.resilience.breaker import TRIAL_SECONDS, BreakerPolicy, CircuitBreaker, CircuitOpen
from tests.gateway.resilience.watch import Watch

POLICY = BreakerPolicy(
    window_seconds=60, minimum_calls=4, fault_share=0.5, slow_seconds=3, slow_share=0.75, open_seconds=10
)


class Fault(Exception):
    """A fault of what is called."""


class Answer(Exception):
    """An answer, though an exception: no fault."""


class Ours(Exception):
    """Something that says nothing about what is called."""


def is_fault(error: Exception) -> bool | None:
    return None if isinstance(error, Ours) else isinstance(error, Fault)


class Circuit:
    """A breaker, and calls through it that end as they are told to."""

    def __init__(self) -> None:
        self.watch = Watch()
        self.breaker = CircuitBreaker(POLICY, self.watch)

    def call(self, error: Exception | None = None, *, taking: float = 0.0) -> None:
        """One call. Raises `CircuitOpen` when it is refused."""
        try:
            with self.breaker.watched(is_fault):
                self.watch.advance(taking)
                if error:
                    raise error
        except (Fault, Answer, Ours):
            pass

    def calls(self, *errors: Exception | None) -> None:
        for error in errors:
            self.call(error)

    @property
    def is_open(self) -> bool:
        return self.breaker.retry_in is not None


@pytest.fixture
def circuit() -> Circuit:
    return Circuit()


@pytest.fixture
def opened(circuit: Circuit) -> Circuit:
    circuit.calls(*[Fault()] * 4)
    return circuit


def test_it_opens_when_too_many_calls_failed(circuit: Circuit) -> None:
    circuit.calls(None, None, Fault())
    assert not circuit.is_open
    circuit.call(Fault())
    assert circuit.is_open


def test_few_calls_prove_nothing(circuit: Circuit) -> None:
    circuit.calls(Fault(), Fault(), Fault())
    assert not circuit.is_open


def test_it_opens_when_too_many_calls_were_slow_though_all_were_answered(circuit: Circuit) -> None:
    circuit.call(taking=0.1)
    circuit.call(taking=3)
    circuit.call(taking=3)
    assert not circuit.is_open
    circuit.call(taking=3)
    assert circuit.is_open


def test_answers_that_are_exceptions_are_no_faults(circuit: Circuit) -> None:
    circuit.calls(*[Answer()] * 20)
    assert not circuit.is_open


def test_what_says_nothing_is_not_counted(circuit: Circuit) -> None:
    circuit.calls(*[Ours()] * 20, Fault(), Fault(), Fault())
    assert not circuit.is_open


def test_old_faults_are_forgotten(circuit: Circuit) -> None:
    circuit.calls(Fault(), Fault(), Fault())
    circuit.watch.advance(62)
    circuit.calls(Fault(), None, None)
    assert not circuit.is_open


def test_while_it_is_open_nobody_gets_through_and_is_told_when_to_come_back(opened: Circuit) -> None:
    opened.watch.advance(4)
    with pytest.raises(CircuitOpen) as refused:
        opened.call()
    assert refused.value.seconds == 6
    with pytest.raises(CircuitOpen):
        opened.breaker.check()


def test_a_trial_that_goes_well_closes_it_with_a_clean_slate(opened: Circuit) -> None:
    opened.watch.advance(10)
    assert opened.breaker.retry_in == 0
    opened.call()
    assert not opened.is_open
    opened.calls(Fault(), Fault(), Fault())
    assert not opened.is_open


@pytest.mark.parametrize(("error", "taking"), [(Fault(), 0.0), (None, 3.0)], ids=["fault", "slow"])
def test_a_trial_that_does_not_opens_it_anew(opened: Circuit, error: Exception | None, taking: float) -> None:
    opened.watch.advance(10)
    opened.call(error, taking=taking)
    assert opened.breaker.retry_in == 10


def test_one_trial_at_a_time(opened: Circuit) -> None:
    opened.watch.advance(10)
    with opened.breaker.watched(is_fault):
        with pytest.raises(CircuitOpen) as refused:
            opened.call()
        assert refused.value.seconds == TRIAL_SECONDS
    opened.call()


def test_a_trial_that_says_nothing_leaves_the_way_to_the_next(opened: Circuit) -> None:
    opened.watch.advance(10)
    opened.call(Ours())
    assert opened.breaker.retry_in == 0
    opened.call()
    assert not opened.is_open


async def test_a_trial_that_is_cancelled_leaves_the_way_to_the_next(opened: Circuit) -> None:
    opened.watch.advance(10)

    async def trial() -> None:
        with opened.breaker.watched(is_fault):
            await asyncio.Event().wait()

    task = asyncio.create_task(trial())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert opened.breaker.retry_in == 0


def test_a_call_from_before_it_opened_neither_closes_it_nor_counts_afterwards(circuit: Circuit) -> None:
    with circuit.breaker.watched(is_fault):
        circuit.calls(*[Fault()] * 4)
    assert circuit.is_open, "its good end is of another time"
    circuit.watch.advance(10)
    with pytest.raises(Fault), circuit.breaker.watched(is_fault):  # the trial of one, and a straggler
        raise Fault
    assert circuit.breaker.retry_in == 10
