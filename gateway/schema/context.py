"""What the resolvers of one operation share: the use cases, and the failures that are told beside the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any

from gateway.auth.order_tokens import OrderTokens
from gateway.auth.principal import Principal, Scope
from gateway.freshness.cache import FreshCache
from gateway.freshness.derived import Derived
from gateway.orders.directory import Directory
from gateway.orders.errors import OrderError
from gateway.orders.idempotency import Idempotency
from gateway.orders.identity import OrderKey
from gateway.orders.links import LinkService
from gateway.orders.loaded import LoadedOrder
from gateway.orders.loads import Loads, LoadServices
from gateway.orders.operation import Operation, OperationServices
from gateway.orders.registration.service import RegistrationService, RegistrationServices
from gateway.orders.service import OrderService
from gateway.orders.shops import Shop, Shops
from gateway.orders.sightings import Sightings
from gateway.orders.trackers import TrackerService
from gateway.orders.writes import OrderTrackerWrites, OrderWrites, RouteWrites
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
    operations: OperationServices = field(init=False)
    """What the use cases of every operation are made over."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "operations", OperationServices(self.links, self.loads))


class Context:
    """One operation: who asks, its deadline, loads and failures."""

    def __init__(
        self,
        services: Services,
        request_id: str,
        deadline: Deadline,
        principal: Principal,
        operation: Operation | None = None,
    ) -> None:
        self.services = services
        self.request_id = request_id
        self.principal = principal
        self.shops = services.shops.among(principal.shops)
        self.read_ahead = Derived()
        """What was read ahead of the selection. The pipeline gives one for all runs of a document, where it can."""
        self._deadline = deadline
        self._operation = operation or Operation(services.operations, deadline)
        self._failures: list[PartFailure] = []

    def afresh(self) -> Context:
        """The same operation to be run once more: what was loaded is at hand, and nothing has been reported."""
        return Context(self.services, self.request_id, self._deadline, self.principal, self._operation)

    @property
    def loads(self) -> Loads:
        return self._operation.loads

    @property
    def directory(self) -> Directory:
        return self._operation.directory

    @property
    def orders(self) -> OrderService:
        return self._operation.orders

    @property
    def trackers(self) -> TrackerService:
        return self._operation.trackers

    @property
    def order_writes(self) -> OrderWrites:
        return self._operation.order_writes

    @property
    def order_tracker_writes(self) -> OrderTrackerWrites:
        return self._operation.order_tracker_writes

    @property
    def route_writes(self) -> RouteWrites:
        return self._operation.route_writes

    @property
    def linking(self) -> LinkService:
        return LinkService(self.services.links, self.services.cache, self.services.loads.clock)

    @property
    def idempotency(self) -> Idempotency:
        return Idempotency(self.services.keys, self._deadline)

    @property
    def registration(self) -> RegistrationService:
        return RegistrationService(self.services.registrations, self.directory, self.orders, self._deadline)

    def failures(self) -> Sequence[PartFailure]:
        return self._failures

    def max_age(self) -> timedelta | None:
        return self.loads.max_age()

    def names(self) -> frozenset[str] | None:
        return self.loads.names()

    def hold_figures(self) -> None:
        self.loads.hold_hits()

    def tell_figures(self) -> None:
        self.loads.count_hits()

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
        if not order.has_failures:
            return
        for key, need in selected.fields:
            for error in order.failures(need):
                self.report(error, (*path, key))


CODES = {code.value: code for code in ErrorCode}
"""The documented code behind each `OrderError.code`."""


class told:  # noqa: N801  # used as a function, and a class because a generator's context costs three times as much
    """Turn what stops a question into the error that the client is told."""

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, OrderError):
            raise ClientError(CODES[error.code], error.message, **error.details) from error


def _details(error: ProviderError) -> dict[str, Any]:
    return {"externalIds": list(error.external_ids)} if isinstance(error, AmbiguousReference) else {}


def _retry_at(error: ProviderError, now: datetime) -> dict[str, Any]:
    retry_at = failure_of(error, now).retry_at
    return {"retryAt": retry_at.isoformat()} if retry_at else {}
