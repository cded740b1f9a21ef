"""Watching what happens: each function stands around one kind of thing, and counts, times and traces it.

For whoever does the thing, one `with` is all there is to it; none of them changes what is done or raised inside.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from datetime import timedelta
from types import TracebackType
from typing import Final

from gateway.telemetry import metrics
from gateway.telemetry.clients import CLIENT, Client
from gateway.telemetry.logs import ACCESS_LOGGER
from gateway.telemetry.metrics import counted, level, spread
from gateway.telemetry.names import Attribute, Span
from gateway.telemetry.tracing import NOTHING, AttributeValue, OpenSpan, is_tracing, span
from providers.errors import ProviderError

_access = logging.getLogger(ACCESS_LOGGER)

OK: Final = "ok"
ERRORS: Final = "errors"
REFUSED: Final = "refused"
CANCELLED: Final = "cancelled"
DEFECT: Final = "defect"
NONE: Final = "none"


class request:  # noqa: N801  # used as a function, and a class because a generator's context costs three times as much
    """Around an HTTP request, to the last byte of its answer. `route` is one of a few, never what a client sent.

    `status` is learnt on the way: that of the answer.
    """

    __slots__ = ("_begun", "_known", "_method", "_route", "_span", "_traced", "status")

    def __init__(self, method: str, route: str, request_id: str, client: Client, *, traceparent: str | None) -> None:
        self.status: int | None = None
        self._method = method
        self._route = route
        self._span = span(Span.REQUEST, _of_request(method, route, request_id, client), parent=traceparent)
        self._known = CLIENT.set(client)

    def __enter__(self) -> request:
        level(metrics.HTTP_IN_FLIGHT).inc()
        self._traced = self._span.__enter__()
        self._begun = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _tell_answer(self._traced, self.status, self._method, self._route, time.perf_counter() - self._begun)
        self._span.__exit__(kind, error, trace)
        level(metrics.HTTP_IN_FLIGHT).dec()
        CLIENT.reset(self._known)


def _of_request(method: str, route: str, request_id: str, client: Client) -> dict[Attribute, AttributeValue] | None:
    if not is_tracing():
        return None
    return {
        Attribute.METHOD: method,
        Attribute.ROUTE: route,
        Attribute.REQUEST_ID: request_id,
        Attribute.CLIENT: client.name,
        Attribute.CLIENT_VERSION: client.version,
    }


def _tell_answer(traced: OpenSpan, status: int | None, method: str, route: str, seconds: float) -> None:
    told = NONE if status is None else str(status)
    if status is not None:
        traced.set(Attribute.STATUS, status)
        if status >= 500:
            traced.fail(told)
    counted(metrics.HTTP_REQUESTS, route, told).inc()
    spread(metrics.HTTP_DURATION, route).observe(seconds)
    if _access.isEnabledFor(logging.INFO):
        _access.info("%s %s %s in %d ms", method, route, told, seconds * 1000)


def request_answered(method: str, route: str, client: Client, status: int, seconds: float) -> None:
    """A request that nobody traces was made by `client` and answered, all at once."""
    client_request(client)
    _tell_answer(NOTHING, status, method, route, seconds)


def client_request(client: Client) -> None:
    """A request to the GraphQL endpoint was made by `client`."""
    counted(metrics.CLIENT_REQUESTS, client.name, client.version).inc()


def request_shed() -> None:
    """A request was refused because too many others are in flight."""
    metrics.HTTP_SHED.inc()


def request_rate_limited() -> None:
    """A request was refused because its sender has sent too many."""
    metrics.HTTP_RATE_LIMITED.inc()


class operation:  # noqa: N801  # as above
    """Around a GraphQL operation, parsing and validation included.

    What is learnt of it on the way is told to it. Left alone, it was refused before anything was run.
    """

    __slots__ = ("_begun", "_outcome", "_span", "_traced", "_type")

    def __init__(self) -> None:
        self._type = NONE
        self._outcome = REFUSED
        self._span = span(Span.OPERATION)

    def __enter__(self) -> operation:
        self._begun = time.perf_counter()
        self._traced = self._span.__enter__()
        return self

    def chose(self, operation_type: str) -> None:
        """The operation of the document that is meant is a query, or something else."""
        self._type = operation_type
        self._traced.set(Attribute.TYPE, operation_type)

    def executed(self, *, has_errors: bool) -> None:
        """It was run, and all of the answer is there, or not."""
        self._outcome = ERRORS if has_errors else OK

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _tell_operation(self._type, self._outcome, time.perf_counter() - self._begun)
        self._span.__exit__(kind, error, trace)


def operation_answered(operation_type: str, seconds: float) -> None:
    """An operation that nobody traces was run, and all of the answer is there."""
    _tell_operation(operation_type, OK, seconds)


def _tell_operation(operation_type: str, outcome: str, seconds: float) -> None:
    counted(metrics.OPERATIONS, operation_type, outcome).inc()
    spread(metrics.OPERATION_DURATION, operation_type).observe(seconds)


def errors_told(codes: Iterable[str]) -> None:
    """A client is told errors with these codes, each one of the documented ones."""
    for code in codes:
        counted(metrics.ERRORS, code).inc()


class provider_call:  # noqa: N801  # as above
    """Around a call to a provider with all its attempts, and with the waiting before and between them."""

    __slots__ = ("_account", "_begun", "_span", "_traced")

    def __init__(self, shop: str, provider: str, operation: str) -> None:
        self._account = (shop, provider, operation)

    def __enter__(self) -> None:
        self._begun = time.perf_counter()
        self._span = span(Span.CALL, _of_account(*self._account))
        self._traced = self._span.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        outcome = OK
        if error is not None:
            outcome = _outcome(error)
            self._traced.fail(outcome)
        _, provider, operation = self._account
        counted(metrics.PROVIDER_CALLS, *self._account, outcome).inc()
        spread(metrics.PROVIDER_CALL_DURATION, provider, operation).observe(time.perf_counter() - self._begun)
        self._span.__exit__(kind, error, trace)


class provider_attempt:  # noqa: N801  # as above
    """Around one attempt of a call, from when it is sent."""

    __slots__ = ("_account", "_begun", "_span", "_traced")

    def __init__(self, shop: str, provider: str, operation: str) -> None:
        self._account = (shop, provider, operation)

    def __enter__(self) -> None:
        self._begun = time.perf_counter()
        self._span = span(Span.ATTEMPT, _of_account(*self._account))
        self._traced = self._span.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._traced.fail(_outcome(error))
        _, provider, operation = self._account
        spread(metrics.PROVIDER_ATTEMPT_DURATION, provider, operation).observe(time.perf_counter() - self._begun)
        self._span.__exit__(kind, error, trace)


def circuit_changed(shop: str, provider: str, is_open: bool) -> None:
    """The circuit of an account is open, or closed, in this process: told at the beginning and at each change."""
    metrics.PROVIDER_CIRCUIT_OPEN.labels(shop, provider).set(is_open)


def unknown_word(provider: str) -> None:
    """A provider used a status word that no table knows. The word is no part of the figure."""
    counted(metrics.PROVIDER_UNKNOWN_WORDS, provider).inc()


class LoadNotes:
    """What is learnt of a look-up in the cache on the way."""

    def __init__(self, provider: str, operation: str, traced: OpenSpan) -> None:
        self._provider = provider
        self._operation = operation
        self._traced = traced

    def ended(self, result: str, age: timedelta | None) -> None:
        """It gave `result`; `age` is that of a copy that was served."""
        self._traced.set(Attribute.RESULT, result)
        _tell_load(self._provider, self._operation, result, age)


class cache_load:  # noqa: N801  # as above
    """Around a look-up in the cache, with the call that it may lead to."""

    __slots__ = ("_account", "_span")

    def __init__(self, shop: str, provider: str, operation: str) -> None:
        self._account = (shop, provider, operation)

    def __enter__(self) -> LoadNotes:
        _, provider, operation = self._account
        self._span = span(Span.CACHE, _of_account(*self._account))
        return LoadNotes(provider, operation, self._span.__enter__())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._span.__exit__(kind, error, trace)


def copy_served(shop: str, provider: str, operation: str, result: str, age: timedelta | None) -> None:
    """A look-up in the cache that gave a copy at once: nothing to time, and nothing to trace where nobody traces."""
    if is_tracing():
        with cache_load(shop, provider, operation) as notes:
            notes.ended(result, age)
    else:
        _tell_load(provider, operation, result, age)


def _tell_load(provider: str, operation: str, result: str, age: timedelta | None) -> None:
    counted(metrics.CACHE_LOADS, provider, operation, result).inc()
    if age is not None:
        spread(metrics.CACHE_AGE, result).observe(age.total_seconds())


def cache_lost() -> None:
    """The shared cache does not answer, and this process goes on without it."""
    metrics.CACHE_FAILURES.inc()
    metrics.CACHE_CIRCUIT_OPEN.set(1)


def cache_back() -> None:
    """The shared cache is used by this process, again or from the beginning."""
    metrics.CACHE_CIRCUIT_OPEN.set(0)


def registration_attempt(provider: str, state: str) -> None:
    """An attempt at a step of a registration left it in `state`."""
    counted(metrics.REGISTRATION_ATTEMPTS, provider, state).inc()


def _of_account(shop: str, provider: str, operation: str) -> dict[Attribute, AttributeValue] | None:
    if not is_tracing():
        return None
    return {Attribute.SHOP: shop, Attribute.PROVIDER: provider, Attribute.OPERATION: operation}


def _outcome(error: BaseException) -> str:
    match error:
        case ProviderError():
            return error.code
        case asyncio.CancelledError():
            return CANCELLED
        case _:
            return DEFECT
