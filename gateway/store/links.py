"""Links: references that somebody tied to an order number."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Row, bindparam, delete, select

from gateway.joint_lookups import JointLookups
from gateway.store.backends import AnyRow
from gateway.store.database import Database
from gateway.store.inserts import insert_into
from gateway.store.tables import LinkRow
from gateway.store.texts import is_storable
from providers.models import Reference

_IDENTITY = (LinkRow.shop, LinkRow.provider, LinkRow.kind, LinkRow.value, LinkRow.sharer)
"""What only one link may have: the columns of `uq_links_reference`."""

_OF_ORDERS = (
    select(LinkRow.order_number, LinkRow.provider, LinkRow.kind, LinkRow.value)
    .where(LinkRow.shop == bindparam("shop"), LinkRow.order_number.in_(bindparam("numbers", expanding=True)))
    .order_by(LinkRow.id)
)

_HOLDER = select(LinkRow.order_number).where(
    LinkRow.shop == bindparam("shop"),
    LinkRow.provider == bindparam("provider"),
    LinkRow.kind == bindparam("kind"),
    LinkRow.value == bindparam("value"),
    LinkRow.sharer == "",
)
"""Whose alone a reference is."""


@dataclass(frozen=True, slots=True)
class Link:
    """A reference that is tied to an order."""

    order_number: str
    reference: Reference


@dataclass(frozen=True, slots=True)
class LinkTaken:
    """The reference already belongs to another order."""

    order_number: str


class Links:
    """The links of every shop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._of_orders = JointLookups(self._look_up)

    async def of_order(self, shop: str, order_number: str) -> tuple[Reference, ...]:
        """The links of an order, oldest first. Those of orders that are asked for at one time are read together."""
        if not is_storable(order_number):
            return ()
        order = (shop, order_number)
        return (await self._of_orders.find(order))[order]

    async def all_of(self, shop: str, page: int) -> AsyncIterator[Link]:
        """Every link of the shop, oldest first; `page` of them are read at a time."""
        last = 0
        while rows := await self._links_after(shop, last, page):
            for row in rows:
                yield Link(row.order_number, Reference(provider=row.provider, kind=row.kind, value=row.value))
            last = rows[-1].id

    async def find_order_number(self, shop: str, reference: Reference) -> str | None:
        """The number of the order that alone is linked to `reference`."""
        if not is_storable(reference.value):
            return None
        rows = await self._database.rows(_HOLDER, {"shop": shop, **reference.model_dump()})
        return next((row.order_number for row in rows), None)

    async def add(
        self, shop: str, order_number: str, reference: Reference, now: datetime, *, shared: bool = False
    ) -> LinkTaken | None:
        """Link `reference` to the order; the same link again changes nothing.

        `LinkTaken` when another order has it, unless it is of a kind that orders share. Of several orders that want it
        at the same time one gets it.
        """
        link = insert_into(self._database, LinkRow).values(
            shop=shop,
            order_number=order_number,
            sharer=order_number if shared else "",
            created_at=now,
            **reference.model_dump(),
        )
        # Who has it already is kept and answered: `DO NOTHING` would answer no row, and another look at the table might
        # find that it was removed in between.
        kept = link.on_conflict_do_update(index_elements=_IDENTITY, set_={"order_number": LinkRow.order_number})
        async with self._database.writing() as connection:
            holder: str | None = await connection.scalar(kept.returning(LinkRow.order_number))
        return LinkTaken(holder) if holder is not None and holder != order_number else None

    async def remove(self, shop: str, order_number: str, reference: Reference) -> bool:
        """Remove the link; False when there was none."""
        if not is_storable(reference.value):
            return False
        async with self._database.writing() as connection:
            result = await connection.execute(
                delete(LinkRow).where(*_is_reference(shop, reference), LinkRow.order_number == order_number)
            )
        return result.rowcount > 0

    async def forget(self, shop: str, order_number: str) -> int:
        """Remove every link of the order; how many there were."""
        async with self._database.writing() as connection:
            result = await connection.execute(
                delete(LinkRow).where(LinkRow.shop == shop, LinkRow.order_number == order_number)
            )
        return result.rowcount

    async def _look_up(self, orders: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], tuple[Reference, ...]]:
        found: dict[tuple[str, str], list[Reference]] = {order: [] for order in orders}
        for shop in {shop for shop, _ in orders}:
            numbers = [number for each, number in orders if each == shop]
            for row in await self._database.rows(_OF_ORDERS, {"shop": shop, "numbers": numbers}):
                found[shop, row.order_number].append(_to_reference(row))
        return {order: tuple(links) for order, links in found.items()}

    async def _links_after(self, shop: str, last: int, limit: int) -> Sequence[Row[int, str, str, str, str]]:
        chosen = (
            select(LinkRow.id, LinkRow.order_number, LinkRow.provider, LinkRow.kind, LinkRow.value)
            .where(LinkRow.shop == shop, LinkRow.id > last)
            .order_by(LinkRow.id)
            .limit(limit)
        )
        async with self._database.reading() as connection:
            return (await connection.execute(chosen)).all()


def _is_reference(shop: str, reference: Reference) -> tuple[ColumnElement[bool], ...]:
    return (
        LinkRow.shop == shop,
        LinkRow.provider == reference.provider,
        LinkRow.kind == reference.kind,
        LinkRow.value == reference.value,
    )


def _to_reference(row: AnyRow) -> Reference:
    return Reference(provider=row.provider, kind=row.kind, value=row.value)
