"""Who waits in this process for steps to end."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class EndedSteps:
    """Wakes those who wait for a registration whenever one of its steps has ended in this process."""

    def __init__(self) -> None:
        self._waiting: defaultdict[int, set[asyncio.Event]] = defaultdict(set)

    @contextmanager
    def of(self, registration_id: int) -> Iterator[asyncio.Event]:
        """An event that is set each time a step of the registration ends; whoever waits for it clears it."""
        event = asyncio.Event()
        self._waiting[registration_id].add(event)
        try:
            yield event
        finally:
            self._waiting[registration_id].discard(event)
            if not self._waiting[registration_id]:
                del self._waiting[registration_id]

    def tell(self, registration_id: int) -> None:
        """A step of the registration has ended."""
        for event in self._waiting.get(registration_id, ()):
            event.set()
