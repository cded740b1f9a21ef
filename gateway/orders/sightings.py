"""Which tracking numbers were seen on which orders, on their way to the store's index.

Written behind the answers, many at a time, and always before the index is read, so that a number is found as soon as
its order was seen by this process. A store that cannot be written loses sightings, never an answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from contextlib import suppress

from gateway.store.database import StoreUnavailable
from gateway.store.tracking_numbers import Sighting, TrackingNumbers
from providers.models import Order

logger = logging.getLogger(__name__)

REMEMBERED = 50_000
"""Sightings that are known to be in the index and are not written again; about 10 MB."""


GATHER_SECONDS = 0.1
"""How long sightings are gathered before they are written together. A transaction takes as much CPU as asking a
provider does, and under load each request would bring its own."""


class Sightings:
    """Collects sightings and writes them behind the answers."""

    def __init__(self, tracking_numbers: TrackingNumbers) -> None:
        self._tracking_numbers = tracking_numbers
        self._waiting: dict[Sighting, None] = {}
        self._written: OrderedDict[Sighting, None] = OrderedDict()
        self._writer: asyncio.Task[None] | None = None
        self._wanted = asyncio.Event()

    def note(self, shop: str, order: Order) -> None:
        """Remember the tracking numbers of an order that was just read from its provider."""
        if order.order_number is None:
            return
        for tracking in order.trackings:
            if tracking.tracking_number:
                self.note_number(shop, tracking.tracking_number, order.order_number)

    def note_number(self, shop: str, tracking_number: str, order_number: str) -> None:
        """Remember one tracking number of an order."""
        sighting = (shop, tracking_number, order_number)
        if sighting in self._written:
            return
        self._waiting[sighting] = None
        if self._writer is None or self._writer.done():
            self._writer = asyncio.get_running_loop().create_task(self._write())

    async def find_order_numbers(self, shop: str, tracking_number: str) -> tuple[str, ...]:
        """The numbers of the orders that `tracking_number` was seen on."""
        await self.flush()
        return await self._tracking_numbers.find_order_numbers(shop, tracking_number)

    async def flush(self) -> None:
        """Wait until everything noted so far was written, which begins at once."""
        while self._writer is not None and not self._writer.done():
            self._wanted.set()
            await asyncio.shield(self._writer)

    async def _write(self) -> None:
        while self._waiting:
            await self._gather()
            sightings, self._waiting = list(self._waiting), {}
            try:
                await self._tracking_numbers.add(sightings)
            except StoreUnavailable as error:
                lost = len(sightings)
                logger.error("the index of tracking numbers cannot be written (%s); %d sightings lost", error, lost)
                return
            self._remember(sightings)

    async def _gather(self) -> None:
        """Let more come together, until somebody wants them."""
        with suppress(TimeoutError):
            async with asyncio.timeout(GATHER_SECONDS):
                await self._wanted.wait()
        self._wanted.clear()

    def _remember(self, sightings: list[Sighting]) -> None:
        self._written.update(dict.fromkeys(sightings))
        while len(self._written) > REMEMBERED:
            self._written.popitem(last=False)
