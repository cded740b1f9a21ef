"""Registrations as clients see them: accepting a shipment, waiting for its first attempts, and deciding about it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass

from gateway.orders.directory import Directory
from gateway.orders.errors import IdempotencyKeyReused
from gateway.orders.identity import OrderKey
from gateway.orders.links import Problem
from gateway.orders.registration.attempt import read_shipment
from gateway.orders.registration.drafts import to_tracker
from gateway.orders.registration.outcome import DISMISSED
from gateway.orders.registration.plan import Plan, Planner
from gateway.orders.registration.shipment import Shipment
from gateway.orders.registration.steps import way_of
from gateway.orders.registration.worker import RegistrationWorker
from gateway.orders.service import OrderService
from gateway.orders.shops import RegistrationRules, Shop
from gateway.resilience.deadline import Deadline
from gateway.store.idempotency_keys import KeyedWrite, Taken
from gateway.store.invoice_trackers import InvoiceTrackers
from gateway.store.registrations import (
    Accepted,
    NewRegistration,
    Registration,
    RegistrationFilter,
    Registrations,
    Step,
    StepState,
)
from providers.base import TrackerSink
from providers.errors import WriteInProgress

ANSWER_SECONDS = 0.5
"""What waiting leaves of the deadline for the answer itself."""

LOOK_AGAIN_SECONDS, LOOK_AGAIN_AT_MOST_SECONDS = 0.25, 1.0
"""How often the store is looked into for what other processes do: doubling, because of many who wait for long. What
ends in this process wakes its waiters."""


@dataclass(frozen=True, slots=True)
class RegistrationServices:
    """What outlives the operation; `invoice_trackers` by shop."""

    registrations: Registrations
    worker: RegistrationWorker
    invoice_trackers: Mapping[str, InvoiceTrackers]


class RegistrationService:
    """Accepts shipments and shows what became of them, for the time of one operation.

    It waits for what the store says and never does the work: a client that goes away cancels nothing.
    """

    def __init__(
        self, services: RegistrationServices, directory: Directory, orders: OrderService, deadline: Deadline
    ) -> None:
        self._services = services
        self._registrations = services.registrations
        self._planner = Planner(directory, orders)
        self._deadline = deadline

    async def register(
        self,
        shop: Shop,
        key: OrderKey,
        shipment: Shipment,
        providers: Collection[str] | None = None,
        write: KeyedWrite | None = None,
    ) -> Registration | tuple[Problem, ...]:
        """Accept `shipment` for the order behind `key` and wait for the first attempt at each provider.

        Answers the registration as it is then; what is still PENDING goes on without anybody waiting. Problems when
        nothing was accepted. The same `write` again answers the registration that it made.

        Raises as `accept` does.
        """
        accepted = await self.accept(shop, key, shipment, providers, write)
        if not isinstance(accepted, Accepted):
            return accepted
        registration = await self._awaited(shop, accepted.id, _is_tried)
        if registration is None:
            raise IdempotencyKeyReused("What was registered with this key is no longer kept. Make a new key.")
        return registration

    async def accept(
        self,
        shop: Shop,
        key: OrderKey,
        shipment: Shipment,
        providers: Collection[str] | None = None,
        write: KeyedWrite | None = None,
    ) -> Accepted | tuple[Problem, ...]:
        """Accept `shipment` as `register` does, and wait for nothing.

        Raises `IdempotencyKeyReused`, `OrderError` for a key that cannot be resolved, `OrderNotFound` when the order
        is needed and nobody knows it, and `ProviderError` when it is needed and cannot be asked for.
        """
        accepted = await self._registrations.find_accepted(write) if write else None
        if accepted is None:
            plan = await self._planner.plan(shop, key, shipment, providers)
            if not isinstance(plan, Plan):
                return plan
            accepted = await self._registrations.add(_new_registration(shop, key, shipment, plan), write)
        if isinstance(accepted, Taken):
            raise IdempotencyKeyReused("This key was used before. Make a new one for each thing to be done.")
        if accepted.is_new:
            self._services.worker.wake()
        return accepted

    async def find(self, shop: Shop, number: int) -> Registration | None:
        """The shop's registration with this number."""
        return await self._registrations.find(shop.slug, number)

    async def search(
        self, shop: Shop, wanted: RegistrationFilter, limit: int, before: int | None = None
    ) -> tuple[Registration, ...]:
        """Registrations of the shop, newest first; only those older than number `before`."""
        return await self._registrations.search(shop.slug, wanted, limit, before)

    async def retry(
        self, shop: Shop, number: int, providers: Collection[str] | None = None
    ) -> Registration | tuple[Problem, ...]:
        """Try again at once what is not done, and wait for it as `register` does; a problem when nothing is to try.

        What is UNKNOWN is repeated too: whoever asks has looked at the provider that it was not done.
        """
        registration = await self.find(shop, number)
        if registration is None:
            return (_not_found(),)
        for step in registration.steps:
            is_meant = providers is None or step.provider in providers
            if step.state is StepState.UNKNOWN and is_meant and not await self._allow_again(shop, registration, step):
                return (_still_running(),)
        retried = await self._registrations.retry(shop.slug, number, providers)
        if not retried:
            return (Problem("NOTHING_TO_RETRY", "All that is meant is done, or is being tried now.", "registrationId"),)
        self._services.worker.wake()
        before = {step.provider: step.attempts for step in registration.steps if step.provider in retried}
        return await self._awaited(shop, number, lambda now: _is_tried_again(now, before)) or (_not_found(),)

    async def dismiss(self, shop: Shop, number: int, reason: str | None) -> Registration | tuple[Problem, ...]:
        """Give up what is PENDING, and take the registration off the list of open ones."""
        await self._registrations.dismiss(shop.slug, number, reason, DISMISSED.model_dump(mode="json"))
        return await self.find(shop, number) or (_not_found(),)

    async def _awaited(self, shop: Shop, number: int, is_enough: Callable[[Registration], bool]) -> Registration | None:
        """The registration once it `is_enough`, or when no more time is left."""
        pause = LOOK_AGAIN_SECONDS
        with self._services.worker.ended.of(number) as ended:
            while True:
                ended.clear()
                registration = await self.find(shop, number)
                left = self._deadline.remaining() - ANSWER_SECONDS
                if registration is None or left <= 0 or is_enough(registration):
                    return registration
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(pause, left)):
                        await ended.wait()
                pause = min(2 * pause, LOOK_AGAIN_AT_MOST_SECONDS)

    async def _allow_again(self, shop: Shop, registration: Registration, step: Step) -> bool:
        """Have a tracker registered anew that may be there: our ledger would refuse to.

        False while the last attempt may still be under way: nobody can have seen yet what became of it.
        """
        sink = shop.providers.get(step.provider)
        way = way_of(sink) if sink else None
        if way is None or way.protocol is not TrackerSink:
            return True
        rules = shop.registration.get(step.provider, RegistrationRules())
        draft = to_tracker(read_shipment(registration.shipment), step.references[0], rules)
        names = (draft.reference.value, draft.carrier_code, draft.tracking_number)
        return await self._services.invoice_trackers[shop.slug].forget_attempt(*(name.strip() for name in names))


def _new_registration(shop: Shop, key: OrderKey, shipment: Shipment, plan: Plan) -> NewRegistration:
    return NewRegistration(
        shop=shop.slug,
        order_kind=key.kind,
        order_value=key.value,
        order_number=plan.identity.order_number,
        shipment=shipment.model_dump(mode="json"),
        steps=plan.steps,
    )


def _is_tried(registration: Registration) -> bool:
    return all(step.was_tried for step in registration.steps)


def _is_tried_again(registration: Registration, before: Mapping[str, int]) -> bool:
    """Whether an attempt has ended since then at each of those that had had so many `before`."""
    return all(
        step.was_tried and (step.state is not StepState.PENDING or step.attempts > before[step.provider])
        for step in registration.steps
        if step.provider in before
    )


def _still_running() -> Problem:
    return Problem(
        WriteInProgress.code,
        "The last attempt may still be under way. Look at the provider in a minute, and retry then.",
        "registrationId",
    )


def _not_found() -> Problem:
    return Problem("REGISTRATION_NOT_FOUND", "This shop has no such registration.", "registrationId")
