"""Writes that go on when nobody waits for them any longer.

A client goes away, or a query runs out of time, while a provider is doing what it was sent. The write has to come to
its end all the same: what it changed is read anew from then on, and what only its answer tells is kept.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

from providers.errors import ProviderError

T = TypeVar("T")

logger = logging.getLogger(__name__)


class UnfinishedWrites:
    """The writes of this process that have not come to their end."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    async def finish(self, write: Coroutine[Any, Any, T]) -> T:
        """What `write` answers or raises. A caller that is cancelled leaves at once; the write does not end with it.

        How it fails then is logged, by its code. It must have a deadline of its own.
        """
        task = asyncio.create_task(write)
        self._tasks.add(task)  # asyncio itself holds tasks only weakly
        task.add_done_callback(self._tasks.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_log_failure)
            raise

    async def aclose(self) -> None:
        """Wait until every write has come to its end."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))


def _log_failure(task: asyncio.Task[Any]) -> None:
    if task.cancelled():
        logger.error("a write was cut off: whether it was made is not known")
        return
    error = task.exception()
    if isinstance(error, ProviderError):
        logger.warning("a write failed when nobody waited for it any longer: %s", error)
    elif error is not None:
        logger.error("a defect in a write that nobody waited for any longer", exc_info=error)
