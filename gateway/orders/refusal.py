"""Why a write was refused, as it is kept: enough to tell it again in the same words, and no text of a provider."""

from __future__ import annotations

from typing import Literal

from gateway.orders.errors import OrderError
from providers.errors import OrderNotFound, RequestRejected, Violation
from providers.models import Domain

RefusedError = OrderError | RequestRejected | OrderNotFound
"""Everything that refuses a write for good: repeating it as it is would end the same way."""


class KeptViolation(Domain):
    field: tuple[str, ...]
    provider_code: str | None = None


class Refusal(Domain):
    """One of `RefusedError`, by `kind`: a `code` and `message` of ours, or what a provider refused."""

    kind: Literal["ours", "rejected", "not_found"]
    code: str
    message: str
    provider: str | None = None
    operation: str | None = None
    provider_code: str | None = None
    violations: tuple[KeptViolation, ...] = ()

    @classmethod
    def of(cls, error: RefusedError) -> Refusal:
        match error:
            case RequestRejected():
                return cls(
                    kind="rejected",
                    code=error.code,
                    message=error.message,
                    provider=error.provider,
                    operation=error.operation,
                    provider_code=error.provider_code,
                    violations=tuple(
                        KeptViolation(field=each.field, provider_code=each.provider_code) for each in error.violations
                    ),
                )
            case OrderNotFound():
                return cls(
                    kind="not_found",
                    code=error.code,
                    message=error.message,
                    provider=error.provider,
                    operation=error.operation,
                    provider_code=error.provider_code,
                )
            case _:
                return cls(kind="ours", code=error.code, message=error.message)

    def to_error(self) -> RefusedError:
        """The error that this was made of."""
        match self.kind:
            case "rejected":
                return RequestRejected(
                    self.provider or "",
                    self.operation or "",
                    provider_code=self.provider_code,
                    violations=tuple(Violation(each.field, each.provider_code) for each in self.violations),
                )
            case "not_found":
                return OrderNotFound(self.provider or "", self.operation or "", self.provider_code)
            case _:
                return RefusedBefore(self.code, self.message)


class RefusedBefore(OrderError):
    """A refusal of ours that was kept: it has the code that it had then."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code  # type: ignore[misc]  # the one error whose code is not known before
