"""One attempt at one step: the provider is told, and what came of it becomes a result."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from gateway.orders.attempts import Attempt, request_id_of
from gateway.orders.operation import Operation, OperationServices
from gateway.orders.registration.backoff import Jitter, wait_after
from gateway.orders.registration.outcome import (
    NOT_CONFIGURED,
    UNFORESEEN,
    Circumstances,
    ShipmentUnreadable,
    dismissed,
    done,
    failed,
    failure_of,
    may_be_done,
    refused,
)
from gateway.orders.registration.shipment import Shipment
from gateway.orders.registration.steps import Send, Telling, Way, alone, way_of
from gateway.orders.shops import Shop, Shops
from gateway.resilience.deadline import Deadline
from gateway.resilience.gate import Urgency
from gateway.store.registrations import ClaimedStep, Result, StepState
from providers.base import Provider
from providers.models import Tracking

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Progress:
    """How far an attempt is: from `was_sent` on, the provider may have taken it."""

    was_sent: bool = False


@dataclass(frozen=True, slots=True)
class _Target:
    """Who is told, for which shop and how."""

    shop: Shop
    sink: Provider
    way: Way


class StepTeller:
    """Makes attempts. Raises nothing; it can be cancelled."""

    def __init__(self, shops: Shops, services: OperationServices, jitter: Jitter = random.random) -> None:
        self._shops = {shop.slug: shop for shop in shops}
        self._services = services
        self._jitter = jitter

    async def tell(self, step: ClaimedStep, progress: Progress, until: float) -> Result:
        """What one attempt ended in, which ends at `until` (by the event loop's clock)."""
        if step.is_dismissed:
            return dismissed()
        target = self._target(step)
        if target is None:
            return refused(NOT_CONFIGURED)
        try:
            return done(await self._made(step, target, progress, until))
        except Exception as error:  # noqa: BLE001  # whatever went wrong, the step goes on
            return self._failed(step, target.way, progress, error)

    def _target(self, step: ClaimedStep) -> _Target | None:
        shop = self._shops.get(step.shop)
        sink = shop.providers.get(step.provider) if shop else None
        way = way_of(sink) if sink else None
        if shop is None or sink is None or way is None:
            return None
        return _Target(alone(shop, step.provider, way.protocol), sink, way)

    async def _made(self, step: ClaimedStep, target: _Target, progress: Progress, until: float) -> Tracking | None:
        async with asyncio.timeout_at(until):
            send = await self._prepared(step, target, until)
            if asyncio.get_running_loop().time() >= until:  # frozen meanwhile: somebody else may have begun
                raise TimeoutError
            progress.was_sent = True
            return await send()

    async def _prepared(self, step: ClaimedStep, target: _Target, until: float) -> Send:
        deadline = Deadline.after(until - asyncio.get_running_loop().time())
        request_id = request_id_of(step.shop, "registration", str(step.registration_id), step.provider)
        return await target.way.prepare(
            Telling(
                shop=target.shop,
                sink=target.sink,
                shipment=read_shipment(step.shipment),
                references=step.references,
                order_number=step.order_number,
                attempt=Attempt(request_id, repeated=step.attempt > 1),
                operation=Operation(self._services, deadline, Urgency.BACKGROUND),
            )
        )

    def _failed(self, step: ClaimedStep, way: Way, progress: Progress, error: Exception) -> Result:
        code = failure_of(error, was_sent=progress.was_sent)
        result = failed(
            error,
            Circumstances(
                was_sent=progress.was_sent,
                is_repeatable=way.is_repeatable,
                may_be_done=may_be_done(step.outcome),
                is_last=step.is_last,
                after=wait_after(step.attempt, error, self._jitter),
            ),
        )
        what = f"attempt {step.attempt} to register {step.registration_id} at {step.provider}: {result.state}, {code}"
        if code == UNFORESEEN and not isinstance(error, ShipmentUnreadable):
            logger.error("a defect in %s", what, exc_info=error)
        else:
            logger.log(logging.INFO if result.state is StepState.PENDING else logging.WARNING, "%s", what)
        return result


def read_shipment(document: Mapping[str, Any]) -> Shipment:
    """Raises `ShipmentUnreadable`, which says nothing of what is in it."""
    try:
        return Shipment.model_validate(document)
    except ValidationError:
        raise ShipmentUnreadable from None
