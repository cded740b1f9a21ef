"""What every write has in common: one call under its deadline, brought to its end, and every copy forgotten afterwards.

Needs nothing of the operation but its `Loads`, so that what goes on behind answers writes the same way.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from gateway.orders.loads import Loads, LoadServices
from gateway.orders.shops import Shop
from gateway.store.order_tracker_details import OrderTrackerDetails
from providers.base import Provider
from providers.errors import OutcomeUnknown, told_to_the_writer

T = TypeVar("T")

Keep = Callable[[T], Awaitable[None]]
"""Does what is to be done with what was made, before any copy is forgotten. Raises no `ProviderError`."""


async def _keep_nothing(_made: object) -> None:
    pass


class Writer:
    """Makes one write, and has everything read anew that it may have changed."""

    def __init__(self, services: LoadServices, loads: Loads) -> None:
        self._services = services
        self._loads = loads

    @property
    def order_tracker_details(self) -> OrderTrackerDetails:
        """What trackers on payments were sent with."""
        return self._services.order_tracker_details

    async def write(
        self,
        shop: Shop,
        sink: Provider,
        operation: str,
        call: Callable[[], Awaitable[T]],
        tags: Iterable[str],
        *,
        keep: Keep[T] = _keep_nothing,
    ) -> T:
        """What `call` answers; `tags` name what it changes.

        It comes to its end though whoever asked goes away meanwhile. Raises `ProviderError` as it is for the writer
        (`as_write_failure`).
        """
        return await self._services.unfinished.finish(self._write(shop, sink, operation, call, tags, keep=keep))

    async def settle(self, made: T, tags: Iterable[str], keep: Keep[T] = _keep_nothing) -> T:
        """The end of a write that made `made`, also of an earlier attempt that nobody saw the end of."""
        try:
            await keep(made)
        finally:
            await self.forget(tags)
        return made

    async def read(self, shop: Shop, provider: Provider, operation: str, call: Callable[[], Awaitable[T]]) -> T:
        """What `call` answers at this moment, whatever copies there are. Raises `ProviderError` as it is."""
        return await self._loads.calls.read(shop.slug, provider.profile.name, operation, call)

    def note_number(self, shop: Shop, tracking_number: str | None, order_number: str | None) -> None:
        """Have the order found by its tracking number, where both are known."""
        if tracking_number and order_number:
            self._services.sightings.note_number(shop.slug, tracking_number, order_number)

    async def forget(self, tags: Iterable[str]) -> None:
        """Have everything read anew that is kept under `tags`, here and in every worker."""
        self._loads.forget()
        await self._services.cache.invalidate(tags)

    async def _write(
        self,
        shop: Shop,
        sink: Provider,
        operation: str,
        call: Callable[[], Awaitable[T]],
        tags: Iterable[str],
        *,
        keep: Keep[T],
    ) -> T:
        try:
            with told_to_the_writer():
                made = await self._loads.calls.write(shop.slug, sink.profile.name, operation, call)
        except OutcomeUnknown:
            await self.forget(tags)
            raise
        return await self.settle(made, tags, keep)
