"""The one place where providers are called, and the policy of it.

A call of an operation goes through these, in this order:

1. the account's pause: it asked to be left alone (`Retry-After`) -> `ProviderRateLimited`
2. the account's circuit: too many calls failed or were slow      -> `ProviderCircuitOpen`
3. a place at the account: slots and calls per second             -> `ProviderBusy`
4. the operation's own allowance                                  -> `CallLimitReached`
5. the circuit once more, which may have opened meanwhile; then the call, under its time limit, into the book of health

A read that failed goes through all of it again, if its failure says that this may help: see `is_worth_another_try`.
A write is made once. What is refused in 1 to 4 was never sent, and fails at once.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TypeVar

from gateway.resilience.breaker import BreakerPolicy, CircuitBreaker, CircuitOpen
from gateway.resilience.deadline import CALL_SECONDS, Deadline, MonotonicClock
from gateway.resilience.gate import AccountLimits, Gate, ProcessGate, Urgency
from gateway.resilience.health import Health, HealthBook
from gateway.resilience.retry import RetryBudget, RetryPolicy
from gateway.resilience.settings import ResilienceSettings
from gateway.resilience.turnstile import AccountPaused, NoPlace, Turnstile
from gateway.telemetry import observing
from providers.errors import (
    CallLimitReached,
    ProviderBusy,
    ProviderCircuitOpen,
    ProviderConnectionFailed,
    ProviderError,
    ProviderRateLimited,
    ProviderServerFailed,
    ProviderUnavailable,
)

T = TypeVar("T")

Account = tuple[str, str]
"""A shop's slug and a provider's name."""

NewGate = Callable[[Account, AccountLimits], Gate]

_DEFAULTS = ResilienceSettings()

REPLY_SECONDS = 0.2
"""Waiting for a place ends this long before the operation does, so that it is told as what it was."""


def is_worth_another_try(error: BaseException) -> bool:
    """Whether asking again within the same query may help.

    It may when the connection broke or the server failed: the next request may meet another connection or machine. It
    does not after a time-out, which has used up most of the query's time at a provider that is slow already.
    """
    return isinstance(error, ProviderConnectionFailed | ProviderServerFailed)


def is_fault(error: Exception) -> bool | None:
    """Whether `error` speaks against the provider, as its class says; what is no provider's failure says nothing."""
    return error.counts_as_fault if isinstance(error, ProviderError) else None


