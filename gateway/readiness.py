"""What this process relies on, part by part, for `/readyz`.

Only the store is required: without it nothing can be resolved. Without a shared cache providers are asked each time,
without a provider older copies are served, and without the registration worker another process does its work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.http.health import PartHealth
from gateway.resilience.health import HealthLevel
from gateway.schema.context import Services
from gateway.store.database import Database
from gateway.store.errors import StoreUnavailable

STORE_DOWN: Mapping[str, PartHealth] = {"store": PartHealth(ok=False)}
"""What is told before everything is open."""


class Parts:
    """The parts of an open gateway."""

    def __init__(self, database: Database, services: Services) -> None:
        self._database = database
        self._services = services

    async def look(self) -> Mapping[str, PartHealth]:
        """Look at the store and the cache, which costs a query of each, and at what is known of the rest."""
        return {
            "store": PartHealth(ok=await self._answers()),
            "cache": PartHealth(ok=await self._services.cache.reaches_storage(), required=False),
            "registrations": PartHealth(ok=self._services.registrations.worker.is_working, required=False),
            **dict(self._providers()),
        }

    async def _answers(self) -> bool:
        try:
            await self._database.check()
        except StoreUnavailable:
            return False
        return True

    def _providers(self) -> Iterator[tuple[str, PartHealth]]:
        """Each provider, by what this process saw of its calls lately; down when one shop's account of it is."""
        names = {name for shop in self._services.shops for name in shop.providers}
        for name in sorted(names):
            yield name, PartHealth(ok=not self._is_down(name), required=False)

    def _is_down(self, provider: str) -> bool:
        accounts = [
            self._services.loads.calls.health(shop.slug, provider)
            for shop in self._services.shops
            if provider in shop.providers
        ]
        return any(account.circuit_open or account.level is HealthLevel.DOWN for account in accounts)
