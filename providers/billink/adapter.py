"""What Billink is asked, and what is kept of its answers. What an answer means is in `mapping`."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from providers.base import ProviderContext
from providers.billink import wire
from providers.billink.mapping import (
    blames_credentials,
    from_draft,
    to_invoice_tracker,
    to_violation,
    trimmed,
)
from providers.billink.profile import NAME, PROFILE
from providers.billink.settings import BillinkSettings
from providers.errors import (
    OrderNotFound,
    ProviderAuthFailed,
    ProviderError,
    ProviderTimeout,
    RequestRejected,
)
from providers.http import ProviderHttp, Reply
from providers.models import InvoiceTracker, Reference, TrackerDraft, TrackingsFound

TIME_LIMIT = timedelta(seconds=30)
"""How long one registration may take at Billink. Callers have deadlines of their own, but a registration outlives them:
without a limit, one that hangs would hold everyone who asks for the same tracker later."""

_ANY_ANSWER = frozenset(range(200, 500))
"""Statuses that show a working server: which one it gives to a head of its root is not documented."""

_REGISTER = "register_tracker"


class BillinkAdapter:
    """Registers trackers on invoices (developers.billink.nl, Create Tracker) and reads them from our own ledger.

    Billink documents no call that reads a tracker and none that makes a repeated registration harmless. So what it
    accepted is stored before it is answered, and the same draft is sent once: the ledger knows those of before, and of
    several at the same time the first makes the call for all.
    """

    profile = PROFILE

    def __init__(self, settings: BillinkSettings, context: ProviderContext, time_limit: timedelta = TIME_LIMIT) -> None:
        self._settings = settings
        self._http = ProviderHttp(NAME, context.client, context.clock)
        self._ledger = context.ledger
        self._time_limit = time_limit
        self._registrations: dict[tuple[str, str, str], asyncio.Task[InvoiceTracker]] = {}

    async def check(self) -> str:
        """Ask for the head of the base URL: proves that a server answers there, and nothing of the credentials."""
        # A head may name an encoding although it has no body, so none is asked for.
        identity = {"Accept-Encoding": "identity"}
        await self._http.call("check", "HEAD", "/", headers=identity, expect=_ANY_ANSWER)
        return "reachable; credentials cannot be checked without registering a tracker"

    async def find_trackings(self, reference: Reference) -> TrackingsFound:
        """The trackers that were registered here on the invoice `reference.value`, oldest first. Asks nobody.

        Raises `OrderNotFound` when there are none: the ledger does not know which invoices exist.
        """
        trackers = await self._ledger.find_by_invoice(reference.value)
        if not trackers:
            raise OrderNotFound(NAME, "find_trackings")
        return TrackingsFound(trackings=trackers)

    async def register_tracker(self, draft: TrackerDraft) -> InvoiceTracker:
        """Register `draft` once and answer the tracker as stored; one stored before is answered without a call.

        A caller that goes away does not stop what was sent: the tracker is stored when Billink has accepted it. A
        second draft for the same invoice, carrier and number is the same tracker, whatever its media. What the ledger
        raises passes through.
        """
        draft = trimmed(draft)
        key = (draft.reference.value, draft.carrier_code, draft.tracking_number)
        registration = self._registrations.get(key)
        if registration is None:
            registration = asyncio.create_task(self._register(draft))
            self._registrations[key] = registration
            registration.add_done_callback(lambda done: self._forget(key, done))
        return await asyncio.shield(registration)

    def _forget(self, key: tuple[str, str, str], done: asyncio.Task[InvoiceTracker]) -> None:
        del self._registrations[key]
        if not done.cancelled():
            # Retrieved here for the case that every caller has gone; those who have not raise it themselves.
            done.exception()

    async def _register(self, draft: TrackerDraft) -> InvoiceTracker:
        stored = await self._ledger.find(draft.reference.value, draft.carrier_code, draft.tracking_number)
        if stored:
            return stored
        created = await self._create(draft)
        return await self._ledger.add(to_invoice_tracker(created, draft, self._settings))

    async def _create(self, draft: TrackerDraft) -> wire.Created:
        """Only a 201 with an `id` is success: Billink's older calls on the same host report failures with 200."""
        try:
            async with asyncio.timeout(self._time_limit.total_seconds()):
                reply = await self._http.call(
                    _REGISTER,
                    "POST",
                    self._settings.path,
                    json=from_draft(draft, self._settings),
                    expect=frozenset({201}),
                    refine=self._refine,
                )
        except TimeoutError as error:
            raise ProviderTimeout(NAME, _REGISTER) from error
        return self._http.read(_REGISTER, reply, wire.CREATED)

    def _refine(self, reply: Reply) -> ProviderError | None:
        """A 404 names no order: it is an unknown invoice or a wrong `path`, and Billink documents neither."""
        if reply.status == 404:
            return RequestRejected(NAME, _REGISTER)
        if reply.status != 422:
            return None
        problem = reply.parse(wire.PROBLEM)
        violations = problem.violations if problem else ()
        if blames_credentials(violations):
            return ProviderAuthFailed(NAME, _REGISTER)
        members = self._settings.media_members
        return RequestRejected(NAME, _REGISTER, violations=tuple(to_violation(each, members) for each in violations))
