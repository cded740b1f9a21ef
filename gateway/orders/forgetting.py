"""Forgetting an order: everything that the gateway keeps about it is removed, from the store and from a shared cache.

What providers keep is theirs, and a client that asks for the order afterwards is answered what they say.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass

from gateway.freshness.cache import FreshCache
from gateway.freshness.erasing import SharedCopies
from gateway.freshness.keys import order_tag, reference_tag
from gateway.orders.directory import Directory
from gateway.orders.identity import OrderIdentity, OrderKey, OrderName
from gateway.orders.needs import Need, Part
from gateway.orders.service import NotFound, OrderService
from gateway.orders.shops import Shop
from gateway.orders.sightings import Sightings
from gateway.store.idempotency_keys import IdempotencyKeys
from gateway.store.invoice_trackers import InvoiceTrackers
from gateway.store.links import Links
from gateway.store.order_tracker_details import OrderTrackerDetails
from gateway.store.registrations import Registration, RegistrationFilter, Registrations
from gateway.store.tracking_numbers import TrackingNumbers
from providers.models import Reference

PAYPAL_ORDER_ID = "paypal_order_id"
INVOICE_NUMBER = "invoice_number"

PAGE = 100
"""Registrations that are read at a time."""


_NAMES = Need(Part.DETAILS)


class StillRegistering(Exception):
    """A provider is being told of the order at this moment, and what comes of it would be kept. It takes seconds."""


@dataclass(frozen=True, slots=True)
class OrderRecords:
    """Where the store keeps what is about an order; the invoice trackers of each shop by its slug."""

    links: Links
    tracking_numbers: TrackingNumbers
    registrations: Registrations
    keys: IdempotencyKeys
    order_tracker_details: OrderTrackerDetails
    invoice_trackers: Mapping[str, InvoiceTrackers]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many of each were removed. `cached_copies` is None where no cache is shared."""

    links: int
    tracking_numbers: int
    registrations: int
    kept_answers: int
    order_tracker_details: int
    invoice_trackers: int
    invoice_tracker_media: int
    invoice_tracker_attempts: int
    cached_copies: int | None


class Forgetting:
    """Forgets orders, for the time of one operation. `copies` are those in a shared cache, where there is one."""

    def __init__(
        self,
        *,
        records: OrderRecords,
        directory: Directory,
        orders: OrderService,
        sightings: Sightings,
        cache: FreshCache,
        copies: SharedCopies | None,
    ) -> None:
        self._records = records
        self._directory = directory
        self._orders = orders
        self._sightings = sightings
        self._cache = cache
        self._copies = copies

    async def forget(self, shop: Shop, order_number: str) -> Forgotten:
        """Remove everything about the order; how much that was.

        Its references lead to the rest, so links go last: what fails in the middle can be done again. Raises
        `StillRegistering`; `ProviderError` when only the order's source can tell what a rule calls the order and cannot
        be asked; `StorageUnavailable` when a shared cache cannot be reached; `StoreUnavailable`.
        """
        references = await self._references(shop, order_number)
        tags = _tags(shop, order_number, references)
        cached_copies = None if self._copies is None else await self._copies.erase(tags)
        registrations = await self._records.registrations.forget(shop.slug, order_number, references)
        kept_answers = await self._records.keys.forget(shop.slug, order_number)
        details = await self._records.order_tracker_details.forget(shop.slug, _values(references, PAYPAL_ORDER_ID))
        invoices = await self._records.invoice_trackers[shop.slug].forget(_values(references, INVOICE_NUMBER))
        await self._sightings.flush()
        forgotten = Forgotten(
            tracking_numbers=await self._records.tracking_numbers.forget(shop.slug, order_number),
            links=await self._records.links.forget(shop.slug, order_number),
            registrations=registrations,
            kept_answers=kept_answers,
            order_tracker_details=details,
            invoice_trackers=invoices.trackers,
            invoice_tracker_media=invoices.media,
            invoice_tracker_attempts=invoices.attempts,
            cached_copies=cached_copies,
        )
        await self._cache.invalidate(tags)
        return forgotten

    async def _references(self, shop: Shop, order_number: str) -> tuple[Reference, ...]:
        """Everything that the order is called, and was called when it was registered."""
        identity = await self._identity(shop, order_number)
        named = [each.reference for each in await self._directory.references(shop, identity)]
        known = [reference for reference in named if not await self._is_anothers(shop, order_number, reference)]
        async for registration in self._registrations(shop, order_number):
            for step in registration.steps:
                if step.is_running:
                    raise StillRegistering
                known += step.references
        return tuple(dict.fromkeys(known))

    async def _is_anothers(self, shop: Shop, order_number: str, reference: Reference) -> bool:
        """Whether a link ties to another order what a rule would call this one."""
        return await self._records.links.find_order_number(shop.slug, reference) not in (None, order_number)

    async def _identity(self, shop: Shop, order_number: str) -> OrderIdentity:
        """The order's names; its source is asked only where a rule is made of another one than its number."""
        identity = OrderIdentity(shop.slug, order_number=order_number)
        if not any(self._directory.rule_lacks_name(shop, identity, provider) for provider in shop.providers):
            return identity
        found = await self._orders.find(shop, OrderKey(OrderName.NUMBER.value, order_number), [_NAMES])
        for failure in found.failures if isinstance(found, NotFound) else found.failures(_NAMES):
            raise failure
        return identity if isinstance(found, NotFound) else found.identity

    async def _registrations(self, shop: Shop, order_number: str) -> AsyncIterator[Registration]:
        before: int | None = None
        wanted = RegistrationFilter(order_number=order_number)
        while page := await self._records.registrations.search(shop.slug, wanted, PAGE, before):
            for registration in page:
                yield registration
            before = page[-1].id


def _values(references: Iterable[Reference], kind: str) -> tuple[str, ...]:
    return tuple(reference.value for reference in references if reference.kind == kind)


def _tags(shop: Shop, order_number: str, references: Iterable[Reference]) -> frozenset[str]:
    """What every copy that speaks of the order is kept under, alone or on a page."""
    named = {reference_tag(shop.slug, reference.provider, reference.kind, reference.value) for reference in references}
    return frozenset(named | {order_tag(shop.slug, order_number)})
