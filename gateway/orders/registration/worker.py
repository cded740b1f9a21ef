"""The worker of a process: claims steps that are due, makes one attempt at each, and writes what it ended in.

A claim holds for a lease that nobody renews: an attempt is over well before it, so a living worker is never taken for
a dead one, and what a dead one held is due again when the lease ends.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta

from gateway.orders.registration.attempt import Progress, StepTeller
from gateway.orders.registration.outcome import CUT_OFF
from gateway.orders.registration.signals import EndedSteps
from gateway.store.database import StoreUnavailable
from gateway.store.idempotency_keys import IdempotencyKeys
from gateway.store.invoice_trackers import InvoiceTrackers
from gateway.store.registrations import LEASE, ClaimedStep, Registrations, Result
from gateway.telemetry import observing

logger = logging.getLogger(__name__)

ATTEMPT_SECONDS = 9.0
"""How long an attempt may take from before its claim: well below the lease, so that nobody else has begun by then."""

POLL_SECONDS = 1.0
"""How often the store is asked for what is due. What is accepted in this process wakes the worker at once."""

SLOTS = 8
"""Attempts at once at one provider, of all shops: one that hangs takes no slot from the others."""

GRACE_SECONDS = 2.0
"""How long attempts may go on when the process is to stop."""

STORE_PAUSE_SECONDS = 0.5
"""How long to wait before a result is written again that the store did not take."""

PURGE_INTERVAL = timedelta(hours=1)

KEYS_STAY = timedelta(hours=72)
"""The least that a client can rely on for a key that it used."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things take in a worker, in seconds, and how much it does at once at one provider."""

    attempt: float = ATTEMPT_SECONDS
    poll: float = POLL_SECONDS
    grace: float = GRACE_SECONDS
    slots: int = SLOTS


@dataclass(slots=True)
class _Lane:
    """The attempts at one provider that are being made. `is_short`: more were due than it had slots for."""

    running: set[asyncio.Task[None]] = field(default_factory=set)
    is_short: bool = False


class RegistrationWorker:
    """Works until it is stopped.

    `retention` is how long registrations are kept after they were finished, keys after they were used, and the media of
    `invoice_trackers` after they were registered.
    """

    def __init__(
        self,
        registrations: Registrations,
        keys: IdempotencyKeys,
        teller: StepTeller,
        retention: timedelta,
        limits: Limits = Limits(),
        *,
        invoice_trackers: Iterable[InvoiceTrackers] = (),
    ) -> None:
        self.ended = EndedSteps()
        self._registrations = registrations
        self._keys = keys
        self._teller = teller
        self._retention = retention
        self._limits = limits
        self._owner = secrets.token_hex(16)
        self._invoice_trackers = tuple(invoice_trackers)
        self._woken = asyncio.Event()
        self._stopped = asyncio.Event()
        self._lanes: defaultdict[str, _Lane] = defaultdict(_Lane)
        self._is_store_down = False
        self._is_working = False

    def wake(self) -> None:
        """Look for due steps now."""
        self._woken.set()

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Work while the context lasts. Attempts that are being made at its end may go on for a moment; what was not
        sent by then is given back, and the rest stays under its lease."""
        tasks = {asyncio.create_task(self._take_due_until_stopped()), asyncio.create_task(self._purge_until_stopped())}
        try:
            yield
        finally:
            # Told and not cancelled: a statement that is cut off leaves a connection that nobody closes.
            self._stopped.set()
            self.wake()
            await asyncio.wait(tasks)
            await self._end_attempts()

    @property
    def is_working(self) -> bool:
        """Whether it looks for what is due."""
        return self._is_working

    async def _take_due_until_stopped(self) -> None:
        self._is_working = True
        try:
            while not self._stopped.is_set():
                self._woken.clear()
                await self._take_due()
                await _wait(self._woken, self._limits.poll)
        finally:
            self._is_working = False

    async def _take_due(self) -> None:
        try:
            for provider, count in (await self._registrations.due()).items():
                await self._claim(provider, count)
        except StoreUnavailable as error:
            self._note_store_down(error)
        except Exception as error:  # a defect must not end all work
            logger.error("a defect in looking for steps of registrations", exc_info=error)
        else:
            self._note_store_up()

    async def _claim(self, provider: str, count: int) -> None:
        lane = self._lanes[provider]
        free = self._limits.slots - len(lane.running)
        lane.is_short = count > free
        if free == 0:
            return
        begun = asyncio.get_running_loop().time()
        cut_off = CUT_OFF.model_dump(mode="json")
        for step in await self._registrations.claim(self._owner, provider, min(free, count), cut_off):
            task = asyncio.create_task(self._attempt(step, begun))
            lane.running.add(task)
            task.add_done_callback(lambda done: self._leave(lane, done))

    def _leave(self, lane: _Lane, done: asyncio.Task[None]) -> None:
        lane.running.discard(done)
        if lane.is_short:
            self.wake()
        if not done.cancelled() and (error := done.exception()) is not None:
            logger.error("a defect in a step of a registration", exc_info=error)

    async def _attempt(self, step: ClaimedStep, begun: float) -> None:
        progress = Progress()
        try:
            result = await self._teller.tell(step, progress, begun + self._limits.attempt)
        except asyncio.CancelledError:
            if not progress.was_sent:
                await self._release(step)
            raise
        observing.registration_attempt(step.provider, result.state.value)
        await self._end(step, result, begun)
        self.ended.tell(step.registration_id)

    async def _end(self, step: ClaimedStep, result: Result, begun: float) -> None:
        """Write what the attempt ended in, for as long as the lease holds: by then somebody else does it anew."""
        while True:
            try:
                if not await self._registrations.end(step, result):
                    logger.warning("step %d at %s was taken over, or forgotten", step.registration_id, step.provider)
                return
            except StoreUnavailable as error:
                self._note_store_down(error)
                if asyncio.get_running_loop().time() + STORE_PAUSE_SECONDS > begun + LEASE.total_seconds():
                    return
                await asyncio.sleep(STORE_PAUSE_SECONDS)

    async def _release(self, step: ClaimedStep) -> None:
        with suppress(StoreUnavailable):  # its lease ends soon
            await self._registrations.release(step)

    async def _end_attempts(self) -> None:
        running = {task for lane in self._lanes.values() for task in lane.running}
        if not running:
            return
        _ended, left = await asyncio.wait(running, timeout=self._limits.grace)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)

    async def _purge_until_stopped(self) -> None:
        while not self._stopped.is_set():
            try:
                await self._purge()
            except StoreUnavailable as error:
                self._note_store_down(error)
            except Exception as error:  # a defect must not keep everything for ever
                logger.error("a defect in removing what is kept no longer", exc_info=error)
            await _wait(self._stopped, PURGE_INTERVAL.total_seconds())

    async def _purge(self) -> None:
        await self._registrations.purge(self._retention)
        await self._keys.purge(max(self._retention, KEYS_STAY))
        for trackers in self._invoice_trackers:
            await trackers.purge_media(self._retention)

    def _note_store_down(self, error: StoreUnavailable) -> None:
        if not self._is_store_down:
            logger.error("registrations wait for the store: %s", error)
        self._is_store_down = True

    def _note_store_up(self) -> None:
        if self._is_store_down:
            logger.warning("the store is back, and registrations go on")
        self._is_store_down = False


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Wait for `event`, at most so long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
