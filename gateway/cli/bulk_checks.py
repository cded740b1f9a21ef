"""What a file's rows must be before any of them is taken: each by itself, and all of them together.

A row is held to what the mutations `linkOrder` and `registerShipment` demand of their inputs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from gateway.cli.bulk_memory import BulkMemory
from gateway.cli.bulk_rows import ReadRow, Wrong, column_of, link_columns
from gateway.orders.bulk import BulkRow, link_kinds
from gateway.orders.links import check_link, check_order_number
from gateway.orders.registration.shipment import Shipment
from gateway.orders.shops import Shop
from gateway.schema.inputs import OrderBy
from gateway.schema.registration_inputs import RegisterShipmentInput, check_shipment

Finding = tuple[str | None, str]
"""The column that is wrong (None: the row as a whole), and what is wrong with it."""

_NO_GUESS = "is missing, and the tracking number is built like no carrier's that is known: name the carrier"


class RowChecker:
    """Checks the rows of one file for `shop`, one after the other.

    `rows` counts those that were checked; `guessed` those whose carrier only the number tells, by our code.
    """

    def __init__(self, shop: Shop, memory: BulkMemory) -> None:
        self.rows = 0
        self.guessed: Counter[str] = Counter()
        self._shop = shop
        self._memory = memory

    def check(self, read: ReadRow) -> list[Wrong]:
        """Everything that is wrong with the next row, by itself or beside those before it."""
        self.rows += 1
        shipment = read.row.shipment
        if shipment is not None and read.row.carrier is None:
            self.guessed[shipment.carrier] += 1
        findings = dict.fromkeys((*self._alone(read.row, shipment), *self._beside_others(read)))
        return [Wrong(read.line, message, column) for column, message in findings]

    def _alone(self, row: BulkRow, shipment: Shipment | None) -> Iterator[Finding]:
        for problem in check_order_number(row.order_number):
            yield "order_number", problem.message
        for reference in row.references:
            for problem in check_link(self._shop, row.order_number, reference):
                yield column_of(problem.member) or reference.kind, problem.message
        if shipment is not None:
            yield from _of_shipment(row, shipment)
        elif row.tracking_number is not None:
            yield "carrier", _NO_GUESS
        elif not row.references:
            yield None, f"says nothing of its order: give one of {', '.join(('tracking_number', *link_columns()))}"

    def _beside_others(self, read: ReadRow) -> Iterator[Finding]:
        row = read.row
        for reference in row.references:
            _provider, kind = link_kinds()[reference.kind]
            first = self._memory.seen_before(read.line, (reference.kind, reference.value), row.order_number)
            if first and not first.is_same_owner and not kind.shared:
                yield reference.kind, f"is another order's in line {first.line}"
        if row.tracking_number is not None:
            first = self._memory.seen_before(read.line, ("parcel", row.order_number, row.tracking_number))
            if first:
                yield "tracking_number", f"stands beside the same order in line {first.line} already"


def _of_shipment(row: BulkRow, shipment: Shipment) -> Iterable[Finding]:
    """What is wrong with a parcel, told to those that know the order by the references beside it and to all others."""
    given = RegisterShipmentInput(
        order=OrderBy(order_number=row.order_number),
        tracking_number=shipment.tracking_number,
        carrier=shipment.carrier,
        capture_id=shipment.capture_id,
        providers=[reference.provider for reference in row.references] or None,
    )
    for error in check_shipment(given):
        yield column_of((error.path or ["input"])[-1]), error.message