class Allowance:
    """How many calls an operation may still make."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def take(self, account: Account, operation: str) -> None:
        """Raises `CallLimitReached` when none is left."""
        if self.left == 0:
            raise CallLimitReached(account[1], operation)
        self.left -= 1


@dataclass(frozen=True, slots=True)
class _State:
    """What is remembered of one account."""

    gate: Gate
    turnstile: Turnstile
    breaker: CircuitBreaker
    budget: RetryBudget

    @property
    def takes_calls(self) -> bool:
        return not (self.gate.paused_for() or self.breaker.retry_in)

    def check(self) -> None:
        """Raises `AccountPaused` and `CircuitOpen`, without asking anybody."""
        if paused := self.gate.paused_for():
            raise AccountPaused(paused)
        self.breaker.check()


class ProviderCalls:
    """The accounts of one process.

    `limits` are those of the accounts that have their own. `clock` is what breakers, budgets and gates go by;
    `new_gate` makes the gate of an account, that of this process where nothing else is said.
    """

    def __init__(
        self,
        book: HealthBook,
        *,
        settings: ResilienceSettings = _DEFAULTS,
        call_seconds: float = CALL_SECONDS,
        limits: Mapping[Account, AccountLimits] | None = None,
        clock: MonotonicClock = time.monotonic,
        new_gate: NewGate | None = None,
    ) -> None:
        self.call_seconds = call_seconds
        self._book = book
        self._settings = settings
        self._retries = RetryPolicy(settings.attempts, settings.retry_wait_ms / 1000)
        self._limits = limits or {}
        self._clock = clock
        self._new_gate: NewGate = new_gate or (lambda _account, limits: ProcessGate(limits, clock))
        self._states: dict[Account, _State] = {}

    def of_operation(self, deadline: Deadline, urgency: Urgency = Urgency.INTERACTIVE) -> OperationCalls:
        """The calls of one operation, which is over at `deadline`."""
        return OperationCalls(self, deadline, urgency, Allowance(self._settings.calls_per_operation))

    def health(self, shop: str, provider: str) -> Health:
        """The state of one account; selecting it calls nobody."""
        health = self._book.health(shop, provider)
        state = self._states.get((shop, provider))
        retry_in = state.breaker.retry_in if state else None
        if retry_in is None:
            return health
        return replace(health, circuit_open=True, circuit_retry_at=self._book.now() + timedelta(seconds=retry_in))

    async def aclose(self) -> None:
        """Let go of everything held at accounts. Calls that end later do so without us."""
        for state in self._states.values():
            await state.gate.aclose()

    def retried(
        self,
        account: Account,
        call: Callable[[], Awaitable[T]],
        deadline: Deadline,
        allowance: Allowance,
    ) -> Awaitable[T]:
        """What `call` answers in the end, tried again where that may help and is within the budget."""
        state = self._state(account)
        state.budget.note_call()
        retrying = self._retries.retrying(
            is_worth_another_try,
            lambda: state.takes_calls and allowance.left > 0,
            state.budget,
            deadline,
        )
        return retrying(call)

    async def attempted(
        self,
        account: Account,
        operation: str,
        call: Callable[[], Awaitable[T]],
        *,
        urgency: Urgency,
        deadline: Deadline,
        allowance: Allowance,
    ) -> T:
        """What `call` answers, made once, under everything that holds for the account."""
        state = self._state(account)
        try:
            state.check()
            async with state.turnstile.place(urgency, max(deadline.remaining() - REPLY_SECONDS, 0.0)):
                allowance.take(account, operation)
                with state.breaker.watched(is_fault), observing.provider_attempt(*account, operation):
                    return await self._book.observed(*account, operation, call, seconds=self.call_seconds)
        except ProviderUnavailable as error:
            if error.retry_after:
                state.gate.pause(error.retry_after.total_seconds())
            raise
        except (AccountPaused, CircuitOpen, NoPlace) as refusal:
            raise _as_error(refusal, account[1], operation) from refusal

    def _state(self, account: Account) -> _State:
        state = self._states.get(account)
        if state is None:
            limits = self._limits.get(account) or AccountLimits(background_share=self._settings.background_share)
            gate = self._new_gate(account, limits)
            tell_circuit = partial(observing.circuit_changed, *account)
            tell_circuit(False)
            breaker = CircuitBreaker(breaker_policy(self._settings), self._clock, tell_circuit)
            budget = RetryBudget(self._settings.retry_share, self._clock)
            state = self._states[account] = _State(gate, Turnstile(gate), breaker, budget)
        return state


class OperationCalls:
    """The provider calls of one operation: its deadline, its urgency and what it may still ask."""

    def __init__(self, calls: ProviderCalls, deadline: Deadline, urgency: Urgency, allowance: Allowance) -> None:
        self._calls = calls
        self._deadline = deadline
        self._urgency = urgency
        self._allowance = allowance

    async def read(
        self, shop: str, provider: str, operation: str, call: Callable[[], Awaitable[T]], *, behind: bool = False
    ) -> T:
        """What `call` answers, which changes nothing at the provider; `behind` when nobody waits for it.

        Raises `ProviderError`.
        """
        urgency = Urgency.BACKGROUND if behind else self._urgency

        def attempt() -> Awaitable[T]:
            return self._attempted((shop, provider), operation, call, urgency)

        with observing.provider_call(shop, provider, operation):
            return await self._calls.retried((shop, provider), attempt, self._deadline, self._allowance)

    async def write(self, shop: str, provider: str, operation: str, call: Callable[[], Awaitable[T]]) -> T:
        """What `call` answers. It is made once at most. Raises `ProviderError`."""
        with observing.provider_call(shop, provider, operation):
            return await self._attempted((shop, provider), operation, call, self._urgency)

    def _attempted(
        self, account: Account, operation: str, call: Callable[[], Awaitable[T]], urgency: Urgency
    ) -> Awaitable[T]:
        return self._calls.attempted(
            account, operation, call, urgency=urgency, deadline=self._deadline, allowance=self._allowance
        )


def breaker_policy(settings: ResilienceSettings) -> BreakerPolicy:
    """What the settings say of circuits."""
    return BreakerPolicy(
        window_seconds=settings.circuit_window_seconds,
        minimum_calls=settings.circuit_minimum_calls,
        fault_share=settings.circuit_fault_share,
        slow_seconds=settings.circuit_slow_seconds,
        slow_share=settings.circuit_slow_share,
        open_seconds=settings.circuit_open_seconds,
    )


def _as_error(refusal: AccountPaused | CircuitOpen | NoPlace, provider: str, operation: str) -> ProviderError:
    """What refuses a call, as the `ProviderError` that it is for whoever asked."""
    match refusal:
        case AccountPaused():
            return ProviderRateLimited(provider, operation, timedelta(seconds=refusal.seconds))
        case CircuitOpen():
            return ProviderCircuitOpen(provider, operation, timedelta(seconds=refusal.seconds))
        case NoPlace():
            return ProviderBusy(provider, operation)
