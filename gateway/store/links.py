"""Links: references that somebody tied to an order number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Row, Select, delete, insert, select

from gateway.store.database import Database
from gateway.store.tables import LinkRow
from providers.models import Reference


@dataclass(frozen=True, slots=True)
class LinkTaken:
    """The reference already belongs to another order."""

    order_number: str


class Links:
    """The links of every shop."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_orders(self, orders: Sequence[tuple[str, str]]) -> list[tuple[Reference, ...]]:
        """The links of each (shop, order number), oldest first, in the order asked."""
        found: dict[tuple[str, str], list[Reference]] = {order: [] for order in orders}
        by_shop: dict[str, list[str]] = {}
        for shop, number in found:
            by_shop.setdefault(shop, []).append(number)
        async with self._database.reading() as connection:
            for shop, numbers in by_shop.items():
                rows = await connection.execute(
                    select(LinkRow.order_number, LinkRow.provider, LinkRow.kind, LinkRow.value)
                    .where(LinkRow.shop == shop, LinkRow.order_number.in_(numbers))
                    .order_by(LinkRow.id)
                )
                for row in rows:
                    found[shop, row.order_number].append(_to_reference(row))
        return [tuple(found[order]) for order in orders]

    async def find_order_number(self, shop: str, reference: Reference) -> str | None:
        """The number of the order that alone is linked to `reference`."""
        async with self._database.reading() as connection:
            number: str | None = await connection.scalar(_holder(shop, reference, sharer=""))
        return number

    async def add(
        self, shop: str, order_number: str, reference: Reference, now: datetime, *, shared: bool = False
    ) -> LinkTaken | None:
        """Link `reference` to the order; the same link again changes nothing.

        `LinkTaken` when another order has it, unless it is of a kind that orders share.
        """
        sharer = order_number if shared else ""
        async with self._database.writing() as connection:
            holder: str | None = await connection.scalar(_holder(shop, reference, sharer))
            if holder is not None:
                return None if holder == order_number else LinkTaken(holder)
            await connection.execute(
                insert(LinkRow).values(
                    shop=shop, order_number=order_number, sharer=sharer, created_at=now, **reference.model_dump()
                )
            )
        return None

    async def remove(self, shop: str, order_number: str, reference: Reference) -> bool:
        """Remove the link; False when there was none."""
        async with self._database.writing() as connection:
            result = await connection.execute(
                delete(LinkRow).where(*_is_reference(shop, reference), LinkRow.order_number == order_number)
            )
        return result.rowcount > 0


def _holder(shop: str, reference: Reference, sharer: str) -> Select[str]:
    return select(LinkRow.order_number).where(*_is_reference(shop, reference), LinkRow.sharer == sharer)


def _is_reference(shop: str, reference: Reference) -> tuple[ColumnElement[bool], ...]:
    return (
        LinkRow.shop == shop,
        LinkRow.provider == reference.provider,
        LinkRow.kind == reference.kind,
        LinkRow.value == reference.value,
    )


def _to_reference(row: Row[str, str, str, str]) -> Reference:
    return Reference(provider=row.provider, kind=row.kind, value=row.value)
