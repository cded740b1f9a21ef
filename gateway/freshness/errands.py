"""What goes on behind answers: tasks that nobody waits for, but that are held, watched and ended in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Errands:
    """The tasks that one cache has sent off. A defect in one is logged once, whether or not anyone waits for it."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def send(self, errand: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start `errand` as a task of its own."""
        task = asyncio.create_task(errand)
        self._tasks.add(task)  # asyncio itself holds tasks only weakly
        task.add_done_callback(self._done)
        return task

    async def aclose(self, grace_seconds: float) -> None:
        """Give what is under way, and what it sends off in turn, `grace_seconds`; then cancel the rest."""
        loop = asyncio.get_running_loop()
        end = loop.time() + grace_seconds
        while self._tasks and loop.time() < end:
            await asyncio.wait(set(self._tasks), timeout=end - loop.time())
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(set(self._tasks))

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a defect behind an answer", exc_info=error)
