"""What trackers on payments were sent with and PayPal gives back nowhere: the tracking number and the carrier."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, delete, select

from gateway.joint_lookups import JointLookups
from gateway.store.database import Database
from gateway.store.inserts import insert_into
from gateway.store.tables import OrderTrackerDetailRow
from gateway.store.texts import is_storable
from providers.models import Carrier, OrderTracker

_KEY = ("shop", "paypal_order_id", "tracker_id")

_OF_PAYMENTS = select(*OrderTrackerDetailRow.__table__.columns).where(
    OrderTrackerDetailRow.shop == bindparam("shop"),
    OrderTrackerDetailRow.paypal_order_id.in_(bindparam("ids", expanding=True)),
)


@dataclass(frozen=True, slots=True)
class TrackerDetails:
    """What one tracker was sent with; None is what it was sent without."""

    tracking_number: str | None
    carrier: Carrier | None


class OrderTrackerDetails:
    """The details of every shop's trackers."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._of_payments = JointLookups(self._look_up)

    async def keep(self, shop: str, tracker: OrderTracker) -> None:
        """Remember number and carrier of `tracker`, in place of what is known; the same again changes nothing.

        Raises `StoreUnavailable`.
        """
        details = {
            "tracking_number": tracker.tracking_number,
            "carrier": tracker.carrier.reference if tracker.carrier else None,
            "carrier_name": tracker.carrier.name if tracker.carrier else None,
        }
        async with self._database.writing() as connection:
            await connection.execute(
                insert_into(self._database, OrderTrackerDetailRow)
                .values(shop=shop, paypal_order_id=tracker.paypal_order_id, tracker_id=tracker.tracker_id, **details)
                .on_conflict_do_update(index_elements=_KEY, set_=details)
            )

    async def find(self, shop: str, paypal_order_id: str) -> Mapping[str, TrackerDetails]:
        """What is known of the trackers of a PayPal order, by their ids. Raises `StoreUnavailable`.

        Those of PayPal orders that are asked for at the same time are read together.
        """
        if not is_storable(paypal_order_id):
            return {}
        payment = (shop, paypal_order_id)
        return (await self._of_payments.find(payment))[payment]

    async def forget(self, shop: str, paypal_order_ids: Collection[str]) -> int:
        """Remove what is known of the trackers of these PayPal orders; how many there were."""
        async with self._database.writing() as connection:
            result = await connection.execute(
                delete(OrderTrackerDetailRow).where(
                    OrderTrackerDetailRow.shop == shop,
                    OrderTrackerDetailRow.paypal_order_id.in_(list(paypal_order_ids)),
                )
            )
        return result.rowcount

    async def _look_up(
        self, payments: Collection[tuple[str, str]]
    ) -> Mapping[tuple[str, str], Mapping[str, TrackerDetails]]:
        found: dict[tuple[str, str], dict[str, TrackerDetails]] = {payment: {} for payment in payments}
        for shop in {shop for shop, _ in payments}:
            ids = [paypal_order_id for each, paypal_order_id in payments if each == shop]
            for row in await self._database.rows(_OF_PAYMENTS, {"shop": shop, "ids": ids}):
                found[shop, row.paypal_order_id][row.tracker_id] = _to_details(row)
        return found


def _to_details(row: Row[Any]) -> TrackerDetails:
    has_carrier = row.carrier is not None or row.carrier_name is not None
    carrier = Carrier(reference=row.carrier, name=row.carrier_name) if has_carrier else None
    return TrackerDetails(row.tracking_number, carrier)
