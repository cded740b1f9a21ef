"""The policy of provider calls, as a whole: what is sent, what is refused unsent, and what whoever asks is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from gateway.resilience.calls import REPLY_SECONDS, OperationCalls, ProviderCalls
from gateway.resilience.deadline import Deadline
from gateway.resilience.gate import AccountLimits, Urgency
from gateway.resilience.health import HealthBook, HealthLevel
from gateway.resilience.settings import ResilienceSettings
from providers.errors import (
    CallLimitReached,
    InvalidProviderResponse,
    OrderNotFound,
    OutcomeUnknown,
    ProviderAuthFailed,
    ProviderBusy,
    ProviderCircuitOpen,
    ProviderConnectionFailed,
    ProviderError,
    ProviderRateLimited,
    ProviderServerFailed,
    ProviderTimeout,
    ProviderUnavailable,
    RequestRejected,
    WriteInProgress,
    as_write_failure,
)
from tests.gateway.freshness.conftest import eventually
from tests.gateway.resilience.watch import Watch

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
NAMES = ("karla", "find_order")
DOWN = ProviderServerFailed(*NAMES, 503)
QUICK = {"retry_wait_ms": 1}


class Account:
    """One account that answers as told, and operations that call it."""

    def __init__(self, limits: AccountLimits | None = None, **settings: float) -> None:
        self.watch = Watch()
        self.failures: list[ProviderError] = []
        self.is_down = False
        self.sent = 0
        self.gate: asyncio.Event | None = None
        self.calls = ProviderCalls(
            HealthBook(lambda: NOON),
            settings=ResilienceSettings.model_validate(QUICK | settings),
            limits={("acme", "karla"): limits or AccountLimits()},
            clock=self.watch,
        )

    def operation(self, seconds: float = 8.0, urgency: Urgency = Urgency.INTERACTIVE) -> OperationCalls:
        return self.calls.of_operation(Deadline.after(seconds), urgency)

    async def read(self, operation: OperationCalls | None = None, *, behind: bool = False) -> str:
        return await (operation or self.operation()).read("acme", *NAMES, self._answer, behind=behind)

    async def write(self) -> str:
        return await self.operation().write("acme", "karla", "upsert_order", self._answer)

    async def fails(self, *errors: ProviderError) -> ProviderError:
        """What a read is told when the provider fails so."""
        self.failures = [*errors]
        with pytest.raises(ProviderError) as told:
            await self.read()
        return told.value

    async def _answer(self) -> str:
        self.sent += 1
        if self.gate:
            await self.gate.wait()
        if self.is_down:
            raise DOWN
        if self.failures:
            raise self.failures.pop(0)
        return "answer"


PASSING = [DOWN, ProviderServerFailed(*NAMES, 500), ProviderConnectionFailed(*NAMES, sent=True)]
LASTING = [
    OrderNotFound(*NAMES),
    RequestRejected(*NAMES),
    ProviderAuthFailed(*NAMES),
    InvalidProviderResponse(*NAMES, "not_json"),
    ProviderTimeout(*NAMES),
    ProviderRateLimited(*NAMES, None),
    WriteInProgress(*NAMES),
]


@pytest.mark.parametrize("error", PASSING, ids=str)
async def test_a_read_is_tried_again_when_that_may_help(error: ProviderError) -> None:
    account = Account()
    account.failures = [error]
    assert await account.read() == "answer"
    assert account.sent == 2


@pytest.mark.parametrize("error", LASTING, ids=str)
async def test_a_read_is_not_tried_again_when_it_does_not(error: ProviderError) -> None:
    account = Account()
    assert await account.fails(error) is error
    assert account.sent == 1


@pytest.mark.parametrize("error", PASSING, ids=str)
async def test_a_write_is_never_sent_twice(error: ProviderError) -> None:
    account = Account()
    account.failures = [error]
    with pytest.raises(type(error)):
        await account.write()
    assert account.sent == 1


async def test_a_query_without_time_left_is_not_tried_again() -> None:
    account = Account()
    account.is_down = True
    with pytest.raises(ProviderServerFailed):
        await account.read(account.operation(seconds=0.3))
    assert account.sent == 1


async def test_in_an_outage_few_calls_are_made_until_the_circuit_opens_and_none_afterwards() -> None:
    account = Account()
    account.is_down = True
    codes = []
    for _ in range(60):
        with pytest.raises(ProviderError) as told:
            await account.read()
        codes.append(told.value.code)
    assert account.sent <= 12
    assert codes[-1] == "PROVIDER_CIRCUIT_OPEN"


async def open_circuit(account: Account) -> None:
    account.is_down = True
    while account.calls.health("acme", "karla").circuit_open is False:
        with pytest.raises(ProviderError):
            await account.read()
    account.sent = 0


async def test_an_open_circuit_refuses_at_once_and_says_when_to_come_back() -> None:
    account = Account()
    await open_circuit(account)
    account.watch.advance(4)
    for call in (account.read, account.write):
        with pytest.raises(ProviderCircuitOpen) as told:
            await call()
        assert told.value.retry_after == timedelta(seconds=6)
    assert account.sent == 0
    health = account.calls.health("acme", "karla")
    assert (health.circuit_open, health.circuit_retry_at) == (True, NOON + timedelta(seconds=6))
    assert health.level is HealthLevel.DOWN


async def test_what_was_refused_is_no_fault_of_the_provider() -> None:
    account = Account()
    await open_circuit(account)
    before = account.calls.health("acme", "karla")
    with pytest.raises(ProviderCircuitOpen):
        await account.read()
    assert account.calls.health("acme", "karla") == before


async def test_a_provider_that_is_back_is_found_by_one_trial() -> None:
    account = Account()
    await open_circuit(account)
    account.is_down = False
    account.gate = asyncio.Event()
    account.watch.advance(10)
    trial = asyncio.create_task(account.read())
    await eventually(lambda: account.sent == 1)
    with pytest.raises(ProviderCircuitOpen):
        await account.read()
    account.gate.set()
    assert await trial == "answer"
    assert account.sent == 1
    assert await account.read() == "answer"
    assert not account.calls.health("acme", "karla").circuit_open


async def test_a_trial_that_fails_is_not_tried_again() -> None:
    account = Account()
    await open_circuit(account)
    account.watch.advance(70)
    with pytest.raises(ProviderServerFailed):
        await account.read()
    assert account.sent == 1


async def test_those_in_the_queue_are_refused_when_the_circuit_opens() -> None:
    account = Account(AccountLimits(concurrency=10))
    account.gate = asyncio.Event()
    account.is_down = True
    reads = [asyncio.create_task(account.read()) for _ in range(60)]
    await eventually(lambda: account.sent == 10)
    account.gate.set()
    outcomes = await asyncio.gather(*reads, return_exceptions=True)
    assert account.sent <= 20
    assert sum(isinstance(outcome, ProviderCircuitOpen) for outcome in outcomes) >= 40


@pytest.mark.parametrize(
    "error",
    [
        ProviderRateLimited(*NAMES, timedelta(seconds=7)),
        ProviderServerFailed(*NAMES, 503, timedelta(seconds=7)),
    ],
    ids=str,
)
async def test_no_call_before_the_provider_wants_one(error: ProviderError) -> None:
    account = Account()
    assert await account.fails(error) is error
    account.watch.advance(5)
    for call in (account.read, account.write):
        with pytest.raises(ProviderRateLimited) as told:
            await call()
        assert told.value.retry_after == timedelta(seconds=2)
    assert account.sent == 1
    account.watch.advance(2)
    assert await account.read() == "answer"


async def test_too_many_requests_do_not_open_the_circuit() -> None:
    account = Account()
    for _ in range(30):
        await account.fails(ProviderRateLimited(*NAMES, None))
    assert account.sent == 30


async def test_waiting_for_a_place_ends_before_the_query_does() -> None:
    account = Account(AccountLimits(concurrency=1))
    account.gate = asyncio.Event()
    first = asyncio.create_task(account.read())
    await eventually(lambda: account.sent == 1)
    with pytest.raises(ProviderBusy):
        await account.read(account.operation(seconds=REPLY_SECONDS + 0.01))
    account.gate.set()
    await first
    assert account.sent == 1


async def test_an_operation_makes_no_more_calls_than_it_may() -> None:
    account = Account(calls_per_operation=3)
    operation = account.operation()
    for _ in range(3):
        await account.read(operation)
    with pytest.raises(CallLimitReached):
        await account.read(operation)
    assert account.sent == 3
    await account.read()


async def test_retries_count_as_calls_of_the_operation() -> None:
    account = Account(calls_per_operation=1)
    account.failures = [DOWN]
    with pytest.raises(ProviderServerFailed):
        await account.read()
    assert account.sent == 1


async def test_what_is_read_behind_an_answer_leaves_slots_to_those_who_wait() -> None:
    account = Account(AccountLimits(concurrency=2, background_share=0.5))
    account.gate = asyncio.Event()
    behind = [asyncio.create_task(account.read(behind=True)) for _ in range(3)]
    worker = asyncio.create_task(account.read(account.operation(urgency=Urgency.BACKGROUND)))
    await asyncio.sleep(0.01)
    assert account.sent == 1
    reading = asyncio.create_task(account.read())
    await asyncio.sleep(0.01)
    assert account.sent == 2
    account.gate.set()
    assert await asyncio.gather(*behind, worker, reading) == ["answer"] * 5


async def test_a_defect_is_raised_as_it_is_and_says_nothing_of_the_provider() -> None:
    account = Account()

    async def broken() -> str:
        raise TimeoutError

    for _ in range(20):
        with pytest.raises(TimeoutError):
            await account.operation().read("acme", *NAMES, broken)
    assert account.calls.health("acme", "karla").level is HealthLevel.UNKNOWN
    assert await account.read() == "answer"


REFUSED: dict[str, tuple[ProviderError, type[ProviderError]]] = {
    "paused": (ProviderRateLimited(*NAMES, timedelta(seconds=1)), ProviderUnavailable),
    "circuit": (ProviderCircuitOpen(*NAMES, timedelta(seconds=1)), ProviderUnavailable),
    "busy": (ProviderBusy(*NAMES), ProviderUnavailable),
    "too many calls": (CallLimitReached(*NAMES), CallLimitReached),
}


@pytest.mark.parametrize("why", REFUSED)
def test_a_write_that_was_refused_unsent_is_not_taken(why: str) -> None:
    error, expected = REFUSED[why]
    failure = as_write_failure(error)
    assert type(failure) is expected
    assert failure.retryable
    assert not isinstance(failure, OutcomeUnknown)


async def test_shops_do_not_share_what_is_held_against_an_account() -> None:
    account = Account()
    await open_circuit(account)
    account.is_down = False
    answer: Callable[[], Awaitable[str]] = account._answer
    assert await account.operation().read("other", *NAMES, answer) == "answer"
