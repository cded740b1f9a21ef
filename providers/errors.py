"""Everything that can go wrong between us and a provider, filed by what the caller does next.

    ProviderError                       provider, operation; always chained to its cause with `from`
    ├─ OrderNotFound                    an answer, not a fault: remembered briefly
    ├─ AmbiguousReference               an answer: several orders match; the caller asks with a better key
    ├─ RequestRejected                  the request is wrong: mend it, do not repeat it
    ├─ ProviderAuthFailed               the credentials are wrong: tell a person, do not repeat it
    ├─ OutcomeUnknown                   a write was sent and may have been done: look before repeating it
    ├─ InvalidProviderResponse          the answer cannot be used: do not repeat it
    ├─ CallLimitReached                 not sent: whoever asks has asked too much at once
    └─ ProviderUnavailable              worth another try later
       ├─ ProviderTimeout               no answer in time: what was sent may have been done
       ├─ ProviderConnectionFailed      nothing was sent, or the connection broke
       ├─ WriteInProgress               the same write is under way elsewhere: look again in a moment
       ├─ ProviderServerFailed          the provider says it failed (5xx)
       ├─ ProviderRateLimited           the provider says when to come back, or not
       ├─ ProviderCircuitOpen           not sent: too many calls before it failed or were slow
       └─ ProviderBusy                  not sent: no room among the calls that may be made at once

Each class states its `code` (what a client sees), whether the same call may be `retryable`, whether it
`counts_as_fault` of the provider, and whether it `concerns_asker_only`: somebody else who asks the same at the same
moment is not told it, and asks anew. Nobody branches on the class where a flag will do. Messages are ours: no text of a
provider is ever part of one, because messages reach clients and logs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar


class ProviderError(Exception):
    """A provider could not do what it was asked. `operation` is our name of the call (`find_order`)."""

    code: ClassVar[str]
    message: ClassVar[str]
    retryable: ClassVar[bool] = False
    counts_as_fault: ClassVar[bool] = False
    concerns_asker_only: ClassVar[bool] = False

    def __init__(self, provider: str, operation: str) -> None:
        super().__init__(f"{provider}.{operation}: {self.code}")
        self.provider = provider
        self.operation = operation


class OrderNotFound(ProviderError):
    """`provider_code` is the provider's own word for it, where it has one."""

    code = "ORDER_NOT_FOUND"
    message = "The provider does not know this order."

    def __init__(self, provider: str, operation: str, provider_code: str | None = None) -> None:
        super().__init__(provider, operation)
        self.provider_code = provider_code


