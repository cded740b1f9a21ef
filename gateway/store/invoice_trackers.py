"""Registered invoice trackers, and registrations that were begun: the only record of what Billink was told."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.joint_lookups import JointLookups
from gateway.store.backends import AnyRow
from gateway.store.database import Database
from gateway.store.errors import StoreUnavailable
from gateway.store.inserts import insert_into
from gateway.store.present import Present, present_of
from gateway.store.tables import InvoiceTrackerAttemptRow, InvoiceTrackerRow
from gateway.store.texts import is_storable
from providers.base import REGISTRATION_TIME_LIMIT, AttemptBegun, AttemptRunning, AttemptUnfinished
from providers.models import InvoiceTracker

Document = Mapping[str, Any]

PURGED_AT_ONCE = 20
"""Trackers whose media are removed in one transaction: a picture has megabytes, and others wait to write."""

MAY_RUN = REGISTRATION_TIME_LIMIT + timedelta(seconds=15)
"""How long an open attempt may still be running. After its call the answer has to be stored, for which a store that is
slow takes some 4 s; the rest is for a machine that is busy, and for clocks that do not go at one speed."""


_OF_INVOICES = (
    select(InvoiceTrackerRow.invoice_number, InvoiceTrackerRow.id, InvoiceTrackerRow.document)
    .where(
        InvoiceTrackerRow.shop == bindparam("shop"),
        InvoiceTrackerRow.invoice_number.in_(bindparam("invoice_numbers", expanding=True)),
    )
    .order_by(InvoiceTrackerRow.id)
)


class NotBegun(StoreUnavailable):
    """An attempt cannot be written down, so the call must not be made: nothing was sent."""


@dataclass(frozen=True, slots=True)
class ForgottenInvoices:
    """How many of each were removed; `media` were kept in the trackers."""

    trackers: int
    media: int
    attempts: int


class _Registration(NamedTuple):
    """What makes two registrations of a shop the same; members are columns of both tables."""

    invoice_number: str
    carrier_code: str
    tracking_number: str


class InvoiceTrackers:
    """The trackers of one shop; keeps the promises of `providers.base.TrackerLedger`. Raises `StoreUnavailable`.

    An attempt is a row that is written before the call and removed with its result: one that stays was perhaps done.
    `present` is the database's clock unless another is given.
    """

    def __init__(self, database: Database, shop: str, present: Present | None = None) -> None:
        self._database = database
        self._shop = shop
        self._present = present or present_of(database)
        self._of_invoices = JointLookups(self._look_up)

    async def begin(
        self, invoice_number: str, carrier_code: str, tracking_number: str
    ) -> InvoiceTracker | AttemptBegun | AttemptRunning | AttemptUnfinished:
        """See `TrackerLedger.begin`. Raises `NotBegun`."""
        try:
            async with self._database.writing() as connection:
                return await self._begin(connection, _Registration(invoice_number, carrier_code, tracking_number))
        except StoreUnavailable as error:
            raise NotBegun(str(error), error.explanation) from error

    async def add(self, tracker: InvoiceTracker) -> InvoiceTracker:
        """See `TrackerLedger.add`: the tracker and the end of its attempt are one transaction."""
        registration = _registration_of(tracker)
        async with self._database.writing() as connection:
            await connection.execute(delete(InvoiceTrackerAttemptRow).where(*self._is_attempt(registration)))
            store_id = await self._insert(connection, registration, tracker)
            if store_id is not None:
                return tracker.model_copy(update={"store_id": store_id})
            known = await connection.execute(self._registered(registration))
            return _to_tracker(known.one())

    async def abandon(self, attempt: AttemptBegun) -> None:
        """See `TrackerLedger.abandon`. An attempt that somebody else has begun since then stays open."""
        registration = _Registration(attempt.invoice_number, attempt.carrier_code, attempt.tracking_number)
        await self._close(registration, InvoiceTrackerAttemptRow.begun_at == attempt.begun_at)

    async def forget_attempt(self, invoice_number: str, carrier_code: str, tracking_number: str) -> bool:
        """See `TrackerLedger.forget_attempt`."""
        registration = _Registration(invoice_number, carrier_code, tracking_number)
        await self._close(registration, ~self._may_run())
        async with self._database.reading() as connection:
            left = await connection.scalar(
                select(InvoiceTrackerAttemptRow.begun_at).where(*self._is_attempt(registration))
            )
        return left is None

    async def forget(self, invoice_numbers: Collection[str]) -> ForgottenInvoices:
        """Remove the trackers of invoices and the attempts at them; how many there were.

        An unfinished attempt is removed too: whoever registers the same again sends it again.
        """
        trackers = delete(InvoiceTrackerRow).where(
            InvoiceTrackerRow.shop == self._shop, InvoiceTrackerRow.invoice_number.in_(invoice_numbers)
        )
        attempts = delete(InvoiceTrackerAttemptRow).where(
            InvoiceTrackerAttemptRow.shop == self._shop, InvoiceTrackerAttemptRow.invoice_number.in_(invoice_numbers)
        )
        async with self._database.writing() as connection:
            closed = await connection.execute(attempts)
            rows = await connection.execute(trackers.returning(InvoiceTrackerRow.id, InvoiceTrackerRow.document))
            removed = [_to_tracker(row) for row in rows]
        media = [medium for tracker in removed for medium in tracker.media if medium.content]
        return ForgottenInvoices(len(removed), len(media), closed.rowcount)

    async def find_by_id(self, store_id: int) -> InvoiceTracker | None:
        """The tracker with our own number `store_id`."""
        async with self._database.reading() as connection:
            row = (await connection.execute(self._select().where(InvoiceTrackerRow.id == store_id))).first()
        return _to_tracker(row) if row is not None else None

    async def find_by_invoice(self, invoice_number: str) -> tuple[InvoiceTracker, ...]:
        """See `TrackerLedger.find_by_invoice`."""
        return (await self._of_invoices.find(invoice_number))[invoice_number] if is_storable(invoice_number) else ()

    async def _look_up(self, invoice_numbers: Collection[str]) -> Mapping[str, tuple[InvoiceTracker, ...]]:
        chosen = {"shop": self._shop, "invoice_numbers": list(invoice_numbers)}
        found: dict[str, list[InvoiceTracker]] = {number: [] for number in invoice_numbers}
        for row in await self._database.rows(_OF_INVOICES, chosen):
            found[row.invoice_number].append(_to_tracker(row))
        return {number: tuple(trackers) for number, trackers in found.items()}

    async def purge_media(self, older_than: timedelta) -> int:
        """Remove the contents of media that are kept for longer than this; how many trackers had such.

        The trackers stay, with the types of their media.
        """
        purged = 0
        while batch := await self._purge_some_media(older_than):
            purged += batch
        return purged

    async def _purge_some_media(self, older_than: timedelta) -> int:
        oldest = self._present() - older_than.total_seconds()
        chosen = self._select().where(InvoiceTrackerRow.media_since < oldest).limit(PURGED_AT_ONCE).with_for_update()
        async with self._database.writing() as connection:
            rows = (await connection.execute(chosen)).all()
            for row in rows:
                await connection.execute(
                    update(InvoiceTrackerRow)
                    .where(InvoiceTrackerRow.id == row.id)
                    .values(document=_without_contents(row.document), media_since=None)
                )
        return len(rows)

    async def _begin(
        self, connection: AsyncConnection, registration: _Registration
    ) -> InvoiceTracker | AttemptBegun | AttemptRunning | AttemptUnfinished:
        # Written before the trackers are looked at: on PostgreSQL this waits for a transaction that is closing an
        # attempt at the same, and the next statement sees the tracker which that one stored.
        begun_at = await self._insert_attempt(connection, registration)
        stored = (await connection.execute(self._registered(registration))).first()
        if stored is not None:
            await connection.execute(delete(InvoiceTrackerAttemptRow).where(*self._is_attempt(registration)))
            return _to_tracker(stored)
        if begun_at is not None:
            return AttemptBegun(*registration, begun_at=begun_at)
        may_run: bool | None = await connection.scalar(select(self._may_run()).where(*self._is_attempt(registration)))
        # None when it was closed in between: whoever asks again finds the tracker, or the way free.
        return AttemptUnfinished() if may_run is False else AttemptRunning()

    async def _insert_attempt(self, connection: AsyncConnection, registration: _Registration) -> float | None:
        """When the attempt was begun; None when one is open."""
        begun_at: float | None = await connection.scalar(
            insert_into(self._database, InvoiceTrackerAttemptRow)
            .values(shop=self._shop, begun_at=self._present(), **registration._asdict())
            .on_conflict_do_nothing()
            .returning(InvoiceTrackerAttemptRow.begun_at)
        )
        return begun_at

    async def _insert(
        self, connection: AsyncConnection, registration: _Registration, tracker: InvoiceTracker
    ) -> int | None:
        """The number that the tracker got; None when it is stored already."""
        document = tracker.model_dump(mode="json", exclude={"store_id"})
        store_id: int | None = await connection.scalar(
            insert_into(self._database, InvoiceTrackerRow)
            .values(
                shop=self._shop,
                document=document,
                media_since=self._present() if _has_media(document) else None,
                **registration._asdict(),
            )
            .on_conflict_do_nothing()
            .returning(InvoiceTrackerRow.id)
        )
        return store_id

    async def _close(self, registration: _Registration, condition: ColumnElement[bool]) -> None:
        async with self._database.writing() as connection:
            await connection.execute(delete(InvoiceTrackerAttemptRow).where(*self._is_attempt(registration), condition))

    def _may_run(self) -> ColumnElement[bool]:
        return InvoiceTrackerAttemptRow.begun_at > self._present() - MAY_RUN.total_seconds()

    def _is_attempt(self, registration: _Registration) -> tuple[ColumnElement[bool], ...]:
        return (
            InvoiceTrackerAttemptRow.shop == self._shop,
            InvoiceTrackerAttemptRow.invoice_number == registration.invoice_number,
            InvoiceTrackerAttemptRow.carrier_code == registration.carrier_code,
            InvoiceTrackerAttemptRow.tracking_number == registration.tracking_number,
        )

    def _registered(self, registration: _Registration) -> Select[int, dict[str, object]]:
        return self._select().where(
            InvoiceTrackerRow.invoice_number == registration.invoice_number,
            InvoiceTrackerRow.carrier_code == registration.carrier_code,
            InvoiceTrackerRow.tracking_number == registration.tracking_number,
        )

    def _select(self) -> Select[int, dict[str, object]]:
        return select(InvoiceTrackerRow.id, InvoiceTrackerRow.document).where(InvoiceTrackerRow.shop == self._shop)


def _has_media(document: Document) -> bool:
    return any(medium.get("content") for medium in document.get("media", ()))


def _without_contents(document: Document) -> Document:
    return {**document, "media": [{**medium, "content": None} for medium in document.get("media", ())]}


def _registration_of(tracker: InvoiceTracker) -> _Registration:
    carrier_code = tracker.carrier.reference if tracker.carrier else None
    return _Registration(tracker.invoice_number, carrier_code or "", tracker.tracking_number or "")


def _to_tracker(row: AnyRow) -> InvoiceTracker:
    return InvoiceTracker.model_validate({**row.document, "store_id": row.id})
