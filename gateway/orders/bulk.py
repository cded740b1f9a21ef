"""Moving in: rows of a file that each link an order to its names elsewhere and register a parcel of it.

A row is taken once however often its file is: it makes its own idempotency key, from what it says and not from where it
stands. So a file that was broken off is simply taken again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.orders.attempts import request_id_of
from gateway.orders.directory import reference_kinds
from gateway.orders.errors import OrderError
from gateway.orders.identity import OrderKey, OrderName
from gateway.orders.links import LinkService, Problem
from gateway.orders.registration.service import RegistrationService
from gateway.orders.registration.shipment import Shipment
from gateway.orders.shops import Shop
from gateway.store.idempotency_keys import KeyedWrite
from gateway.store.registrations import Accepted
from providers.base import ReferenceKind, TrackerSink
from providers.carriers import CarrierEntry, guess_carriers
from providers.errors import OrderNotFound
from providers.models import Reference

OPERATION = "import"
"""What the writes of rows are called among the kept answers."""


@dataclass(frozen=True, slots=True)
class BulkRow:
    """An order, what it is called elsewhere, and a parcel of it.

    Without a `tracking_number` there is no parcel: the row only links. `carrier` is a word of the carrier table or any
    other; None is guessed from the number. `capture_id` is PayPal's, and goes with the parcel.
    """

    order_number: str
    references: tuple[Reference, ...] = ()
    tracking_number: str | None = None
    carrier: str | None = None
    capture_id: str | None = None

    @property
    def shipment(self) -> Shipment | None:
        """The parcel to be registered; None when there is none, or nothing tells its carrier."""
        if self.tracking_number is None:
            return None
        carrier = self.carrier or getattr(guessed_carrier(self.tracking_number), "code", None)
        if carrier is None:
            return None
        return Shipment(tracking_number=self.tracking_number, carrier=carrier, capture_id=self.capture_id)

    def write(self, shop: Shop) -> KeyedWrite:
        """The row as a write that is made once: the same for every row that says the same."""
        said = {
            "order_number": self.order_number,
            "tracking_number": self.tracking_number,
            "carrier": self.carrier,
            "capture_id": self.capture_id,
            **{reference.kind: reference.value for reference in self.references},
        }
        names = [text for member, value in sorted(said.items()) if value is not None for text in (member, value)]
        key = request_id_of(OPERATION, shop.slug, *names)
        return KeyedWrite(shop.slug, f"{OPERATION}:{key}", OPERATION, key)


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of a row: the registration of its parcel, where it has one, or the `problems` that kept it out.

    A row with problems is left out as a whole, but for links that were made before one was refused. So it can be taken
    when it is mended.
    """

    registration: Accepted | None = None
    problems: tuple[Problem, ...] = ()


class MovingIn:
    """Takes rows, for the time of one operation. What a row registers is accepted, and not waited for."""

    def __init__(self, linking: LinkService, registration: RegistrationService) -> None:
        self._linking = linking
        self._registration = registration

    async def take(self, shop: Shop, row: BulkRow) -> Moved:
        """Link what is to be linked, then register the parcel.

        Raises `ProviderError` when a provider has to be asked what the order is called and cannot be, and
        `StoreUnavailable`; the row can be taken again.
        """
        for reference in row.references:
            problems = await self._linking.link(shop, row.order_number, reference)
            if problems:
                return Moved(problems=problems)
        if row.shipment is None:
            return Moved()
        return await self._register(shop, row, row.shipment)

    async def _register(self, shop: Shop, row: BulkRow, shipment: Shipment) -> Moved:
        try:
            accepted = await self._registration.accept(shop, _key(shop, row), shipment, write=row.write(shop))
        except (OrderError, OrderNotFound) as error:
            return Moved(problems=(Problem(error.code, error.message, "orderNumber"),))
        return Moved(accepted) if isinstance(accepted, Accepted) else Moved(problems=accepted)


def _key(shop: Shop, row: BulkRow) -> OrderKey:
    """What the order is named by: an order may have several invoices, and the row says which one the parcel is on."""
    for reference in row.references:
        if isinstance(shop.providers.get(reference.provider), TrackerSink):
            return OrderKey(reference.kind, reference.value)
    return OrderKey(OrderName.NUMBER.value, row.order_number)


def link_kinds() -> Mapping[str, tuple[str, ReferenceKind]]:
    """The kinds of references that can be linked, by name: the provider that uses each, and the kind."""
    return {name: (provider, kind) for name, (provider, kind) in reference_kinds().items() if kind.linkable}


def guessed_carrier(tracking_number: str) -> CarrierEntry | None:
    """The carrier that the number is most likely of, or None when it is built like none that is known."""
    return next(iter(guess_carriers(tracking_number)), None)
