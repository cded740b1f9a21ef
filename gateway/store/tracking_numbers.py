"""The index of tracking numbers: which order each was seen on."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import bindparam, delete, select

from gateway.store.database import Database
from gateway.store.inserts import insert_into
from gateway.store.tables import TrackingNumberRow
from gateway.store.texts import is_storable

Sighting = tuple[str, str, str]
"""Shop, tracking number, order number."""


_SEEN_ON = select(TrackingNumberRow.order_number).where(
    TrackingNumberRow.shop == bindparam("shop"), TrackingNumberRow.tracking_number == bindparam("tracking_number")
)


class TrackingNumbers:
    """The index of every shop."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, sightings: Iterable[Sighting]) -> None:
        """Remember sightings; one that is known already changes nothing.

        Left out are those whose numbers no database can keep (see `is_storable`): providers send what they like, and
        one of them must not cost the others. Nobody can ask for such a number either.
        """
        # Sorted, since two writers that take the same rows in different orders would wait for each other for ever.
        rows = [
            {"shop": shop, "tracking_number": number, "order_number": order_number}
            for shop, number, order_number in sorted(set(sightings))
            if is_storable(number) and is_storable(order_number)
        ]
        if not rows:
            return
        async with self._database.writing() as connection:
            await connection.execute(insert_into(self._database, TrackingNumberRow).on_conflict_do_nothing(), rows)

    async def find_order_numbers(self, shop: str, tracking_number: str) -> tuple[str, ...]:
        """The numbers of the orders that `tracking_number` was seen on, in order."""
        if not is_storable(tracking_number):
            return ()
        rows = await self._database.rows(_SEEN_ON, {"shop": shop, "tracking_number": tracking_number})
        return tuple(sorted(row.order_number for row in rows))  # databases do not agree on how texts are sorted

    async def forget(self, shop: str, order_number: str) -> int:
        """Remove the tracking numbers that were seen on the order; how many there were."""
        async with self._database.writing() as connection:
            result = await connection.execute(
                delete(TrackingNumberRow).where(
                    TrackingNumberRow.shop == shop, TrackingNumberRow.order_number == order_number
                )
            )
        return result.rowcount
