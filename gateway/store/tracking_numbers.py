"""The index of tracking numbers: which order each was seen on."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from gateway.store.database import Database
from gateway.store.tables import TrackingNumberRow

Sighting = tuple[str, str, str]
"""Shop, tracking number, order number."""


class TrackingNumbers:
    """The index of every shop."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, sightings: Iterable[Sighting]) -> None:
        """Remember sightings; one that is known already changes nothing."""
        rows = [
            {"shop": shop, "tracking_number": number, "order_number": order_number}
            for shop, number, order_number in sightings
        ]
        if not rows:
            return
        dialect = postgresql if self._database.dialect == "postgresql" else sqlite
        async with self._database.writing() as connection:
            await connection.execute(dialect.insert(TrackingNumberRow).on_conflict_do_nothing(), rows)

    async def find_order_numbers(self, shop: str, tracking_number: str) -> tuple[str, ...]:
        """The numbers of the orders that `tracking_number` was seen on, in order."""
        async with self._database.reading() as connection:
            numbers = await connection.scalars(
                select(TrackingNumberRow.order_number)
                .where(TrackingNumberRow.shop == shop, TrackingNumberRow.tracking_number == tracking_number)
                .order_by(TrackingNumberRow.order_number)
            )
            return tuple(numbers)
