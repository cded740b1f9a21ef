"""Registering trackers at providers."""

from __future__ import annotations

import asyncio
import logging

from gateway.freshness.cache import FreshCache
from gateway.freshness.keys import order_tag
from gateway.orders.identity import OrderIdentity
from gateway.orders.shops import Shop
from gateway.orders.sightings import Sightings
from gateway.resilience.calls import OperationCalls
from gateway.store.database import StoreUnavailable
from gateway.store.invoice_trackers import NotBegun
from providers.base import TrackerSink
from providers.errors import OutcomeUnknown, ProviderError
from providers.models import TrackerDraft, Tracking

logger = logging.getLogger(__name__)

OPERATION = "register_tracker"


class TrackerService:
    """Registers trackers and makes them seen: in the index, and by a new reading of their order."""

    def __init__(self, calls: OperationCalls, sightings: Sightings, cache: FreshCache) -> None:
        self._calls = calls
        self._sightings = sightings
        self._cache = cache

    async def register(self, shop: Shop, sink: TrackerSink, draft: TrackerDraft, identity: OrderIdentity) -> Tracking:
        """What the provider made of `draft`.

        It goes on when the caller goes away or its time is over: what was made is seen all the same, and what went
        wrong is logged. Raises `ProviderError`; a time-out leaves the outcome unknown, and so does a store that fails
        meanwhile, because the provider may have taken what could not be kept. Raises `NotBegun` when the store fails
        before anything is sent.
        """

        async def registering() -> Tracking:
            registration = asyncio.create_task(self._register(shop, sink, draft, identity))
            try:
                return await asyncio.shield(registration)
            except asyncio.CancelledError:
                _log_failure(registration, sink.profile.name)
                raise

        return await self._calls.write(shop.slug, sink.profile.name, OPERATION, registering)

    async def _register(self, shop: Shop, sink: TrackerSink, draft: TrackerDraft, identity: OrderIdentity) -> Tracking:
        try:
            tracking = await sink.register_tracker(draft)
        except NotBegun:
            raise
        except StoreUnavailable as error:
            logger.error("a tracker that %s may have registered is not in the store: %s", sink.profile.name, error)
            raise OutcomeUnknown(sink.profile.name, OPERATION) from error
        if identity.order_number is not None:
            self._sightings.note_number(shop.slug, draft.tracking_number, identity.order_number)
            await self._cache.invalidate([order_tag(shop.slug, identity.order_number)])
        return tracking


def _log_failure(registration: asyncio.Task[Tracking], provider: str) -> None:
    """Log what a registration fails with that nobody waits for any more."""

    def log(ended: asyncio.Task[Tracking]) -> None:
        failure = None if ended.cancelled() else ended.exception()
        if failure is None:
            return
        if isinstance(failure, ProviderError | StoreUnavailable):  # foreseen: a traceback would say nothing more
            logger.warning("a tracker that nobody waited for any more is not registered at %s: %s", provider, failure)
        else:
            logger.error("a defect in registering a tracker at %s", provider, exc_info=failure)

    registration.add_done_callback(log)
