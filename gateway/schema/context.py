"""What the resolvers of one operation share: the use cases, and the failures that are told beside the answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gateway.auth.order_tokens import OrderTokens
from gateway.auth.principal import Principal, Scope
from gateway.freshness.cache import FreshCache
from gateway.orders.errors import OrderError
from gateway.orders.idempotency import Idempotency
from gateway.orders.identity import OrderKey
from gateway.orders.links import LinkService
from gateway.orders.loaded import LoadedOrder
from gateway.orders.loads import LoadServices
from gateway.orders.operation import Operation, OperationServices
from gateway.orders.registration.service import RegistrationService, RegistrationServices
from gateway.orders.shops import Shop, Shops
from gateway.orders.sightings import Sightings
from gateway.resilience.deadline import Deadline
from gateway.resilience.health import failure_of
from gateway.schema.errors import ClientError, ErrorCode, Forbidden
from gateway.schema.order_needs import SelectedNeeds
from gateway.schema.pipeline import PartFailure
from gateway.schema.selection import Path
from gateway.store.idempotency_keys import IdempotencyKeys
from gateway.store.invoice_trackers import InvoiceTrackers
from gateway.store.links import Links
from providers.errors import AmbiguousReference, ProviderError


@dataclass(frozen=True, slots=True)
class Services:
    """What outlives an operation; made once by the composition root."""

    shops: Shops
    links: Links
    invoice_trackers: dict[str, InvoiceTrackers]
    sightings: Sightings
    cache: FreshCache
    loads: LoadServices
    keys: IdempotencyKeys
    registrations: RegistrationServices
    query_seconds: float
    order_tokens: OrderTokens | None = None

    @property
    def operations(self) -> OperationServices:
        """What the use cases of every operation are made over."""
        return OperationServices(self.links, self.loads)


class Context:
    """One operation: who asks, its deadline, loads and failures."""

    def __init__(self, services: Services, request_id: str, deadline: Deadline, principal: Principal) -> None:
        self.services = services
        self.request_id = request_id
        self.principal = principal
        self.shops = services.shops.among(principal.shops)
        operation = Operation(services.operations, deadline)
        self.loads = operation.loads
        self.directory = operation.directory
        self.orders = operation.orders
        self.trackers = operation.trackers
        self.order_writes = operation.order_writes
        self.order_tracker_writes = operation.order_tracker_writes
        self.route_writes = operation.route_writes
        self.linking = LinkService(services.links, services.cache, services.loads.clock)
        self.idempotency = Idempotency(services.keys, deadline)
        self.registration = RegistrationService(services.registrations, self.directory, self.orders, deadline)
        self._failures: list[PartFailure] = []

    def failures(self) -> Sequence[PartFailure]:
        return self._failures

    def max_age(self) -> timedelta | None:
        return self.loads.max_age()

    def now(self) -> datetime:
        return self.services.loads.clock()

    def shop(self, slug: str | None) -> Shop:
        """The principal's shop. Raises `ClientError` when it has no such shop, or several and none is named."""
        with told():
            return self.shops.find(slug)

    def may_read(self, shop: Shop, *keys: OrderKey) -> bool:
        """Whether the principal may read the order that one of `keys` names: any of its shops, but for order tokens."""
        return self.principal.reaches(shop.slug, *keys)

    def require(self, scope: Scope) -> None:
        """Raise `Forbidden` unless the principal holds `scope`."""
        if not self.principal.may(scope):
            raise Forbidden(scope)

    def report(self, error: ProviderError, path: Path) -> None:
        """Tell the client, beside the answer, that a provider failed the field at `path`."""
        self._failures.append(
            PartFailure(
                code=error.code,
                message=error.message,
                provider=error.provider,
                retryable=error.retryable,
                paths=(path,),
                # Other orders of the same name are none of an order token's business.
                extensions=({} if self.principal.order else _details(error)) | _retry_at(error, self.now()),
            )
        )

    def report_order(self, order: LoadedOrder, path: Path, selected: SelectedNeeds) -> None:
        """Report every failure that a field selected on `order`, which stands at `path`, goes without."""
        for key, need in selected.fields:
            for error in order.failures(need):
                self.report(error, (*path, key))


CODES = {code.value: code for code in ErrorCode}
"""The documented code behind each `OrderError.code`."""


@contextmanager
def told() -> Iterator[None]:
    """Turn what stops a question into the error that the client is told."""
    try:
        yield
    except OrderError as error:
        raise ClientError(CODES[error.code], error.message, **error.details) from error


def _details(error: ProviderError) -> dict[str, Any]:
    return {"externalIds": list(error.external_ids)} if isinstance(error, AmbiguousReference) else {}


def _retry_at(error: ProviderError, now: datetime) -> dict[str, Any]:
    retry_at = failure_of(error, now).retry_at
    return {"retryAt": retry_at.isoformat()} if retry_at else {}
