"""What Billink is asked, and what is kept of its answers. What an answer means is in `mapping`."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from providers.base import (
    REGISTRATION_TIME_LIMIT,
    AttemptBegun,
    AttemptRunning,
    AttemptUnfinished,
    ProviderContext,
)
from providers.billink import wire
from providers.billink.mapping import (
    blames_credentials,
    from_draft,
    in_billinks_words,
    to_invoice_tracker,
    to_violation,
    unstorable,
)
from providers.billink.profile import NAME, PROFILE
from providers.billink.settings import BillinkSettings
from providers.errors import (
    OrderNotFound,
    OutcomeUnknown,
    ProviderAuthFailed,
    ProviderError,
    ProviderTimeout,
    RequestRejected,
    WriteInProgress,
    as_write_failure,
)
from providers.http import ProviderHttp, Reply
from providers.models import InvoiceTracker, Reference, TrackerDraft, TrackingsFound

_ANY_ANSWER = frozenset(range(200, 500))
"""Statuses that show a working server: which one it gives to a head of its root is not documented."""

_REGISTER = "register_tracker"


class BillinkAdapter:
    """Registers trackers on invoices (developers.billink.nl, Create Tracker) and reads them from our own ledger.

    Billink documents no call that reads a tracker and none that makes a repeated registration harmless. So the same
    draft is sent once: the ledger knows those of before, and of several at the same time in this process the first
    makes the call for all. That a call is to be made is in the ledger before it is made, and what Billink accepted is
    there before it is answered; what happens in between can be learnt from nobody, and such a call is never repeated.
    """

    profile = PROFILE

    def __init__(
        self, settings: BillinkSettings, context: ProviderContext, time_limit: timedelta = REGISTRATION_TIME_LIMIT
    ) -> None:
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
        second draft for the same invoice, carrier and number, as Billink is told them, is the same tracker, whatever
        its media.

        Without a call: raises `WriteInProgress` while somebody else may be making it, and `OutcomeUnknown` when it was
        begun once and nobody knows whether it was done; refuses what the ledger cannot keep. What the ledger raises
        passes through.
        """
        draft = in_billinks_words(draft, self._settings.carrier_codes)
        if violations := unstorable(draft):
            raise RequestRejected(NAME, _REGISTER, violations=violations)
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
        # Counted from before the ledger counts: by the time when it gives the attempt up, this one has ended.
        ends_at = asyncio.get_running_loop().time() + self._time_limit.total_seconds()
        match await self._ledger.begin(draft.reference.value, draft.carrier_code, draft.tracking_number):
            case AttemptBegun() as attempt:
                created = await self._create(draft, attempt, ends_at)
                return await self._ledger.add(to_invoice_tracker(created, draft))
            case AttemptRunning():
                raise WriteInProgress(NAME, _REGISTER)
            case AttemptUnfinished():
                raise OutcomeUnknown(NAME, _REGISTER)
            case stored:
                return stored

    async def _create(self, draft: TrackerDraft, attempt: AttemptBegun, ends_at: float) -> wire.Created:
        """What Billink made. The attempt stays open, unless Billink surely made nothing."""
        try:
            return await self._post(draft, ends_at)
        except ProviderError as error:
            if not isinstance(as_write_failure(error), OutcomeUnknown):
                await self._ledger.abandon(attempt)
            raise

    async def _post(self, draft: TrackerDraft, ends_at: float) -> wire.Created:
        """Only a 201 with an `id` is success: Billink's older calls on the same host report failures with 200."""
        try:
            async with asyncio.timeout_at(ends_at):
                await asyncio.sleep(0)  # a process that stood still until then sends nothing any more
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