class AmbiguousReference(ProviderError):
    """Several orders match the reference exactly; `external_ids` tells them apart."""

    code = "AMBIGUOUS_REFERENCE"
    message = "Several orders match this key. Ask with one of the external ids named in the error."

    def __init__(self, provider: str, operation: str, external_ids: tuple[str, ...]) -> None:
        super().__init__(provider, operation)
        self.external_ids = external_ids


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing a provider refuses. `field` is the member of *our* draft it concerns, `provider_code` its own word."""

    field: tuple[str, ...]
    provider_code: str | None = None


class RequestRejected(ProviderError):
    code = "PROVIDER_REJECTED"
    message = "The provider refused the request."

    def __init__(
        self,
        provider: str,
        operation: str,
        *,
        provider_code: str | None = None,
        violations: tuple[Violation, ...] = (),
    ) -> None:
        super().__init__(provider, operation)
        self.provider_code = provider_code
        self.violations = violations


class ProviderAuthFailed(ProviderError):
    code = "PROVIDER_AUTH_FAILED"
    message = "The provider refused our credentials."
    counts_as_fault = True


class OutcomeUnknown(ProviderError):
    code = "OUTCOME_UNKNOWN"
    message = "The request was sent and no usable answer came. Look whether it was done before sending it again."
    counts_as_fault = True


class InvalidProviderResponse(ProviderError):
    """`reason` is one of our own short words (`not_json`, `too_large`, `wrong_shape`, `redirect`): never the body."""

    code = "INVALID_PROVIDER_RESPONSE"
    message = "The provider's answer could not be understood."
    counts_as_fault = True

    def __init__(self, provider: str, operation: str, reason: str) -> None:
        super().__init__(provider, operation)
        self.reason = reason


class CallLimitReached(ProviderError):
    """The operation has made as many calls to providers as it may; nothing was sent."""

    code = "CALL_LIMIT_REACHED"
    message = "This operation has made as many provider calls as one may. What is missing was not asked for."
    retryable = True
    concerns_asker_only = True


class ProviderUnavailable(ProviderError):
    """Worth another try later. Reads raise only its subclasses; a write that was never taken is told as this.

    `retry_after` is how long to leave the provider alone, where that is known.
    """

    code = "PROVIDER_UNAVAILABLE"
    message = "The provider cannot be reached at the moment."
    retryable = True
    counts_as_fault = True
    retry_after: timedelta | None = None


class ProviderTimeout(ProviderUnavailable):
    code = "PROVIDER_TIMEOUT"
    message = "The provider did not answer in time."


class ProviderConnectionFailed(ProviderUnavailable):
    """`sent` is true when the request may have reached the provider before the connection broke."""

    code = "PROVIDER_UNREACHABLE"
    message = "The provider cannot be reached."

    def __init__(self, provider: str, operation: str, *, sent: bool) -> None:
        super().__init__(provider, operation)
        self.sent = sent


class ProviderServerFailed(ProviderUnavailable):
    """`status` is the HTTP status it reported, `retry_after` what it asked for beside it."""

    code = "PROVIDER_FAILED"
    message = "The provider reports a failure of its own."

    def __init__(self, provider: str, operation: str, status: int = 500, retry_after: timedelta | None = None) -> None:
        super().__init__(provider, operation)
        self.status = status
        self.retry_after = retry_after


class WriteInProgress(ProviderUnavailable):
    """Somebody else is making the same write at this moment; nothing was sent."""

    code = "WRITE_IN_PROGRESS"
    message = "The same is being written at this moment. Ask again in a few seconds."
    counts_as_fault = False


class ProviderRateLimited(ProviderUnavailable):
    """`retry_after` is what the provider asked for, from seconds or an HTTP date; None when it did not say."""

    code = "PROVIDER_RATE_LIMITED"
    message = "The provider takes no more requests at the moment."
    counts_as_fault = False

    def __init__(self, provider: str, operation: str, retry_after: timedelta | None) -> None:
        super().__init__(provider, operation)
        self.retry_after = retry_after


class ProviderCircuitOpen(ProviderUnavailable):
    """`retry_after` is when a call will be tried again."""

    code = "PROVIDER_CIRCUIT_OPEN"
    message = "The provider failed or was slow too often lately, and is left alone for a moment."
    counts_as_fault = False

    def __init__(self, provider: str, operation: str, retry_after: timedelta) -> None:
        super().__init__(provider, operation)
        self.retry_after = retry_after


class ProviderBusy(ProviderUnavailable):
    """As many calls as the provider account takes were being made until the time to wait was over."""

    code = "PROVIDER_BUSY"
    message = "Too many calls to the provider are being made at the moment."
    counts_as_fault = False
    concerns_asker_only = True


def as_write_failure(error: ProviderError) -> ProviderError:
    """`error` of a write, as what it means for the writer: not taken (try again), or perhaps done (look first).

    A 503 says that the request was not served; every other failure of a server may have come after the work was done.
    """
    match error:
        case WriteInProgress():
            return error
        case ProviderCircuitOpen() | ProviderBusy():
            return ProviderUnavailable(error.provider, error.operation)
        case ProviderConnectionFailed(sent=False) | ProviderRateLimited() | ProviderServerFailed(status=503):
            return ProviderUnavailable(error.provider, error.operation)
        case ProviderUnavailable() | InvalidProviderResponse():
            return OutcomeUnknown(error.provider, error.operation)
        case _:
            return error


@contextmanager
def told_to_the_writer() -> Iterator[None]:
    """Have a failure of the write inside raised as `as_write_failure`, with the provider's own as its cause."""
    try:
        yield
    except ProviderError as error:
        failure = as_write_failure(error)
        if failure is error:  # as its own cause it would have no end for whoever follows causes
            raise
        raise failure from error
