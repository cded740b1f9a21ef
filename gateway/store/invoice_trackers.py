"""Registered invoice trackers: the only record of what Billink was told."""

from __future__ import annotations

from sqlalchemy import Row, Select, insert, select

from gateway.store.database import Database
from gateway.store.tables import InvoiceTrackerRow
from providers.models import InvoiceTracker


class InvoiceTrackers:
    """The trackers of one shop; keeps the promises of `providers.base.TrackerLedger`."""

    def __init__(self, database: Database, shop: str) -> None:
        self._database = database
        self._shop = shop

    async def add(self, tracker: InvoiceTracker) -> InvoiceTracker:
        carrier_code = (tracker.carrier.reference if tracker.carrier else None) or ""
        tracking_number = tracker.tracking_number or ""
        async with self._database.writing() as connection:
            known = (
                await connection.execute(self._registration(tracker.invoice_number, carrier_code, tracking_number))
            ).first()
            if known is not None:
                return _to_tracker(known)
            document = tracker.model_dump(mode="json", exclude={"store_id"})
            store_id: int | None = await connection.scalar(
                insert(InvoiceTrackerRow)
                .values(
                    shop=self._shop,
                    invoice_number=tracker.invoice_number,
                    carrier_code=carrier_code,
                    tracking_number=tracking_number,
                    document=document,
                )
                .returning(InvoiceTrackerRow.id)
            )
        return tracker.model_copy(update={"store_id": store_id})

    async def find(self, invoice_number: str, carrier_code: str, tracking_number: str) -> InvoiceTracker | None:
        return await self._first(self._registration(invoice_number, carrier_code, tracking_number))

    async def find_by_id(self, store_id: int) -> InvoiceTracker | None:
        """The tracker with our own number `store_id`."""
        return await self._first(self._select().where(InvoiceTrackerRow.id == store_id))

    async def find_by_invoice(self, invoice_number: str) -> tuple[InvoiceTracker, ...]:
        return await self._all(self._select().where(InvoiceTrackerRow.invoice_number == invoice_number))

    async def _first(self, statement: Select[int, dict[str, object]]) -> InvoiceTracker | None:
        async with self._database.reading() as connection:
            row = (await connection.execute(statement)).first()
        return _to_tracker(row) if row is not None else None

    async def _all(self, statement: Select[int, dict[str, object]]) -> tuple[InvoiceTracker, ...]:
        async with self._database.reading() as connection:
            rows = (await connection.execute(statement.order_by(InvoiceTrackerRow.id))).all()
        return tuple(_to_tracker(row) for row in rows)

    def _select(self) -> Select[int, dict[str, object]]:
        return select(InvoiceTrackerRow.id, InvoiceTrackerRow.document).where(InvoiceTrackerRow.shop == self._shop)

    def _registration(
        self, invoice_number: str, carrier_code: str, tracking_number: str
    ) -> Select[int, dict[str, object]]:
        return self._select().where(
            InvoiceTrackerRow.invoice_number == invoice_number,
            InvoiceTrackerRow.carrier_code == carrier_code,
            InvoiceTrackerRow.tracking_number == tracking_number,
        )


def _to_tracker(row: Row[int, dict[str, object]]) -> InvoiceTracker:
    return InvoiceTracker.model_validate({**row.document, "store_id": row.id})
