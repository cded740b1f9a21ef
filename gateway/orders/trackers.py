"""Registering trackers at providers."""

from __future__ import annotations

import logging

from gateway.freshness.cache import FreshCache
from gateway.freshness.keys import order_tag
from gateway.orders.identity import OrderIdentity
from gateway.orders.loads import LoadServices
from gateway.orders.shops import Shop
from gateway.orders.sightings import Sightings
from gateway.store.database import StoreUnavailable
from providers.base import TrackerSink
from providers.errors import OutcomeUnknown
from providers.models import TrackerDraft, Tracking

logger = logging.getLogger(__name__)

OPERATION = "register_tracker"


class TrackerService:
    """Registers trackers and makes them seen: in the index, and by a new reading of their order."""

    def __init__(self, services: LoadServices, sightings: Sightings, cache: FreshCache) -> None:
        self._services = services
        self._sightings = sightings
        self._cache = cache

    async def register(self, shop: Shop, sink: TrackerSink, draft: TrackerDraft, identity: OrderIdentity) -> Tracking:
        """What the provider made of `draft`. Raises `ProviderError`; a time-out leaves the outcome unknown, and so does
        a store that fails meanwhile, because the provider may have taken what could not be kept."""
        try:
            tracking = await self._services.health.observed(
                shop.slug,
                sink.profile.name,
                OPERATION,
                lambda: sink.register_tracker(draft),
                seconds=self._services.call_seconds,
            )
        except StoreUnavailable as error:
            logger.error("a tracker that %s may have registered is not in the store: %s", sink.profile.name, error)
            raise OutcomeUnknown(sink.profile.name, OPERATION) from error
        if identity.order_number is not None:
            self._sightings.note_number(shop.slug, draft.tracking_number, identity.order_number)
            await self._cache.invalidate([order_tag(shop.slug, identity.order_number)])
        return tracking
