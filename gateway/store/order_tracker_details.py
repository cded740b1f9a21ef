"""What trackers on payments were sent with and PayPal gives back nowhere: the tracking number and the carrier."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, delete, select

from gateway.store.database import Database
from gateway.store.inserts import insert_into
from gateway.store.tables import OrderTrackerDetailRow
from providers.models import Carrier, OrderTracker

_KEY = ("shop", "paypal_order_id", "tracker_id")


@dataclass(frozen=True, slots=True)
class TrackerDetails:
    """What one tracker was sent with; None is what it was sent without."""

    tracking_number: str | None
    carrier: Carrier | None


class OrderTrackerDetails:
    """The details of every shop's trackers."""

    def __init__(self, database: Database) -> None:
        self._database = database

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
        """What is known of the trackers of a PayPal order, by their ids. Raises `StoreUnavailable`."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(_of_order(shop, paypal_order_id))).all()
        return {row.tracker_id: _to_details(row) for row in rows}

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


def _of_order(shop: str, paypal_order_id: str) -> Select[Any]:
    return select(OrderTrackerDetailRow).where(
        OrderTrackerDetailRow.shop == shop, OrderTrackerDetailRow.paypal_order_id == paypal_order_id
    )


def _to_details(row: Row[Any]) -> TrackerDetails:
    has_carrier = row.carrier is not None or row.carrier_name is not None
    carrier = Carrier(reference=row.carrier, name=row.carrier_name) if has_carrier else None
    return TrackerDetails(row.tracking_number, carrier)
